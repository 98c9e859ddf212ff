"""Marts against what the sources say happened, and against a fold in Python that knows no SQL."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from loaders import health
from sandbox import processes
from sandbox.settings import PRIVACY_KEYS
from tests import dashboards
from tests.integration import attendance_facts, attendance_marts, gate_facts
from tests.integration.driving import (
    NEW_KEY,
    dbt,
    gatehouse,
    load_a_package,
    pseudonym,
    truth,
    unread_tickets,
    world,
)
from tests.sandboxes import Sandbox, ask

Row = dict[str, Any]
# In the world of that dirt rate the key of pseudonyms is rotated while it loads.
ROTATED_AT = "0.01"


@pytest.fixture(scope="module", params=["0", "0.01", "0.1"], ids=lambda rate: f"dirt-{rate}")
def built(request: pytest.FixtureRequest, new_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A small world of that dirt rate, loaded and built by the commands a person types."""
    sandbox = new_sandbox(
        GATEHOUSE_SANDBOX_DIRT=request.param,
        GATEHOUSE_SANDBOX_SCALE="0.05",
        GATEHOUSE_SANDBOX_DAYS="21",
    )
    processes.up(sandbox.settings)
    assert gatehouse(sandbox, "up", "--wait-for-history").returncode == 0
    if request.param == ROTATED_AT:
        for source in ("event_management", "user_app"):
            assert load_a_package(sandbox, source, rows=1000).returncode == 1
        sandbox.env["GATEHOUSE_PRIVACY_KEYS"] = f"{PRIVACY_KEYS},{NEW_KEY}"
    loaded = gatehouse(sandbox, "load")
    assert loaded.returncode == 0, loaded.stderr
    # A tenth of dirt is meant to stop a build: there the shares are told, not judged.
    unjudged = json.dumps({"quality_min_records": 10**9} if request.param == "0.1" else {})
    ran = dbt(sandbox, "build", "--vars", unjudged)
    assert ran.returncode == 0, ran.stdout
    return sandbox


def under_keys(sandbox: Sandbox, table: str) -> set[str]:
    """The keys under which people are known in a raw table."""
    keys = 'arrayJoin(extractAll(payload, \'"user_id":"(\\\\w+)[.]\'))'
    found = ask(sandbox.settings, "transformer", f"select distinct {keys} from raw.{table}")
    return {key for (key,) in found}


def rows(sandbox: Sandbox, columns: list[str], table: str) -> dict[Any, Row]:
    """A mart's rows by their first column."""
    found = ask(sandbox.settings, "transformer", f"select {', '.join(columns)} from {table}")
    return {row[0]: dict(zip(columns, map(_utc, row), strict=True)) for row in found}


def fold(messages: list[Row]) -> Row:
    """What a registration's messages say it is, in the order in which things happened."""
    state: Row = {"first_confirmed_at": None, "cancelled_at": None, "messages_count": 0}
    for message in sorted(messages, key=lambda m: (m["occurred_at"], m["message_id"])):
        data, at = message["data"], datetime.fromisoformat(message["occurred_at"])
        state["registration_id"] = data["registration_id"]
        state["messages_count"] += 1
        if message["type"] == "registration.cancelled":
            state["status"] = "cancelled"
        else:
            state |= {
                "event_id": data["event_id"],
                "user_id": pseudonym(data["user_id"]),
                "ticket_type": data["ticket_type"],
                "channel": data["channel"],
                "price_minor": data["price_minor"],
                "status": data["status"],
                "registered_at": datetime.fromisoformat(data["registered_at"]),
            }
        if state["status"] == "confirmed":
            state["first_confirmed_at"] = state["first_confirmed_at"] or at
        if state["status"] == "cancelled":
            state["cancelled_at"] = state["cancelled_at"] or at
        else:
            state["cancelled_at"] = None
    return state


def test_every_registration_is_what_its_messages_say(built: Sandbox) -> None:
    messages: dict[str, dict[str, Row]] = defaultdict(dict)
    for record in world(built).event_records():
        if record.message is None or not record.message["type"].startswith("registration."):
            continue
        message = json.loads(record.value or b"")
        messages[message["data"]["registration_id"]][message["message_id"]] = message
    expected = {key: fold(list(found.values())) for key, found in messages.items()}
    # Where the only message that got through calls it off, there is nothing else to know.
    columns = list(next(iter(expected.values())))
    columns.sort(key=lambda column: column != "registration_id")
    found = rows(built, columns, "marts.fct_registrations")
    assert found.keys() == expected.keys()
    for key, want in expected.items():
        assert {column: found[key][column] for column in want} == want
    assert len(expected) > 150


def test_every_registration_is_what_happened_but_for_what_was_lost_or_is_late(
    built: Sandbox,
) -> None:
    touched = {
        line["message_id"].rsplit(".", 1)[0]
        for line in truth(built, "dirt")
        if line["source"] == "event_management"
        and line["expected"].startswith("dead_letter:")
        and line["resent"] is False
    }
    published: dict[str, set[str]] = defaultdict(set)
    for record in world(built).event_records():
        if record.message is not None:
            message_id = record.message["message_id"]
            published[message_id.rsplit(".", 1)[0]].add(message_id)
    columns = ["registration_id", "event_id", "status", "ticket_type", "price_minor"]
    found = rows(built, columns, "marts.fct_registrations")
    compared = 0
    for line in truth(built, "registrations"):
        key = line["registration_id"]
        if key in touched or len(published[key]) < line["n_messages"]:
            continue
        compared += 1
        assert found[key] == {column: line[column] for column in columns}
    assert compared > 150
    if built.settings.dirt == 0:
        assert compared == len(found)


def untold_tickets(sandbox: Sandbox) -> set[int]:
    """Those whose history lacks a sentence, so that it tells less than happened."""
    return {
        line["where"]["ticket_id"]
        for line in truth(sandbox, "dirt")
        if line["feed"] in ("activities", "conversations")
    } | unread_tickets(sandbox)


def test_every_ticket_is_what_happened(built: Sandbox) -> None:
    refused = {
        line["where"]["ticket_id"]
        for line in truth(built, "dirt")
        if line["feed"] == "tickets" and line["expected"].startswith("dead_letter:")
    }
    untold = untold_tickets(built)
    columns = [
        "ticket_id", "status_id", "priority_id", "is_priority_defaulted", "group_id",
        "responder_id", "requester_id", "excluded_reason", "first_response_business_seconds",
        "is_resolved_at_imputed", "created_at", "updated_at", "first_responded_at", "resolved_at",
        "closed_at",
    ]  # fmt: skip
    found = rows(built, columns, "marts.fct_tickets")
    expected = {}
    for line in truth(built, "tickets"):
        if line["ticket_id"] in refused:
            continue
        imputed = line["resolved_at"] != line["resolved_at_shown"]
        expected[line["ticket_id"]] = {
            "ticket_id": line["ticket_id"],
            "status_id": line["status"],
            "priority_id": line["priority"] or 2,
            "is_priority_defaulted": line["priority"] is None,
            "group_id": line["group_id"] or 0,
            "responder_id": line["responder_id"] or 0,
            "requester_id": line["requester_id"],
            "excluded_reason": "deleted" if line["deleted"] else "spam" if line["spam"]
            else "merged" if line["is_merged"] else None,
            "first_response_business_seconds": line["first_response_holding_business_seconds"],
            "is_resolved_at_imputed": imputed,
            "created_at": _at(line["created_at"]),
            "updated_at": _at(line["updated_at"]),
            "first_responded_at": _at(line["first_responded_at"]),
            # The API does not show it, so the mart takes the best it saw, and says so.
            "resolved_at": found[line["ticket_id"]]["resolved_at"] if imputed
            else _at(line["resolved_at"]),
            "closed_at": _at(line["closed_at"]),
        }  # fmt: skip
    assert found.keys() == expected.keys()
    for key, got in found.items():
        if key in untold:
            for column in ("first_response_business_seconds", "resolved_at", "closed_at"):
                expected[key][column] = got[column]
            if expected[key]["excluded_reason"] == "merged":
                expected[key]["excluded_reason"] = got["excluded_reason"]
        assert got == expected[key]


def test_the_hourly_rollup_counts_what_happened_in_each_hour(built: Sandbox) -> None:
    columns = ["date_hour", "sum(created_count)"]
    found = ask(
        built.settings,
        "transformer",
        f"select {', '.join(columns)} from marts.rollup_tickets_hourly group by date_hour",
    )
    counted = {_utc(hour): count for hour, count in found if count}
    marts = rows(built, ["ticket_id", "excluded_reason"], "marts.fct_tickets")
    untold = untold_tickets(built)
    expected: Counter[datetime | None] = Counter()
    for line in truth(built, "tickets"):
        key, excluded = line["ticket_id"], line["deleted"] or line["spam"] or line["is_merged"]
        if key in untold and key in marts:
            excluded = marts[key]["excluded_reason"] is not None
        if key in marts and not excluded:
            expected[_at(line["created_at"][:13] + ":00:00Z")] += 1
    assert counted == expected
    assert sum(expected.values()) > 0


def test_every_scan_has_its_instant_and_every_visit_is_what_the_scans_say(built: Sandbox) -> None:
    assert attendance_facts.check_scans(built, pseudonym) > 1000
    for check in (attendance_facts.check_visits, attendance_facts.check_session_attendances):
        agree, explained = check(built, pseudonym)
        assert agree > 100
        if built.settings.dirt == 0:
            assert explained == 0


def test_gates_and_platform_tell_what_they_reported(built: Sandbox) -> None:
    minutes = gate_facts.check_gate_minutes(built)
    hours = gate_facts.check_platform_hours(built)
    people = gate_facts.check_profiles(built, pseudonym)
    for agree, explained in (minutes, hours, people):
        assert agree > 100
        if built.settings.dirt == 0:
            assert explained == 0


def test_registrations_say_who_came_and_who_did_not(built: Sandbox) -> None:
    agree, differ = attendance_facts.check_registrations(built)
    assert agree > 0
    if built.settings.dirt == 0:
        assert differ == 0


def test_quality_measures_the_dirt_that_was_planted(built: Sandbox) -> None:
    found = {
        (metric, source, field): (failed, records, status)
        for metric, source, field, failed, records, status in ask(
            built.settings,
            "operator",
            "select metric, source, field, failed_count, records_count, status"
            " from quality.fct_quality_measurements",
        )
    }
    dirt = truth(built, "dirt")
    for source in ("event_management", "user_app", "gate_management"):
        lines = [line for line in dirt if line["source"] == source]
        refused = sum(line["expected"].startswith("dead_letter:") for line in lines)
        failed, records, status = found["refused_ratio", source, ""]
        assert failed == refused
        if built.settings.dirt != 0.1:
            assert status == ("warn" if failed / records > 0.001 else "pass")
        if source != "gate_management":
            again = sum(line["kind"] == "duplicate" for line in lines)
            assert found["landed_again_ratio", source, ""][0] == again
    marts = rows(built, ["ticket_id"], "marts.fct_tickets")
    tickets = [line for line in truth(built, "tickets") if line["ticket_id"] in marts]
    unprioritised = sum(line["priority"] is None for line in tickets)
    assert found["missing_ratio", "freshservice", "priority"][:2] == (unprioritised, len(tickets))
    for (metric, _, _), (failed, _, _) in found.items():
        if metric == "duplicate_ratio":
            assert failed == 0
        if metric in ("refused_ratio", "missing_ratio") and built.settings.dirt == 0:
            assert failed == 0


@pytest.mark.parametrize("holds", attendance_marts.CHECKS, ids=lambda check: check.__name__)
def test_marts_of_attendance_say_what_happened(
    built: Sandbox, holds: Callable[[Sandbox], None]
) -> None:
    holds(built)


def _at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _utc(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def test_every_query_of_the_dashboards_runs_as_the_user_that_grafana_is(built: Sandbox) -> None:
    found = {
        (query.dashboard, query.panel): ask(built.settings, query.user, query.text)
        for query in dashboards.queries()
        if query.user
    }
    assert {name for name, _ in found} == dashboards.dashboards().keys()
    empty = {panel for (name, panel), rows in found.items() if name != "pipeline" and not rows}
    # All of it is history, three weeks are too few to be unusual, a clean world keeps all limits.
    assert empty <= {
        "From source to raw, P95",
        "Sigmas from the same weekday and hour",
        "Beyond a limit now",
        "Rules that records break now",
    }


def test_the_page_of_health_tells_what_was_measured_and_how_much_there_is(
    built: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in built.env.items():
        monkeypatch.setenv(name, value)
    found = health.read(built.settings.state / "target")
    assert found["build"]["tests"] == found["build"]["known"]
    measured = ask(
        built.settings,
        "operator",
        """
        select count(), countIf(status != 'pass') from quality.fct_quality_measurements
        where measured_at = (select max(measured_at) from quality.fct_quality_measurements)
        """,
    )
    told = sum(", where " in problem.detail for problem in found["problems"])
    assert (len(found["measured"]), told) == measured[0]
    assert found["stored"].keys() == health.LAYERS.keys()
    assert all(layer["rows"] and layer["at"] for layer in found["stored"].values())
    # Nothing was published, so that of the topic of tickets nothing has landed.
    quiet = [source["name"] for source in found["sources"] if not source["landed_at"]]
    assert quiet == ["ticket_events"]
    open_letters = "select count() from raw.dead_letters final where status = 'open'"
    letters = sum(source["letters"] for source in found["sources"])
    assert letters == ask(built.settings, "operator", open_letters)[0][0]
    assert all(report.built_at for report in found["reports"])


def test_the_audit_finds_no_difference_however_dirty_the_sources(built: Sandbox) -> None:
    ran = gatehouse(built, "audit", "--json")
    told = json.loads(ran.stdout)
    assert (ran.returncode, told["differing"], told["errors"]) == (0, [], []), told
    assert {step["wait"] for step in told["steps"]} == {0}


def test_people_are_known_under_two_keys_in_raw_and_by_one_name_after_it(built: Sandbox) -> None:
    is_rotated = str(built.settings.dirt) == ROTATED_AT
    expected = {"k1", "k2"} if is_rotated else {"k1"}
    for table in ("event_management__event_data", "user_app__events"):
        assert under_keys(built, table) == expected
    names = "select distinct substring(user_key, 1, 3) from marts.dim_users"
    assert ask(built.settings, "transformer", names) == [("k1.",)]
