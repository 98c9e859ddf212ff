"""The stand-in of Freshservice, over HTTP: what a loader stumbles over in the real one is here."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import requests
from aiohttp import web

from sandbox.faults import FAULTS, Faults, staged_faults
from sandbox.freshservice import Account, api
from sandbox.freshservice.limits import Limiter, Limits
from sandbox.sources_admin import ADMIN, Admin, admin_routes
from sandbox.world import World
from sandbox.world.clock import WorldClock

KEY = "a-key"
ALL = {"updated_since": "1970-01-01T00:00:00Z", "workspace_id": "0"}
SCHEMA = Path(__file__).parents[2] / "loaders" / "schemas" / "freshservice_schema.json"


class NoProgress:
    """Nothing is published here."""

    published = 0
    to_publish: int | None = None
    truth_at: datetime | None = None
    problem: str | None = None
    nudged = 0

    def nudge(self) -> None:
        self.nudged += 1


@dataclass
class Server:
    """The stand-ins on a free port."""

    url: str
    world: World
    clock: WorldClock
    account: Account
    faults: Faults
    progress: NoProgress

    def get(self, path: str, key: str = KEY, **params: Any) -> requests.Response:
        return requests.get(f"{self.url}/api/v2{path}", params=params, auth=(key, "X"), timeout=10)

    def walk(self, name: str, **params: Any) -> list[dict[str, Any]]:
        """All pages by their links."""
        found: list[dict[str, Any]] = []
        answer = self.get(f"/{name}", **params)
        while True:
            assert answer.status_code == 200, answer.text
            found += answer.json()[name]
            if "next" not in answer.links:
                return found
            answer = requests.get(answer.links["next"]["url"], auth=(KEY, "X"), timeout=10)


def serve(dirt: float) -> Iterator[Server]:
    world = World(1, 0.02, date(2026, 1, 15), 90, dirt)
    clock, progress = WorldClock(world.end_of_history), NoProgress()
    faults = Faults(lambda seconds: clock.move(clock.now + timedelta(seconds=seconds)))
    account = Account(world.desk, lambda: clock.now, KEY)
    app = web.Application(middlewares=[staged_faults])
    app[FAULTS] = faults
    app[ADMIN] = Admin(world, clock, faults, account.limiter, progress)
    app.add_routes(admin_routes())
    app.add_subapp("/api/v2", api(account))
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app, access_log=None)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    host, port = runner.addresses[0][:2]
    yield Server(f"http://{host}:{port}", world, clock, account, faults, progress)
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    yield from serve(dirt=0)


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server whose clock, limits and faults a test may change."""
    yield from serve(dirt=0)


@pytest.fixture(scope="module")
def filthy_server() -> Iterator[Server]:
    yield from serve(dirt=1)


def test_a_walk_meets_every_ticket_once(server: Server) -> None:
    tickets = server.world.desk.tickets(server.clock.now)
    for per_page in (7, 100):
        walked = [
            ticket["id"]
            for filter_ in ({}, {"filter": "deleted"}, {"filter": "spam"})
            for ticket in server.walk("tickets", **ALL, **filter_, per_page=per_page)
        ]
        assert sorted(walked) == [ticket.ticket_id for ticket in tickets]


def test_pages_hold_thirty_unless_asked_and_never_more_than_a_hundred(server: Server) -> None:
    assert len(server.get("/tickets", **ALL).json()["tickets"]) == 30
    refused = server.get("/tickets", **ALL, per_page=101)
    assert refused.status_code == 400
    body = refused.json()
    assert body["description"] == "Validation failed"
    assert body["errors"][0]["field"] == "per_page"
    assert set(body["errors"][0]) == {"field", "message", "code"}


def test_the_last_page_has_no_link(server: Server) -> None:
    first = server.get("/groups", per_page=5)
    assert 'rel="next"' in first.headers["link"]
    last = server.get("/groups", per_page=5, page=2)
    assert len(last.json()["groups"]) == 3
    assert "link" not in last.headers
    assert server.get("/groups", per_page=5, page=3).json() == {"groups": []}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"page": "0"}, "page"),
        ({"per_page": "many"}, "per_page"),
        ({"filter": "mine"}, "filter"),
        ({"updated_since": "yesterday"}, "updated_since"),
        ({"order_by": "colour"}, "order_by"),
        ({"order_type": "up"}, "order_type"),
        ({"include": "stats,everything"}, "include"),
        ({"workspace_id": "all"}, "workspace_id"),
    ],
)
def test_a_wrong_parameter_is_named(server: Server, params: dict[str, str], field: str) -> None:
    refused = server.get("/tickets", **params)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == field


def test_without_updated_since_only_a_month_is_listed(server: Server) -> None:
    oldest = server.clock.now - timedelta(days=30)
    recent = server.walk("tickets", workspace_id=0)
    assert all(instant(ticket["created_at"]) >= oldest for ticket in recent)
    assert len(recent) < len(server.walk("tickets", **ALL)) / 2


def test_updated_since_includes_its_own_second(server: Server) -> None:
    everything = server.walk("tickets", **ALL)
    since = sorted(ticket["updated_at"] for ticket in everything)[len(everything) // 2]
    found = server.walk("tickets", updated_since=since, workspace_id=0)
    assert {t["id"] for t in found} == {t["id"] for t in everything if t["updated_at"] >= since}


def test_the_order_is_descending_unless_asked(server: Server) -> None:
    newest_first = [ticket["created_at"] for ticket in server.walk("tickets", **ALL)]
    assert newest_first == sorted(newest_first, reverse=True)
    order = {"order_by": "updated_at", "order_type": "asc"}
    oldest_first = [t["updated_at"] for t in server.walk("tickets", **ALL, **order)]
    assert oldest_first == sorted(oldest_first)


def test_deleted_and_spam_show_up_under_their_filters_only(server: Server) -> None:
    assert not any(t["deleted"] or t["spam"] for t in server.walk("tickets", **ALL))
    deleted = server.walk("tickets", **ALL, filter="deleted")
    spam = server.walk("tickets", **ALL, filter="spam")
    assert deleted
    assert all(ticket["deleted"] for ticket in deleted)
    assert spam
    assert all(ticket["spam"] for ticket in spam)


def test_tickets_of_one_person_are_found_by_id_and_by_address(server: Server) -> None:
    people = [r for r in server.world.desk.requesters(server.clock.now) if r.email]
    tickets = server.walk("tickets", **ALL)
    for somebody in people[:3]:
        theirs = [t["id"] for t in tickets if t["requester_id"] == somebody.requester_id]
        by_id = server.walk("tickets", **ALL, requester_id=somebody.requester_id)
        by_mail = server.walk("tickets", **ALL, email=somebody.email)
        assert [t["id"] for t in by_id] == [t["id"] for t in by_mail] == theirs


def test_other_workspaces_are_silently_missing(server: Server) -> None:
    primary = server.walk("tickets", updated_since=ALL["updated_since"])
    everywhere = server.walk("tickets", **ALL)
    assert {ticket["workspace_id"] for ticket in primary} == {1}
    assert {ticket["workspace_id"] for ticket in everywhere} == {1, 2}
    second = server.walk("tickets", updated_since=ALL["updated_since"], workspace_id=2)
    assert len(primary) + len(second) == len(everywhere)
    assert not any(ticket["custom_fields"] for ticket in everywhere)


def test_statistics_have_their_quirks(server: Server) -> None:
    tickets = server.walk("tickets", **ALL, include="stats", per_page=100)
    assert all(ticket["stats"]["ticket_id"] > 2**31 > ticket["id"] for ticket in tickets)
    unresolved = [t["stats"] for t in tickets if t["status"] not in (4, 5)]
    assert {s["resolved_at"] for s in unresolved} == {None}
    assert 0 in {s["resolution_time_in_secs"] for s in unresolved}
    done = [ticket["stats"] for ticket in tickets if ticket["status"] in (4, 5)]
    assert any(s["resolved_at"] is None for s in done)
    assigned = [t["stats"]["first_assigned_at"] for t in tickets if t["responder_id"]]
    assert None in assigned
    assert any(assigned)
    assert {None, 0} <= {ticket["stats"]["outbound_count"] for ticket in tickets}


def test_text_has_markup_and_characters_of_four_bytes(server: Server) -> None:
    tickets = server.walk("tickets", **ALL, per_page=100)
    assert all(ticket["description"].startswith("<div>") for ticket in tickets)
    assert any(max(map(ord, ticket["description"])) > 0xFFFF for ticket in tickets)


def test_some_fields_stand_in_the_view_only(server: Server) -> None:
    only_there = {"sla_policy_id", "applied_business_hours", "created_within_business_hours"}
    listed = server.get("/tickets", **ALL).json()["tickets"][0]
    assert not only_there & set(listed)
    viewed = server.get(f"/tickets/{listed['id']}", include="stats").json()["ticket"]
    assert only_there <= set(viewed)
    assert {key: viewed[key] for key in listed if key != "custom_fields"} == {
        key: value for key, value in listed.items() if key != "custom_fields"
    }
    assert viewed["sla_policy_id"] in {p["id"] for p in server.walk("sla_policies")}


def test_what_does_not_exist_is_404(server: Server) -> None:
    assert server.get("/tickets/999999").status_code == 404
    assert server.get("/tickets/abc").status_code == 404
    assert server.get("/nothing").status_code == 404


def test_a_wrong_key_is_401(server: Server) -> None:
    refused = server.get("/agents", key="another")
    assert refused.status_code == 401
    assert refused.json()["code"] == "invalid_credentials"
    bare = requests.get(f"{server.url}/api/v2/agents", timeout=10)
    assert bare.status_code == 401
    bearer = {"Authorization": f"Bearer {KEY}"}
    refused = requests.get(f"{server.url}/api/v2/agents", headers=bearer, timeout=10)
    assert refused.status_code == 401


def test_people_and_groups_have_large_ids_and_refer_to_each_other(server: Server) -> None:
    agents, groups = server.walk("agents"), server.walk("groups")
    requesters = server.walk("requesters", per_page=100)
    assert all(thing["id"] > 2**31 for thing in (*agents, *groups, *requesters))
    assert {g for agent in agents for g in agent["member_of"]} == {g["id"] for g in groups}
    tickets = server.walk("tickets", **ALL)
    forgotten = {somebody for somebody, _ in server.world.desk.forgotten(server.clock.now)}
    assert {t["requester_id"] for t in tickets} - {r["id"] for r in requesters} <= forgotten
    assert forgotten
    assert not forgotten & {r["id"] for r in requesters}
    assert {t["responder_id"] for t in tickets} <= {None, *(a["id"] for a in agents)}
    assert {t["group_id"] for t in tickets} <= {None, *(g["id"] for g in groups)}
    with_agents = server.walk("requesters", include_agents="true", per_page=100)
    everybody = {a["id"] for a in agents} | {r["id"] for r in requesters}
    assert {somebody["id"] for somebody in with_agents} == everybody
    assert len(with_agents) == len(everybody) < len(agents) + len(requesters)


def test_calendars_speak_rails(server: Server) -> None:
    calendars = {calendar["name"]: calendar for calendar in server.walk("business_hours")}
    assert calendars["Americas"]["time_zone"] == "Eastern Time (US & Canada)"
    assert calendars["Americas"]["is_default"]
    monday = calendars["EMEA"]["service_desk_hours"]["monday"]
    assert monday == {"beginning_of_workday": "8:30 am", "end_of_workday": "5:30 pm"}
    assert "sunday" not in calendars["APAC"]["service_desk_hours"]
    holidays = [h["holiday_date"] for h in calendars["Americas"]["list_of_holidays"]]
    assert "--07-04" in holidays
    assert "2026-04-03" in [h["holiday_date"] for h in calendars["EMEA"]["list_of_holidays"]]
    around = calendars["24x7"]["service_desk_hours"]
    assert len(around) == 7
    assert around["sunday"]["end_of_workday"] == "11:59 pm"
    unset = [group for group in server.walk("groups") if group["business_hours_id"] is None]
    assert [group["name"] for group in unset] == ["Identity & Access"]


def test_an_include_costs_credits_and_the_answer_says_how_many(server: Server) -> None:
    plain = server.get("/tickets")
    rich = server.get("/tickets", include="stats,requester")
    view = server.get("/tickets/1", include="stats")
    used = [r.headers["X-Ratelimit-Used-CurrentRequest"] for r in (plain, rich, view)]
    assert used == ["1", "5", "2"]
    left = [int(r.headers["X-Ratelimit-Remaining"]) for r in (plain, rich, view)]
    assert left[0] - left[1] == 5
    assert left[1] - left[2] == 2


def test_too_many_calls_are_429_with_the_time_to_wait(own_server: Server) -> None:
    asked = requests.post(f"{own_server.url}/sandbox/limits", json={"total": 3}, timeout=10)
    assert asked.json()["total"] == 3
    # Invalid requests count too.
    codes = [own_server.get("/groups", page=page).status_code for page in (1, 0, 1, 1)]
    assert codes == [200, 400, 200, 429]
    refused = own_server.get("/groups")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-Ratelimit-Remaining"] == "0"


def test_an_endpoint_has_a_limit_of_its_own_and_minutes_end() -> None:
    now = 1000.0
    limiter = Limiter(Limits(total=100, list_tickets=2), clock=lambda: now)
    asked = [limiter.charge("list_tickets", 0).retry_after for _ in range(3)]
    assert asked == [None, None, 60]
    assert limiter.charge("list_agents", 0).retry_after is None
    now += 30.5
    assert limiter.charge("list_tickets", 0).retry_after == 30
    now += 30
    assert limiter.charge("list_tickets", 0).retry_after is None


def test_a_list_can_be_capped_in_depth(own_server: Server) -> None:
    own_server.account.limits.depth_cap = 2
    codes = [own_server.get("/tickets", **ALL, page=page).status_code for page in (2, 3)]
    assert codes == [200, 400]


def test_staged_faults_strike_as_often_as_asked(own_server: Server) -> None:
    fault: dict[str, Any] = {"path_prefix": "/api/v2/tickets", "status": 500, "times": 2, "skip": 1}
    posted = requests.post(f"{own_server.url}/sandbox/faults", json=fault, timeout=10)
    assert posted.status_code == 201
    codes = [own_server.get("/tickets").status_code for _ in range(4)]
    assert codes == [200, 500, 500, 200]
    assert own_server.get("/groups").status_code == 200


def test_a_fault_may_bring_headers_and_a_body_and_be_called_off(own_server: Server) -> None:
    fault: dict[str, Any] = {
        "path_prefix": "/api/v2/",
        "status": 429,
        "times": 9,
        "headers": {"Retry-After": "3"},
        "body": "<html>no JSON</html>",
    }
    requests.post(f"{own_server.url}/sandbox/faults", json=fault, timeout=10)
    struck = own_server.get("/groups")
    assert (struck.status_code, struck.headers["Retry-After"]) == (429, "3")
    assert struck.text == "<html>no JSON</html>"
    pending = requests.get(f"{own_server.url}/sandbox/faults", timeout=10).json()["faults"]
    assert [one["times"] for one in pending] == [8]
    requests.delete(f"{own_server.url}/sandbox/faults", timeout=10)
    assert own_server.get("/groups").status_code == 200


def test_a_page_may_shift_while_the_list_is_read(own_server: Server) -> None:
    order = {"order_by": "updated_at", "order_type": "asc", "per_page": 10}
    before = own_server.walk("tickets", **ALL, **order)
    fault: dict[str, Any] = {
        "path_prefix": "/api/v2/tickets",
        "moves_clock_seconds": 3 * 86_400,
        "skip": len(before) // 10 - 2,
    }
    requests.post(f"{own_server.url}/sandbox/faults", json=fault, timeout=10)
    shifted = own_server.walk("tickets", **ALL, **order)
    assert own_server.clock.now == own_server.world.end_of_history + timedelta(days=3)
    # What changed in between moved to the end, and others slipped through the edge of a page.
    gone = {somebody for somebody, _ in own_server.world.desk.purged(own_server.clock.now)}
    assert {t["id"] for t in before} - {t["id"] for t in shifted} - gone


@pytest.mark.parametrize(
    "fault",
    [
        {},
        [],
        {"status": 500},
        {"path_prefix": "/", "status": 99},
        {"path_prefix": "/", "status": "x"},
        {"path_prefix": "/", "status": 500, "tiems": 2},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(server: Server, fault: Any) -> None:
    refused = requests.post(f"{server.url}/sandbox/faults", json=fault, timeout=10)
    assert refused.status_code == 400
    assert refused.json()["error"]


def test_the_api_follows_the_clock(own_server: Server) -> None:
    before = own_server.walk("tickets", **ALL, per_page=100)
    url = f"{own_server.url}/sandbox/clock"
    later = own_server.clock.now + timedelta(days=3)
    moved = requests.post(url, json={"now": later.isoformat()}, timeout=10)
    assert moved.status_code == 200
    assert own_server.progress.nudged == 1
    after = own_server.walk("tickets", **ALL, per_page=100)
    assert len(after) > len(before)
    assert max(ticket["updated_at"] for ticket in after) > before[0]["updated_at"]
    bodies: list[Any] = [{"now": "2026-01-01T00:00:00Z"}, {"now": 5}, {}, []]
    for body in bodies:
        assert requests.post(url, json=body, timeout=10).status_code == 400
    shown = requests.get(url, timeout=10).json()["now"]
    assert instant(shown) == later


def test_without_dirt_everything_passes_the_schema(server: Server) -> None:
    for entity, name in ENTITIES.items():
        validator = schema_of(entity)
        params = {**ALL, "include": "stats"} if name == "tickets" else {}
        for record in server.walk(name, per_page=100, **params):
            assert validator.is_valid(record), (entity, record)


def test_dirt_on_tickets_is_what_the_desk_says_it_is(filthy_server: Server) -> None:
    validator, kinds = schema_of("ticket"), set()
    for ticket in filthy_server.walk("tickets", **ALL, per_page=100):
        kind = filthy_server.world.desk.dirt(ticket["id"])
        kinds.add(kind)
        assert validator.is_valid(ticket) == (kind in ("missing_priority", "missing_category"))
        assert (ticket.get("priority") is None) == (kind == "missing_priority")
        assert (ticket.get("category") is None) == (kind == "missing_category")
    assert kinds == {"missing_priority", "missing_category", "missing_field", "wrong_type"}


ENTITIES = {
    "ticket": "tickets",
    "requester": "requesters",
    "agent": "agents",
    "group": "groups",
    "business_hours": "business_hours",
    "sla_policy": "sla_policies",
}


def schema_of(entity: str) -> Any:
    schema = json.loads(SCHEMA.read_text())
    return jsonschema_rs.validator_for(
        {**schema, "$ref": f"#/$defs/{entity}"}, validate_formats=True
    )


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
