"""The service desk's business hours: when a group works, and on which days it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sandbox.world.moments import zone

RAILS_ZONES = {
    "Eastern Time (US & Canada)": "America/New_York",
    "Berlin": "Europe/Berlin",
    "Seoul": "Asia/Seoul",
    "UTC": "Etc/UTC",
    "London": "Europe/London",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "New Delhi": "Asia/Kolkata",
    "Brasilia": "America/Sao_Paulo",
    "Sydney": "Australia/Sydney",
}
"""Zones as Freshservice names them, and as the rest of the world does."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MIDNIGHT = time()
Hours = tuple[time, time]


@dataclass(frozen=True, eq=False)
class Calendar:
    """One set of business hours: at most one interval a day, in one time zone.

    An end at midnight is the end of the day: the calendar that is open around the clock.
    """

    calendar_id: int
    name: str
    rails_zone: str
    hours: Mapping[str, Hours]
    yearly_holidays: Mapping[tuple[int, int], str]
    dated_holidays: Mapping[date, str]
    is_default: bool = False
    before: Calendar | None = None
    """The calendar as it was, if somebody edited it since."""
    edited_at: datetime | None = None

    def known(self, at: datetime) -> Calendar:
        """The calendar as the account had it at an instant."""
        return self.before if self.before and self.edited_at and at < self.edited_at else self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone under its usual name."""
        return zone(RAILS_ZONES[self.rails_zone])

    def is_holiday(self, day: date) -> bool:
        """Whether the desk is closed all day, whatever day of the week it is."""
        return (day.month, day.day) in self.yearly_holidays or day in self.dated_holidays

    @cache  # noqa: B019 (there are four calendars, and they live as long as the process)
    def interval(self, day: date) -> tuple[datetime, datetime] | None:
        """When the desk is open on a local day, as UTC instants; None on days off.

        An edit changes no day before it: what was open was open, whatever is written down later.
        """
        if self.before and self.edited_at:
            begins = datetime.combine(day, MIDNIGHT, self.zone)
            if begins < self.edited_at:
                return self.before.interval(day)
        hours = self.hours.get(WEEKDAYS[day.weekday()])
        if hours is None or self.is_holiday(day):
            return None
        opens, closes = hours
        last = day + timedelta(days=1) if closes == MIDNIGHT else day
        return (
            datetime.combine(day, opens, self.zone).astimezone(UTC),
            datetime.combine(last, closes, self.zone).astimezone(UTC),
        )

    @cache  # noqa: B019 (as above)
    def seconds(self, day: int) -> tuple[int, int]:
        """The same by the day's ordinal, in seconds since 1970; a day off is no time at all."""
        interval = self.interval(date.fromordinal(day))
        return (int(interval[0].timestamp()), int(interval[1].timestamp())) if interval else (0, 0)


def easter(year: int) -> date:
    """Easter Sunday, by the method printed in Nature in 1876."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    moon = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * moon) // 433
    month = (h + moon - 7 * m + 90) // 25
    return date(year, month, (h + moon - 7 * m + 33 * month + 19) % 32)


def edited(calendar: Calendar, at: datetime) -> Calendar:
    """The calendar after two days off were added: one that is long past, and one to come."""
    past, ahead = (at + timedelta(days=days) for days in (-11, 4))
    added = {past.date(): "Umzug (nachgetragen)", ahead.date(): "Betriebsausflug"}
    holidays = {**calendar.dated_holidays, **added}
    return replace(calendar, dated_holidays=holidays, before=calendar, edited_at=at)


def calendars(start: date, edited_at: datetime | None = None) -> tuple[Calendar, ...]:
    """The four calendars of the desk; movable feasts are dated for the years around the start.

    The second is edited at that instant, if one is given: by then none of them may be at work.
    """
    americas, emea, *others = _calendars(start)
    return (americas, edited(emea, edited_at) if edited_at else emea, *others)


def _calendars(start: date) -> tuple[Calendar, ...]:
    weekdays, years = WEEKDAYS[:5], range(start.year - 1, start.year + 3)
    movable = {
        easter(year) + timedelta(days=days): name
        for year in years
        for days, name in ((-2, "Karfreitag"), (1, "Ostermontag"), (39, "Himmelfahrt"))
    }
    return (
        Calendar(
            21000011791,
            "Americas",
            "Eastern Time (US & Canada)",
            {day: (time(8), time(17)) for day in weekdays},
            {
                (1, 1): "New Year's Day",
                (6, 19): "Juneteenth",
                (7, 4): "Independence Day",
                (11, 11): "Veterans Day",
                (12, 25): "Christmas Day",
            },
            {},
            is_default=True,
        ),
        Calendar(
            21000011792,
            "EMEA",
            "Berlin",
            {
                **{day: (time(8, 30), time(17, 30)) for day in weekdays[:4]},
                "friday": (time(8, 30), time(16)),
            },
            {
                (1, 1): "Neujahr",
                (5, 1): "Tag der Arbeit",
                (10, 3): "Einheit",
                (12, 25): "Weihnacht",
            },
            movable,
        ),
        Calendar(
            21000011793,
            "APAC",
            "Seoul",
            {**{day: (time(9), time(18)) for day in weekdays}, "saturday": (time(9), time(13))},
            {(1, 1): "신정", (3, 1): "삼일절", (8, 15): "광복절", (10, 9): "한글날"},
            {},
        ),
        Calendar(
            21000011794,
            "24x7",
            "UTC",
            dict.fromkeys(WEEKDAYS, (MIDNIGHT, MIDNIGHT)),
            {},
            {},
        ),
    )
