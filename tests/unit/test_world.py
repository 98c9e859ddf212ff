"""The generator: the same parameters give the same world, and the world keeps its promises."""

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema_rs
import pytest

from sandbox.truth.files import write_truth
from sandbox.world import World
from sandbox.world.clock import ClockError, WorldClock
from sandbox.world.desk.business_time import advance, business_seconds
from sandbox.world.desk.calendars import Calendar, calendars
from sandbox.world.dirt import EXPECTED
from sandbox.world.moments import moment

START = date(2026, 1, 15)  # 90 days with clock changes in America and Europe
SCHEMA = Path(__file__).parents[2] / "loaders" / "schemas" / "event_data_schema.json"


def make(seed: int = 1, scale: float = 0.01, days: int = 90, dirt: float = 0.0) -> World:
    return World(seed, scale, START, days, dirt)


def fingerprint(world: World) -> str:
    digest = sha256()
    for record in world.event_records():
        digest.update(repr((record.partition, record.offset, record.key, record.value)).encode())
    for ticket in world.desk.tickets(world.end_of_history):
        digest.update(repr((ticket.ticket_id, ticket.status, ticket.updated_at)).encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def clean() -> World:
    world = make()
    world.topic.advance(moment(world.end_of_history))
    return world


@pytest.fixture(scope="module")
def filthy() -> World:
    world = make(dirt=0.2)
    world.topic.advance(moment(world.end_of_history))
    return world


def test_the_same_parameters_give_the_same_bytes() -> None:
    assert fingerprint(make(dirt=0.05)) == fingerprint(make(dirt=0.05))


def test_another_seed_gives_another_world_of_about_the_same_size(clean: World) -> None:
    other = make(seed=2)
    assert fingerprint(other) != fingerprint(clean)
    assert sum(other.topic.ends) == pytest.approx(sum(clean.topic.ends), rel=0.15)


def test_a_hundredth_of_the_scale_is_a_hundredth_of_the_volume(clean: World) -> None:
    assert sum(clean.topic.ends) >= 5_000
    assert len(clean.desk.tickets(clean.end_of_history)) == 206


def test_moving_the_clock_only_appends(clean: World) -> None:
    stepwise = make()
    for days in (1, 40, 89, 90):
        stepwise.topic.advance(moment(stepwise.opening + timedelta(days=days)))
    assert list(stepwise.topic.all_records()) == list(clean.topic.all_records())


def test_without_dirt_every_message_is_there_once_and_in_order(clean: World) -> None:
    last: dict[bytes, datetime] = {}
    seen = Counter[str]()
    for record in clean.topic.all_records():
        assert record.message is not None
        seen[record.message["message_id"]] += 1
        assert record.message["occurred_at"] >= last.get(record.key, clean.opening)
        last[record.key] = record.message["occurred_at"]
    assert set(seen.values()) == {1}
    assert not list(clean.topic.dirt())


def test_good_records_pass_the_schema_and_broken_ones_do_not(filthy: World) -> None:
    schema = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()), validate_formats=True)
    kinds = Counter[str]()
    for record in filthy.topic.all_records():
        kinds[record.dirt or "clean"] += 1
        refused = EXPECTED.get(record.dirt or "", "lands").startswith("dead_letter:")
        assert passes(schema, record.value) != refused, record
    assert set(EXPECTED) < set(kinds)


def passes(schema: Any, value: bytes | None) -> bool:
    try:
        return bool(schema.is_valid(json.loads((value or b"").decode())))
    except ValueError:
        return False


def test_dirt_touches_the_share_that_was_asked_for_and_says_where(filthy: World) -> None:
    told = {(d["where"]["partition"], d["where"]["offset"]): d for d in filthy.topic.dirt()}
    records = list(filthy.topic.all_records())
    assert len(told) / len(records) == pytest.approx(0.2, abs=0.03)
    for record in records:
        line = told.pop((record.partition, record.offset), None)
        assert record.dirt == (line and line["kind"])
    assert not told


def test_a_broken_message_comes_again_exactly_where_the_truth_says_so(filthy: World) -> None:
    good = Counter(r.message["message_id"] for r in filthy.topic.all_records() if r.message)
    broken = [line for line in filthy.topic.dirt() if line["resent"] is not None]
    for line in broken:
        assert good[line["message_id"]] == line["resent"]
    assert 0.25 < sum(line["resent"] for line in broken) / len(broken) < 0.75


def test_dirt_changes_nothing_that_happened(filthy: World, clean: World, tmp_path: Path) -> None:
    for world, folder in ((filthy, "filthy"), (clean, "clean")):
        write_truth(world, world.end_of_history, tmp_path / folder)
    for name in ("registrations", "events", "sessions"):
        told, other = (tmp_path / folder / f"{name}.jsonl" for folder in ("filthy", "clean"))
        assert told.read_bytes() == other.read_bytes()


def test_the_messages_fold_to_the_truth(clean: World, tmp_path: Path) -> None:
    write_truth(clean, clean.end_of_history, tmp_path)
    folded: dict[str, dict[str, Any]] = defaultdict(dict)
    for record in clean.topic.all_records():
        message = json.loads(record.value or b"")
        if message["type"].startswith("registration."):
            state = folded[message["data"]["registration_id"]]
            state |= message["data"]
            if message["type"].endswith("cancelled"):
                state["status"] = "cancelled"
            state["n_messages"] = state.get("n_messages", 0) + 1
    truth = [json.loads(line) for line in (tmp_path / "registrations.jsonl").open()]
    assert len(truth) == len(folded) > 2_500
    for line in truth:
        state = folded[line["registration_id"]]
        same = ("event_id", "user_id", "status", "ticket_type", "channel", "n_messages")
        assert {name: state[name] for name in same} == {name: line[name] for name in same}


def test_no_event_sells_more_seats_than_it_has(clean: World) -> None:
    for story in clean.happenings.stories:
        held = sum(
            registration.changes[-1].state.status in ("confirmed", "pending")
            for registration in story.registrations
        )
        assert held <= story.event.changes[0].state.capacity


def test_registrations_look_like_life(clean: World) -> None:
    ends = Counter[str]()
    seen = Counter[str]()
    users = Counter[int]()
    for story in clean.happenings.stories:
        for registration in story.registrations:
            states = [change.state for change in registration.changes]
            ends[states[-1].status] += 1
            users[states[0].user] += 1
            seen["promoted"] += states[0].status == "waitlisted" != states[-1].status
            seen["upgraded"] += states[0].ticket_type != states[-1].ticket_type
            seen["transferred"] += states[0].user != states[-1].user
            seen["free staff"] += states[0].ticket_type == "staff" and states[0].price_minor == 0
            seen["vip"] += states[0].ticket_type == "vip"
    assert 0.05 < ends["cancelled"] / ends.total() < 0.14
    assert min(seen.values()) > 5
    assert sum(count > 1 for count in users.values()) > 100


def test_an_event_runs_through_the_night_in_which_the_clocks_change(clean: World) -> None:
    nights = [s.event for s in clean.happenings.stories if s.event.event_id.endswith("-night")]
    assert nights
    for event in nights:
        zone = ZoneInfo(event.venue.timezone)
        start, end = (
            datetime.fromtimestamp(at / 1000, zone) for at in (event.starts_at, event.ends_at)
        )
        assert start.utcoffset() != end.utcoffset()


def test_some_attendees_write_tickets_under_the_same_address(clean: World) -> None:
    attendees = {
        record.message["data"]["email"]
        for record in clean.topic.all_records()
        if record.message and record.message["data"].get("email")
    }
    people = [r.email for r in clean.desk.requesters(clean.end_of_history) if r.email]
    folded = {email.strip().lower() for email in attendees}
    common = [email for email in people if email.lower() in folded]
    assert len(common) > 10
    assert any(email not in attendees for email in common), "letter case differs for some"


def test_tickets_live_in_order(clean: World) -> None:
    now = clean.end_of_history
    tickets = clean.desk.tickets(now)
    assert [t.ticket_id for t in tickets] == list(range(1, len(tickets) + 1))
    assert all(a.birth.created_at <= b.birth.created_at for a, b in zip(tickets, tickets[1:]))  # noqa: B905, RUF007
    for ticket in tickets:
        born = ticket.birth.created_at
        assert born <= ticket.updated_at <= now
        assert all(born < at for at in (ticket.first_responded_at, ticket.resolved_at) if at)
        assert (ticket.resolved_at is not None) == ticket.is_done
        assert ticket.birth.requester.created_at <= born


def test_a_ticket_changes_only_with_its_steps(clean: World) -> None:
    halfway = clean.opening + timedelta(days=45)
    for ticket_id in range(1, 60):
        early = clean.desk.ticket(ticket_id, halfway)
        late = clean.desk.ticket(ticket_id, clean.end_of_history)
        assert late is not None
        if early and early.updated_at == late.updated_at:
            assert early == late


def test_the_desk_has_all_that_a_loader_must_cope_with() -> None:
    world = make(scale=0.08)
    tickets = world.desk.tickets(world.end_of_history)
    assert {t.status for t in tickets} == {2, 3, 4, 5, 7}
    assert {t.priority for t in tickets} == {1, 2, 3, 4}
    assert 16 in {t.birth.source for t in tickets}
    assert any(t.deleted for t in tickets)
    assert any(t.spam for t in tickets)
    assert any(t.reopened for t in tickets)
    assert any(t.moved for t in tickets)
    assert any(t.agent is None for t in tickets)
    together = Counter(t.updated_at for t in tickets).most_common(1)[0][1]
    assert together > 5, "the nightly job closes many tickets in the same second"


AMERICAS, EMEA, APAC, ROUND_THE_CLOCK = calendars(START)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("calendar", "start", "end", "seconds"),
    [
        # Friday 16:00 to Monday 09:00 in New York, over the change of the clocks.
        (AMERICAS, "2026-03-06T16:00:00-05:00", "2026-03-09T09:00:00-04:00", 2 * 3600),
        # Independence Day is a Saturday in 2026 and costs nothing, in 2025 a Friday.
        (AMERICAS, "2026-07-03T16:00:00-04:00", "2026-07-06T09:00:00-04:00", 2 * 3600),
        (AMERICAS, "2025-07-03T16:00:00-04:00", "2025-07-07T09:00:00-04:00", 2 * 3600),
        # Good Friday 2026 is the third of April: Thursday 16:30 to Tuesday 09:00.
        (EMEA, "2026-04-02T16:30:00+02:00", "2026-04-07T09:00:00+02:00", 5400),
        # Saturday half a day in Seoul.
        (APAC, "2026-03-07T08:00:00+09:00", "2026-03-08T20:00:00+09:00", 4 * 3600),
        (ROUND_THE_CLOCK, "2026-03-06T23:59:59+00:00", "2026-03-08T00:00:01+00:00", 86402),
        (AMERICAS, "2026-03-07T12:00:00-05:00", "2026-03-08T12:00:00-04:00", 0),
    ],
)
def test_business_time_by_hand(calendar: Calendar, start: str, end: str, seconds: int) -> None:
    assert business_seconds(calendar, utc(start), utc(end)) == seconds


@pytest.mark.parametrize("calendar", [AMERICAS, EMEA, APAC, ROUND_THE_CLOCK])
def test_advancing_by_business_time_is_its_inverse(calendar: Calendar) -> None:
    start = utc("2026-03-05T18:23:45+00:00")
    for seconds in (1, 59, 3_600, 40_000, 500_000):
        end = advance(calendar, start, seconds)
        assert business_seconds(calendar, start, end) == seconds


def test_the_clock_goes_forward_only() -> None:
    clock = WorldClock(utc("2026-04-15T00:00:00+00:00"))
    clock.move(utc("2026-04-15T09:00:00+09:00"))
    clock.move(utc("2026-04-16T00:00:00+00:00"))
    with pytest.raises(ClockError, match="cannot go back"):
        clock.move(utc("2026-04-15T00:00:00+00:00"))
    with pytest.raises(ClockError, match="no offset"):
        clock.move(datetime(2027, 1, 1))
