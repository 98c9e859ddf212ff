"""The lives that tickets of the stand-in live, and what their view and their children tell."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from sandbox.freshservice.activity_payload import activity_payloads
from sandbox.freshservice.children import activity_key, soiled
from sandbox.freshservice.conversation_payload import conversation_payload
from sandbox.freshservice.task_payload import task_payload
from sandbox.truth.files import write_truth
from sandbox.world import World
from sandbox.world.desk.conversations import conversations, ever_said
from sandbox.world.desk.requested_items import FULFILLED, REQUESTED, requested_items
from sandbox.world.desk.surveys import survey
from sandbox.world.desk.tasks import COMPLETED, tasks
from sandbox.world.desk.time_entries import deleted_entries, time_entries
from tests.unit.test_freshservice_standin import ALL, KEY, Server, schema_of, serve

START = date(2026, 1, 15)


@pytest.fixture(scope="module")
def world() -> World:
    """Small enough to be quick, large enough that what is rare happens."""
    return World(3, 0.1, START, 90, 0.0)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    yield from serve(dirt=0)


def test_every_answer_tells_the_time_of_the_source(server: Server) -> None:
    for answer in (
        server.get("/groups"),
        server.get("/groups", key="another"),
        server.get("/nothing"),
        server.get("/tickets", per_page=101),
    ):
        assert parsedate_to_datetime(answer.headers["Date"]) == server.clock.now


def test_a_staged_fault_tells_the_time_of_the_source_too(server: Server) -> None:
    url = f"{server.url}/sandbox/faults"
    requests.post(url, json={"path_prefix": "/api/v2/groups", "status": 503}, timeout=10)
    answer = server.get("/groups")
    assert answer.status_code == 503
    assert parsedate_to_datetime(answer.headers["Date"]) == server.clock.now


def test_the_view_embeds_what_it_is_asked_for(server: Server) -> None:
    names = "conversations,requester,requested_for,stats,problem,assets,change,related_tickets"
    viewed = server.get("/tickets/7", include=f"{names},feedback")
    assert viewed.headers["X-Ratelimit-Used-CurrentRequest"] == "10"
    ticket = viewed.json()["ticket"]
    assert set(names.split(",")) <= set(ticket)
    said = server.get("/tickets/7/conversations").json()["conversations"]
    assert ticket["conversations"] == said[::-1][:10]
    assert isinstance(ticket["assets"], list)
    assert server.get("/tickets/7", include="nonsense").status_code == 400


def test_service_requests_ask_for_items_and_other_tickets_for_none(server: Server) -> None:
    types = {t["id"]: t["type"] for t in server.walk("tickets", **ALL)}
    asked = [i for i, kind in types.items() if kind == "Service Request"][:15]
    for ticket_id in asked:
        items = server.get(f"/tickets/{ticket_id}/requested_items").json()["requested_items"]
        assert items
        assert [item["is_parent"] for item in items] == [True, False][: len(items)]
    incident = next(i for i, kind in types.items() if kind == "Incident")
    assert server.get(f"/tickets/{incident}/requested_items").status_code == 404
    assert requests.get(f"{server.url}/api/v2/tickets/7/tasks", timeout=10).status_code == 401
    assert server.get("/tickets/7/tasks", key=KEY).status_code == 200


def test_tasks_and_items_change_only_with_their_ticket(world: World) -> None:
    now, seed = world.end_of_history, world.desk.seed
    states, stages = Counter[int](), Counter[int]()
    for ticket, life in zip(world.desk.tickets(now), world.desk.lives(now), strict=True):
        found = [task_payload(task) for task in tasks(seed, life, now)]
        states.update(task["status"] for task in found)
        for task in found:
            assert task["created_at"] <= task["updated_at"] <= ticket.updated_at
            assert (task["closed_at"] is not None) == (task["status"] == COMPLETED)
        items = requested_items(seed, life, now)
        stages.update(item.stage for item in items)
        assert all(item.updated_at <= ticket.updated_at for item in items)
    assert set(states) == {1, 2, 3}
    assert {REQUESTED, FULFILLED} <= set(stages)


def test_a_merged_ticket_is_closed_and_both_ends_tell_of_it(world: World) -> None:
    now = world.end_of_history
    merged = [ticket for ticket in world.desk.tickets(now) if ticket.merged_into]
    assert len(merged) > 10
    for ticket in merged:
        assert ticket.merged_into
        assert ticket.status == 5
        primary = world.desk.ticket(ticket.merged_into, now)
        assert primary
        assert ticket.ticket_id in primary.merged
        assert primary.merged_into is None
        ends = {
            ticket.ticket_id: f"merged this ticket into ticket {primary.ticket_id}",
            primary.ticket_id: f"merged ticket {ticket.ticket_id} into this ticket",
        }
        for ticket_id, words in ends.items():
            life = world.desk.life(ticket_id, now)
            assert life
            told = [a for a in activity_payloads(life, now) if a["content"] == words]
            assert [activity["created_at"] for activity in told] == [ticket.updated_at]


def test_a_merge_that_is_not_told_yet_changes_nothing_before(world: World) -> None:
    stepwise = World(3, 0.1, START, 90, 0.0)
    for days in range(0, 91, 3):
        at = stepwise.opening + timedelta(days=days)
        for ticket in stepwise.desk.tickets(at):
            other = world.desk.ticket(ticket.ticket_id, at)
            assert other
            for name in ("status", "updated_at", "merged", "merged_into", "resolved_at"):
                assert getattr(ticket, name) == getattr(other, name)


def test_nobody_is_given_a_ticket_or_does_anything_while_on_leave(world: World) -> None:
    agents = {agent.agent_id: agent for agent in world.desk.agents(world.end_of_history)}
    away = 0
    for life in world.desk.lives(world.end_of_history):
        for scene in life.scenes:
            assert scene.hand.is_present(scene.at)
            away += scene.agent is not None and not scene.agent.is_present(scene.at)
    assert away > 10, "a holder who is away is answered for"
    assert sum(bool(agent.leaves) for agent in agents.values()) > len(agents) / 3


def test_tickets_live_all_the_lives_that_a_warehouse_must_follow(world: World) -> None:
    seen, sentences = Counter[str](), Counter[str]()
    for life in world.desk.lives(world.end_of_history):
        groups = {life.birth.group, *(scene.group for scene in life.scenes)} - {None}
        calendars = {group.calendar for group in groups if group}
        seen["three groups"] += len(groups) >= 3
        seen["three calendars"] += len(calendars) >= 3
        seen["written by an agent"] += life.birth.author is not None
        state = world.desk.ticket(life.birth.ticket_id, world.end_of_history)
        seen["reopened twice"] += state is not None and state.reopened > 1
        for activity in activity_payloads(life, world.end_of_history):
            below = activity["sub_contents"]
            lines = [activity["content"], *([below] if isinstance(below, str) else below)]
            sentences.update(re.sub(r" as .*", "", line) for line in lines)
            sentences.update(line for line in lines if line.endswith(" None"))
    assert min(seen.values()) >= 2, seen
    assert {
        "set Agent as None",
        "set Group as None",
        "restored this ticket",
        "deleted this ticket",
        "marked this ticket",
    } <= set(sentences)


def test_what_is_gone_for_good_is_found_nowhere(world: World) -> None:
    desk, now = world.desk, world.end_of_history
    gone = dict(desk.purged(now))
    assert gone
    alive = {ticket.ticket_id for ticket in desk.tickets(now)}
    assert not alive & set(gone)
    assert alive | set(gone) == set(range(1, max(alive) + 1))
    for ticket_id, gone_at in gone.items():
        before = desk.ticket(ticket_id, gone_at - timedelta(seconds=1))
        assert before
        assert before.ticket_id == ticket_id
        assert desk.ticket(ticket_id, gone_at) is None
        assert desk.life(ticket_id, gone_at) is None


def test_what_is_deleted_below_a_ticket_goes_with_a_step_of_it(world: World) -> None:
    seed, now, gone = world.desk.seed, world.end_of_history, Counter[str]()
    for life in world.desk.lives(now):
        steps = {scene.at for scene in life.scenes}
        found = [(one.conversation_id, one.gone_at) for one in ever_said(seed, life)]
        for name, members in (
            ("notes", [(number, at) for number, at in found if at]),
            ("entries", list(deleted_entries(seed, life))),
        ):
            for number, at in members:
                assert at in steps
                gone[name] += 1
                for moment, is_there in ((at - timedelta(seconds=1), True), (at, False)):
                    ids = {one.conversation_id for one in conversations(seed, life, moment)}
                    ids |= {entry.entry_id for entry in time_entries(seed, life, moment)}
                    assert (number in ids) == is_there
    assert min(gone["notes"], gone["entries"]) > 5


def test_some_people_change_their_mind_about_how_it_went(world: World) -> None:
    end = world.end_of_history + timedelta(days=60)
    changed = 0
    for life in world.desk.lives(world.end_of_history):
        answer = survey(world.desk.seed, life, end)
        if answer and answer.changed_at:
            changed += 1
            before = survey(world.desk.seed, life, answer.changed_at - timedelta(seconds=1))
            assert before
            assert (before.survey_id, before.at) == (answer.survey_id, answer.at)
            assert before.acquired == answer.first_acquired != answer.acquired
    assert changed > 5


def test_some_requesters_are_agents_too(world: World) -> None:
    now = world.end_of_history
    agents = {agent.agent_id: agent for agent in world.desk.agents(now)}
    both = [r for r in world.desk.requesters(now) if r.requester_id in agents]
    assert both
    assert all(somebody.is_agent(now) for somebody in both)
    for life in world.desk.lives(now):
        for scene in life.scenes:
            assert scene.hand.agent_id != life.birth.requester.requester_id


def test_dirt_on_children_is_what_the_truth_says_and_passes_no_schema(tmp_path: Path) -> None:
    world = World(1, 0.02, START, 30, 1.0)
    now, seed = world.end_of_history, world.desk.seed
    write_truth(world, now, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "dirt.jsonl").open()]
    told = {
        (line["feed"], line["where"]["id"]): line["kind"]
        for line in lines
        if line["source"] == "freshservice" and line["feed"] != "tickets"
    }
    assert {feed for feed, _ in told} >= {"activities", "conversations", "time_entries"}
    assert {line["expected"] for line in lines if line["feed"] == "activities"} == {
        "dead_letter:schema"
    }
    validators = {"conversations": schema_of("conversation"), "activities": schema_of("activity")}
    for life in world.desk.lives(now):
        ticket_id = life.birth.ticket_id
        shown: list[tuple[str, int | str, dict[str, Any]]] = [
            ("conversations", one.conversation_id, conversation_payload(seed, life.birth, one))
            for one in conversations(seed, life, now)
        ]
        shown += [
            ("activities", activity_key(ticket_id, number), line)
            for number, line in enumerate(activity_payloads(life, now))
        ]
        for feed, key, payload in shown:
            soil = orjson.loads(orjson.dumps(soiled(world.desk, feed, key, payload)))
            assert validators[feed].is_valid(soil) == ((feed, key) not in told)
