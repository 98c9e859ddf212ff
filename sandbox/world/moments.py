"""Moments of the event side: whole milliseconds since 1970, for there are a million of them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def moment(instant: datetime) -> int:
    """The moment of an instant that knows its offset."""
    return round(instant.timestamp() * SECOND)


def instant(moment: int, zone: tzinfo = UTC) -> datetime:
    """The instant of a moment, written on the clocks of a zone."""
    return datetime.fromtimestamp(moment / SECOND, zone)


@cache
def zone(name: str) -> ZoneInfo:
    """A time zone, loaded once: ZoneInfo itself keeps no more than eight."""
    return ZoneInfo(name)
