"""Land, kill -9, land again: what is in raw in the end is what the sources sent, once each."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sandbox import processes
from sandbox.world.moments import moment
from tests.integration.driving import admin, gatehouse, truth, world
from tests.integration.identifiers import assert_nobody_in
from tests.sandboxes import Sandbox, ask

REST = ["gate_management", "integrated_platform"]
KILLS: list[list[str]] = [[], [], [], REST, REST, *[["freshservice"]] * 4]
# A Growth account with every module, whose minutes last two seconds.
SUB_LIMITS = {
    "list_tickets": 70,
    "view_ticket": 80,
    "list_requesters": 70,
    "list_agents": 70,
    "list_assets": 70,
}
LIMITS = {"total": 200, "window_seconds": 2, **SUB_LIMITS}
BREAKS = {"missing_field", "wrong_type", "unknown_type"}
LANDS = {None, "duplicate", "late", "out_of_order", "schema_addition"}


@pytest.fixture(scope="module")
def killed(new_sandbox: Callable[[], Sandbox]) -> Sandbox:
    """A sandbox whose loaders were killed at random instants, and then let run to the end."""
    sandbox = new_sandbox()
    processes.up(sandbox.settings)
    assert gatehouse(sandbox, "up", "--wait-for-history").returncode == 0
    admin(sandbox, "limits", LIMITS)
    sandbox.env["SOURCES__FRESHSERVICE__WINDOW_SECONDS"] = "2"
    small = {
        "SOURCES__EVENT_MANAGEMENT__BATCH_ROWS": "200",
        "SOURCES__USER_APP__BATCH_ROWS": "100",
        "SOURCES__USER_APP__PAGE_SIZE": "30",
        "SOURCES__GATE_MANAGEMENT__BATCH_ROWS": "400",
        "SOURCES__GATE_MANAGEMENT__PAGE_SIZE": "200",
        "SOURCES__INTEGRATED_PLATFORM__BATCH_ROWS": "100",
        "SOURCES__INTEGRATED_PLATFORM__PAGE_SIZE": "50",
        "SOURCES__FRESHSERVICE__BATCH_ROWS": "40",
        "SOURCES__FRESHSERVICE__PAGE_SIZE": "20",
        "SOURCES__FRESHSERVICE__FLUSH_SECONDS": "1",
    }
    dice = random.Random(7)
    for only in KILLS:
        loader = subprocess.Popen(
            [sys.executable, "-m", "loaders.cli", "load", *only, "--json"],
            env={**os.environ, **sandbox.env, **small},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(dice.uniform(2, 8))
        loader.send_signal(signal.SIGKILL)
        loader.wait()
    ran = gatehouse(sandbox, "load", "--json")
    assert ran.returncode == 0, ran.stderr
    return sandbox


def query(sandbox: Sandbox, statement: str) -> list[Any]:
    return list(ask(sandbox.settings, "transformer", statement))


def test_every_good_message_is_in_raw_at_its_offset(killed: Sandbox) -> None:
    expected = {
        (record.partition, record.offset, json.loads(record.value)["message_id"])
        for record in world(killed).event_records()
        if record.dirt in LANDS and record.value is not None
    }
    found = query(
        killed,
        "select distinct partition, offset, message_id from raw.event_management__event_data",
    )
    assert {tuple(row) for row in found} == expected
    assert len(expected) > 1000


def test_every_bad_message_is_one_dead_letter_with_its_reason(killed: Sandbox) -> None:
    expected = Counter(
        line["expected"].removeprefix("dead_letter:")
        for line in truth(killed, "dirt")
        if line["source"] == "event_management" and line["expected"].startswith("dead_letter:")
    )
    found = query(
        killed,
        """
        select reason, uniqExact(dead_letter_id) from raw.dead_letters
        where source = 'event_management' group by reason
        """,
    )
    assert dict(found) == expected
    assert expected.total() > 0


def test_every_message_of_the_app_is_in_raw_or_a_dead_letter(killed: Sandbox) -> None:
    told = world(killed)
    told.topic.advance(moment(told.end_of_history))
    expected: dict[bool, set[int]] = {True: set(), False: set()}
    for message in told.attendance.app_messages(0, moment(told.end_of_history)):
        expected[message.dirt in BREAKS].add(message.seq)
    landed = query(killed, "select distinct seq from raw.user_app__events")
    refused = query(killed, "select position from raw.dead_letters where source = 'user_app'")
    assert {seq for (seq,) in landed} == expected[False]
    assert {int(position) for (position,) in refused} == expected[True]
    assert len(landed) > 100


def test_every_good_report_of_gates_and_platform_is_in_raw(killed: Sandbox) -> None:
    told = world(killed)
    now = moment(told.end_of_history)
    told.topic.advance(now)
    reports = {
        (report.gate_id, report.lane, report.minute_at, report.reported_at)
        for report in told.attendance.gate_minutes(0, now)
        if report.dirt in LANDS
    }
    hours = {
        (*sent.record.hour.key, sent.at)
        for sent in told.platform.analytics(now)
        if sent.dirt in LANDS
    }
    found = query(
        killed,
        """
        select distinct gate_id, lane, toUnixTimestamp64Milli(minute_at),
            toUnixTimestamp64Milli(reported_at)
        from raw.gate_management__gate_minutes
        """,
    )
    assert {tuple(row) for row in found} == reports
    found = query(
        killed,
        """
        select distinct organization_id, event_id, channel, toUnixTimestamp64Milli(hour_at),
            toUnixTimestamp64Milli(updated_at)
        from raw.integrated_platform__analytics
        """,
    )
    assert {tuple(row) for row in found} == hours
    assert len(reports) > 1000
    [[people]] = query(killed, "select uniqExact(record_id) from raw.integrated_platform__profiles")
    assert people == len({s.name for s in told.platform.profiles(now) if s.dirt in LANDS})


@pytest.mark.parametrize("source", REST)
def test_every_bad_report_is_one_dead_letter(killed: Sandbox, source: str) -> None:
    expected = Counter(
        line["feed"]
        for line in truth(killed, "dirt")
        if line["source"] == source and line["expected"].startswith("dead_letter:")
    )
    found = query(
        killed,
        f"""
        select feed, uniqExact(dead_letter_id) from raw.dead_letters
        where source = '{source}' group by feed
        """,
    )
    assert dict(found) == expected


def test_every_ticket_is_in_raw_as_the_source_has_it(killed: Sandbox) -> None:
    refused = {
        line["where"]["ticket_id"]
        for line in truth(killed, "dirt")
        if line["feed"] == "tickets" and line["expected"].startswith("dead_letter:")
    }
    expected = {
        (ticket["ticket_id"], ticket["status"], ticket["updated_at"][:19])
        for ticket in truth(killed, "tickets")
        if ticket["ticket_id"] not in refused
    }
    found = query(
        killed,
        """
        select
            record_id,
            JSONExtractInt(payload, 'status'),
            formatDateTime(assumeNotNull(source_at), '%Y-%m-%dT%H:%i:%S')
        from raw.freshservice__tickets
        """,
    )
    assert {tuple(row) for row in found} == expected
    assert len(expected) > 10


@pytest.mark.parametrize("feed", ["conversations", "time_entries"])
def test_what_hangs_on_a_ticket_is_in_raw_once_and_under_it(killed: Sandbox, feed: str) -> None:
    refused = {
        line["where"]["id"]
        for line in truth(killed, "dirt")
        if line["feed"] == feed and line["expected"].startswith("dead_letter:")
    }
    expected = {
        (line["ticket_id"], line["id"]) for line in truth(killed, feed) if line["id"] not in refused
    }
    found = query(
        killed,
        f"select parent_id, record_id from raw.freshservice__{feed} where parent_type = 'ticket'",
    )
    assert {tuple(row) for row in found} == expected
    assert len(expected) > 10


def test_every_list_of_every_ticket_was_read_or_is_known_not_to_be_shown(killed: Sandbox) -> None:
    found = query(
        killed,
        """
        select
            (select uniqExact(record_id) from raw.freshservice__tickets),
            uniqExactIf(parent_id, feed = 'conversations'),
            uniqExactIf(parent_id, feed = 'ticket_views'),
            uniqExactIf(parent_id, feed = 'activities')
        from (
            select feed, parent_id from raw.freshservice__sweeps where parent_type = 'ticket'
            union distinct
            select feed, parent_id from raw.freshservice__unanswered where parent_type = 'ticket'
        )
        """,
    )
    assert len({*found[0]}) == 1


def test_the_account_was_never_asked_for_more_than_it_has(killed: Sandbox) -> None:
    usage = admin(killed, "limits", method="GET")["usage"]
    assert usage["credits"] > 2 * LIMITS["total"]
    for window in usage["windows"]:
        for endpoint, count in window["refused"].items():
            # How many of one kind a minute allows the API does not tell but by a refusal.
            assert window["calls"][endpoint] == SUB_LIMITS[endpoint], f"{count} x {endpoint}"


def test_nothing_is_left_to_load(killed: Sandbox) -> None:
    [report] = json.loads(gatehouse(killed, "load", "event_management", "--json").stdout)
    assert report["read"] == 0


def test_nobody_is_in_what_killed_loads_left_behind(killed: Sandbox) -> None:
    assert_nobody_in(killed)
