"""The producer of event-data and a real broker: whatever dies, every record keeps its offset."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from sandbox import broker, event_management
from sandbox.event_management import NUMBER, Publisher, SpoiltError
from sandbox.settings import HOST, Settings
from sandbox.world import World
from sandbox.world.moments import moment
from sandbox.world.topic import NAME, PARTITIONS, Record


class Broker:
    """A Tansu of the test's own, to be killed and started again."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.address = f"{settings.host}:{settings.kafka_port}"
        self.start()

    def start(self) -> None:
        quiet = subprocess.DEVNULL
        command = broker.command(self.settings)
        self.process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        for _ in range(100):
            with contextlib.suppress(OSError), closing(self._connect()):
                return
            time.sleep(0.05)
        raise RuntimeError("the broker does not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    def read(self) -> list[list[tuple[int, bytes, bytes | None]]]:
        """What stands in each partition: time, key and value by offset."""
        partitions = [TopicPartition(NAME, number) for number in range(PARTITIONS)]
        found: list[list[tuple[int, bytes, bytes | None]]] = [[] for _ in partitions]
        with closing(KafkaConsumer(bootstrap_servers=self.address)) as consumer:
            consumer.assign(partitions)
            consumer.seek_to_beginning()
            while any(consumer.highwater(p) != len(found[p.partition]) for p in partitions):
                for partition, records in consumer.poll(timeout_ms=100).items():
                    for record in records:
                        assert record.offset == len(found[partition.partition])
                        found[partition.partition].append(
                            (record.timestamp, record.key, record.value)
                        )
        return found

    def write(self, partition: int, value: bytes, number: int | None = None) -> None:
        """One record by somebody else, or by a producer that lost its way."""
        headers = [] if number is None else [(NUMBER, str(number).encode())]
        with closing(KafkaProducer(bootstrap_servers=self.address)) as producer:
            producer.send(NAME, value, partition=partition, headers=headers).get(timeout=5)

    def _connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.settings.kafka_port), timeout=1)


@pytest.fixture
def own_broker(tmp_path: Path, free_port: int) -> Iterator[Broker]:
    settings = replace(Settings.from_env({"GATEHOUSE_STATE": str(tmp_path)}), kafka_port=free_port)
    started = Broker(settings)
    yield started
    started.kill()


@pytest.fixture
def world() -> World:
    made = World(seed=3, scale=0.004, start=date(2026, 1, 15), days=60, dirt=0.1)
    made.topic.advance(moment(made.end_of_history))
    return made


def expected(world: World) -> list[list[tuple[int, bytes, bytes | None]]]:
    def row(record: Record) -> tuple[int, bytes, bytes | None]:
        return record.at, record.key, record.value

    return [
        [row(record) for record in world.topic.records(number, 0, end)]
        for number, end in enumerate(world.topic.ends)
    ]


def never() -> bool:
    return False


def after(chunks: int) -> Callable[[], bool]:
    """Somebody who says stop when so many chunks are out."""
    answers = itertools.chain(itertools.repeat(False, chunks), itertools.repeat(True))
    return lambda: next(answers)


def test_every_record_stands_at_its_offset(own_broker: Broker, world: World) -> None:
    publisher = Publisher(world.topic, own_broker.address)
    publisher.catch_up(never)
    assert own_broker.read() == expected(world)
    assert publisher.published == sum(world.topic.ends) > 500
    assert any(value is None for partition in own_broker.read() for *_, value in partition)
    assert {"ticket-events", "dlq-analytics"} <= set(broker.topics(own_broker.settings, 5))


def test_a_second_publisher_goes_on_where_the_first_was_killed(
    own_broker: Broker, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_management, "CHUNK", 50)
    first = Publisher(world.topic, own_broker.address)
    first.catch_up(after(chunks=4))
    assert 0 < first.published < sum(world.topic.ends)
    second = Publisher(world.topic, own_broker.address)
    second.catch_up(after(chunks=1))
    second.catch_up(never)
    assert own_broker.read() == expected(world)


def test_a_broker_that_comes_back_empty_is_filled_again(own_broker: Broker, world: World) -> None:
    publisher = Publisher(world.topic, own_broker.address)
    publisher.catch_up(never)
    assert not publisher.has_lost_records()
    own_broker.restart()
    assert publisher.has_lost_records()
    publisher.catch_up(never)
    assert own_broker.read() == expected(world)
    assert not publisher.has_lost_records()


def test_the_topic_grows_with_the_clock(own_broker: Broker, world: World) -> None:
    publisher = Publisher(world.topic, own_broker.address)
    publisher.catch_up(never)
    before = own_broker.read()
    world.topic.advance(moment(world.end_of_history + timedelta(days=5)))
    publisher.catch_up(never)
    now = own_broker.read()
    assert now == expected(world)
    assert sum(map(len, now)) > sum(map(len, before))
    assert all(new[: len(old)] == old for new, old in zip(now, before, strict=True))


def test_a_record_of_somebody_else_makes_none_of_ours_lost(
    own_broker: Broker, world: World
) -> None:
    Publisher(world.topic, own_broker.address).catch_up(never)
    for _ in range(3):
        own_broker.write(2, b"poison")
    world.topic.advance(moment(world.end_of_history + timedelta(days=5)))
    Publisher(world.topic, own_broker.address).catch_up(never)
    found = own_broker.read()
    assert [row for row in found[2] if row[2] != b"poison"] == expected(world)[2]
    assert len(found[2]) == world.topic.ends[2] + 3


def test_a_topic_that_began_in_the_middle_is_published_anew(
    own_broker: Broker, world: World
) -> None:
    # What a batch under way leaves in a broker that was restarted at that very moment.
    event_management.create_topics(own_broker.address)
    own_broker.write(1, b"too early", number=40)
    publisher = Publisher(world.topic, own_broker.address)
    with pytest.raises(SpoiltError):
        publisher.catch_up(never)
    publisher.start_over()
    publisher.catch_up(never)
    assert own_broker.read() == expected(world)


def test_the_process_publishes_writes_the_truth_and_ends_when_told(
    own_broker: Broker, tmp_path: Path, free_port: int
) -> None:
    env = {
        **os.environ,
        "GATEHOUSE_STATE": str(tmp_path),
        "GATEHOUSE_KAFKA_PORT": str(own_broker.settings.kafka_port),
        "GATEHOUSE_SOURCES_PORT": str(own_broker.settings.kafka_port + 1),
        "GATEHOUSE_SANDBOX_SCALE": "0.002",
        "GATEHOUSE_SANDBOX_DAYS": "20",
    }
    url = f"http://{HOST}:{own_broker.settings.kafka_port + 1}/sandbox/"
    log = tmp_path / "log"
    command = [sys.executable, "-m", "sandbox.sources"]
    with log.open("w") as stderr:
        process = subprocess.Popen(command, env=env, stderr=stderr)
    try:
        health = wait_for(url, "ok", log)
        assert health["published"] == health["to_publish"] > 0
        own_broker.kill()
        wait_for(url, "waiting for the broker", log)
        own_broker.start()
        assert wait_for(url, "ok", log)["published"] == health["to_publish"]
        later = health["clock"].replace("T00:00:00Z", "T18:00:00Z")
        assert requests.post(url + "clock", json={"now": later}, timeout=5).status_code == 200
        moved = wait_for(url, "ok", log)
        assert moved["truth_at"] == later
        assert moved["to_publish"] > health["to_publish"]
        below = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not psutil.wait_procs(below, timeout=10)[1]
    assert "Traceback" not in log.read_text()
    names = {path.stem for path in (tmp_path / "sandbox" / "truth").iterdir()}
    assert names > {"registrations", "events", "sessions", "dirt", "tickets", "assets"}


def wait_for(url: str, status: str, log: Path) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for _ in range(200):
        # Requests' errors are OSErrors.
        with contextlib.suppress(OSError):
            said = requests.get(url + "health", timeout=5).json()
            if said["status"] == status:
                return said
        time.sleep(0.1)
    raise AssertionError(f"{said} is not {status}: {log.read_text()}")
