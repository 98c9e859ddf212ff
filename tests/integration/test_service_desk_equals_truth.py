"""The service desk's facts against what happened in the stand-in, to the last row."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandbox import processes
from sandbox.settings import PRIVACY_KEYS
from tests.integration import desk_by_hand as by_hand
from tests.integration.driving import (
    NEW_KEY,
    dbt,
    gatehouse,
    pseudonym,
    truth,
    unread_tickets,
    world,
)
from tests.integration.identifiers import (
    assert_nobody_in,
    assert_the_search_finds,
    rows_with,
    rows_without,
)
from tests.sandboxes import Sandbox, ask

Row = tuple[Any, ...]


@pytest.fixture(scope="module")
def desk(new_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Three weeks of a small desk with the usual dirt, loaded and built once."""
    sandbox = new_sandbox(
        GATEHOUSE_SANDBOX_DIRT="0.01",
        GATEHOUSE_SANDBOX_SCALE="0.03",
        GATEHOUSE_SANDBOX_DAYS="30",
    )
    processes.up(sandbox.settings)
    assert gatehouse(sandbox, "up", "--wait-for-history").returncode == 0
    loaded = gatehouse(sandbox, "load")
    assert loaded.returncode == 0, loaded.stderr
    kinds = ("seed", "model", "snapshot")
    ran = dbt(sandbox, "build", *(word for kind in kinds for word in ("--resource-type", kind)))
    assert ran.returncode == 0, ran.stdout
    return sandbox


@pytest.fixture(scope="module")
def whole(desk: Sandbox) -> set[int]:
    """The tickets of which all has landed: nothing on them was refused at the door or not shown."""
    dirty = {
        line["where"]["ticket_id"]
        for line in truth(desk, "dirt")
        if line["source"] == "freshservice" and line["expected"].startswith("dead_letter:")
        if "ticket_id" in line["where"]
    }
    return {line["ticket_id"] for line in truth(desk, "tickets")} - dirty - unread_tickets(desk)


def test_states_are_those_that_tickets_went_through(desk: Sandbox, whole: set[int]) -> None:
    found = rows(
        desk,
        "ticket_id, state_number, status_id, group_id, responder_id, priority_id, is_deleted,"
        " is_spam, starts_at, ends_at",
        "staging.int_ticket_states",
    )
    expected = {
        (
            line["ticket_id"], line["number"], line["status"], line["group_id"] or 0,
            line["responder_id"] or 0, line["priority"], line["deleted"], line["spam"],
            at(line["starts_at"]), at(line["ends_at"]),
        )
        for line in truth(desk, "states")
    }  # fmt: skip
    assert_equal(found, expected, whole)


def test_tickets_took_as_long_as_they_did(desk: Sandbox, whole: set[int]) -> None:
    names = ("first_response", "first_resolution", "full_resolution", "net_resolution")
    clocks = {"": "", "_holding_business": "_business", "_last_calendar_business": "_last_calendar"}
    measures = {
        f"{name}{theirs}_seconds": f"{name}{ours}_seconds"
        for name in names
        for theirs, ours in clocks.items()
    } | {"reopens": "reopens_count", "replies": "replies_count", "is_merged": "is_merged"}
    found = rows(desk, ", ".join(["ticket_id", *measures.values()]), "marts.fct_tickets")
    expected = {
        (line["ticket_id"], *(line[measure] for measure in measures))
        for line in truth(desk, "tickets")
    }
    assert_equal(found, expected, whole)


def test_turns_are_answered_when_they_were(desk: Sandbox, whole: set[int]) -> None:
    found = rows(
        desk,
        "ticket_id, turn_number, asked_at, replied_at, finished_at, agent_id, reply_seconds,"
        " reply_business_seconds, reply_last_calendar_seconds",
        "marts.fct_ticket_replies",
    )
    lines = truth(desk, "replies")
    expected = {
        (
            line["ticket_id"], line["number"], at(line["asked_at"]), at(line["replied_at"]),
            at(line["finished_at"]), line["agent_id"] or 0, line["reply_seconds"],
            line["reply_holding_business_seconds"], line["reply_last_calendar_business_seconds"],
        )
        for line in lines
    }  # fmt: skip
    # Spam has no turns in the truth.
    assert_equal(found, expected, whole & {line["ticket_id"] for line in lines})


def test_sla_outcomes_are_what_they_were_and_go_to_who_held_the_ticket(
    desk: Sandbox, whole: set[int]
) -> None:
    found = rows(
        desk,
        "ticket_id, metric, response_number, outcome, due_at, done_at, breached_at, priority_id,"
        " group_id, responder_id, sla_policy_id",
        "marts.fct_sla_outcomes",
    )
    expected = {
        (
            line["ticket_id"], line["metric"], line["number"], line["outcome"],
            at(line["due_at"]), at(line["done_at"]), at(line["breached_at"]), line["priority"],
            line["group_id"] or 0, line["responder_id"] or 0, line["sla_policy_id"],
        )
        for line in truth(desk, "sla")
    }  # fmt: skip
    assert {row[3] for row in expected} >= {"met", "breached", "running", "excluded"}
    assert_equal(found, expected, whole)


def test_time_entries_are_those_that_were_noted(desk: Sandbox, whole: set[int]) -> None:
    found = rows(
        desk,
        "ticket_id, time_entry_id, agent_id, logged_seconds, is_billable, is_timer_running,"
        " is_deleted, executed_at",
        "marts.fct_time_entries where ticket_id > 0",
    )
    expected = {
        (
            line["ticket_id"], line["id"], line["agent_id"],
            None if line["timer_running"] else line["seconds"], line["billable"],
            line["timer_running"], False, at(line["executed_at"]),
        )
        for line in truth(desk, "time_entries")
    }  # fmt: skip
    assert_equal(found, expected, whole)


def test_surveys_are_those_that_were_answered(desk: Sandbox, whole: set[int]) -> None:
    found = rows(
        desk,
        "ticket_id, acquired_score, total_score, is_satisfied, answered_at",
        "marts.fct_surveys",
    )
    expected = {
        (
            line["ticket_id"], line["acquired"], line["total"],
            line["acquired"] / line["total"] >= 0.75, at(line["at"]),
        )
        for line in truth(desk, "csat")
    }  # fmt: skip
    assert_equal(found, expected, whole, at_least=5)


def test_the_backlog_of_every_day_is_what_was_open(desk: Sandbox, whole: set[int]) -> None:
    flows = ("created", "reopened", "restored", "moved_in", "resolved", "moved_out")
    counts = [*(f"{flow}_count" for flow in flows), "removed_count", "closing_count"]
    found = rows(
        desk,
        ", ".join(["group_id", "date_day", *counts]),
        f"marts.rollup_backlog_daily where {' + '.join(counts)} > 0",
    )
    expected = {
        (
            line["group_id"] or 0, date.fromisoformat(line["day"]),
            *(line[flow] for flow in flows), line["deleted"] + line["spam"], line["open"],
        )
        for line in truth(desk, "backlog")
    }  # fmt: skip
    # A ticket that was refused is in nobody's backlog, and one of which a change was refused in
    # another's: the groups that had one, or seem to have, are left out.
    lines = truth(desk, "states")
    spoilt = {line["group_id"] or 0 for line in lines if line["ticket_id"] not in whole}
    held = rows(desk, "ticket_id, group_id", "marts.fct_ticket_status_segments")
    spoilt |= {group_id for ticket_id, group_id in held if ticket_id not in whole}
    assert_equal(found, expected, {line["group_id"] or 0 for line in lines} - spoilt)


def test_assets_are_in_the_state_and_worth_what_they_are(desk: Sandbox) -> None:
    dirty = refused(desk, "assets")
    expected = {
        (line["asset_id"], "Trashed" if line["is_trashed"] else line["state"])
        for line in truth(desk, "assets")
        if not line["is_gone"] and line["asset_id"] not in dirty
    }
    assert rows(desk, "asset_id, asset_state", "marts.dim_assets") == expected
    found = rows(
        desk,
        "asset_id, toString(date_month), full_months, book_value, charge, charged_so_far",
        "marts.fct_asset_book_values",
    )
    expected = {
        (
            line["asset_id"],
            line["month"],
            line["months"],
            *(Decimal(line[figure]) for figure in ("book_value", "charge", "accumulated")),
        )
        for line in truth(desk, "asset_book_values")
        if line["asset_id"] not in dirty
    }
    assert found == expected
    assert len(expected) > 300


def test_contracts_accrue_what_they_cost(desk: Sandbox) -> None:
    dirty = refused(desk, "contracts")
    expected = {
        (line["contract_id"], line["month"], line["days"], Decimal(line["amount"]))
        for line in truth(desk, "contract_accruals")
        if line["contract_id"] not in dirty
    }
    found = rows(
        desk,
        "contract_id, toString(date_month), overlap_days, accrued_amount",
        "marts.fct_contract_accruals",
    )
    assert found == expected
    assert len(expected) > 30


def test_orders_cost_what_their_lines_do(desk: Sandbox) -> None:
    dirty = refused(desk, "purchase_orders")
    expected = {
        (
            line["order_id"],
            Decimal(line["total"]),
            Decimal(line["total_in_base"]),
            line["ordered"],
            line["received"],
        )
        for line in truth(desk, "purchase_orders")
        if line["order_id"] not in dirty
    }
    columns = "total_amount, total_base_amount, ordered_quantity, received_quantity"
    found = rows(desk, f"purchase_order_id, {columns}", "marts.fct_purchase_orders")
    assert found == expected
    assert expected


def test_licences_fit_where_they_do(desk: Sandbox) -> None:
    dirty = refused(desk, "contracts")
    unsure = {
        line["software_id"] for line in truth(desk, "contracts") if line["contract_id"] in dirty
    }
    names = ("software_id", "purchased", "installed", "users", "unused", "state")
    expected = {tuple(line[name] for name in names) for line in truth(desk, "licences")}
    columns = "purchased_count, installed_count, users_count, unused_count, license_state"
    found = rows(desk, f"application_id, {columns}", "marts.fct_license_positions")
    assert {row for row in found if row[0] not in unsure} == {
        row for row in expected if row[0] not in unsure
    }
    assert expected


def test_changes_and_problems_ended_when_they_did(desk: Sandbox) -> None:
    dirty = refused(desk, "changes")
    expected: set[Row] = {
        (
            line["change_id"],
            line["status"],
            bool(line["overran"]),
            at(line["done_at"]),
            at(line["closed_at"]),
        )
        for line in truth(desk, "changes")
        if line["change_id"] not in dirty
    }
    columns = "status_id, coalesce(overrun_seconds, 0) > 0, work_ends_at, closed_at"
    assert rows(desk, f"change_id, {columns}", "marts.fct_changes") == expected
    dirty = refused(desk, "problems")
    expected = {
        (line["problem_id"], line["status"], line["known_error"], line["closed_at"] is None)
        for line in truth(desk, "problems")
        if line["problem_id"] not in dirty
    }
    columns = "problem_id, status_id, is_known_error, is_open"
    assert rows(desk, columns, "marts.fct_problems") == expected


def test_releases_went_out_when_they_did(desk: Sandbox) -> None:
    dirty = refused(desk, "releases")
    expected = {
        (
            line["release_id"], line["status"], line["deleted"], at(line["planned_end"]),
            at(line["began_at"]), at(line["ended_at"]),
        )
        for line in truth(desk, "releases")
        if line["release_id"] not in dirty
    }  # fmt: skip
    columns = "status_id, is_deleted, planned_ends_at, work_starts_at, work_ends_at"
    assert rows(desk, f"release_id, {columns}", "marts.fct_releases") == expected
    assert expected


def test_cohorts_hold_what_became_of_their_tickets(desk: Sandbox, whole: set[int]) -> None:
    names = (
        "tickets", "first_responded", "resolved", "reopen_ripe", "reopened_soon",
        "first_contact_ripe", "first_contact_resolved", "one_touch", "surveyed", "satisfied",
    )  # fmt: skip
    waits = ("first_response", "first_response_business", "resolution", "resolution_business")
    columns = [*(f"{name}_count" for name in names), *(f"{wait}_total_seconds" for wait in waits)]
    found = rows(
        desk,
        ", ".join(["group_id", "priority_id", "cohort", "date_day", *columns]),
        "marts.rollup_ticket_cohorts_daily",
    )
    lines = truth(desk, "tickets")
    expected = by_hand.cohorts(lines, by_hand.satisfied(truth(desk, "csat")), now(desk))
    spoilt = {line["group_id"] or 0 for line in lines if line["ticket_id"] not in whole}
    assert_equal(found, expected, {line["group_id"] or 0 for line in lines} - spoilt)
    assert sum(row[8] for row in found) > 0, "nothing was reopened"


def test_limits_were_kept_and_broken_on_their_day(desk: Sandbox, whole: set[int]) -> None:
    found = rows(
        desk,
        "group_id, metric, priority_id, date_day, met_count, breached_count,"
        " running_breached_count",
        "marts.rollup_sla_outcomes_daily",
    )
    lines = truth(desk, "sla")
    spoilt = {line["group_id"] or 0 for line in lines if line["ticket_id"] not in whole}
    assert_equal(found, by_hand.sla_days(lines), {line["group_id"] or 0 for line in lines} - spoilt)


def test_agents_logged_what_they_noted_and_had_the_hours_of_their_group(
    desk: Sandbox, whole: set[int]
) -> None:
    found = rows(
        desk,
        "agent_id, date_day, logged_seconds, billable_seconds, available_seconds",
        "marts.rollup_agents_daily where logged_seconds + business_seconds > 0",
    )
    tickets, entries = truth(desk, "tickets"), truth(desk, "time_entries")
    landed = [t for t in tickets if t["ticket_id"] not in refused(desk, "tickets", "ticket_id")]
    since = min(by_hand.at(ticket["created_at"]) for ticket in landed)
    cases = truth(desk, "case_time_entries")
    expected = set(by_hand.agent_days(world(desk).desk, entries + cases, since, now(desk)))
    spoilt = {entry["agent_id"] for entry in entries if entry["ticket_id"] not in whole}
    assert_equal(found, expected, {row[0] for row in expected} - spoilt)


def test_customers_are_in_the_segment_that_their_tickets_make(
    desk: Sandbox, whole: set[int]
) -> None:
    counts = ("", "open_", "pending_", "resolved_", "closed_", "excluded_")
    columns = [f"{name}tickets_count" for name in counts]
    columns += ["reopens_count", "surveyed_count", "satisfied_count"]
    found = rows(
        desk,
        ", ".join(["requester_id", "segment", *columns, "first_ticket_at", "last_ticket_at"]),
        "marts.dim_customer_profiles",
    )
    tickets, answers = truth(desk, "tickets"), by_hand.satisfied(truth(desk, "csat"))
    expected = set(by_hand.customers(world(desk).desk, tickets, answers, now(desk)))
    spoilt = {line["requester_id"] for line in tickets if line["ticket_id"] not in whole}
    assert_equal(found, expected, {row[0] for row in expected} - spoilt, at_least=40)
    assert {row[1] for row in expected} >= {"regular", "occasional"}


def test_the_rows_that_a_claim_found_are_kept_on_request(desk: Sandbox) -> None:
    claim = "fct_tickets__begins_within_the_calendars"
    none_does = json.dumps({"calendar_starts_on": "2035-01-01"})
    tested = dbt(desk, "test", "-s", claim, "--store-failures", "--vars", none_does)
    assert tested.returncode == 0, tested.stdout
    ran = json.loads((desk.settings.state / "target" / "run_results.json").read_text())["results"]
    [failures] = [it["failures"] for it in ran if it["unique_id"].startswith("test.")]
    assert failures > 0
    kept = ask(desk.settings, "operator", f"select count() from failures.{claim}")
    assert kept == [(failures,)]


def test_nobody_is_in_any_table_file_or_log(desk: Sandbox) -> None:
    assert_nobody_in(desk)
    assert_the_search_finds(desk, "usr-99999999")


def test_whoever_is_forgotten_is_nowhere_and_does_not_come_back(desk: Sandbox) -> None:
    (user, email), *_ = people_of_all_sources(desk)
    names = [pseudonym(user), pseudonym(email)]
    # As `dbt test --store-failures` leaves the rows that a claim found.
    kept = "failures.a_claim engine = MergeTree order by tuple() as select * from marts.fct_visits"
    for statement in ("create database if not exists failures", f"create table {kept}"):
        ask(desk.settings, "transformer", statement)
    layers = {"raw", "staging", "snapshots", "marts", "realtime", "failures"}
    assert {table.partition(".")[0] for table in rows_with(desk, names)} == layers
    of_others = rows(desk, "*", f"marts.fct_visits where user_key != '{names[0]}'")
    sums = rows(desk, "event_id, gate_id, date_day, visits_count", "marts.rollup_attendance_daily")

    counted = json.loads(gatehouse(desk, "forget", user, "--dry-run", "--json").stdout)
    assert pseudonym(user) in {key for (key,) in rows(desk, "user_key", "marts.dim_users")}
    ran = gatehouse(desk, "forget", user, "--json")
    assert ran.returncode == 0, ran.stderr
    erased = json.loads(ran.stdout)
    assert erased["tables"] == counted["tables"]
    assert (erased["left"], erased["unreadable"]) == (0, 0)
    assert rows_with(desk, names) == {}

    # After a rotation of the keys everybody comes once more, under the new one.
    desk.env["GATEHOUSE_PRIVACY_KEYS"] = f"{PRIVACY_KEYS},{NEW_KEY}"
    names += [pseudonym(one, NEW_KEY) for one in (user, email)]
    afresh = {"SOURCES__EVENT_MANAGEMENT__GROUP_ID": "reads-all-again"}
    loaded = gatehouse(desk, "load", "--json", **afresh)
    assert loaded.returncode == 0, loaded.stderr
    refused = {r["source"] for r in json.loads(loaded.stdout) if r["refused"].get("forgotten")}
    assert "event_management" in refused
    built = dbt(desk, "build")
    assert built.returncode == 0, built.stdout
    assert rows_with(desk, names) == {}
    assert rows_with(desk, [pseudonym(one, NEW_KEY) for one in people_of_all_sources(desk)[-1]])
    assert rows(desk, "*", "marts.fct_visits") == of_others
    assert sums == rows(
        desk, "event_id, gate_id, date_day, visits_count", "marts.rollup_attendance_daily"
    )
    audited = gatehouse(desk, "audit", "--json", **afresh)
    assert audited.returncode == 0, audited.stdout
    # As the eraser, but not by this test's own search.
    asked = "user = 'eraser' and position(query, 'concatWithSeparator') = 0"
    for word in (user, email, *names):
        told = f"system.query_log where position(query, '{word}') > 0 and {asked}"
        assert ask(desk.settings, "operator", f"select count() from {told}") == [(0,)]


def test_a_forgetting_that_is_killed_is_done_by_the_next_and_touches_nobody_else(
    desk: Sandbox,
) -> None:
    user, email = people_of_all_sources(desk)[-1]
    # Known under both keys by now, see above.
    names = [pseudonym(one, key) for one in (user, email) for key in (PRIVACY_KEYS, NEW_KEY)]
    used = "select device_id, any(user_key) from marts.fct_app_events where device_id != ''"
    of_one = f"({used} group by device_id having uniqExact(user_key) = 1)"
    names += [device for device, owner in rows(desk, "*", of_one) if owner == names[0]]
    others = rows_without(desk, names)
    counted = json.loads(gatehouse(desk, "forget", email, "--dry-run", "--json").stdout)
    assert counted["identifiers"] + counted["devices"] == len(names)
    dice = random.Random(5)
    for _ in range(3):
        killed = subprocess.Popen(
            [sys.executable, "-m", "loaders.cli", "forget", user, "--json"],
            env={**os.environ, **desk.env},
            stdout=subprocess.DEVNULL,
        )
        time.sleep(dice.uniform(2, 5))
        killed.kill()
        killed.wait()
    assert gatehouse(desk, "forget", email).returncode == 0
    assert rows_with(desk, names) == {}
    after, blanked = rows_without(desk, names), Counter[str]()
    for table, kept in others.items():
        assert not kept - after[table], table
        blanked[table] = (after[table] - kept).total()
    expected = Counter({table["table"]: table["blanked"] for table in counted["tables"]})
    expected["staging.int_users_numbered"] += 1  # whose number is nobody's
    assert blanked == expected


def people_of_all_sources(desk: Sandbox) -> list[tuple[str, str]]:
    """Who came to an event and is a requester of the desk: their user ids and addresses."""
    came = "email_pseudonym is not null and user_key in (select user_key from marts.fct_visits)"
    known = rows(desk, "user_key, email_pseudonym", f"marts.dim_users where {came}")
    asking = {e for (e,) in rows(desk, "email_pseudonym", "snapshots.requesters_history")}
    found = {}
    for record in world(desk).event_records():
        data = (record.message or {}).get("data", {})
        user, email = data.get("user_id") or "", str(data.get("email") or "").strip().lower()
        if (pseudonym(user), pseudonym(email)) in known and pseudonym(email) in asking:
            found[user] = email
    return sorted(found.items())


def refused(desk: Sandbox, feed: str, key: str = "id") -> set[int]:
    """The records of a list that were refused at the door."""
    return {
        line["where"][key]
        for line in truth(desk, "dirt")
        if line.get("feed") == feed and line["expected"].startswith("dead_letter:")
    }


def assert_equal(found: set[Row], expected: set[Row], keys: set[int], at_least: int = 101) -> None:
    """Rows of those keys, the first column, are the same on both sides, and not too few."""
    found = {row for row in found if row[0] in keys}
    expected = {row for row in expected if row[0] in keys}
    assert sorted(found - expected, key=str)[:5] == []
    assert sorted(expected - found, key=str)[:5] == []
    assert len(found) >= at_least


def rows(sandbox: Sandbox, columns: str, table: str) -> set[Row]:
    """The rows of a table, times as instants."""
    found = ask(sandbox.settings, "transformer", f"select {columns} from {table}")
    return {tuple(map(_instant, row)) for row in found}


def now(sandbox: Sandbox) -> datetime:
    """Where the sandbox's clock stands."""
    return world(sandbox).end_of_history


def at(text: str | None) -> datetime | None:
    """The instant that the truth tells."""
    return None if text is None else datetime.fromisoformat(text)


def _instant(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value
