"""The groups that tickets are assigned to, and the agents' share of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sandbox.world.desk.calendars import Calendar

FIRST_GROUP_ID = 21000418001


@dataclass(frozen=True, eq=False)
class Group:
    """A team. One of them names no calendar, which means the account's default calendar."""

    group_id: int
    key: str
    name: str
    description: str
    calendar: Calendar
    names_calendar: bool
    agent_share: int
    unassigned_for: str
    later: Calendar | None = None
    """The calendar that it works by from some instant on, if that is another one."""
    changed_at: datetime | None = None

    def calendar_at(self, at: datetime) -> Calendar:
        """The calendar that it works by at an instant."""
        return self.later if self.later and self.has_changed(at) else self.calendar

    def has_changed(self, at: datetime) -> bool:
        """Whether somebody gave it another calendar by then."""
        return self.changed_at is not None and self.changed_at <= at

    def business_hours_id(self, at: datetime) -> int | None:
        """The calendar as the API names it."""
        return self.calendar_at(at).calendar_id if self.names_calendar else None


GROUPS = (
    ("americas", "Service Desk Americas", "First line, New York", "Americas", True, 6, "30m"),
    ("emea", "Service Desk EMEA", "First line, Berlin", "EMEA", True, 5, "30m"),
    ("apac", "Service Desk APAC", "First line, Seoul", "APAC", True, 4, "1h"),
    ("network", "Network Operations", "Networks, around the clock", "24x7", True, 3, "30m"),
    ("gates", "Gate Systems", "Turnstiles and scanners", "24x7", True, 3, "30m"),
    ("identity", "Identity & Access", "Accounts and permissions", "Americas", False, 2, "4h"),
    ("apps", "Business Applications", "Ticketing, CRM, finance", "EMEA", True, 3, "2h"),
    ("facilities", "Facilities", "Rooms, badges, furniture", "Americas", True, 1, "1d"),
)


CHANGES_CALENDAR = ("apps", "24x7")
"""A group whose hours change one day, and the calendar that it works by then."""


def groups(calendars: tuple[Calendar, ...], changed_at: datetime | None = None) -> dict[str, Group]:
    """All groups by key; one of them changes its calendar at that instant, if one is given."""
    by_name = {calendar.name: calendar for calendar in calendars}
    found = {
        key: Group(
            FIRST_GROUP_ID + 5 * number, key, name, text, by_name[calendar], names, share, limit
        )
        for number, (key, name, text, calendar, names, share, limit) in enumerate(GROUPS)
    }
    key, calendar = CHANGES_CALENDAR
    if changed_at:
        found[key] = replace(found[key], later=by_name[calendar], changed_at=changed_at)
    return found
