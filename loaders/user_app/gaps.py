"""What raw lacks of the messages, seen by their numbers.

The server numbers messages one by one, whichever lane brings them. So what the socket missed shows
as a gap between two that are there, and only its stretch of time is asked for over REST. At
midnight the numbers jump: that gap is asked for in vain. A refused message is not missing.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from loaders.user_app.records import SOURCE, TABLE, Place

BEGINNING = Place(-1, datetime(1970, 1, 1, tzinfo=UTC))


class Gap(NamedTuple):
    """What was received between two messages that are there; without the second, all after it."""

    after: Place
    before: Place | None

    def holds(self, place: Place | None) -> bool:
        """Whether a message belongs here; one that does not tell its number may."""
        if place is None:
            return True
        return self.after.seq < place.seq and (not self.before or place.seq < self.before.seq)


def missing(client: Client, cursor: Place, overlap: timedelta) -> list[Gap]:
    """Return the gaps, oldest first, the last one without an end.

    Parameters
    ----------
    cursor
        Up to here REST was read before.
    overlap
        How far before it gaps are looked for: a message that the server numbered and did not show
        yet.
    """
    found = client.query(
        f"""
        select seq, received_at, next_seq, next_received_at
        from (
            select
                seq,
                received_at,
                leadInFrame(toNullable(seq)) over following as next_seq,
                leadInFrame(toNullable(received_at)) over following as next_received_at
            from (
                select toInt64(seq) as seq, received_at
                from raw.{TABLE}
                where received_at >= {{since:DateTime64(3, 'UTC')}}
                union distinct
                select toInt64OrZero(position), assumeNotNull(source_at)
                from raw.dead_letters
                where source = {{source:String}} and source_at >= {{since:DateTime64(3, 'UTC')}}
                union distinct
                select {{seq:Int64}}, {{received_at:DateTime64(3, 'UTC')}}
            )
            window following as (order by seq rows between current row and 1 following)
        )
        where next_seq is null or next_seq > seq + 1
        order by seq
        """,  # noqa: S608  the name of our own table
        parameters={
            "since": max(BEGINNING.received_at, cursor.received_at - overlap),
            "source": SOURCE,
            "seq": cursor.seq,
            "received_at": cursor.received_at,
        },
    )
    return [
        Gap(
            Place(seq, at.replace(tzinfo=UTC)),
            Place(next_seq, next_at.replace(tzinfo=UTC)) if next_seq is not None else None,
        )
        for seq, at, next_seq, next_at in found.result_rows
    ]
