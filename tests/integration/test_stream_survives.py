"""`gatehouse stream` on two machines: killed, cut off and poisoned, it loses and doubles nothing.

Two topics on Apache Kafka, with TLS and SCRAM: registrations with poison among them, and tickets.
Two supervisors with states of their own share the consumer groups, as two machines would, while
records arrive; workers and supervisors are killed at random instants, ClickHouse and the broker
too, and then both drain. What is in raw is held against what was sent. Then a topic is read once
more from its first offset, and logins fail. At the end the audit judges all layers. One machine
hears the app's socket as well, and is killed as it does.

GATEHOUSE_KILLS=50 makes a soak of it.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic, ScramMechanism, UserScramCredentialUpsertion

from sandbox import processes
from tests.apache_kafka import JARS, PASSWORD, USER, ApacheKafka
from tests.integration.driving import dbt, gatehouse
from tests.sandboxes import Sandbox, ask, free_port

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(
        not JARS.exists() or shutil.which("java") is None,
        reason="needs Apache Kafka: make test-all fetches it, with apt-get install maven",
    ),
]
TOPIC = "killed"
TICKETS = "killed-tickets"
RECORDS_PER_TICKET = 5
PARTITIONS = 3
KILLS = int(os.environ.get("GATEHOUSE_KILLS", "12"))
RECORDS = 750 * KILLS
PER_SECOND = 250
TOLD_AT = f"{datetime.now(UTC) - timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}"


def message(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "message_id": f"m{number}",
        "type": "registration.created",
        "occurred_at": TOLD_AT,
        "schema_version": 1,
        "data": {
            "registration_id": f"r{number}",
            "event_id": "e1",
            "user_id": f"usr-{number}",
            "ticket_type": "general",
            "status": "confirmed",
            "registered_at": TOLD_AT,
            **changes,
        },
    }


def ticket(number: int) -> dict[str, Any]:
    times = {"created_at": TOLD_AT, "updated_at": TOLD_AT}
    data = {"id": number, "status": 2, "requester_id": 7, **times}
    return {"event_type": "ticket.updated", "timestamp": TOLD_AT, "data": data}


# What no record ought to be, and what becomes of it; None: it lands.
POISON: list[tuple[bytes | None, str | None]] = [
    (None, "null_value"),
    (b"\xff\xfe", "not_utf8"),
    (b"[" * 100_000, "not_json"),
    (b'{"a":' * 100_000, "not_json"),
    (json.dumps(message(1, note="x" * (10 * 2**20))).encode(), None),
    (json.dumps(message(2, note={"a": 10**40})).encode(), None),
    (json.dumps(message(3, price_minor=10**40)).encode(), "schema"),
    (json.dumps(message(4, channel="\u0000 after a NUL byte")).encode(), None),
    (json.dumps(message(5, registered_at="99999-01-01T00:00:00Z")).encode(), "schema"),
    (json.dumps({**message(6), "schema_version": 2**40}).encode(), "schema"),
    (b"{}", "schema"),
]


class Survived(NamedTuple):
    sandbox: Sandbox
    broker: ApacheKafka
    machines: list["Machine"]

    def load(self, **env: str) -> subprocess.CompletedProcess[str]:
        """Read the topic to its end with `gatehouse load`."""
        env = {**settings(self.broker), **env}
        return gatehouse(self.sandbox, "load", "event_management", "--json", **env)


def settings(broker: ApacheKafka) -> dict[str, str]:
    """The variables that point the two sources at the topics."""
    return {
        **broker.env("event_management"),
        **broker.env("ticket_events"),
        "SOURCES__TICKET_EVENTS__TOPIC": TICKETS,
        "SOURCES__TICKET_EVENTS__GROUP_ID": TICKETS,
        "SOURCES__TICKET_EVENTS__DEAD_LETTER_TOPIC": f"{TOPIC}-dlq",
        "SOURCES__EVENT_MANAGEMENT__TOPIC": TOPIC,
        "SOURCES__EVENT_MANAGEMENT__GROUP_ID": TOPIC,
        "SOURCES__EVENT_MANAGEMENT__DEAD_LETTER_TOPIC": f"{TOPIC}-dlq",
    }


class Machine:
    """A supervisor with a state folder and a port of its own."""

    def __init__(self, sandbox: Sandbox, broker: ApacheKafka, folder: Path, *sources: str) -> None:
        self._sources = sources
        self._port = free_port()
        self._log = folder.with_suffix(".log")
        self._env = {
            **os.environ,
            **sandbox.env,
            **settings(broker),
            "GATEHOUSE_STATE": str(folder),
            "GATEHOUSE_STREAM_PORT": str(self._port),
            "STREAM__SESSION_SECONDS": "6",
        }
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "loaders.cli", "stream", *self._sources],
            env=self._env,
            stdout=self._log.open("ab"),
            stderr=subprocess.STDOUT,
        )

    def health(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self._port}/health"
        with urllib.request.urlopen(url, timeout=5) as answer:
            told: dict[str, Any] = json.load(answer)
        return told

    def metrics(self) -> str:
        url = f"http://127.0.0.1:{self._port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())

    def workers(self) -> list[int]:
        try:
            return [pid for name, pid in self.health()["processes"].items() if name[-1].isdigit()]
        except OSError:
            return []

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return self._log.read_text()


@contextmanager
def producing(broker: ApacheKafka) -> Iterator[threading.Thread]:
    """Send the records from a thread; every one of the poison ones stands between good ones."""
    values = [json.dumps(message(number)).encode() for number in range(100, 100 + RECORDS)]
    for place, (value, _) in enumerate(POISON):
        values.insert((place + 1) * RECORDS // (len(POISON) + 1), value)  # type: ignore[arg-type]

    def send() -> None:
        producer = KafkaProducer(
            **broker.options,
            max_request_size=16 * 2**20,
            enable_idempotence=True,
            reconnect_backoff_max_ms=1000,
        )
        for number, value in enumerate(values):
            producer.send(TOPIC, value=value, key=b"k", partition=number % PARTITIONS)
            if number % RECORDS_PER_TICKET == 0:
                value = json.dumps(ticket(number + 1)).encode()
                producer.send(TICKETS, value=value, partition=number % PARTITIONS)
            if number % PER_SECOND == 0:
                time.sleep(1)
        producer.flush()
        producer.close()

    thread = threading.Thread(target=send)
    thread.start()
    yield thread
    thread.join()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    made = ApacheKafka(tmp_path_factory.mktemp("kafka"))
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="module")
def survived(
    new_sandbox: Callable[..., Sandbox],
    broker: ApacheKafka,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Survived]:
    sandbox = new_sandbox()
    processes.up(sandbox.settings)
    admin = broker.admin()
    partitions = {TOPIC: PARTITIONS, TICKETS: PARTITIONS, f"{TOPIC}-dlq": 1}
    admin.create_topics([NewTopic(name, count, 1) for name, count in partitions.items()])
    admin.close()
    folder = tmp_path_factory.mktemp("machines")
    topics = "event_management", "ticket_events"
    machines = [
        Machine(sandbox, broker, folder / "one", *topics, "user_app"),
        Machine(sandbox, broker, folder / "two", *topics),
    ]
    try:
        with producing(broker) as sending:
            harass(sandbox, broker, machines, sending)
        wait_until_committed(broker)
        yield Survived(sandbox, broker, machines)
    finally:
        for machine in machines:
            machine.kill()


def harass(
    sandbox: Sandbox, broker: ApacheKafka, machines: list[Machine], sending: threading.Thread
) -> None:
    """Kill something every few seconds, as long as records arrive."""
    dice = random.Random(11)
    kills = 0
    while kills < KILLS or sending.is_alive():
        time.sleep(dice.uniform(1, 5))
        machine = dice.choice(machines)
        if kills % 12 == 4:
            pid = {part.name: part.pid for part in processes.status(sandbox.settings)}
            os.kill(pid["clickhouse"] or 0, signal.SIGKILL)
            time.sleep(5)
            processes.up(sandbox.settings)
        elif kills % 12 == 6:
            machine.kill()
            machine.start()
        elif kills % 12 == 8:
            broker.kill()
            time.sleep(2)
            broker.start()
        elif workers := machine.workers():
            os.kill(dice.choice(workers), signal.SIGKILL)
        else:
            continue
        kills += 1


def wait_until_committed(broker: ApacheKafka) -> None:
    """Wait until both groups have committed all: a killed member's part is idle for a session.

    That every record is in raw is not enough: where a group shares its partitions anew before a
    batch's offsets are committed, whoever has them next is still to read it again.
    """
    until = time.monotonic() + 300
    for topic in (TOPIC, TICKETS):
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        with KafkaConsumer(**broker.options, group_id=topic) as consumer:
            ends = consumer.end_offsets(partitions)
            while any(consumer.committed(partition) != ends[partition] for partition in partitions):
                if time.monotonic() > until:
                    return  # the tests tell what is missing
                time.sleep(1)


def rows(sandbox: Sandbox) -> set[tuple[int, int, str]]:
    found = ask(
        sandbox.settings,
        "transformer",
        f"""
        select distinct partition, offset, message_id from raw.event_management__event_data
        where topic = '{TOPIC}'
        """,
    )
    return {(partition, offset, id_) for partition, offset, id_ in found}


def tickets(sandbox: Sandbox) -> set[tuple[int, int]]:
    """Partition and id of every ticket that landed, by its offset once."""
    found = ask(
        sandbox.settings,
        "transformer",
        f"""
        select partition, record_id from raw.freshservice__ticket_events
        where topic = '{TICKETS}' group by partition, offset, record_id
        """,
    )
    assert len(found) == len(set(found))
    return {(partition, id_) for partition, id_ in found}


def sent_tickets() -> set[tuple[int, int]]:
    """Partition and id of every ticket that was sent."""
    numbers = range(0, RECORDS + len(POISON), RECORDS_PER_TICKET)
    return {(number % PARTITIONS, number + 1) for number in numbers}


def letters(sandbox: Sandbox) -> list[tuple[str, str]]:
    found = ask(
        sandbox.settings,
        "transformer",
        f"""
        select distinct position, reason from raw.dead_letters
        where position like '{TOPIC}/%'
        """,
    )
    return [(position, reason) for position, reason in found]


def test_every_record_is_a_row_or_a_dead_letter_and_no_offset_is_both(
    survived: Survived,
) -> None:
    found, refused = rows(survived.sandbox), letters(survived.sandbox)
    lands = {f"m{number}" for number in range(100, 100 + RECORDS)}
    lands |= {json.loads(v)["message_id"] for v, reason in POISON if reason is None and v}
    assert {id_ for _, _, id_ in found} == lands, [machine.log() for machine in survived.machines]
    assert len(found) == len(lands)
    assert Counter(reason for _, reason in refused) == Counter(r for _, r in POISON if r)
    offsets = {f"{TOPIC}/{partition}/{offset}" for partition, offset, _ in found}
    assert offsets.isdisjoint(position for position, _ in refused)


def test_every_ticket_is_in_raw_at_its_offset(survived: Survived) -> None:
    assert tickets(survived.sandbox) == sent_tickets()


def test_both_machines_tell_how_they_are_and_leave_in_ten_seconds(
    survived: Survived,
) -> None:
    machines = survived.machines
    until = time.monotonic() + 120  # whoever was killed often starts late
    while not all(machine.health()["ready"] for machine in machines):
        assert time.monotonic() < until, [machine.health() for machine in machines]
        time.sleep(0.5)
    for machine in machines:
        assert 'gatehouse_stream_workers{source="event_management"} 1.0' in machine.metrics()
    pids = [pid for machine in machines for pid in machine.workers()]
    began = time.monotonic()
    for machine in machines:
        machine.process.send_signal(signal.SIGTERM)
    codes = [machine.process.wait(20) for machine in machines]
    assert time.monotonic() - began < 10
    assert codes == [0, 0], [machine.log() for machine in machines]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert json.loads(survived.load().stdout)[0]["read"] == 0


def test_no_identifier_is_in_what_was_said(survived: Survived) -> None:
    said = "".join(machine.log() for machine in survived.machines)
    assert "Starting it again" in said
    assert "usr-" not in said


def test_read_again_from_its_first_offset_nothing_is_new_and_copies_are_equal(
    survived: Survived,
) -> None:
    before = rows(survived.sandbox), sorted(letters(survived.sandbox))
    admin = survived.broker.admin()
    partitions = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
    admin.delete_group_offsets(TOPIC, partitions)
    admin.close()
    read = json.loads(survived.load().stdout)[0]["read"]
    assert read == RECORDS + len(POISON)
    assert (rows(survived.sandbox), sorted(letters(survived.sandbox))) == before
    differing = ask(
        survived.sandbox.settings,
        "transformer",
        f"""
        select offset from raw.event_management__event_data
        where topic = '{TOPIC}'
        group by partition, offset having uniqExact(payload) > 1
        """,
    )
    assert not differing


def test_a_login_that_is_refused_is_told_and_read_on_from_when_it_is_mended(
    survived: Survived,
) -> None:
    with KafkaProducer(**survived.broker.options) as producer:
        producer.send(TOPIC, value=json.dumps(message(99)).encode(), key=b"k")
        producer.flush()
    wrong = survived.load(SOURCES__EVENT_MANAGEMENT__SASL_PASSWORD="a-wrong-one")
    admin = survived.broker.admin()
    scram = ScramMechanism.SCRAM_SHA_256
    admin.alter_user_scram_credentials([UserScramCredentialUpsertion(USER, scram, "a-newer-one")])
    expired = survived.load()
    admin.alter_user_scram_credentials([UserScramCredentialUpsertion(USER, scram, PASSWORD)])
    admin.close()
    for refused in (wrong, expired):
        said = refused.stdout + refused.stderr
        assert refused.returncode == 1
        assert "login and certificate in SOURCES__EVENT_MANAGEMENT__" in said
        assert "a-wrong-one" not in said
        assert PASSWORD not in said
    assert json.loads(survived.load().stdout)[0]["read"] == 1


def test_the_audit_says_that_every_layer_agrees(survived: Survived) -> None:
    sandbox, env = survived.sandbox, settings(survived.broker)
    loaded = gatehouse(sandbox, "load", "--json", **env)
    assert loaded.returncode == 0, loaded.stdout
    untested = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    built = dbt(sandbox, "build", *untested)
    assert built.returncode == 0, built.stdout
    ran = gatehouse(sandbox, "audit", "--json", **env)
    told = json.loads(ran.stdout)
    assert (ran.returncode, told["differing"], told["errors"]) == (0, [], []), told
    records = Counter[tuple[str, str]]()
    for step in told["steps"]:
        assert step["wait"] == 0, step
        records[step["source"], step["step"]] += step["records"]
    for source, sent in (("event_management", RECORDS), ("ticket_events", len(sent_tickets()))):
        assert records[source, "source_to_raw"] >= sent
    # Below raw the tickets are the desk's, whichever way they came.
    for source, sent in (("event_management", RECORDS), ("freshservice", len(sent_tickets()))):
        assert records[source, "raw_to_staging"] >= sent
        assert records[source, "staging_to_facts"] >= sent
