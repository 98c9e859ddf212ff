"""What the company has, and its problems, changes and releases, over HTTP and in the truth."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import jsonschema_rs
import pytest
import requests

from sandbox.freshservice.asset_payload import asset_payload
from sandbox.freshservice.case_payload import change_payload, problem_payload, release_payload
from sandbox.freshservice.contract_payload import contract_payload
from sandbox.freshservice.order_payload import order_payload
from sandbox.truth.estate import (
    accrual_rows,
    asset_rows,
    asset_state_rows,
    book_value_rows,
    contract_rows,
    licence_rows,
    order_rows,
)
from sandbox.truth.itil import change_rows, dirt_rows, linked, problem_rows
from sandbox.world import World
from sandbox.world.desk.casework import case_tasks, case_time_entries
from sandbox.world.desk.links import links_of
from sandbox.world.desk.orders import Line
from sandbox.world.desk.software import CATALOG
from tests.unit.test_freshservice_standin import KEY, SCHEMA, Server, serve

DAYS = (10, 45, 90, 91, 100, 130)
ORDERS = ("purchase_orders", "applications")
KINDS = ("problems", "changes", "releases")
SINCE = {"updated_since": "1970-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def world() -> World:
    return World(1, 0.05, date(2026, 1, 15), 90, 0.0)


@pytest.fixture(scope="module")
def now(world: World) -> datetime:
    return world.end_of_history


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    yield from serve(dirt=0)


@pytest.mark.parametrize(
    "name",
    [*KINDS, "assets", "asset_types", "products", "vendors", "contracts", *ORDERS],
)
def test_a_walk_meets_everything_once(server: Server, name: str) -> None:
    ids = [record["id"] for record in server.walk(name, per_page=50, **SINCE)]
    assert ids
    assert len(set(ids)) == len(ids)


def test_type_fields_are_suffixed_by_the_type_that_defines_them(server: Server) -> None:
    types = {kind["id"]: kind for kind in server.walk("asset_types", per_page=100)}
    plain = server.get("/assets", per_page=100).json()["assets"]
    assert not any("type_fields" in asset for asset in plain)
    for asset in server.walk("assets", per_page=100, include="type_fields"):
        lineage, type_id = set(), asset["asset_type_id"]
        while type_id:
            lineage.add(type_id)
            type_id = types[type_id]["parent_asset_type_id"]
        fields = asset["type_fields"]
        suffixed = {key for key in fields if key not in ("depreciation_id", "salvage")}
        matches = [re.fullmatch(r"(.*)_(\d+)", key) for key in suffixed]
        assert {int(match[2]) for match in matches if match} <= lineage
        assert {"asset_state", "cost", "acquisition_date"} <= {m[1] for m in matches if m}


def test_type_fields_cost_three_credits(server: Server) -> None:
    answer = server.get("/assets", include="type_fields")
    assert answer.headers["X-Ratelimit-Used-CurrentRequest"] == "3"


def test_lists_of_assets_have_a_limit_of_their_own(server: Server) -> None:
    server.account.limits.change({"list_assets": 1})
    try:
        codes = [server.get("/assets").status_code for _ in range(2)]
        assert server.get("/asset_types").status_code == 200
    finally:
        server.account.limits.change({"list_assets": 60_000})
    assert 429 in codes


def test_what_is_in_the_bin_is_only_there(server: Server) -> None:
    listed = {asset["id"] for asset in server.walk("assets", per_page=100)}
    binned = {asset["id"] for asset in server.walk("assets", per_page=100, trashed="true")}
    assert not listed & binned
    gone = sum(
        a.is_gone(server.clock.now) for a in server.world.desk.estate.assets(server.clock.now)
    )
    assert len(listed | binned) + gone == len(server.world.desk.estate.assets(server.clock.now))


def test_the_path_of_an_asset_takes_the_display_id(server: Server) -> None:
    asset = server.get("/assets").json()["assets"][0]
    assert server.get(f"/assets/{asset['display_id']}").json()["asset"] == asset
    assert server.get(f"/assets/{asset['id']}").status_code == 404


def test_changes_show_thirty_days_unless_asked(server: Server) -> None:
    recent = server.walk("changes", per_page=100)
    horizon = (server.clock.now - timedelta(days=30)).isoformat().replace("+00:00", "Z")
    assert all(change["created_at"] >= horizon for change in recent)
    assert len(server.walk("changes", per_page=100, **SINCE)) > len(recent)


@pytest.mark.parametrize("kind", KINDS)
def test_deleted_cases_are_only_under_their_filter(server: Server, kind: str) -> None:
    usual = server.walk(kind, per_page=100, **SINCE)
    deleted = server.walk(kind, per_page=100, filter="deleted", **SINCE)
    assert not any(case["deleted"] for case in usual)
    assert all(case["deleted"] for case in deleted)
    assert server.get(f"/{kind}", filter="nonsense").status_code == 400


def test_changes_carry_stats_for_two_credits(server: Server) -> None:
    answer = server.get("/changes", include="stats", **SINCE)
    assert answer.headers["X-Ratelimit-Used-CurrentRequest"] == "3"
    assert all("closed_at" in change["stats"] for change in answer.json()["changes"])


@pytest.mark.parametrize("kind", KINDS)
def test_cases_are_found_by_the_time_of_their_last_change(server: Server, kind: str) -> None:
    everything = server.walk(kind, per_page=100, **SINCE)
    since = sorted(case["updated_at"] for case in everything)[len(everything) // 2]
    found = {case["id"] for case in server.walk(kind, per_page=100, updated_since=since)}
    assert found == {case["id"] for case in everything if case["updated_at"] >= since}


@pytest.mark.parametrize("kind", KINDS)
def test_cases_have_tasks_and_time_entries(server: Server, kind: str) -> None:
    tasks = entries = 0
    for case in server.walk(kind, per_page=100, **SINCE):
        path = f"/{kind}/{case['id']}"
        tasks += len(server.get(f"{path}/tasks").json()["tasks"])
        entries += len(server.get(f"{path}/time_entries").json()["time_entries"])
    assert min(tasks, entries) > 0
    assert server.get(f"/{kind}/999999").status_code == 404
    assert server.get(f"/{kind}/999999/tasks").status_code == 404


def test_software_counts_its_users_and_installations(server: Server) -> None:
    machines = {asset["display_id"] for asset in server.walk("assets", per_page=100)}
    numbers = {contract["contract_number"] for contract in server.walk("contracts", per_page=100)}
    for software in server.walk("applications"):
        path = f"/applications/{software['id']}"
        users = _walk(server, f"{path}/users", "application_users")
        found = _walk(server, f"{path}/installations", "installations")
        assert (software["user_count"], software["installation_count"]) == (len(users), len(found))
        assert {installation["installation_machine_id"] for installation in found} <= machines
        licences = server.get(f"{path}/licenses").json()["licenses"]
        assert {licence["contract_id"] for licence in licences} <= numbers
    assert server.get("/applications/1/users").status_code == 404


def _walk(server: Server, path: str, name: str) -> list[dict[str, Any]]:
    answer = server.get(path, per_page=100)
    found = answer.json()[name]
    while "next" in answer.links:
        answer = requests.get(answer.links["next"]["url"], auth=(KEY, "X"), timeout=10)
        found += answer.json()[name]
    return list({record["id"]: record for record in found}.values())


def test_all_kinds_of_licence_states_occur(world: World, now: datetime) -> None:
    rows = list(licence_rows(world.desk.estate, now))
    assert {row["state"] for row in rows} == {"compliant", "non_compliant", "unlicensed"}
    assert any(row["active_contracts"] == 2 for row in rows)
    assert sum(row["unused"] for row in rows) > 0
    assert len(rows) == len(CATALOG)


def test_assets_go_through_their_states_without_a_gap(world: World, now: datetime) -> None:
    stretches = defaultdict(list)
    for row in asset_state_rows(world.desk.estate.assets(now), now):
        stretches[row["asset_id"]].append(row)
    states = {row["asset_id"]: row for row in asset_rows(world.desk.estate.assets(now), now)}
    assert stretches.keys() == states.keys()
    seen = Counter(row["state"] for rows in stretches.values() for row in rows)
    assert {"In Stock", "In Use", "In Repair", "Missing", "Retired", "Disposed"} <= seen.keys()
    for asset_id, rows in stretches.items():
        assert rows[-1]["to"] is None
        assert rows[-1]["state"] == states[asset_id]["state"]
        assert all(before["to"] == after["from"] for before, after in pairwise(rows))
        assert all(row["state"] != "Disposed" for row in rows[:-1])


def test_nothing_happens_to_what_is_disposed_of(world: World) -> None:
    later = world.end_of_history + timedelta(days=900)
    disposed = [
        row for row in asset_rows(world.desk.estate.assets(later), later) if row["disposed_at"]
    ]
    assert disposed
    assert all(row["updated_at"] == row["disposed_at"] for row in disposed)


def test_charges_and_the_last_book_value_make_the_cost(world: World, now: datetime) -> None:
    assets = {row["asset_id"]: row for row in asset_rows(world.desk.estate.assets(now), now)}
    books = defaultdict(list)
    for row in book_value_rows(world.desk.estate.assets(now), now):
        books[row["asset_id"]].append(row)
    for asset_id, rows in books.items():
        cost = Decimal(assets[asset_id]["cost"])
        assert sum(Decimal(row["charge"]) for row in rows) + Decimal(rows[-1]["book_value"]) == cost
        assert all(Decimal(row["charge"]) >= 0 for row in rows)
        assert Decimal(rows[-1]["book_value"]) >= Decimal(assets[asset_id]["salvage"] or 0)
    methods = {assets[asset_id]["method"] for asset_id in books}
    assert methods == {"straight_line", "declining_balance", "sum_of_years"}
    without = [row for asset_id, row in assets.items() if asset_id not in books]
    assert any(row["cost"] is None for row in without)
    assert any(row["method"] is None for row in without)


def test_finished_terms_accrue_to_their_cost(world: World, now: datetime) -> None:
    contracts = {
        row["contract_id"]: row for row in contract_rows(world.desk.estate.contracts(now), now)
    }
    accrued: dict[int, Decimal] = defaultdict(Decimal)
    for row in accrual_rows(world.desk.estate.contracts(now), now):
        accrued[row["contract_id"]] += Decimal(row["amount"])
    for contract_id, amount in accrued.items():
        row = contracts[contract_id]
        assert (amount < Decimal(row["cost"])) == (row["status"] == "cancelled")
        assert amount <= Decimal(row["cost"])
    statuses = {row["status"] for row in contracts.values()}
    assert {"active", "expired", "cancelled", "rejected"} <= statuses
    assert any(row["ends_on"] is None for row in contracts.values())


def test_items_make_the_cost_of_a_contract(world: World, now: datetime) -> None:
    for contract in world.desk.estate.contracts(now):
        shown = contract_payload(world.desk.estate, now, contract)
        items = sum(item["cost"] * item["count"] for item in shown["item_cost_details"])
        assert shown["cost"] == pytest.approx(items, abs=0.005)


def test_an_order_totals_as_a_recorded_one_did() -> None:
    # Ten laptops at 1000 with 12.5% tax, ten sleeves at 15; 5% off, 200 for shipping: 11030.
    def line(cost: int, tax: str) -> Line:
        return Line(1, None, "", Decimal(cost), 10, Decimal(tax))

    assert line(1000, "12.5").total == 11250
    goods = line(1000, "12.5").total + line(15, "0").total
    assert goods * (1 - Decimal(5) / 100) + 200 == 11030


def test_the_shown_total_of_an_order_follows_from_what_it_shows(
    world: World, now: datetime
) -> None:
    rows = {row["order_id"]: row for row in order_rows(world.desk.estate.orders(now), now)}
    for order in world.desk.estate.orders(now):
        shown = order_payload(now, order)
        goods = sum(
            item["cost"] * item["quantity"] * (1 + item["tax_percentage"] / 100)
            for item in shown["purchase_items"]
        )
        taxed = (
            goods * (1 - shown["discount_percentage"] / 100) * (1 + shown["tax_percentage"] / 100)
        )
        assert shown["total_cost"] == pytest.approx(taxed + shown["shipping_cost"], abs=0.0051)
        in_base = shown["total_cost"] * shown["currency"]["conversion_rate"]
        assert float(rows[order.order_id]["total_in_base"]) == pytest.approx(in_base, abs=0.0051)
        assert all(item["received"] <= item["quantity"] for item in shown["purchase_items"])
    assert len({row["currency"] for row in rows.values()}) >= 3
    assert any(0 < row["received"] < row["ordered"] for row in rows.values())


def test_a_tenth_of_incidents_or_more_names_an_asset(world: World, now: datetime) -> None:
    births = [ticket.birth for ticket in world.desk.tickets(now)]
    incidents = [birth for birth in births if birth.topic.type == "Incident"]
    found = [links_of(world.desk.itil, birth) for birth in incidents]
    assert 0.1 < sum(bool(links.assets) for links in found) / len(found) < 0.2
    for birth, links in zip(incidents, found, strict=True):
        for asset in links.assets:
            assert asset.created_at <= birth.created_at
            assert asset.at(birth.created_at).state not in ("Retired", "Disposed")
        if links.problem:
            assert links.problem.is_open(birth.created_at)
            assert links.problem.background.topic is birth.topic
    assert any(links.problem for links in found)
    assert any(links.change for links in found)


def test_links_do_not_depend_on_the_way_of_the_clock() -> None:
    def told(days: tuple[int, ...]) -> list[Any]:
        world = World(3, 0.02, date(2026, 1, 15), 90, 0.0)
        for day in days:
            at = world.opening + timedelta(days=day)
            links = linked(world.desk.itil, (ticket.birth for ticket in world.desk.tickets(at)))
        return [
            (
                n,
                [a.name for a in one.assets],
                one.problem and one.problem.case_id,
                one.change and one.change.case_id,
            )
            for n, one in links
        ]

    assert told((130,)) == told((5, 60, 61, 130))


def test_emergencies_failures_and_overruns_occur(world: World, now: datetime) -> None:
    rows = list(change_rows(world.desk.itil, now))
    assert {row["change_type"] for row in rows} == {1, 2, 3, 4}
    assert {"Successful", "Failed", "Rolled back", "Rejected"} >= {
        r["result"] for r in rows if r["result"]
    }
    assert 0.05 < sum(row["overran"] for row in rows) / len(rows) < 0.4
    for row in rows:
        assert row["overran"] == bool(row["done_at"] and row["done_at"] > row["planned_end"])
    tickets = linked(world.desk.itil, (ticket.birth for ticket in world.desk.tickets(now)))
    problems = list(problem_rows(world.desk.itil, tickets, now))
    assert {row["known_error"] for row in problems} == {True, False}
    assert any(row["change_id"] for row in problems)
    assert any(row["ticket_ids"] for row in problems)


Shown = dict[Any, dict[str, Any]]


def _shown(world: World, at: datetime) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Everything that has an updated_at of its own, as it is shown at a moment."""
    desk = world.desk
    for asset in desk.estate.assets(at):
        yield ("asset", asset.asset_id), asset_payload(1, at, asset, ("type_fields",))
    for contract in desk.estate.contracts(at):
        yield ("contract", contract.contract_id), contract_payload(desk.estate, at, contract)
    for order in desk.estate.orders(at):
        yield ("order", order.order_id), order_payload(at, order)
    shows: tuple[tuple[Any, Callable[..., dict[str, Any]]], ...] = (
        (desk.itil.problems(at), problem_payload),
        (desk.itil.changes(at), change_payload),
        (desk.itil.releases(at), release_payload),
    )
    for cases, show in shows:
        for case in cases:
            hanging = [case_tasks(1, case, at), case_time_entries(1, case, at)]
            stats = {"includes": ("stats",)} if show is change_payload else {}
            yield (case.kind, case.case_id), {**show(at, case, **stats), "hanging": hanging}


def test_nothing_changes_without_its_updated_at(world: World) -> None:
    moments = [world.opening + timedelta(days=day) for day in DAYS]
    told: list[Shown] = [dict(_shown(world, at)) for at in moments]
    changed = 0
    for (earlier, before), (_, after) in pairwise(zip(moments, told, strict=True)):
        for key, was in before.items():
            if after[key] != was:
                changed += 1
                assert after[key]["updated_at"] > earlier, key
            else:
                assert after[key]["updated_at"] == was["updated_at"]
    assert changed > 100


ENTITIES = {
    "problems": "problem",
    "changes": "change",
    "releases": "release",
    "assets": "asset",
    "contracts": "contract",
    "purchase_orders": "purchase_order",
}


@pytest.fixture(scope="module")
def filthy_server() -> Iterator[Server]:
    yield from serve(dirt=1)


@pytest.mark.parametrize("name", ENTITIES)
def test_exactly_what_the_truth_calls_broken_fails_its_schema(
    filthy_server: Server, name: str
) -> None:
    desk, now = filthy_server.world.desk, filthy_server.clock.now
    told = {row["where"]["id"] for row in dirt_rows(desk, now) if row["feed"] == name}
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema_rs.validator_for(
        {**schema, "$ref": f"#/$defs/{ENTITIES[name]}"}, validate_formats=True
    )
    broken = set()
    for aside in ({}, {"trashed": "true"} if name == "assets" else {"filter": "deleted"}):
        for record in filthy_server.walk(name, per_page=100, **SINCE, **aside):
            if not validator.is_valid(record):
                broken.add(record["id"])
    assert broken == told
    assert len(told) > 0


@pytest.mark.parametrize(
    ("name", "entity"),
    [
        ("asset_types", "asset_type"),
        ("products", "product"),
        ("vendors", "vendor"),
        ("applications", "application"),
    ],
)
def test_small_lists_pass_their_schema(server: Server, name: str, entity: str) -> None:
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema_rs.validator_for(
        {**schema, "$ref": f"#/$defs/{entity}"}, validate_formats=True
    )
    for record in server.walk(name, per_page=100):
        validator.validate(record)
