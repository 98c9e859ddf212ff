"""Bad input from every side: the good records land, the bad ones say why, and so does the run."""

import base64
import json
import time
import uuid
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from loaders import event_management
from loaders.batch import Report
from loaders.topic import load
from tests.integration.driving import faults, gatehouse
from tests.sandboxes import Sandbox, ask


def message(number: int, **changes: Any) -> dict[str, Any]:
    data = {
        "registration_id": f"r{number}",
        "event_id": "e1",
        "user_id": f"usr-planted-{number}",
        "email": f"planted{number}@example.com",
        "ticket_type": "general",
        "status": "confirmed",
        "registered_at": "2026-01-01T00:00:00Z",
    }
    return {
        "message_id": f"m{number}",
        "type": "registration.created",
        "occurred_at": "2026-01-01T00:00:00+09:00",
        "schema_version": 1,
        "data": data,
        **changes,
    }


@pytest.fixture
def topic(sandbox: Sandbox) -> tuple[Sandbox, str]:
    """A topic of the test's own, and the environment that loads it."""
    name = f"bad-{uuid.uuid4().hex[:8]}"
    broker = sandbox.env["SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS"]
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(name, 2, 1), NewTopic(f"{name}-dlq", 1, 1)])
    admin.close()
    env = {
        **sandbox.env,
        "SOURCES__EVENT_MANAGEMENT__TOPIC": name,
        "SOURCES__EVENT_MANAGEMENT__DEAD_LETTER_TOPIC": f"{name}-dlq",
    }
    return sandbox._replace(env=env), name


def publish(sandbox: Sandbox, topic: str, values: list[bytes | None]) -> None:
    broker = sandbox.env["SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS"]
    producer = KafkaProducer(bootstrap_servers=broker, max_request_size=16 * 2**20)
    for number, value in enumerate(values):
        producer.send(topic, value=value, key=b"k", partition=number % 2)
    producer.flush()
    producer.close()


def landed(sandbox: Sandbox, topic: str) -> list[str]:
    statement = f"select message_id from raw.event_management__event_data where topic = '{topic}'"
    return sorted(row[0] for row in ask(sandbox.settings, "transformer", statement))


BAD: list[tuple[bytes | None, str]] = [
    (None, "null_value"),
    (b"", "not_json"),
    (b"{nope planted@example.com", "not_json"),
    (b"\xff\xfe planted@example.com", "not_utf8"),
    (b"[1, 2]", "not_object"),
    (b"[" * 10_000, "not_json"),
    (json.dumps(message(90, type="registration.teleported")).encode(), "unknown_type"),
    (json.dumps(message(91, data=[])).encode(), "schema"),
    (json.dumps(message(92, occurred_at="99999-01-01T00:00:00Z")).encode(), "schema"),
]


def test_bad_records_are_dead_letters_and_their_neighbours_land(
    topic: tuple[Sandbox, str],
) -> None:
    sandbox, name = topic
    newer = message(7, schema_version=2)
    newer["data"]["loyalty"] = "gold"
    big = message(8)
    big["data"]["note"] = "x" * 10_000_000
    good = [json.dumps(m).encode() for m in (message(1), message(2), newer, big)]
    publish(sandbox, name, [good[0], *(value for value, _ in BAD), *good[1:]])

    ran = gatehouse(sandbox, "load", "event_management", "--json")

    assert ran.returncode == 0
    [report] = json.loads(ran.stdout)
    assert report["landed"] == 4
    expected: dict[str, int] = {}
    for _, reason in BAD:
        expected[reason] = expected.get(reason, 0) + 1
    assert report["refused"] == expected
    assert report["new_fields"] == {"data.loyalty": 1, "data.note": 1}
    assert landed(sandbox, name) == ["m1", "m2", "m7", "m8"]

    consumer = KafkaConsumer(
        f"{name}-dlq",
        bootstrap_servers=sandbox.env["SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS"],
        auto_offset_reset="earliest",
        consumer_timeout_ms=3000,
    )
    buried = [(record.value or b"", dict(record.headers)) for record in consumer]
    consumer.close()
    assert sorted(value for value, _ in buried) == sorted(value or b"" for value, _ in BAD)
    assert all(headers["position"].startswith(name.encode()) for _, headers in buried)

    again = json.loads(gatehouse(sandbox, "load", "event_management", "--json").stdout)
    assert again[0]["read"] == 0


def test_a_dead_letter_is_shown_to_the_operator_and_sealed_for_everyone_else(
    topic: tuple[Sandbox, str],
) -> None:
    sandbox, name = topic
    secret = b"{nope planted-for-the-operator@example.com"
    publish(sandbox, name, [secret])
    gatehouse(sandbox, "load", "event_management")

    listed = json.loads(gatehouse(sandbox, "dlq", "list", "--json").stdout)
    [letter] = [row for row in listed if row["position"].startswith(f"{name}/")]
    assert letter["reason"] == "not_json"
    shown = gatehouse(sandbox, "dlq", "show", letter["dead_letter_id"])
    assert "planted-for-the-operator@example.com" in shown.stdout
    sealed = ask(sandbox.settings, "operator", "select payload_sealed from raw.dead_letters")
    assert all(b"planted" not in base64.urlsafe_b64decode(row[0]) for row in sealed)
    assert gatehouse(sandbox, "dlq", "show", "k1.ffffffffffff").returncode == 1


def test_a_replay_after_a_fix_lands_each_record_once(
    topic: tuple[Sandbox, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, name = topic
    still_bad = message(3, type="registration.teleported")
    publish(sandbox, name, [json.dumps(m).encode() for m in (message(1), message(2), still_bad)])
    with monkeypatch.context() as too_strict:
        for variable, value in sandbox.env.items():
            too_strict.setenv(variable, value)
        schema = {**event_management._SCHEMA, "required": ["message_id", "invented"]}
        too_strict.setattr(event_management, "_SCHEMA", schema)
        report = Report("event_management", "event-data")
        load(event_management.EVENT_DATA, report, lambda *_: None)
    assert report.refused.total() == 3
    assert landed(sandbox, name) == []

    ran = gatehouse(sandbox, "dlq", "replay", "--json")

    assert ran.returncode == 0
    [replayed] = [r for r in json.loads(ran.stdout) if r["feed"] == "event-data"]
    assert replayed["landed"] == 2
    assert landed(sandbox, name) == ["m1", "m2"]
    left = json.loads(gatehouse(sandbox, "dlq", "list", "--json").stdout)
    mine = [row["reason"] for row in left if row["position"].startswith(f"{name}/")]
    assert len(mine) == 1
    gatehouse(sandbox, "dlq", "replay")
    gatehouse(sandbox, "load", "event_management")
    assert landed(sandbox, name) == ["m1", "m2"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"GATEHOUSE_LOADER_PASSWORD": "wrong"}, "GATEHOUSE_LOADER_PASSWORD"),
        ({"GATEHOUSE_CLICKHOUSE_HTTP_PORT": "1"}, "does not answer"),
        ({"SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "Kafka at 127.0.0.1:1"),
        ({"SOURCES__EVENT_MANAGEMENT__TOPIC": "no-such-topic"}, "no topic no-such-topic"),
        ({"GATEHOUSE_PRIVACY_KEYS": "k1:short"}, "GATEHOUSE_PRIVACY_KEYS"),
    ],
    ids=["password", "clickhouse", "broker", "topic", "keys"],
)
def test_what_is_missing_is_named_in_one_line_and_the_run_fails(
    sandbox: Sandbox, changes: dict[str, str], told: str
) -> None:
    ran = gatehouse(sandbox, "load", "event_management", **changes)
    assert ran.returncode == 1
    assert told in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr
    assert "wrong" not in ran.stderr


def reports(sandbox: Sandbox, **changes: str) -> tuple[int, dict[str, dict[str, Any]]]:
    ran = gatehouse(sandbox, "load", "freshservice", "--json", **changes)
    return ran.returncode, {report["feed"]: report for report in json.loads(ran.stdout)}


def test_two_errors_and_then_an_answer_are_no_failure(sandbox: Sandbox) -> None:
    with faults(sandbox, path_prefix="/api/v2/groups", status=500, times=2):
        code, found = reports(sandbox)
    assert code == 0
    assert found["groups"]["landed"] > 0


def test_a_feed_that_stays_broken_fails_alone_and_the_run_says_so(sandbox: Sandbox) -> None:
    with faults(sandbox, path_prefix="/api/v2/groups", status=500, times=99):
        code, found = reports(sandbox)
    assert code == 1
    assert "/groups with status 500" in found["groups"]["error"]
    assert not found["tickets"]["error"]


def test_a_rate_limit_is_waited_out_as_long_as_the_api_asks(sandbox: Sandbox) -> None:
    limited = {"headers": {"Retry-After": "3"}, "status": 429, "times": 1}
    with faults(sandbox, path_prefix="/api/v2/agents", **limited):
        started = time.monotonic()
        code, found = reports(sandbox)
    assert code == 0
    assert found["agents"]["landed"] > 0
    assert time.monotonic() - started >= 3


def test_a_refused_key_stops_the_source_at_once(sandbox: Sandbox) -> None:
    code, found = reports(sandbox, SOURCES__FRESHSERVICE__API_KEY="revoked")
    assert code == 1
    [report] = found.values()
    assert "SOURCES__FRESHSERVICE__API_KEY" in report["error"]
    assert "revoked" not in report["error"]


@pytest.mark.parametrize("body", [{"wrong": []}, {"tickets": {}}, "<html>busy</html>"])
def test_a_page_without_its_list_ends_the_feed_and_is_asked_for_again(
    sandbox: Sandbox, body: Any
) -> None:
    with faults(sandbox, path_prefix="/api/v2/tickets", status=200, times=1, body=body):
        code, found = reports(sandbox)
    assert code == 1
    assert "without a list under 'tickets'" in found["tickets"]["error"]
    code, found = reports(sandbox)
    assert code == 0
    assert found["tickets"]["read"] > 0


def test_a_ticket_without_a_required_key_is_a_dead_letter_of_its_own(sandbox: Sandbox) -> None:
    page = {"tickets": [{"id": 999_001, "status": 2}, "no ticket at all"]}
    with faults(sandbox, path_prefix="/api/v2/tickets", status=200, times=1, body=page):
        code, found = reports(sandbox)
    assert code == 0
    assert found["tickets"]["refused"] == {"schema": 1, "not_object": 1}
    listed = json.loads(gatehouse(sandbox, "dlq", "list", "--json").stdout)
    assert "tickets/999001" in {row["position"] for row in listed}
