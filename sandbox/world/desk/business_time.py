"""Business time the plain way: day by day, in local time, with no cleverness to be wrong about."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.world.desk.calendars import Calendar

ONE_DAY = timedelta(days=1)
NOTHING = timedelta()


def business_seconds(calendar: Calendar, start: datetime, end: datetime) -> int:
    """How many seconds the calendar is open between two instants."""
    total = NOTHING
    day, last = start.astimezone(calendar.zone).date(), end.astimezone(calendar.zone).date()
    while day <= last:
        interval = calendar.interval(day)
        if interval:
            total += max(NOTHING, min(end, interval[1]) - max(start, interval[0]))
        day += ONE_DAY
    return int(total.total_seconds())


def advance(calendar: Calendar, start: datetime, seconds: float) -> datetime:
    """The instant by which the calendar was open for so many seconds since `start`."""
    left = timedelta(seconds=int(seconds))
    day = start.astimezone(calendar.zone).date()
    while True:
        interval = calendar.interval(day)
        if interval:
            opens = max(start, interval[0])
            if opens + left <= interval[1]:
                return opens + left
            left -= max(NOTHING, interval[1] - opens)
        day += ONE_DAY


def is_open(calendar: Calendar, moment: datetime) -> bool:
    """Whether the calendar is open at an instant."""
    interval = calendar.interval(moment.astimezone(calendar.zone).date())
    return bool(interval and interval[0] <= moment < interval[1])
