"""Sweeps: which ids a list showed when it was read to its end.

They stand in raw beside the records and are the only memory of what was asked: no cursor is kept
for children or for lists that are read whole.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import dlt
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from loaders.freshservice.records import SOURCE, Parent
from loaders.freshservice.window import EPOCH

TABLE = f"{SOURCE}__sweeps"
SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("feed", pa.string()),
        ("parent_type", pa.string()),
        ("parent_id", pa.int64()),
        ("parent_at", pa.timestamp("ms", "UTC")),
        ("record_ids", pa.list_(pa.int64())),
        ("read_at", pa.timestamp("ms", "UTC")),
    ]
)
ACCOUNT = Parent("", 0)


class Sweep(NamedTuple):
    """A list that was read to its end, as a row of the table."""

    feed: str
    parent: Parent
    parent_at: datetime | None
    record_ids: tuple[int, ...]
    read_at: datetime


def items(sweeps: list[Sweep]) -> Iterator[Any]:
    """Yield the sweeps for dlt."""
    if sweeps:
        rows = [
            (SOURCE, s.feed, *s.parent, s.parent_at, list(s.record_ids), s.read_at) for s in sweeps
        ]
        columns = zip(*rows, strict=True)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
        yield dlt.mark.with_table_name(pa.Table.from_arrays(arrays, schema=SCHEMA), TABLE)


def previous(client: Client) -> dict[str, Sweep]:
    """Return the latest sweep of each of the account's own lists."""
    rows = client.query(
        f"""
        select feed, toUnixTimestamp64Milli(read_at), record_ids
        from raw.{TABLE} final
        where parent_type = ''
        """  # noqa: S608  a constant
    ).result_rows
    return {
        feed: Sweep(feed, ACCOUNT, None, tuple(ids), from_milliseconds(read_at))
        for feed, read_at, ids in rows
    }


def from_milliseconds(value: int) -> datetime:
    """Return an instant that ClickHouse told as milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=value)
