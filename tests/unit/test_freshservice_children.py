"""What hangs on a ticket agrees with the ticket: by brute force, over every ticket of a world."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.freshservice.activity_payload import PRIORITY_NAMES, STATUS_NAMES, activity_payloads
from sandbox.freshservice.conversation_payload import SYSTEM_USER_ID, conversation_payload
from sandbox.freshservice.csat_payload import csat_payload
from sandbox.freshservice.ticket_payload import stats
from sandbox.freshservice.time_entry_payload import time_entry_payload
from sandbox.truth.files import write_truth
from sandbox.world import World
from sandbox.world.desk.conversations import Kind, conversations
from sandbox.world.desk.lives import OPEN, RESOLVED, Did, Roster, Step
from sandbox.world.desk.scenes import Life, life_of
from sandbox.world.desk.states import DONE, TicketState
from sandbox.world.desk.status_history import StatusChange, status_history
from sandbox.world.desk.surveys import survey
from sandbox.world.desk.time_entries import time_entries
from tests.unit.test_freshservice_standin import Server, serve

SEED, START, DAYS = 1, date(2026, 1, 15), 90
Rows = list[dict[str, Any]]


@dataclass
class Child:
    """A ticket, its life, and all that hangs on it at a moment, as the API shows it."""

    ticket: TicketState
    life: Life
    stats: dict[str, Any]
    conversations: Rows
    time_entries: Rows
    activities: Rows
    csat: dict[str, Any] | None
    history: list[StatusChange]


def children(world: World, now: datetime) -> list[Child]:
    desk, seed = world.desk, world.desk.seed
    return [
        Child(
            ticket,
            life,
            stats(seed, ticket),
            [conversation_payload(seed, life.birth, c) for c in conversations(seed, life, now)],
            [time_entry_payload(seed, entry) for entry in time_entries(seed, life, now)],
            activity_payloads(life, now),
            (answer := survey(seed, life, now)) and csat_payload(seed, answer),
            list(status_history(life, now)),
        )
        for ticket, life in zip(desk.tickets(now), desk.lives(now), strict=True)
    ]


@pytest.fixture(scope="module")
def world() -> World:
    return World(SEED, 0.02, START, DAYS, 0.0)


@pytest.fixture(scope="module", params=[45, 90, 130], ids="day {}".format)
def found(request: pytest.FixtureRequest, world: World) -> list[Child]:
    return children(world, world.opening + timedelta(days=request.param))


@pytest.fixture(scope="module")
def at_last(world: World) -> list[Child]:
    return children(world, world.opening + timedelta(days=130))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    yield from serve(dirt=0)


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server whose limits a test may change."""
    yield from serve(dirt=0)


def test_replies_are_those_that_the_statistics_count(world: World, found: list[Child]) -> None:
    agents = {agent.agent_id for agent in world.desk.agents(world.opening)}
    for child in found:
        incoming = [c["created_at"] for c in child.conversations if c["incoming"]]
        replies = [
            c["created_at"]
            for c in child.conversations
            if not c["incoming"] and not c["private"] and c["user_id"] in agents
        ]
        assert child.stats["first_responded_at"] == min(replies, default=None)
        assert child.stats["agent_responded_at"] == max(replies, default=None)
        assert child.stats["requester_responded_at"] == max(incoming, default=None)
        assert (child.stats["outbound_count"] or 0) == len(replies)
        assert (child.stats["inbound_count"] or 0) == len(incoming)


def test_conversations_have_every_kind_of_author(world: World, at_last: list[Child]) -> None:
    kinds = Counter[tuple[bool, bool, bool]]()
    for child in at_last:
        for said in child.conversations:
            by_system = said["user_id"] == SYSTEM_USER_ID
            kinds[said["incoming"], said["private"], by_system] += 1
            by_requester = said["user_id"] == child.ticket.birth.requester.requester_id
            assert said["incoming"] == by_requester
            assert said["ticket_id"] == child.ticket.ticket_id
    assert len(kinds) == 4
    assert min(kinds.values()) > 50
    agents = world.desk.agents(world.end_of_history)
    assert SYSTEM_USER_ID not in {agent.agent_id for agent in agents}


def test_some_notes_and_automatic_mails_come_before_the_first_answer(at_last: list[Child]) -> None:
    early = Counter[bool]()
    for child in at_last:
        answered_at = child.stats["first_responded_at"]
        if answered_at:
            early.update(c["private"] for c in child.conversations if c["created_at"] < answered_at)
    assert min(early[True], early[False]) > 20


def test_nobody_writes_on_spam(at_last: list[Child]) -> None:
    spam = [child for child in at_last if child.ticket.birth.is_spam]
    assert spam
    assert not any(child.conversations or child.time_entries or child.csat for child in spam)


def test_text_has_markup_and_characters_of_four_bytes(at_last: list[Child]) -> None:
    said = [c for child in at_last for c in child.conversations]
    assert all(re.fullmatch(r"<div>.+</div>", c["body"]) for c in said)
    assert any(max(map(ord, c["body"])) > 0xFFFF for c in said)


def test_a_ticket_is_reopened_by_an_answer_of_its_requester(at_last: list[Child]) -> None:
    reopened = 0
    for child in at_last:
        incoming = {c["created_at"] for c in child.conversations if c["incoming"]}
        again = [c for c in child.history if c.before in DONE and c.after not in DONE]
        assert len(again) == child.ticket.reopened
        assert all(change.at in incoming for change in again)
        reopened += len(again)
    assert reopened > 5


def test_the_history_leads_to_the_ticket(world: World, found: list[Child]) -> None:
    for child in found:
        ticket, history = child.ticket, child.history
        assert history[0].before is None
        assert all(a.after == b.before and a.at <= b.at for a, b in pairwise(history))
        assert all(change.before != change.after for change in history)
        assert history[-1].after == ticket.status
        if ticket.closed_at:
            assert history[-1].at == ticket.closed_at
        for change in history:
            state = world.desk.ticket(ticket.ticket_id, change.at)
            assert state
            assert (change.group, change.agent) == (state.group, state.agent)


LINE = re.compile(r"set (Status|Priority|Group|Agent) as (.+)")


def sentences(activity: dict[str, Any]) -> list[str]:
    below = activity["sub_contents"]
    return [activity["content"], *([below] if isinstance(below, str) else below)]


def test_the_prose_tells_the_same_history(found: list[Child]) -> None:
    names = {name: status for status, name in STATUS_NAMES.items()}
    for child in found:
        told: dict[str, list[tuple[str, datetime]]] = {
            name: [] for name in ("Status", "Priority", "Group", "Agent")
        }
        for activity in child.activities:
            for sentence in sentences(activity):
                line = LINE.fullmatch(sentence)
                if line:
                    told[line[1]].append((line[2], activity["created_at"]))
        statuses = [(names[name], at) for name, at in told["Status"]]
        assert statuses == [(change.after, change.at) for change in child.history]
        ticket = child.ticket
        assert told["Priority"][-1][0] == PRIORITY_NAMES[ticket.priority]
        assert (told["Group"][-1][0] if told["Group"] else "None") == (
            ticket.group.name if ticket.group else "None"
        )
        assert (told["Agent"][-1][0] if told["Agent"] else "None") == (
            ticket.agent.person.full_name if ticket.agent else "None"
        )


def made_up(world: World, *steps: Step, roster: Roster | None = None) -> Life:
    """The first ticket with another life, and perhaps other people to work on it."""
    agents, groups = world.desk.agents(world.end_of_history), world.desk.groups.values()
    present = {group: tuple(a for a in agents if group in a.groups) for group in groups}
    born = world.desk.lives(world.end_of_history)
    return life_of(SEED, next(born).birth, steps, roster or present)


def test_a_step_that_sets_what_it_found_leaves_no_trace(world: World) -> None:
    # So it is after a ticket comes back from the bin, where a step was missed.
    at = world.opening + timedelta(days=3)
    life = made_up(world, Step(at, Did.STATUS, OPEN), Step(at, Did.STATUS, RESOLVED))
    history = list(status_history(life, world.end_of_history))
    assert [change.after for change in history] == [OPEN, RESOLVED]
    told = [LINE.findall(line) for a in activity_payloads(life, at) for line in sentences(a)]
    assert [name for line in told for field, name in line if field == "Status"] == [
        "Open",
        "Resolved",
    ]


def test_a_colleague_answers_for_an_agent_who_has_left(world: World) -> None:
    at, group = world.opening + timedelta(days=3), world.desk.groups["emea"]
    team = [a for a in world.desk.agents(at) if group in a.groups]
    left, stays = replace(team[0], left_at=at), team[1]
    steps = (
        Step(at - timedelta(days=1), Did.MOVE, group),
        Step(at - timedelta(days=1), Did.ASSIGN, left),
        Step(at, Did.AGENT_REPLY),
    )
    roster: Roster = dict.fromkeys(world.desk.groups.values(), (left, stays))
    life = made_up(world, *steps, roster=roster)
    assert [scene.hand for scene in life.scenes[1:]] == [left, stays]
    replies = [c for c in conversations(SEED, life, at) if c.kind is Kind.REPLY]
    assert [c.agent for c in replies] == [stays]


def test_prose_has_both_shapes_lines_of_other_kinds_and_actors(at_last: list[Child]) -> None:
    activities = [activity for child in at_last for activity in child.activities]
    assert {type(activity["sub_contents"]) for activity in activities} == {str, list}
    assert any("spam" in activity["content"] for activity in activities)
    actors = Counter(activity["actor"]["name"] for activity in activities)
    assert actors["System"] > 100
    assert len(actors) > 50


def test_nothing_is_newer_than_its_ticket(found: list[Child]) -> None:
    for child in found:
        for thing in (*child.conversations, *child.time_entries):
            assert child.ticket.birth.created_at <= thing["created_at"] <= thing["updated_at"]
            assert thing["updated_at"] <= child.ticket.updated_at
        assert all(a["created_at"] <= child.ticket.updated_at for a in child.activities)


def test_ids_are_large_and_belong_to_one_thing(at_last: list[Child]) -> None:
    ids = [t["id"] for c in at_last for t in (*c.conversations, *c.time_entries)]
    ids += [child.csat["id"] for child in at_last if child.csat]
    assert len(ids) == len(set(ids)) > 1_000
    assert min(ids) > 2**31


def test_moving_the_clock_only_appends(world: World, at_last: list[Child]) -> None:
    stopped = 0
    for days in (15, 30, 45, 60, 90):
        before = children(world, world.opening + timedelta(days=days))
        lasting = {child.ticket.ticket_id: child for child in at_last}
        for early in before:
            late = lasting.get(early.ticket.ticket_id)
            if late is None:
                continue
            last = {said["id"]: said for said in late.conversations}
            for said in early.conversations:
                assert said["private"] or last[said["id"]] == said
            assert late.activities[: len(early.activities)] == early.activities
            assert late.history[: len(early.history)] == early.history
            if early.csat:
                assert late.csat
                assert early.csat["created_at"] == late.csat["created_at"]
            entries = {entry["id"]: entry for entry in late.time_entries}
            for was in early.time_entries:
                is_now = entries.get(was["id"], was)
                assert was == is_now or was["timer_running"] > is_now["timer_running"]
                stopped += was != is_now
    assert stopped


def test_nothing_happens_to_a_ticket_in_the_bin(world: World, at_last: list[Child]) -> None:
    binned = [c for c in at_last if Did.DELETE in {scene.did for scene in c.life.scenes}]
    assert binned
    for child in binned:
        for thing in (*child.conversations, *child.time_entries):
            state = world.desk.ticket(child.ticket.ticket_id, thing["created_at"])
            assert state
            assert not state.deleted


def test_time_is_hours_and_minutes_and_may_pass_a_day(at_last: list[Child]) -> None:
    entries = [(child, entry) for child in at_last for entry in child.time_entries]
    assert all(re.fullmatch(r"\d{2,3}:[0-5]\d", entry["time_spent"]) for _, entry in entries)
    assert "120:30" in {entry["time_spent"] for _, entry in entries}
    assert {entry["billable"] for _, entry in entries} == {True, False}
    for child, entry in entries:
        assert "ticket_id" not in entry
        assert child.ticket.birth.created_at <= entry["executed_at"] <= entry["created_at"]
        assert entry["end_time"] is None or entry["created_at"] <= entry["end_time"]


def test_a_running_timer_shows_nothing_yet(at_last: list[Child]) -> None:
    running = [e for child in at_last for e in child.time_entries if e["timer_running"]]
    assert running
    assert {(e["time_spent"], e["end_time"]) for e in running} == {("00:00", None)}
    done = [e for child in at_last for e in child.time_entries if not e["timer_running"]]
    assert all(e["end_time"] and e["time_spent"] != "00:00" for e in done)


def test_who_works_still_works_here(world: World, at_last: list[Child]) -> None:
    agents = {agent.agent_id: agent for agent in world.desk.agents(world.end_of_history)}
    for child in at_last:
        did = [(e["agent_id"], e["created_at"]) for e in child.time_entries]
        did += [
            (c["user_id"], c["created_at"])
            for c in child.conversations
            if not c["incoming"] and c["user_id"] != SYSTEM_USER_ID
        ]
        assert all(agents[agent_id].is_active(at) for agent_id, at in did)


def test_people_answer_the_survey_after_the_end(found: list[Child]) -> None:
    answered = [(child.ticket, child.csat) for child in found if child.csat]
    assert 0.04 < len(answered) / len(found) < 0.2
    for ticket, csat in answered:
        assert ticket.is_done
        assert ticket.resolved_at
        assert csat["created_at"] > ticket.resolved_at


def test_some_answers_come_when_the_ticket_is_long_closed(at_last: list[Child]) -> None:
    delays = [
        child.csat["created_at"] - child.ticket.closed_at
        for child in at_last
        if child.csat and child.ticket.closed_at
    ]
    late = [delay for delay in delays if delay > timedelta(days=10)]
    assert late
    assert timedelta(days=20) <= min(late) <= max(late) < timedelta(days=30)


def test_a_rating_has_either_of_two_shapes(world: World, at_last: list[Child]) -> None:
    shapes = Counter[str]()
    for child in at_last:
        if child.csat:
            answer = survey(SEED, child.life, world.opening + timedelta(days=130))
            assert answer
            assert 1 <= answer.acquired <= answer.total
            if "score" in child.csat:
                shapes[f"score of {answer.total}"] += 1
                assert child.csat["score"] == {
                    "acquired_score": answer.acquired,
                    "total_score": answer.total,
                }
            else:
                shapes["code"] += 1
                assert child.csat["overall_rating"] == answer.acquired
                assert answer.total == 4
    assert set(shapes) == {"score of 4", "score of 5", "code"}


def test_the_truth_says_what_the_api_shows(world: World, tmp_path: Path) -> None:
    now = world.end_of_history
    write_truth(world, now, tmp_path)
    shown = children(world, now)

    def told(name: str) -> Rows:
        return [json.loads(line) for line in (tmp_path / f"{name}.jsonl").open()]

    said = [(c["ticket_id"], c["id"], instant(c["at"])) for c in told("conversations")]
    assert said == [
        (child.ticket.ticket_id, c["id"], c["created_at"])
        for child in shown
        for c in child.conversations
    ]
    worked = {e["id"]: e for e in told("time_entries")}
    for child in shown:
        for entry in child.time_entries:
            truth = worked.pop(entry["id"])
            hours, minutes = map(int, entry["time_spent"].split(":"))
            assert truth["seconds"] == 3600 * hours + 60 * minutes
            assert truth["ticket_id"] == child.ticket.ticket_id
            for name in ("agent_id", "billable", "timer_running"):
                assert truth[name] == entry[name]
            assert instant(truth["executed_at"]) == entry["executed_at"]
    assert not worked
    answered = {line["ticket_id"]: instant(line["at"]) for line in told("csat")}
    assert answered == {c.ticket.ticket_id: c.csat["created_at"] for c in shown if c.csat}
    changes = [(c["ticket_id"], c["from"], c["to"]) for c in told("status_history")]
    assert changes == [
        (child.ticket.ticket_id, change.before, change.after)
        for child in shown
        for change in child.history
    ]


def test_children_are_paged_and_the_newest_comes_first(server: Server) -> None:
    shown = children(server.world, server.clock.now)
    ticket_id = max(shown, key=lambda child: len(child.conversations)).ticket.ticket_id
    path = f"tickets/{ticket_id}/conversations"
    whole = server.get(f"/{path}").json()["conversations"]
    assert len(whole) > 3
    assert [c["created_at"] for c in whole] == sorted(
        (c["created_at"] for c in whole), reverse=True
    )
    first = server.get(f"/{path}", per_page=2)
    second = server.get(f"/{path}", per_page=2, page=2)
    assert 'rel="next"' in first.headers["link"]
    assert first.headers["X-Ratelimit-Used-CurrentRequest"] == "1"
    assert [*first.json()["conversations"], *second.json()["conversations"]] == whole[:4]
    assert server.get(f"/{path}", per_page=101).status_code == 400


@pytest.mark.parametrize("name", ["conversations", "time_entries", "activities", "csat_response"])
def test_a_ticket_that_is_not_there_has_no_children(server: Server, name: str) -> None:
    for ticket in ("999999", "0", "abc"):
        assert server.get(f"/tickets/{ticket}/{name}").status_code == 404
    assert server.get(f"/tickets/7/{name}", key="another").status_code == 401


def test_every_ticket_answers_with_what_hangs_on_it(server: Server) -> None:
    for child in children(server.world, server.clock.now)[:40]:
        path = f"/tickets/{child.ticket.ticket_id}"
        said = server.get(f"{path}/conversations").json()["conversations"]
        assert [c["id"] for c in said[::-1]] == [c["id"] for c in child.conversations]
        entries = server.get(f"{path}/time_entries").json()["time_entries"]
        assert [e["time_spent"] for e in entries] == [e["time_spent"] for e in child.time_entries]


def test_activities_of_some_old_tickets_fail_for_ever(server: Server) -> None:
    codes = [server.get(f"/tickets/{n}/activities").status_code for n in range(1, 121)]
    assert set(codes) == {200, 500}
    assert 1 <= codes.count(500) <= 15
    broken = 1 + codes.index(500)
    again = server.get(f"/tickets/{broken}/activities")
    assert again.status_code == 500
    assert "X-Ratelimit-Remaining" in again.headers
    newest = len(server.world.desk.tickets(server.clock.now))
    young = [server.get(f"/tickets/{n}/activities") for n in range(newest - 60, newest)]
    assert {answer.status_code for answer in young} == {200}


def test_where_nobody_answered_the_survey_is_null_or_404(server: Server) -> None:
    kinds = Counter[str]()
    for child in children(server.world, server.clock.now)[:80]:
        answer = server.get(f"/tickets/{child.ticket.ticket_id}/csat_response")
        if answer.status_code == 404:
            kinds["404"] += 1
            assert child.csat is None
            continue
        shown = answer.json()["csat_response"]
        kinds["null" if shown is None else "answer"] += 1
        assert (shown is None) == (child.csat is None)
    assert set(kinds) == {"404", "null", "answer"}


def test_children_cost_a_call_each_the_missing_ones_too(own_server: Server) -> None:
    own_server.account.limits.change({"total": 3})
    names = ("conversations", "time_entries", "nothing", "activities")
    codes = [own_server.get(f"/tickets/1/{name}").status_code for name in names]
    assert codes == [200, 200, 404, 429]


def test_departments_and_locations_are_lists_that_hang_together(server: Server) -> None:
    departments, locations = server.walk("departments", per_page=3), server.walk("locations")
    requesters = server.walk("requesters", per_page=100)
    ids = {department["id"] for department in departments}
    assert {d for requester in requesters for d in requester["department_ids"]} <= ids
    people = {requester["id"] for requester in requesters}
    assert {d["head_user_id"] for d in departments} - {None} <= people
    places = {place["id"] for place in locations}
    parents = {place["parent_location_id"] for place in locations}
    assert None in parents
    assert parents - {None} < places
    assert all(place["id"] > 2**31 for place in (*departments, *locations))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
