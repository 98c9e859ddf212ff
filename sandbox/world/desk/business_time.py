"""Business time the plain way: day by day, in local time, with no cleverness to be wrong about."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from sandbox.world.desk.calendars import Calendar
from sandbox.world.desk.groups import Group

ONE_DAY = timedelta(days=1)
NOTHING = timedelta()


# A ticket's measures mostly end in the same instants, and one group holds it from end to end.
@lru_cache(maxsize=1 << 12)
def business_seconds(calendar: Calendar, start: datetime, end: datetime) -> int:
    """How many seconds the calendar is open between two instants."""
    total, first, until = 0, int(start.timestamp()), int(end.timestamp())
    day, last = start.astimezone(calendar.zone).toordinal(), end.astimezone(calendar.zone)
    for number in range(day, last.toordinal() + 1):
        opens, closes = calendar.seconds(number)
        total += max(0, min(until, closes) - max(first, opens))
    return total


def held_seconds(group: Group | None, default: Calendar, start: datetime, end: datetime) -> int:
    """How many seconds a group is at work between two instants, by its calendar as it was then.

    What nobody holds is counted by the account's default calendar, as the SLA does.
    """
    if group is None:
        return business_seconds(default, start, end)
    changed_at = group.changed_at
    if changed_at and start < changed_at < end:
        first = business_seconds(group.calendar, start, changed_at)
        return first + business_seconds(group.calendar_at(changed_at), changed_at, end)
    return business_seconds(group.calendar_at(start), start, end)


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
