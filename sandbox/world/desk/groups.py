"""The groups that tickets are assigned to, and the agents' share of them."""

from __future__ import annotations

from dataclasses import dataclass

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

    @property
    def business_hours_id(self) -> int | None:
        """The calendar as the API names it."""
        return self.calendar.calendar_id if self.names_calendar else None


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


def groups(calendars: tuple[Calendar, ...]) -> dict[str, Group]:
    """All groups by key."""
    by_name = {calendar.name: calendar for calendar in calendars}
    return {
        key: Group(
            FIRST_GROUP_ID + 5 * number, key, name, text, by_name[calendar], names, share, limit
        )
        for number, (key, name, text, calendar, names, share, limit) in enumerate(GROUPS)
    }
