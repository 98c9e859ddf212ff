"""The parts of `gatehouse stream`: when a batch is due, what is told, who is started and when."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from kafka import OffsetAndMetadata, TopicPartition
from kafka.errors import CommitFailedError
from prometheus_client.parser import text_string_to_metric_families

import loaders.stream.member
from loaders.batch import Report
from loaders.errors import GatehouseError
from loaders.event_management import EVENT_DATA
from loaders.stream import supervisor
from loaders.stream.member import Member, Streaming
from loaders.stream.telemetry import Beat, Telemetry, serve
from loaders.topic import Feed
from sandbox.settings import PRIVACY_KEYS
from tests.integration.test_stream_survives import message
from tests.sandboxes import free_port

PARTITION = TopicPartition("t", 0)


class Sent(NamedTuple):
    offset: int
    timestamp: float
    value: bytes
    topic: str = "t"
    partition: int = 0


class FakeConsumer:
    """One partition of a group; hands out what `polls` holds, a list per poll."""

    def __init__(self, polls: list[list[Sent]]) -> None:
        self.polls = polls
        self.mine = {PARTITION}
        self.committed: list[int] = []
        self.is_fenced = False
        self.is_validated = True
        self.at = 0

    def poll(self, timeout_ms: float, max_records: int) -> dict[TopicPartition, list[Sent]]:
        assert timeout_ms
        assert max_records
        found = self.polls.pop(0) if self.polls else []
        self.at = found[-1].offset + 1 if found else self.at
        return {PARTITION: found} if found else {}

    def assignment(self) -> set[TopicPartition]:
        return self.mine

    def highwater(self, _partition: TopicPartition) -> int:
        return self.at + sum(map(len, self.polls))

    def position(self, _partition: TopicPartition, timeout_ms: float) -> int | None:
        assert timeout_ms == 0, "nobody polls while this waits"
        return self.at if self.is_validated else None

    def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        if self.is_fenced:
            raise CommitFailedError
        self.committed += [offset.offset for offset in offsets.values()]

    def pause(self, *_partitions: TopicPartition) -> None:
        """Nothing to do."""

    resume = pause

    def paused(self) -> set[TopicPartition]:
        return set()


class Graveyard:
    def __init__(self) -> None:
        self.buried = 0

    def bury(self, letters: list[Any], originals: list[Any]) -> None:
        assert len(letters) == len(originals)
        self.buried += len(letters)


def sent(first: int, count: int, age: float = 0.0) -> list[Sent]:
    at = (time.time() - age) * 1000
    return [
        Sent(n, at, json.dumps(message(n)).encode() if n % 7 else b"not json")
        for n in range(first, first + count)
    ]


class Work:
    """A member with everything around it made up, run until its polls are used up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, polls: list[list[Sent]]) -> None:
        monkeypatch.setenv("GATEHOUSE_PRIVACY_KEYS", PRIVACY_KEYS)
        self.landed: list[int] = []
        self.beats: list[Beat] = []
        self.consumer = FakeConsumer(polls)
        self.graveyard = Graveyard()
        self.fails = False
        monkeypatch.setattr(loaders.stream.member, "land", self._land)
        monkeypatch.setattr(loaders.stream.member, "messages", lambda batch: batch)

    def _land(self, _pipeline: Any, batch: Any) -> None:
        if self.fails:
            raise GatehouseError("ClickHouse is away.", "Wait.")
        self.landed.append(len(batch))

    def run(self, flush_seconds: float = 60, drain_seconds: float = 60) -> None:
        streaming = Streaming()
        streaming.update(
            {
                "batch_rows": 5,
                "flush_seconds": flush_seconds,
                "drain_rows": 20,
                "drain_seconds": drain_seconds,
            }
        )
        fake: Any = self.consumer
        grave: Any = self.graveyard
        pipeline: Any = None
        idle = iter(range(3))

        def is_stopped() -> bool:
            return not self.consumer.polls and next(idle, None) is None

        Member(EVENT_DATA, fake, grave, pipeline, streaming, self.beats.append, is_stopped).run()


def test_a_batch_lands_when_it_has_enough_and_the_rest_when_it_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = Work(monkeypatch, [sent(0, 3), sent(3, 3), sent(6, 2)])
    work.run()
    assert sum(work.landed) == 8
    assert work.landed[0] >= 6
    assert work.consumer.committed[-1] == 8
    assert work.graveyard.buried == 2
    assert sum(beat.rows for beat in work.beats) == 8
    assert work.beats[-1].report.refused == Counter(not_json=2)


def test_behind_a_backlog_a_batch_waits_until_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(monkeypatch, [sent(n * 4, 4, age=60) for n in range(10)])
    work.run(flush_seconds=0)
    assert work.landed[0] == 20
    assert sum(work.landed) == 40


def test_the_end_of_a_backlog_lands_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(monkeypatch, [sent(0, 2, age=60), sent(2, 2, age=60), [], sent(4, 1)])
    work.run(flush_seconds=0)
    assert work.landed[0] == 4


def test_a_slow_backlog_lands_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(monkeypatch, [sent(n * 4, 4, age=60) for n in range(3)])
    work.run(drain_seconds=0)
    assert work.landed[0] == 4


def test_a_lull_does_not_keep_the_last_records_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(monkeypatch, [sent(0, 2), [], sent(2, 1)])
    work.run(flush_seconds=0)
    assert work.landed[0] == 2


def test_what_did_not_land_is_not_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(monkeypatch, [sent(0, 6), sent(6, 6)])
    work.fails = True
    with pytest.raises(GatehouseError):
        work.run()
    assert work.consumer.committed == []


def test_partitions_that_went_to_another_member_are_left_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = Work(monkeypatch, [sent(0, 6)])
    work.consumer.mine = set()
    work.run()
    assert (work.landed, work.consumer.committed) == ([6], [])
    work = Work(monkeypatch, [sent(0, 6)])
    work.consumer.is_fenced = True
    work.run()
    assert work.landed == [6]


def test_a_position_that_the_broker_has_not_told_yet_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = Work(monkeypatch, [sent(0, 6), sent(6, 2)])
    work.consumer.is_validated = False
    work.run()
    assert sum(work.landed) == 8
    assert {beat.lag for beat in work.beats} == {0}


@pytest.fixture
def telemetry() -> Telemetry:
    told = Telemetry()
    told.began("a_1", "a")
    return told


def figures(telemetry: Telemetry) -> dict[str, float]:
    text = telemetry.metrics({"supervisor": 1}).decode()
    return {
        sample.name + "".join(sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_totals_outlive_the_worker_that_counted_them(telemetry: Telemetry) -> None:
    first = Report("a", "f", read=5, refused=Counter(schema=2))
    telemetry.heard("a_1", Beat(first, lag=7, rows=5, seconds=0.2, waited=0.9))
    telemetry.ended("a_1", "killed", "exit -9")
    telemetry.began("a_1", "a")
    telemetry.heard("a_1", Beat(Report("a", "f", read=3), rows=3))
    found = figures(telemetry)
    assert found["gatehouse_stream_records_read_totala"] == 8
    assert found["gatehouse_stream_records_durable_totala"] == 8
    assert found["gatehouse_stream_dead_letters_totalaschema"] == 2
    assert found["gatehouse_stream_failures_totalaexit -9"] == 1
    assert found["gatehouse_stream_lag_recordsa"] == 0
    assert found["gatehouse_stream_latency_seconds_counta"] == 2


def test_ready_means_every_worker_was_heard_and_none_has_an_error(telemetry: Telemetry) -> None:
    assert not telemetry.health()["ready"]
    telemetry.heard("a_1", Beat(Report("a", "f")))
    assert telemetry.health()["ready"]
    telemetry.heard("a_1", Beat(Report("a", "f", error="Kafka does not answer.")))
    assert telemetry.health()["sources"]["a"]["error"] == "Kafka does not answer."
    telemetry.heard("a_1", Beat(Report("a", "f", read=1), rows=1))
    assert telemetry.health()["ready"]
    telemetry.heard("a_1", Beat.gave_up("a", "GatehouseError", "The door is shut."))
    assert telemetry.last_words("a_1")[0] == "GatehouseError"
    telemetry.ended("a_1", telemetry.last_words("a_1")[1], "GatehouseError")
    assert "The door is shut." in telemetry.health()["sources"]["a"]["error"]
    assert not telemetry.health()["ready"]


@pytest.fixture
def port(telemetry: Telemetry) -> Iterator[int]:
    number = free_port()
    server = serve(telemetry, "127.0.0.1", number, lambda: {"supervisor": 1})
    yield number
    server.shutdown()
    server.server_close()


def test_health_is_served_with_the_status_that_probes_read(telemetry: Telemetry, port: int) -> None:
    def status(path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    paths = ("/health", "/health/live", "/health/ready", "/metrics", "/nothing")
    assert [status(path) for path in paths] == [200, 200, 503, 200, 404]
    telemetry.heard("a_1", Beat(Report("a", "f")))
    assert status("/health/ready") == 200
    with pytest.raises(GatehouseError, match="GATEHOUSE_STREAM_PORT"):
        serve(telemetry, "127.0.0.1", port, dict)


class Scaled:
    """A supervisor whose workers are only counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ceiling: int = 8, cpu: float = 10) -> None:
        self.lag, self.partitions, self.read = 0, 4, 0
        monkeypatch.setattr(supervisor.psutil, "cpu_percent", lambda: cpu)
        monkeypatch.setattr(supervisor.psutil, "cpu_count", lambda: 3)
        monkeypatch.setattr(supervisor, "backlog", self.backlog)
        self.supervisor = supervisor.Supervisor(
            ["event_management", "user_app"], ceiling, Telemetry(), lambda _line: None
        )
        self.team = self.supervisor._teams[0]
        fake: Any = self
        self.supervisor._telemetry = fake

    def progress(self, _source: str) -> tuple[int, int, int]:
        return self.read, self.lag, self.partitions

    def backlog(self, _feed: Feed) -> tuple[int, int]:
        return self.lag, self.partitions

    def look(self, times: int = 1) -> int:
        for _ in range(times):
            self.supervisor._scaled -= supervisor._SCALE_SECONDS
            self.supervisor._scale()
        return self.team.wanted


def test_a_backlog_brings_a_worker_per_processor_and_then_one_by_one_up_to_the_partitions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scaled = Scaled(monkeypatch)
    assert scaled.look(4) == 1
    scaled.lag = 100_000
    assert [scaled.look() for _ in range(8)] == [1, 3, 3, 4, 4, 4, 4, 4]
    scaled.lag = 0
    scaled.look()
    scaled.team.caught_up_since -= supervisor._IDLE_SECONDS
    assert [scaled.look(), scaled.look()] == [3, 3]


def test_a_backlog_at_the_start_finds_a_worker_per_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def begun(lag: int, partitions: int = 4, ceiling: int = 8) -> int:
        scaled = Scaled(monkeypatch, ceiling)
        scaled.lag, scaled.partitions = lag, partitions
        scaled.supervisor._look_ahead()
        return scaled.team.wanted

    assert [begun(1_000), begun(1_000_000)] == [1, 3]
    assert [begun(1_000_000, partitions=2), begun(1_000_000, ceiling=2)] == [2, 1]


def test_a_broker_that_is_away_at_the_start_is_left_to_the_first_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_away(_feed: Feed) -> tuple[int, int]:
        raise GatehouseError("Kafka is away.", "Wait.")

    scaled = Scaled(monkeypatch)
    monkeypatch.setattr(supervisor, "backlog", is_away)
    scaled.supervisor._look_ahead()
    assert scaled.team.wanted == 1


def test_a_broker_that_does_not_tell_its_backlog_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = threading.Event()

    def is_silent(_feed: Feed) -> tuple[int, int]:
        answer.wait(60)
        return 1_000_000, 4

    monkeypatch.setattr(supervisor, "_LOOK_AHEAD_SECONDS", 0.2)
    scaled = Scaled(monkeypatch)
    monkeypatch.setattr(supervisor, "backlog", is_silent)
    scaled.supervisor._look_ahead()
    assert scaled.team.wanted == 1
    # Told to stop, it does not even wait so long.
    monkeypatch.setattr(supervisor, "_LOOK_AHEAD_SECONDS", 3600)
    scaled.supervisor.stop()
    scaled.supervisor._look_ahead()
    answer.set()


def test_no_worker_joins_where_the_machine_or_the_ceiling_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for scaled in (Scaled(monkeypatch, ceiling=2), Scaled(monkeypatch, cpu=90)):
        scaled.lag = 100_000
        assert scaled.look(6) == 1


def test_a_backlog_that_is_worked_off_in_seconds_brings_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scaled = Scaled(monkeypatch)
    scaled.lag = 50_000  # 25 s of it
    for _ in range(6):
        scaled.read += 10_000
        scaled.look()
    assert scaled.team.wanted == 1
