"""Three lanes bring the service desk: polled, streamed and from a SQL replica. They agree.

One sandbox: everything is polled; then a replica of the same desk is loaded beside it; then the
clock moves on, and what changes since comes by the stream alone, its publisher and its consumer
killed on the way.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import processes
from sandbox.replica import write_replica
from tests.integration.driving import admin, dbt, gatehouse, truth, world
from tests.integration.identifiers import assert_nobody_in
from tests.sandboxes import Sandbox, ask

SMALL = {
    "SOURCES__TICKET_EVENTS__BATCH_ROWS": "5",
    "SOURCES__FRESHSERVICE__PAGE_SIZE": "5",
}
# Every table of records, with what names one in it.
RECORDS = {
    **dict.fromkeys(
        ("conversations", "time_entries", "tasks", "csat_responses", "requested_items",
         "activities", "application_users", "application_installations"),
        "parent_type, parent_id, record_id",
    ),
    **dict.fromkeys(
        ("tickets", "ticket_views", "requesters", "agents", "groups", "departments", "locations",
         "business_hours", "sla_policies", "problems", "changes", "releases", "assets",
         "contracts", "purchase_orders", "applications"),
        "record_id",
    ),
}  # fmt: skip
BUILD = ("build", "--resource-types", "seed", "snapshot", "model", "-s")
PLUMBING = "_payload_hash, _built_at, read_at"


@pytest.fixture(scope="module")
def polled(new_sandbox: Callable[..., Sandbox]) -> Sandbox:
    sandbox = new_sandbox(
        GATEHOUSE_SANDBOX_DIRT="0", GATEHOUSE_SANDBOX_SCALE="0.05", GATEHOUSE_SANDBOX_DAYS="14"
    )
    processes.up(sandbox.settings)
    assert gatehouse(sandbox, "up", "--wait-for-history").returncode == 0
    loaded = gatehouse(sandbox, "load")
    assert loaded.returncode == 0, loaded.stderr
    return sandbox


def query(sandbox: Sandbox, statement: str) -> list[Any]:
    return list(ask(sandbox.settings, "transformer", statement))


def landed(sandbox: Sandbox, feed: str, since: str) -> dict[Any, Any]:
    """The records of a raw table that landed since, by key; a null says no more than no field."""
    rows = query(
        sandbox,
        f"""
        select {RECORDS[feed]}, source, source_at, payload from raw.freshservice__{feed}
        where landed_at > '{since}'
        """,
    )
    return {
        key: (source, at, {k: v for k, v in json.loads(payload).items() if v is not None})
        for *key_, source, at, payload in rows
        if (key := tuple(key_))
    }


def staged(sandbox: Sandbox) -> dict[str, Any]:
    """What downstream sees of the staging tables."""
    tables = query(
        sandbox,
        """
        select name from system.tables
        where database = 'staging' and startsWith(name, 'stg_freshservice__')
        """,
    )
    return {
        name: sorted(map(repr, query(sandbox, f"select * except ({PLUMBING}) from staging.{name}")))
        for (name,) in tables
    }


def test_a_replica_lands_what_the_api_shows(polled: Sandbox, tmp_path: Path) -> None:
    before = {feed: landed(polled, feed, "1970-01-01") for feed in RECORDS}
    built = dbt(polled, *BUILD, "+staging.freshservice")
    assert built.returncode == 0, built.stdout
    expected = staged(polled)
    [(moment,)] = query(polled, "select toString(now64(6, 'UTC'))")

    desk = world(polled)
    url = f"sqlite:///{tmp_path / 'replica.db'}"
    write_replica(desk, desk.end_of_history, url)
    replica = {
        "SOURCES__FRESHSERVICE_REPLICA__URL": url,
        "SOURCES__FRESHSERVICE_REPLICA__SWEEP_HOURS": "0",
    }
    loaded = gatehouse(polled, "load", "freshservice_replica", **replica)
    assert loaded.returncode == 0, loaded.stderr

    for feed, records in before.items():
        assert landed(polled, feed, moment) == records, feed
    assert sum(map(len, before.values())) > 2000
    built = dbt(polled, *BUILD, "+staging.freshservice")
    assert built.returncode == 0, built.stdout
    assert staged(polled) == expected


def test_what_only_the_stream_brought_reaches_the_mart_despite_kills(polled: Sandbox) -> None:
    yesterday = world(polled).end_of_history
    now = yesterday + timedelta(days=1)
    admin(polled, "clock", {"now": now.isoformat()})
    wait(lambda: (health := admin(polled, "health", method="GET"))["status"] == "ok"
         and datetime.fromisoformat(health["truth_at"]) == now)  # fmt: skip

    state = polled.settings.state / "publisher" / "ticket_events.json"
    for _ in range(2):
        kill_once(polled, ["publish"], lambda: state.exists() and state.stat().st_mtime_ns)
    assert gatehouse(polled, "publish", **SMALL).returncode == 0
    count = "select count() from raw.freshservice__ticket_events"
    for _ in range(2):
        kill_once(polled, ["load", "ticket_events"], lambda: query(polled, count))
    assert gatehouse(polled, "load", "ticket_events", **SMALL).returncode == 0

    expected = {
        ticket["ticket_id"]: (ticket["ticket_id"], ticket["status"], ticket["group_id"] or 0, at)
        for ticket in truth(polled, "tickets")
        if (at := datetime.fromisoformat(ticket["updated_at"])) >= yesterday - timedelta(minutes=10)
    }
    assert len(expected) > 10
    events = query(
        polled, "select distinct record_id, source_at from raw.freshservice__ticket_events"
    )
    assert {(key, utc(at)) for key, at in events} == {(key, e[3]) for key, e in expected.items()}

    built = dbt(polled, *BUILD, "+fct_tickets")
    assert built.returncode == 0, built.stdout
    found = query(
        polled, "select ticket_id, status_id, group_id, updated_at from marts.fct_tickets"
    )
    mart = {key: (key, status, group, utc(at)) for key, status, group, at in found}
    assert {key: mart.get(key) for key in expected} == expected
    versions = (
        "select count() - uniqExact(ticket_id, updated_at) from staging.stg_freshservice__tickets"
    )
    assert query(polled, versions) == [(0,)]


def test_nobody_is_in_what_any_lane_left_behind(polled: Sandbox) -> None:
    assert_nobody_in(polled)


def kill_once(sandbox: Sandbox, arguments: list[str], progress: Callable[[], Any]) -> None:
    """Run a command of small steps and kill it after its next one."""
    before = progress()
    process = subprocess.Popen(
        [sys.executable, "-m", "loaders.cli", *arguments],
        env={**os.environ, **sandbox.env, **SMALL},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait(lambda: progress() != before or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.wait()


def wait(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
