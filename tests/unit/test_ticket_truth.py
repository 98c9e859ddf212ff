"""The truth about tickets, held against the tickets themselves and against figures by hand."""

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from sandbox.truth.backlog import FLOWS
from sandbox.truth.files import write_truth
from sandbox.truth.ticket import Told, measures
from sandbox.world import World
from sandbox.world.desk.business_time import held_seconds
from sandbox.world.desk.lives import OPEN, PENDING, RESOLVED, Did, Step
from sandbox.world.desk.scenes import life_of
from sandbox.world.desk.states import state_at
from sandbox.world.desk.stretches import stretches

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def world() -> World:
    return World(5, 0.03, date(2026, 1, 15), 90, 0.0)


@pytest.fixture(scope="module")
def told(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    folder = tmp_path_factory.mktemp("truth")
    write_truth(world, world.end_of_history, folder)
    return {
        path.stem: [json.loads(line) for line in path.open()] for path in folder.glob("*.jsonl")
    }


def at(text: str | None) -> datetime:
    assert text
    return datetime.fromisoformat(text)


def test_stretches_are_the_ticket_at_every_instant(world: World, told: dict[str, Rows]) -> None:
    for row in told["states"]:
        # In the last second of a stretch everything is still as at its beginning.
        last = at(row["ends_at"]) - timedelta(seconds=1) if row["ends_at"] else world.end_of_history
        for moment in (at(row["starts_at"]), last):
            ticket = world.desk.ticket(row["ticket_id"], moment)
            assert ticket
            assert row["status"] == ticket.status
            assert row["priority"] == ticket.priority
            assert row["group_id"] == (ticket.group and ticket.group.group_id)
            assert row["responder_id"] == (ticket.agent and ticket.agent.agent_id)
            assert (row["deleted"], row["spam"]) == (ticket.deleted, ticket.spam)


def test_stretches_follow_on_each_other_and_differ(told: dict[str, Rows]) -> None:
    for one, other in pairwise(told["states"]):
        if one["ticket_id"] == other["ticket_id"]:
            assert one["ends_at"] == other["starts_at"]
            assert one["number"] + 1 == other["number"]
            same = ("status", "group_id", "responder_id", "priority", "deleted", "spam")
            assert [one[name] for name in same] != [other[name] for name in same]
        else:
            assert one["ends_at"] is None


def test_every_day_of_the_backlog_follows_from_the_day_before(told: dict[str, Rows]) -> None:
    groups: dict[int | None, dict[str, dict[str, int]]] = defaultdict(dict)
    for row in told["backlog"]:
        groups[row["group_id"]][row["day"]] = row
    for days in groups.values():
        day, open_before = date(2026, 1, 15), 0
        while day < date(2026, 4, 15):
            row = days.get(day.isoformat()) or dict.fromkeys(("open", *FLOWS), 0)
            came = sum(row[name] for name in FLOWS[:4])
            went = sum(row[name] for name in FLOWS[4:])
            assert row["open"] == open_before + came - went
            day, open_before = day + timedelta(days=1), row["open"]


def test_the_backlog_is_what_lies_there_at_the_end_of_a_day(
    world: World, told: dict[str, Rows]
) -> None:
    at_last = world.desk.tickets(world.end_of_history)
    counted = {ticket.ticket_id for ticket in at_last if not ticket.merged_into}
    for days in (1, 17, 60, 90):
        end = world.opening + timedelta(days=days)
        # In its last second: what is closed at midnight is closed the next day.
        open_now = [
            ticket
            for ticket in world.desk.tickets(end - timedelta(seconds=1))
            if ticket.ticket_id in counted and not (ticket.is_done or ticket.deleted or ticket.spam)
        ]
        day = (end - timedelta(days=1)).date().isoformat()
        assert sum(r["open"] for r in told["backlog"] if r["day"] == day) == len(open_now)


def test_sla_rows_say_what_the_ticket_itself_says_at_that_instant(
    world: World, told: dict[str, Rows]
) -> None:
    now, compared = world.end_of_history, 0
    for row in told["sla"]:
        if row["outcome"] == "excluded" or row["metric"] == "next_response":
            continue
        end = at(row["done_at"]) if row["done_at"] else now
        ticket = world.desk.ticket(row["ticket_id"], end)
        assert ticket
        respond_by, resolve_by = ticket.due(world.desk.policies, world.desk.default_calendar)
        due_at = resolve_by if row["metric"] == "resolution" else respond_by
        assert at(row["due_at"]) == due_at
        late = end > due_at
        if row["outcome"] in ("met", "breached") and row["done_at"]:
            assert (row["outcome"] == "breached") == late
        elif row["metric"] == "first_response" and not ticket.is_done:
            assert (row["outcome"] == "running_breached") == late
        if row["breached_at"]:
            held = world.desk.ticket(row["ticket_id"], at(row["breached_at"]))
            assert held
            assert row["group_id"] == (held.group and held.group.group_id)
            assert ticket.birth.created_at < at(row["breached_at"]) <= end
        compared += 1
    assert compared > 500
    outcomes = {(row["metric"], row["outcome"]) for row in told["sla"]}
    for metric in ("first_response", "next_response", "resolution"):
        assert {(metric, "met"), (metric, "breached"), (metric, "excluded")} <= outcomes


def test_a_breach_is_laid_to_whoever_held_the_ticket_then(told: dict[str, Rows]) -> None:
    last = {row["ticket_id"]: row for row in told["tickets"]}
    elsewhere = [
        row
        for row in told["sla"]
        if row["breached_at"] and row["group_id"] != last[row["ticket_id"]]["group_id"]
    ]
    assert elsewhere


def test_measures_add_up(told: dict[str, Rows]) -> None:
    for row in told["tickets"]:
        created = at(row["created_at"])
        if row["first_responded_at"]:
            waited = (at(row["first_responded_at"]) - created).total_seconds()
            assert row["first_response_seconds"] == waited
        if row["resolved_at"]:
            assert (
                row["full_resolution_seconds"] == (at(row["resolved_at"]) - created).total_seconds()
            )
            assert row["net_resolution_seconds"] <= row["full_resolution_seconds"]
            assert row["first_resolution_seconds"] <= row["full_resolution_seconds"]
            assert row["reopens"] or (
                row["first_resolution_seconds"] == row["full_resolution_seconds"]
            )
        else:
            assert row["full_resolution_seconds"] is row["net_resolution_seconds"] is None
        assert row["reopens"] == len(row["reopened_at"])


def test_replies_are_those_of_the_ticket(told: dict[str, Rows]) -> None:
    firsts = {r["ticket_id"]: r for r in told["replies"] if r["number"] == 1}
    for row in told["tickets"]:
        first = firsts.get(row["ticket_id"])
        if first:
            assert first["asked_at"] == row["created_at"]
            assert first["replied_at"] == row["first_responded_at"]
            assert first["reply_seconds"] == row["first_response_seconds"]
    assert any(row["number"] > 2 for row in told["replies"])


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(f"{text}{zone}").astimezone(UTC)


def test_one_ticket_by_hand_over_three_calendars_and_a_change_of_clocks(world: World) -> None:
    desk = world.desk
    roster = {group: tuple(desk.agents(world.end_of_history)) for group in desk.groups.values()}
    born = next(desk.lives(world.end_of_history)).birth
    # New York from Friday 16:00; at 18:00 to the night shift; on Saturday 12:00 UTC to Berlin;
    # pending for an hour of Monday; resolved on Monday at 11:00 in Berlin. In between America
    # changes its clocks, and nobody there is at work.
    created = local("2026-03-06T16:00:00", "-05:00")
    birth = type(born)(
        **{
            **{name: getattr(born, name) for name in born.__dataclass_fields__},
            "created_at": created,
            "group": desk.groups["americas"],
        }
    )
    steps = (
        Step(local("2026-03-06T18:00:00", "-05:00"), Did.MOVE, desk.groups["network"]),
        Step(datetime(2026, 3, 7, 12, tzinfo=UTC), Did.MOVE, desk.groups["emea"]),
        Step(local("2026-03-09T09:00:00", "+01:00"), Did.AGENT_REPLY),
        Step(local("2026-03-09T09:00:00", "+01:00"), Did.STATUS, PENDING),
        Step(local("2026-03-09T10:00:00", "+01:00"), Did.REQUESTER_REPLY),
        Step(local("2026-03-09T10:00:00", "+01:00"), Did.STATUS, OPEN),
        Step(local("2026-03-09T11:00:00", "+01:00"), Did.STATUS, RESOLVED),
    )
    now = datetime(2026, 3, 20, tzinfo=UTC)
    life, ticket = life_of(desk.seed, birth, steps, roster), state_at(birth, steps, now)
    assert ticket
    found = measures(Told(ticket, life, stretches(life, now)), desk.default_calendar)
    # 1 h in New York, 13 h around the clock (23:00 to 12:00 UTC), then from 8:30 on in Berlin.
    assert found["first_response_holding_business_seconds"] == (1 + 13) * 3600 + 1800
    assert found["full_resolution_holding_business_seconds"] == (1 + 13) * 3600 + 9000
    assert found["net_resolution_holding_business_seconds"] == (1 + 13) * 3600 + 5400
    # All of it by Berlin's hours: Friday evening there is over, Monday 8:30 to 11:00.
    assert found["full_resolution_last_calendar_business_seconds"] == 9000


def test_an_edit_of_a_calendar_changes_no_day_before_it(world: World) -> None:
    _, emea, *_ = world.desk.calendars
    edited_at = emea.edited_at
    assert edited_at
    assert edited_at > world.end_of_history
    past, ahead = edited_at - timedelta(days=11), edited_at + timedelta(days=4)
    before = emea.known(edited_at - timedelta(seconds=1))
    assert emea.known(edited_at) is emea
    assert emea.interval(past.date()) == before.interval(past.date()) is not None
    assert emea.interval(ahead.date()) is None
    assert before.interval(ahead.date()) is not None


def test_a_group_that_changes_its_calendar_is_timed_by_each_in_its_time(world: World) -> None:
    desk = world.desk
    apps = desk.groups["apps"]
    assert apps.changed_at
    start, end = apps.changed_at - timedelta(days=2), apps.changed_at + timedelta(days=1)
    # From Friday noon UTC: 1 pm to 4 pm in Berlin (2 pm in summer), then from Sunday noon on.
    friday = desk.calendars[1].interval(start.date())
    assert friday
    assert held_seconds(apps, desk.default_calendar, start, end) == 86400 + max(
        0, (friday[1] - start).total_seconds()
    )
