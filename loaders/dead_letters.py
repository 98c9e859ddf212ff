"""Dead letters: records refused at the door, kept sealed until they are replayed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from loaders.door import RefusedError
from loaders.errors import GatehouseError
from loaders.privacy import Privacy

TABLE = "dead_letters"
SCHEMA = pa.schema(
    [
        ("dead_letter_id", pa.string()),
        ("source", pa.string()),
        ("feed", pa.string()),
        ("position", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("source_at", pa.timestamp("ms", "UTC")),
        ("payload_sealed", pa.string()),
        ("status", pa.string()),
    ]
)


@dataclass(frozen=True)
class DeadLetter:
    """One refused record; the fields are the columns of `raw.dead_letters`."""

    dead_letter_id: str
    source: str
    feed: str
    position: str
    reason: str
    detail: str
    source_at: datetime | None
    payload_sealed: str
    status: str = "open"


def bury(
    privacy: Privacy,
    source: str,
    feed: str,
    position: str,
    refused: RefusedError,
    data: bytes | None,
    source_at: datetime | None,
) -> DeadLetter:
    """Make the dead letter of a record; the same record refused again has the same id."""
    identity = f"{source}/{feed}/{position}/{(data or b'').hex()}"
    return DeadLetter(
        dead_letter_id=privacy.lasting(identity),
        source=source,
        feed=feed,
        position=position,
        reason=refused.reason,
        detail=refused.detail,
        source_at=source_at,
        payload_sealed=privacy.seal(data or b""),
    )


def table(letters: Iterable[DeadLetter]) -> pa.Table:
    """Return dead letters as rows to land."""
    return pa.Table.from_pylist([vars(letter) for letter in letters], schema=SCHEMA)


def find(
    client: Client,
    *,
    ids: list[str] | None = None,
    source: str = "",
    reason: str = "",
    status: str = "open",
) -> list[DeadLetter]:
    """Read dead letters from ClickHouse, oldest first.

    Parameters
    ----------
    ids
        Beginnings of ids; none means all.
    source, reason, status
        Exact values; empty means any.

    Raises
    ------
    GatehouseError
        When an id given matches nothing.
    """
    if not client.command("exists table raw.dead_letters"):
        return []  # nothing was ever loaded
    rows = client.query(
        """
        select
            dead_letter_id, source, feed, position, reason, detail, source_at, payload_sealed,
            status
        from raw.dead_letters final
        where (source = {source:String} or empty({source:String}))
            and (reason = {reason:String} or empty({reason:String}))
            and (status = {status:String} or empty({status:String}))
            and (empty({ids:Array(String)})
                or arrayExists(id -> startsWith(dead_letter_id, id), {ids:Array(String)}))
        order by landed_at, dead_letter_id
        """,
        parameters={"source": source, "reason": reason, "status": status, "ids": ids or []},
    )
    found = [DeadLetter(**row) for row in rows.named_results()]
    for wanted in ids or []:
        if not any(letter.dead_letter_id.startswith(wanted) for letter in found):
            raise GatehouseError(
                f"There is no {status} dead letter {wanted}.", "See `gatehouse dlq list`."
            )
    return found
