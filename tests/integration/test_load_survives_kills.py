"""Land, kill -9, land again: what is in raw in the end is what the sources sent, once each."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import clickhouse_connect
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from loaders import integrated_platform
from loaders.batch import Batch, Report
from loaders.landing import open_pipeline
from loaders.privacy import Privacy
from loaders.rest import lists
from sandbox import processes
from sandbox.settings import password
from sandbox.world.moments import moment
from tests.integration.driving import admin, dbt, gatehouse, truth, world
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
BUILD = ("build", "--resource-types", "seed", "snapshot", "model")
STATED = {"event_management", "integrated_platform"}  # of which there are no rollups
AUDITED = {*STATED, "user_app", "gate_management", "freshservice"}
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
    # Whatever the dice say: what dlt leaves when it is killed between writing and renaming.
    schemas = sandbox.settings.state / "dlt" / "gatehouse_freshservice" / "schemas"
    schemas.mkdir(parents=True, exist_ok=True)
    (schemas / "3f0ea375546180dc").write_text("{")
    ran = gatehouse(sandbox, "load", "--json")
    assert ran.returncode == 0, ran.stdout
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


@pytest.fixture(scope="module")
def built(killed: Sandbox) -> Sandbox:
    ran = dbt(killed, *BUILD, "--vars", json.dumps({"landing_grace_seconds": 0}))
    assert ran.returncode == 0, ran.stdout
    return killed


def audit(sandbox: Sandbox) -> tuple[int, Any]:
    ran = gatehouse(sandbox, "audit", "--json")
    return ran.returncode, json.loads(ran.stdout)


def test_the_audit_says_that_nothing_was_lost_or_doubled(built: Sandbox) -> None:
    code, told = audit(built)
    assert (code, told["differing"], told["errors"]) == (0, [], []), told
    assert all(step["wait"] == 0 for step in told["steps"])
    records: Counter[tuple[str, str]] = Counter()
    for step in told["steps"]:
        records[step["source"], step["step"]] += step["records"]
    assert records.keys() == {
        *((source, "source_to_raw") for source in ("event_management", "user_app", *REST)),
        *((source, "raw_to_staging") for source in AUDITED),
        *((source, "staging_to_facts") for source in AUDITED),
        *((source, "facts_to_rollups") for source in AUDITED - STATED),
    }
    assert min(records.values()) > 10


def test_the_audit_names_everything_that_is_lost_or_doubled(built: Sandbox) -> None:
    settings = built.settings
    transformer = clickhouse_connect.get_client(
        host=settings.host,
        port=settings.clickhouse_http_port,
        username="transformer",
        password=password("transformer"),
        settings={"async_insert": 0},
    )

    def first(table: str, key: str, instant: str) -> tuple[str, str]:
        rows = f"select * from {table} order by {key} limit 1"
        [[day]] = transformer.query(f"select toString(toDate({instant})) from ({rows})").result_rows
        return rows, day

    def lose(table: str, key: str, instant: str) -> tuple[str, str]:
        rows, day = first(table, key, instant)
        transformer.command(f"delete from {table} where ({key}) in (select {key} from ({rows}))")
        return table, day

    def double(table: str, key: str, instant: str) -> tuple[str, str]:
        rows, day = first(table, key, instant)
        transformer.command(f"insert into {table} {rows}")
        return table, day

    staging, facts, rollups = "raw_to_staging", "staging_to_facts", "facts_to_rollups"
    counted = "staging.stg_gate_management__gate_minutes"
    tickets = "staging.stg_freshservice__tickets"
    planted = {
        ("event_management", staging): double(
            "staging.stg_event_management__venues", "message_id", "occurred_at"
        ),
        ("event_management", facts): lose(
            "marts.fct_registrations", "registration_id", "first_message_at"
        ),
        ("integrated_platform", facts): lose(
            "marts.fct_platform_hours", "hour_at, event_id, channel, organization_id", "hour_at"
        ),
        ("user_app", facts): double(
            "marts.fct_app_events", "type like 'check%', message_id", "received_at"
        ),
        ("user_app", rollups): lose(
            "marts.rollup_attendance_weekly", "date_week, event_id, gate_id", "date_week"
        ),
        ("gate_management", rollups): double(
            "marts.rollup_gates_hourly", "date_hour, event_id, gate_id", "date_hour"
        ),
        ("gate_management", staging): (
            minute := lose(counted, "event_id, gate_id, lane, minute_at", "minute_at")
        ),
        ("gate_management", facts): ("marts.fct_gate_minutes", minute[1]),
        ("freshservice", rollups): lose(
            "marts.rollup_tickets_daily", "created_count = 0, date_day, group_id", "date_day"
        ),
        ("freshservice", staging): (version := lose(tickets, "ticket_id", "updated_at")),
        ("freshservice", facts): ("marts.fct_tickets", version[1]),
    }
    expected = {(*step, *where) for step, where in planted.items()}
    window = commit_what_never_landed(built) // 10_000 * 10_000
    expected.add(
        (
            "event_management",
            "source_to_raw",
            "raw.event_management__event_data",
            f"partition 0, offsets {window} to {window + 9_999}",
        )
    )
    code, told = audit(built)
    assert code == 1
    found = {(it["source"], it["step"], it["below"], it["name"]) for it in told["differing"]}
    assert found == expected
    spoken = gatehouse(built, "audit")
    assert spoken.returncode == 1
    assert "dbt build --full-refresh -s fct_registrations+" in spoken.stderr
    assert "back to offset" in spoken.stderr


@pytest.mark.parametrize(
    ("source", "table", "instant", "key"),
    [
        ("gate_management", "gate_minutes", "reported_at", "gate_id, lane, minute_at"),
        (
            "integrated_platform",
            "analytics",
            "updated_at",
            "organization_id, event_id, channel, hour_at",
        ),
    ],
)
def test_the_audit_names_what_a_list_shows_and_raw_has_lost_and_what_mends_it(
    built: Sandbox, source: str, table: str, instant: str, key: str
) -> None:
    def differing() -> list[Any]:
        found = audit(built)[1]["differing"]
        return [it for it in found if (it["source"], it["step"]) == (source, "source_to_raw")]

    assert not differing()
    raw = f"raw.{source}__{table}"
    once = f"""
        select {key} from {raw} group by {key} having uniqExact({instant}) = 1
        order by {key} limit 1
    """
    [[day]] = ask(
        built.settings,
        "eraser",
        f"select toString(toDate(any({instant}))) from {raw} where ({key}) in ({once})",
    )
    ask(built.settings, "eraser", f"delete from {raw} where ({key}) in ({once})")
    [found] = differing()
    assert (found["below"], found["name"]) == (raw, day)
    assert found["above_records"] == found["below_records"] + 1
    command = re.search(r"`(\w+)=(\d+) gatehouse load (\w+)`", found["remedy"])
    assert command
    mended = gatehouse(built, "load", command[3], **{command[1]: command[2]})
    assert mended.returncode == 0, mended.stdout
    assert not differing()


def commit_what_never_landed(sandbox: Sandbox) -> int:
    """Publish a record, and commit as a loader that does so before it lands; return the offset."""
    server = f"{sandbox.settings.host}:{sandbox.settings.kafka_port}"
    with closing(KafkaProducer(bootstrap_servers=server)) as producer:
        offset = int(producer.send("event-data", b"{}", partition=0).get(timeout=30).offset)
    group = KafkaConsumer(
        bootstrap_servers=server, group_id="gatehouse-event-data", enable_auto_commit=False
    )
    with closing(group):
        partition = TopicPartition("event-data", 0)
        group.assign([partition])
        group.commit({partition: OffsetAndMetadata(offset + 1, "", -1)})
    return offset


def test_what_a_kill_left_lands_though_nothing_is_new(
    built: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package moves a cursor before it is durable: nobody asks for its records again."""
    for name, value in built.env.items():
        monkeypatch.setenv(name, value)
    feed, person = integrated_platform.PROFILES, "k1.left-by-a-kill"
    with open_pipeline(integrated_platform.SOURCE, [feed.statement]) as pipeline:
        report = Report(integrated_platform.SOURCE, feed.name)
        batch = Batch(report, feed.table, feed.columns, Privacy.from_env())
        batch.add((integrated_platform.SOURCE, person, datetime.now(UTC), "{}"))
        pipeline.extract(lists(batch, {}), loader_file_format="parquet")
    landed = f"select count() from raw.{feed.table} where record_id = '{person}'"
    assert query(built, landed) == [(0,)]
    ran = gatehouse(built, "load", integrated_platform.SOURCE, "--json")
    assert ran.returncode == 0, ran.stdout
    assert query(built, landed) == [(1,)]
