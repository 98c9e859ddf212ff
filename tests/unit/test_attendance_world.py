"""Attendance as the world tells it: nobody is in two places, the counters count the scans."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from sandbox.truth.attendance import FILES, attendance_rows
from sandbox.world import World
from sandbox.world.attendance.attendance import EARLIEST, LATEST, AppMessage, GateMinute
from sandbox.world.attendance.dirt import EXPECTED
from sandbox.world.moments import DAY, MINUTE, SECOND, moment

START = date(2026, 2, 15)  # 40 days with the clock change in America
SCHEMAS = Path(__file__).parents[2] / "loaders" / "schemas"
Row = dict[str, Any]


class Told:
    """A world with all that it tells."""

    def __init__(self, seed: int = 1, scale: float = 0.04, days: int = 40, dirt: float = 0) -> None:
        self.world = World(seed, scale, START, days, dirt)
        self.now = moment(self.world.end_of_history)
        self.world.happenings.tell_until(self.now)
        attendance = self.world.attendance
        self.messages = list(attendance.app_messages(0, self.now))
        self.minutes = list(attendance.gate_minutes(0, self.now))
        self.truth: defaultdict[str, list[Row]] = defaultdict(list)
        for name, rows in attendance_rows(self.world, self.now):
            self.truth[name] += map(dict, rows)

    def scans(self) -> Iterator[AppMessage]:
        return (m for m in self.messages if m.body["type"] in ("check_in", "check_out"))


@pytest.fixture(scope="module")
def clean() -> Told:
    return Told()


@pytest.fixture(scope="module")
def filthy() -> Told:
    return Told(dirt=0.1)


def at(text: str) -> int:
    return moment(datetime.fromisoformat(text))


def is_admitted(message: AppMessage) -> bool:
    properties = message.body["properties"]
    return bool(properties["result"] == "ok" or properties["is_override"])


def test_a_world_told_in_steps_tells_the_same(clean: Told) -> None:
    world = World(1, 0.04, START, 40, 0)
    messages: list[AppMessage] = []
    minutes: list[GateMinute] = []
    since = 0
    for hours in (1, 5, 24, 300, 301.5, 700, 960):
        until = moment(world.opening + timedelta(hours=hours))
        world.happenings.tell_until(until)
        messages += world.attendance.app_messages(since, until)
        minutes += world.attendance.gate_minutes(since, until)
        since = until
    assert messages == clean.messages
    assert minutes == clean.minutes


def test_a_page_is_told_without_those_before_it(clean: Told) -> None:
    world = World(1, 0.04, START, 40, 0)
    world.happenings.tell_until(clean.now)
    since, until = clean.now - 3 * DAY, clean.now - 2 * DAY - 7
    page = list(world.attendance.app_messages(since, until))
    assert page == [m for m in clean.messages if since < m.received_at <= until]
    reports = list(world.attendance.gate_minutes(since, until))
    assert reports == [m for m in clean.minutes if since < m.reported_at <= until]
    assert page
    assert reports


def test_numbers_rise_and_count_the_messages_of_a_day(clean: Told) -> None:
    days = Counter(message.received_at // DAY for message in clean.messages)
    assert [m.seq for m in clean.messages] == sorted({m.seq for m in clean.messages})
    for message in clean.messages:
        assert (
            message.seq - message.received_at // DAY * 10_000_000
            <= days[message.received_at // DAY]
        )


def test_nothing_of_the_future_is_told(clean: Told) -> None:
    assert all(message.received_at <= clean.now for message in clean.messages)
    assert all(report.reported_at <= clean.now for report in clean.minutes)
    later = clean.world.attendance.app_messages(clean.now, clean.now + DAY)
    assert not list(later)


def test_nobody_is_in_two_places(clean: Told) -> None:
    people: defaultdict[str, list[Row]] = defaultdict(list)
    for visit in clean.truth["attendance_visits"]:
        people[visit["user_id"]].append(visit)
    for visits in people.values():
        visits.sort(key=lambda visit: visit["in"])
        for one, other in pairwise(visits):
            assert one["out"] < other["in"]
            if one["event_id"] != other["event_id"]:
                assert at(other["in"]) - at(one["out"]) >= 10 * MINUTE


def test_all_who_came_in_went_out_or_are_inside(clean: Told) -> None:
    minutes: defaultdict[str, list[Row]] = defaultdict(list)
    for row in clean.truth["attendance_occupancy"]:
        minutes[row["event_id"]].append(row)
    for event in clean.truth["attendance_events"]:
        rows, inside = minutes[event["event_id"]], 0
        for row in rows:
            inside += row["entries"] - row["exits"]
            assert row["inside"] == inside >= 0 <= row["really_inside"]
        assert max((row["inside"] for row in rows), default=0) == event["peak"]
        assert inside == 0 or not event["is_settled"]


def test_a_real_exit_is_scanned_unless_the_truth_says_it_is_missing(clean: Told) -> None:
    scanned = {
        (scan["event_id"], scan["user_id"], scan["at"])
        for scan in clean.truth["attendance_scans"]
        if scan["direction"] == "out"
    }
    missing = 0
    for visit in clean.truth["attendance_visits"]:
        if visit["out"]:
            found = (visit["event_id"], visit["user_id"], visit["out"]) in scanned
            assert found != visit["is_exit_missing"]
            missing += not found
    assert 0.08 < missing / len(clean.truth["attendance_visits"]) < 0.35


def test_messages_say_what_the_truth_says(clean: Told) -> None:
    truth = {row["message_id"]: row for row in clean.truth["attendance_scans"]}
    for message in clean.scans():
        body, row = message.body, truth[message.body["message_id"]]
        assert at(body["timestamp"]) == at(row["at"])
        assert at(row["received_at"]) == message.received_at
        assert body["gate_id"] == row["gate_id"]
        assert is_admitted(message) == row["is_admitted"]


def test_clocks_are_right_to_the_second_without_dirt(clean: Told) -> None:
    for message in clean.messages:
        assert abs(at(message.body["sent_at"]) - message.received_at) < 10 * SECOND


def test_the_last_report_of_a_minute_counts_its_scans(clean: Told) -> None:
    counted: defaultdict[tuple[str, str, int, int], Counter[str]] = defaultdict(Counter)
    for scan in clean.truth["attendance_scans"]:
        minute = at(scan["at"]) // MINUTE * MINUTE
        what = scan["result"]
        if scan["is_admitted"]:
            what = "exits" if scan["direction"] == "out" else "entries"
        counted[scan["event_id"], scan["gate_id"], scan["lane"], minute][what] += 1
    reported = {(m.body["event_id"], m.gate_id, m.lane, m.minute_at): m.body for m in clean.minutes}
    late = {row["event_id"] for row in clean.truth["attendance_events"] if not row["is_settled"]}
    for key, body in reported.items():
        if key[0] not in late:
            numbers = Counter(entries=body["entries"], exits=body["exits"], **body["rejects"])
            assert +numbers == counted.pop(key, Counter())
    assert not [key for key in counted if key[0] not in late]


def test_the_numbers_of_an_event_follow_from_its_messages(clean: Told) -> None:
    people: defaultdict[str, set[str]] = defaultdict(set)
    shown: defaultdict[str, set[str]] = defaultdict(set)
    for message in clean.scans():
        body = message.body
        if body["type"] == "check_in" and is_admitted(message):
            people[body["event_id"]].add(body["user_id"])
            shown[body["event_id"]].add(body["properties"]["registration_id"])
    confirmed: defaultdict[str, set[str]] = defaultdict(set)
    for story in clean.world.happenings.stories:
        doors_at = story.event.changes[-1].state.doors_open_at
        for registration in story.registrations:
            statuses = [c.state.status for c in registration.changes if c.at <= doors_at]
            if statuses and statuses[-1] == "confirmed":
                confirmed[story.event.event_id].add(registration.registration_id)
    rows = clean.truth["attendance_events"]
    for row in rows:
        event_id = row["event_id"]
        assert row["attendance"] == len(people[event_id])
        assert row["confirmed"] == len(confirmed[event_id])
        assert row["no_show"] == len(confirmed[event_id] - shown[event_id])
        assert row["attendance"] == (
            row["checked_in_people"] + row["late_ticket_people"] + row["walk_ups"]
        )
    settled = [row for row in rows if row["is_settled"]]
    no_shows = sum(row["no_show"] for row in settled) / sum(row["confirmed"] for row in settled)
    assert 0.08 < no_shows < 0.2


def test_everything_that_happens_at_doors_happens(clean: Told) -> None:
    results = Counter(
        (m.body["properties"]["result"], m.body["properties"]["is_override"]) for m in clean.scans()
    )
    for reason in ("duplicate", "invalid", "wrong_gate"):
        assert results[reason, False]
        assert results[reason, True]
    assert results["revoked", False]
    assert any(m.body["properties"]["is_offline"] for m in clean.scans())
    replayed = (m.received_at - at(m.body["timestamp"]) for m in clean.scans())
    assert max(replayed) > 30 * MINUTE
    assert {m.body["type"] for m in clean.messages} == {
        "check_in", "check_out", "session_join", "session_leave",
        "view", "poll_answer", "question", "rating",
    }  # fmt: skip
    assert 0 < sum(m.dropped for m in clean.messages) < len(clean.messages) / 10
    assert {m.body["status"] for m in clean.minutes} == {"online", "degraded", "offline"}
    reports = Counter((m.gate_id, m.lane, m.minute_at) for m in clean.minutes)
    assert max(reports.values()) > 1
    visits = clean.truth["attendance_recorded_visits"]
    assert {v["imputed_by"] for v in visits} >= {None, "event_end"}
    assert any(v["visit_number"] > 1 for v in visits)
    assert any(row["late_ticket_people"] for row in clean.truth["attendance_events"])
    assert any(row["walk_ups"] for row in clean.truth["attendance_events"])
    zones = {m.body["timestamp"][23:] for m in clean.messages}
    assert len(zones) > 8


def test_sessions_overlap_overrun_and_are_left_in_silence(clean: Told) -> None:
    rows = clean.truth["session_attendance"]
    assert {row["left_by"] for row in rows} >= {"leave", "session_end", "next_join"}
    ends = {
        session.session_id: session.changes[-1].state.ends_at
        for story in clean.world.happenings.stories
        for session in story.sessions
    }
    assert any(at(row["really_left_at"]) > ends[row["session_id"]] + 3 * MINUTE for row in rows)
    people: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        people[row["event_id"], row["user_id"]].append(row)
    assert any(
        one["session_id"] != other["session_id"]
        and one["really_joined_at"] < other["really_joined_at"] < one["really_left_at"]
        for sat in people.values()
        for one in sat
        for other in sat
    )


def test_a_scaled_world_has_a_scaled_volume(clean: Told) -> None:
    # 40 of 90 days, at a 25th: about 500,000 messages and 250,000 minutes, which scale by the root.
    assert 0.6 < len(clean.messages) / (500_000 * 0.04 * 40 / 90) < 1.6
    assert len(clean.minutes) < 250_000 * 0.2 * 40 / 90


def test_messages_come_within_their_window(filthy: Told) -> None:
    states = {
        story.event.event_id: story.event.changes[-1].state
        for story in filthy.world.happenings.stories
    }
    for message in filthy.messages:
        state = states.get(message.body.get("event_id") or "")
        if state:
            assert state.doors_open_at - EARLIEST <= message.received_at
            assert message.received_at < state.ends_at + LATEST


def test_every_kind_of_dirt_is_there_and_told(filthy: Told) -> None:
    told = Counter((row["source"], row["kind"]) for row in filthy.truth["dirt"])
    served = Counter(("user_app", m.dirt) for m in filthy.messages if m.dirt)
    served += Counter(("gate_management", m.dirt) for m in filthy.minutes if m.dirt)
    assert told == served
    assert {kind for _, kind in told} == set(EXPECTED)
    dirty = sum(m.dirt is not None for m in filthy.messages)
    assert 0.06 < dirty / len(filthy.messages) < 0.16


def test_only_broken_messages_fail_their_schema(filthy: Told) -> None:
    app = json.loads((SCHEMAS / "user_app_schema_v2.json").read_text())
    gate = json.loads((SCHEMAS / "gate_metrics_schema.json").read_text())
    gate = {**gate, "$ref": "#/$defs/gate_minute"}
    for schema, rows in ((app, filthy.messages), (gate, filthy.minutes)):
        validator = jsonschema_rs.validator_for(schema, validate_formats=True)
        for row in rows:
            refused = EXPECTED.get(row.dirt or "", "lands").startswith("dead_letter:")
            assert validator.is_valid(row.body) != refused, row


def test_dirt_changes_nothing_that_happened(filthy: Told, clean: Told) -> None:
    for name in FILES:
        assert filthy.truth[name] == clean.truth[name]


def test_a_wrong_clock_can_be_set_right(filthy: Told) -> None:
    truth = {row["message_id"]: at(row["at"]) for row in filthy.truth["attendance_scans"]}
    skewed = [m for m in filthy.messages if m.dirt == "clock_skew"]
    for message in skewed:
        off = at(message.body["sent_at"]) - message.received_at
        assert abs(off) > 120 * SECOND
        meant = truth.get(message.body["message_id"])
        if meant:
            assert abs(at(message.body["timestamp"]) - off - meant) < 3 * SECOND
    assert skewed


@pytest.mark.parametrize(
    ("seed", "scale", "days", "dirt"), [(7, 0.01, 1, 0.1), (3, 0.0005, 3, 1.0), (11, 0.01, 25, 0.5)]
)
def test_odd_worlds_are_told_as_well(seed: int, scale: float, days: int, dirt: float) -> None:
    told = Told(seed, scale, days, dirt)
    assert [m.received_at for m in told.messages] == sorted(m.received_at for m in told.messages)
    assert all(json.dumps(m.body) for m in told.messages)
