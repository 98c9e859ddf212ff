"""Lists over REST against raw: what they show, up to the last that landed."""

from collections.abc import Callable
from datetime import UTC, datetime
from datetime import time as midnight
from typing import Any

from clickhouse_connect.driver.client import Client

from loaders import rest
from loaders.audit.windows import KEPT, STEPS, Tally, Window, seconds_since
from loaders.batch import Tell
from loaders.door import RefusedError
from loaders.landing import Server
from loaders.privacy import Privacy


def of_list(
    source: str, feed: rest.Feed, connect: Callable[[], rest.Api], tell: Tell
) -> list[Window]:
    """Compare what a list shows, up to the last that landed, with raw.

    What the door refuses is left out. Of records that are stated anew the latest is compared, as a
    list need not show what held before; of one that `keeps_past` each statement is.

    Parameters
    ----------
    source, feed
        The list; no part of its key may name a person.
    connect
        Returns its API.
    tell
        Told how many records were read.

    Raises
    ------
    GatehouseError
        When the API or ClickHouse cannot go on.
    """
    since = datetime.combine(datetime.now(UTC) - KEPT, midnight.min, UTC)
    door = feed.door(Privacy.from_env())
    names = [name for name in feed.key if feed.keeps_past or name != feed.reported_at]
    latest: dict[str, datetime] = {}
    with Server.from_env().connect() as client:
        newest = _newest(client, feed)
        if newest < since:
            return []
        for page in connect().pages(feed.path, **{feed.since: rest.instant(since)}):
            for record in page.records:
                try:
                    parsed = door.parse(rest.written(record)[0])
                    row = feed.row(parsed, door.admit(parsed))
                except RefusedError:
                    continue
                fields = dict(zip(feed.columns.names, row, strict=True))
                identity = "/".join(_text(fields[name]) for name in names)
                reported_at = fields[feed.reported_at]
                latest[identity] = max(reported_at, latest.get(identity, reported_at))
            tell(len(latest), 0, feed.name)
        tally = Tally()
        for identity, reported_at in latest.items():
            if reported_at <= newest:
                tally.add(reported_at.date(), f"{identity}/{_text(reported_at)}")
        # What raw has of these is not what the list shows now.
        later = [it for it, reported_at in latest.items() if reported_at > newest]
        raw = client.query(
            f"""
            select
                toDate(latest_at) as day,
                count(),
                sum(CRC32(identity || '/' || toString(latest_at)))
            from (
                select
                    concatWithSeparator('/', {", ".join(names)}) as identity,
                    max({feed.reported_at}) as latest_at
                from raw.{feed.table}
                where {feed.reported_at} <= {{newest:DateTime64(3, 'UTC')}}
                group by identity
                having identity not in {{later:Array(String)}}
            )
            where latest_at >= {{since:DateTime64(3, 'UTC')}}
            group by day
            """,  # noqa: S608  names of our own
            parameters={
                "since": since,
                "newest": newest,
                "later": [] if feed.keeps_past else later,
            },
        ).result_rows
    return [
        Window(
            source,
            STEPS[0],
            f"REST {feed.name}",
            f"raw.{feed.table}",
            str(day),
            *numbers,
            remedy=f"Run `SOURCES__{source.upper()}__OVERLAP_SECONDS={seconds_since(day)} "
            f"gatehouse load {source}`: it asks for what was reported so far back.",
        )
        for day, numbers in tally.against(raw)
    ]


def _newest(client: Client, feed: rest.Feed) -> datetime:
    """Return what was reported last of all that landed; a date yet to come does not count."""
    statement = f"""
        select maxIf({feed.reported_at}, {feed.reported_at} <= landed_at) from raw.{feed.table}
    """  # noqa: S608  names of our own
    found: datetime = client.query(statement).result_rows[0][0]
    return found.replace(tzinfo=UTC)


def _text(value: Any) -> str:
    """Write a value as ClickHouse does."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(" ", timespec="milliseconds")[:23]
    return str(value)
