"""`gatehouse stream` on two machines: killed, cut off and poisoned, it loses and doubles nothing.

One sandbox and a topic of its own. Two supervisors with states of their own share its consumer
group, as two machines would, while records arrive; workers and supervisors are killed at random
instants, ClickHouse too, and then both drain. What is in raw is held against what was sent.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from sandbox import processes
from tests.integration.driving import gatehouse
from tests.sandboxes import Sandbox, ask, free_port

TOPIC = "killed"
PARTITIONS = 3
RECORDS = 9_000
PER_SECOND = 250
KILLS = 12


def message(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "message_id": f"m{number}",
        "type": "registration.created",
        "occurred_at": "2026-01-01T00:00:00Z",
        "schema_version": 1,
        "data": {
            "registration_id": f"r{number}",
            "event_id": "e1",
            "user_id": f"usr-{number}",
            "ticket_type": "general",
            "status": "confirmed",
            "registered_at": "2026-01-01T00:00:00Z",
            **changes,
        },
    }


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


class Machine:
    """A supervisor with a state folder and a port of its own."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._port = free_port()
        self._log = folder.with_suffix(".log")
        self._env = {
            **os.environ,
            **sandbox.env,
            "GATEHOUSE_STATE": str(folder),
            "GATEHOUSE_STREAM_PORT": str(self._port),
            "SOURCES__EVENT_MANAGEMENT__TOPIC": TOPIC,
            "SOURCES__EVENT_MANAGEMENT__GROUP_ID": TOPIC,
            "SOURCES__EVENT_MANAGEMENT__DEAD_LETTER_TOPIC": f"{TOPIC}-dlq",
            "STREAM__SESSION_SECONDS": "6",
        }
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "loaders.cli", "stream", "event_management"],
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
def producing(broker: str) -> Iterator[threading.Thread]:
    """Send the records from a thread; every one of the poison ones stands between good ones."""
    values = [json.dumps(message(number)).encode() for number in range(100, 100 + RECORDS)]
    for place, (value, _) in enumerate(POISON):
        values.insert((place + 1) * RECORDS // (len(POISON) + 1), value)  # type: ignore[arg-type]

    def send() -> None:
        producer = KafkaProducer(bootstrap_servers=broker, max_request_size=16 * 2**20)
        for number, value in enumerate(values):
            producer.send(TOPIC, value=value, key=b"k", partition=number % PARTITIONS)
            if number % PER_SECOND == 0:
                time.sleep(1)
        producer.flush()
        producer.close()

    thread = threading.Thread(target=send)
    thread.start()
    yield thread
    thread.join()


@pytest.fixture(scope="module")
def survived(
    new_sandbox: Callable[..., Sandbox], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Sandbox, list[Machine]]]:
    sandbox = new_sandbox()
    processes.up(sandbox.settings)
    broker = sandbox.env["SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS"]
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1), NewTopic(f"{TOPIC}-dlq", 1, 1)])
    admin.close()
    folder = tmp_path_factory.mktemp("machines")
    machines = [Machine(sandbox, folder / name) for name in ("one", "two")]
    dice = random.Random(11)
    with producing(broker) as sending:
        kills = 0
        while kills < KILLS or sending.is_alive():
            time.sleep(dice.uniform(1, 5))
            machine = dice.choice(machines)
            if kills == KILLS // 3:
                pid = {part.name: part.pid for part in processes.status(sandbox.settings)}
                os.kill(pid["clickhouse"] or 0, signal.SIGKILL)
                time.sleep(5)
                processes.up(sandbox.settings)
            elif kills == KILLS // 2:
                machine.kill()
                machine.start()
            elif workers := machine.workers():
                os.kill(dice.choice(workers), signal.SIGKILL)
            else:
                continue
            kills += 1
    wait_until_durable(sandbox)
    yield sandbox, machines
    for machine in machines:
        machine.kill()


def wait_until_durable(sandbox: Sandbox) -> None:
    """Wait until nothing more is to come: a killed member's partitions need a session's time."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if len(rows(sandbox)) + len(letters(sandbox)) >= RECORDS + len(POISON):
            return
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
    survived: tuple[Sandbox, list[Machine]],
) -> None:
    sandbox, _ = survived
    found, refused = rows(sandbox), letters(sandbox)
    lands = {f"m{number}" for number in range(100, 100 + RECORDS)}
    lands |= {json.loads(v)["message_id"] for v, reason in POISON if reason is None and v}
    assert {id_ for _, _, id_ in found} == lands
    assert len(found) == len(lands)
    assert Counter(reason for _, reason in refused) == Counter(r for _, r in POISON if r)
    offsets = {f"{TOPIC}/{partition}/{offset}" for partition, offset, _ in found}
    assert offsets.isdisjoint(position for position, _ in refused)


def test_what_landed_twice_is_the_same_both_times(
    survived: tuple[Sandbox, list[Machine]],
) -> None:
    sandbox, _ = survived
    differing = ask(
        sandbox.settings,
        "transformer",
        f"""
        select offset from raw.event_management__event_data
        where topic = '{TOPIC}'
        group by partition, offset having uniqExact(payload) > 1
        """,
    )
    assert not differing


def test_both_machines_tell_how_they_are_and_leave_in_ten_seconds(
    survived: tuple[Sandbox, list[Machine]],
) -> None:
    sandbox, machines = survived
    until = time.monotonic() + 30  # whoever was killed last is starting
    while not all(machine.health()["ready"] for machine in machines):
        assert time.monotonic() < until, [machine.health() for machine in machines]
        time.sleep(0.5)
    metrics = "".join(machine.metrics() for machine in machines)
    assert 'gatehouse_stream_records_durable_total{source="event_management"}' in metrics
    assert 'gatehouse_stream_failures_total{kind="exit -9",source="event_management"}' in metrics
    pids = [pid for machine in machines for pid in machine.workers()]
    began = time.monotonic()
    for machine in machines:
        machine.process.send_signal(signal.SIGTERM)
    codes = [machine.process.wait(20) for machine in machines]
    assert time.monotonic() - began < 10
    assert codes == [0, 0], [machine.log() for machine in machines]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    left = json.loads(
        gatehouse(
            sandbox,
            *("load", "event_management", "--json"),
            SOURCES__EVENT_MANAGEMENT__TOPIC=TOPIC,
            SOURCES__EVENT_MANAGEMENT__GROUP_ID=TOPIC,
        ).stdout
    )
    assert left[0]["read"] == 0


def test_no_identifier_is_in_what_was_said(survived: tuple[Sandbox, list[Machine]]) -> None:
    _, machines = survived
    said = "".join(machine.log() for machine in machines)
    assert "Starting it again" in said
    assert "usr-" not in said
