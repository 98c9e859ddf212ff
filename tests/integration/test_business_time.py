"""Business time, as the models reckon it, against a walk through the days that knows no SQL.

Hypothesis draws calendars (zones with both changes of the clocks, night shifts, holidays with and
without a year, hours around the clock, edits in between) and waits on them; all of them go through
the models in one build.
"""

import json
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox import processes
from sandbox.settings import password
from tests.integration.driving import dbt
from tests.sandboxes import Sandbox

CALENDARS, WAITS_EACH = 320, 70
FIRST, LAST = date(2024, 12, 1), date(2028, 6, 30)
BEGINNING = datetime(2025, 1, 10, tzinfo=UTC)
DAY, MINUTE = 86400, 60
ZONES = (
    "America/New_York", "Europe/Berlin", "Asia/Seoul", "Etc/UTC", "Australia/Sydney",
    "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "America/St_Johns",
    "Pacific/Auckland", "Atlantis/Center",
)  # fmt: skip


class Hours(NamedTuple):
    """What a calendar said from one edit to the next; hours are seconds by weekday, from 1."""

    valid_from: datetime
    zone: str
    hours: dict[int, tuple[int, int]]
    yearly: frozenset[tuple[int, int]]
    dated: frozenset[date]


class Case(NamedTuple):
    calendar: tuple[Hours, ...]
    moves_at: datetime | None  # when the group goes over to the next case's calendar
    waits: list[tuple[datetime, datetime]]


minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: minute * MINUTE)
office = st.tuples(st.sampled_from([7, 8, 9]), st.sampled_from([16, 17, 18])).map(
    lambda pair: (pair[0] * 3600, pair[1] * 3600)
)
around_the_clock = st.sampled_from([(0, 0), (0, DAY - MINUTE)])
around_the_change = st.tuples(
    st.sampled_from([0, 3600, 5400, 7200, 9000, 10800]), st.sampled_from([5400, 9000, 10800, 21600])
)
workday = st.one_of(office, office, st.tuples(minutes, minutes), around_the_change)
days = st.dates(FIRST, LAST)
week = st.one_of(
    around_the_clock.map(lambda hours: dict.fromkeys(range(1, 8), hours)),
    st.dictionaries(st.integers(1, 7), workday, max_size=7),
)
instants = st.integers(0, 2 * 365 * DAY).map(lambda s: BEGINNING + timedelta(seconds=s))
# Some start or end within a few hours of the nights in which clocks change.
changes = st.builds(
    lambda day, seconds: datetime.combine(day, time(), UTC) + timedelta(seconds=seconds),
    st.sampled_from(
        [date(2025, 3, 9), date(2025, 3, 30), date(2025, 4, 6), date(2025, 9, 7),
         date(2025, 10, 5), date(2025, 10, 26), date(2025, 11, 2), date(2026, 3, 8)]
    ),
    st.integers(-DAY, DAY),
)  # fmt: skip
lengths = st.one_of(
    st.integers(0, 2 * DAY), st.integers(0, 2 * DAY), st.integers(0, 20 * DAY),
    st.integers(0, 20 * DAY), st.integers(300 * DAY, 500 * DAY),
)  # fmt: skip
wait = st.builds(
    lambda start, seconds: (start, start + timedelta(seconds=seconds)),
    st.one_of(instants, changes),
    lengths,
)


@st.composite
def cases(draw: Callable[..., Any]) -> Case:
    zone = draw(st.sampled_from(ZONES))
    edits = sorted(draw(st.lists(instants, max_size=2, unique=True)))
    versions = [
        Hours(
            valid_from,
            zone,
            draw(week),
            frozenset((day.month, day.day) for day in draw(st.lists(days, max_size=4))),
            frozenset(draw(st.lists(days, max_size=4))),
        )
        for valid_from in [datetime(1970, 1, 1, tzinfo=UTC), *edits]
    ]
    moves_at = draw(st.one_of(st.none(), st.none(), instants))
    waits = draw(st.lists(wait, min_size=WAITS_EACH, max_size=WAITS_EACH))
    return Case(tuple(versions), moves_at, waits)


def drawn() -> list[Case]:
    """The cases, as hypothesis draws them."""
    found: list[Case] = []

    @settings(
        max_examples=CALENDARS,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


@cache
def _zone(name: str) -> ZoneInfo | None:
    return None if name.startswith("Atlantis") else ZoneInfo(name)


def _stretches(calendar: tuple[Hours, ...]) -> list[tuple[datetime, datetime]] | None:
    """When the calendar is open, day by day, each version while it held; None if nobody knows."""
    found = []
    for version, following in zip(calendar, [*calendar[1:], None], strict=True):
        zone = _zone(version.zone)
        if zone is None:
            return None
        held_until = following.valid_from if following else datetime.max.replace(tzinfo=UTC)
        day = FIRST
        while day <= LAST:
            hours = version.hours.get(day.isoweekday())
            holiday = (day.month, day.day) in version.yearly or day in version.dated
            if hours and not holiday:
                opens, closes = hours
                if closes == DAY - MINUTE:
                    closes = DAY
                elif closes <= opens:
                    closes += DAY
                start = max(_instant(day, opens, zone), version.valid_from)
                end = min(_instant(day, closes, zone), held_until)
                if start < end:
                    found.append((start, end))
            day += timedelta(days=1)
    merged: list[tuple[datetime, datetime]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _instant(day: date, seconds: int, zone: ZoneInfo) -> datetime:
    # Fold 0: the first of two, and of a time that is skipped what it would have been.
    local = datetime.combine(day + timedelta(days=seconds // DAY), time(), zone)
    clock = seconds % DAY
    return local.replace(hour=clock // 3600, minute=clock % 3600 // 60).astimezone(UTC)


def _open_seconds(
    stretches: list[tuple[datetime, datetime]] | None, start: datetime, end: datetime
) -> int | None:
    if stretches is None or not stretches or start < stretches[0][0]:
        return None
    total, place = 0.0, bisect_right(stretches, (start, datetime.max.replace(tzinfo=UTC))) - 1
    while place < len(stretches) and stretches[place][0] < end:
        begins, ends = max(start, stretches[place][0]), min(end, stretches[place][1])
        total += max(0.0, (ends - begins).total_seconds())
        place += 1
    return int(total)


def test_open_seconds_equal_a_walk_through_the_days(new_sandbox: Callable[..., Sandbox]) -> None:
    sandbox, found = new_sandbox(), drawn()
    processes.up(sandbox.settings)
    assert dbt(sandbox, "seed").returncode == 0
    client = clickhouse_connect.get_client(
        host=sandbox.settings.host,
        port=sandbox.settings.clickhouse_http_port,
        username="transformer",
        password=password("transformer"),
        settings={"async_insert": 0},
    )
    waits = _land(client, found)
    variables = {"calendar_starts_on": str(FIRST), "calendar_ends_on": str(LAST)}
    models = ["int_business_intervals", "int_group_calendars", "fct_ticket_status_segments"]
    ran = dbt(sandbox, "run", "-s", *models, "--vars", json.dumps(variables))
    assert ran.returncode == 0, ran.stdout
    found_seconds = client.query(
        "select ticket_id, business_seconds from marts.fct_ticket_status_segments"
        " where segment_number = 1"
    ).result_rows
    reckoned: dict[int, int | None] = {row[0]: row[1] for row in found_seconds}
    opens = [_stretches(case.calendar) for case in found]
    wrong = []
    for ticket_id, (number, start, end) in enumerate(waits, 1):
        moves_at = found[number].moves_at
        parts = [(number, start, end)]
        if moves_at and start < moves_at < end:
            following = (number + 1) % len(found)
            parts = [(number, start, moves_at), (following, moves_at, end)]
        elif moves_at and moves_at <= start:
            parts = [((number + 1) % len(found), start, end)]
        seconds = [_open_seconds(opens[place], a, z) for place, a, z in parts]
        known = [part for part in seconds if part is not None]
        expected = sum(known) if len(known) == len(seconds) else None
        if reckoned[ticket_id] != expected:
            wrong.append((found[number], start, end, expected, reckoned[ticket_id]))
    assert wrong[:3] == []
    assert len(waits) > 20_000
    assert sum(seconds is not None and seconds > 0 for seconds in reckoned.values()) > 10_000


def _land(client: Client, found: list[Case]) -> list[tuple[int, datetime, datetime]]:
    """Make what the models read; returns the waits, of which the n-th is ticket n."""
    for database in ("snapshots", "staging", "marts"):
        client.command(f"create database if not exists {database}")
    stamps = (
        "created_at Nullable(DateTime64(3, 'UTC')), updated_at DateTime64(3, 'UTC'),"
        " read_at DateTime64(3, 'UTC'), dbt_scd_id UInt64, dbt_updated_at DateTime,"
        " dbt_valid_from DateTime, dbt_valid_to Nullable(DateTime)"
    )
    client.command(
        "create table snapshots.business_hours_history (calendar_id Int64,"
        " rails_time_zone LowCardinality(Nullable(String)), workday_weekdays Array(UInt8),"
        " workday_opens_seconds Array(Nullable(UInt32)),"
        " workday_closes_seconds Array(Nullable(UInt32)), holiday_years Array(UInt16),"
        f" holiday_months Array(UInt8), holiday_days Array(UInt8), is_default Bool, {stamps})"
        " engine = MergeTree order by calendar_id"
    )
    client.command(
        "create table snapshots.groups_history (group_id Int64, calendar_id Nullable(Int64),"
        f" {stamps}) engine = MergeTree order by group_id"
    )
    client.command(
        "create table staging.int_ticket_states (ticket_id Int64, state_number UInt32,"
        " status_id UInt16, group_id Int64, history_source LowCardinality(String),"
        " starts_at DateTime64(3, 'UTC'), ends_at Nullable(DateTime64(3, 'UTC')),"
        " _built_at DateTime64(6, 'UTC')) engine = MergeTree order by ticket_id"
    )

    def stamped(at: datetime, number: int) -> list[Any]:
        # First seen a minute after the edit.
        seen_at = max(at, BEGINNING - timedelta(days=9)) + timedelta(minutes=1)
        return [None, at, seen_at, number, seen_at, seen_at, None]

    calendars, groups = [], []
    for number, case in enumerate(found):
        for place, version in enumerate(case.calendar):
            week = sorted(version.hours.items())
            holidays = [(0, month, day) for month, day in sorted(version.yearly)]
            holidays += [(day.year, day.month, day.day) for day in sorted(version.dated)]
            calendars.append(
                [
                    number + 1, version.zone, [day for day, _ in week],
                    [hours[0] for _, hours in week], [hours[1] for _, hours in week],
                    *([holiday[part] for holiday in holidays] for part in range(3)),
                    False, *stamped(version.valid_from, place),
                ]
            )  # fmt: skip
        groups.append([number + 1, number + 1, *stamped(datetime(1970, 1, 1, tzinfo=UTC), 0)])
        if case.moves_at:
            following = (number + 1) % len(found) + 1
            groups.append([number + 1, following, *stamped(case.moves_at, 1)])
    client.insert("snapshots.business_hours_history", calendars)
    client.insert("snapshots.groups_history", groups)
    waits = [(number, *wait) for number, case in enumerate(found) for wait in case.waits]
    states = []
    for ticket_id, (number, start, end) in enumerate(waits, 1):
        states.append([ticket_id, 1, 2, number + 1, "versions", start, end, BEGINNING])
        states.append([ticket_id, 2, 5, number + 1, "versions", end, None, BEGINNING])
    client.insert("staging.int_ticket_states", states)
    return waits
