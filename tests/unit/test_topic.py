"""Reading a topic to its end: the end as brokers tell it, and as they do not."""

import time
from typing import Any, NamedTuple

import pytest
from kafka import TopicPartition

import loaders.topic
from loaders.errors import GatehouseError
from loaders.topic import Position, Topic

PARTITION = TopicPartition("t", 0)


class Message(NamedTuple):
    offset: int
    timestamp: float
    value: bytes = b"{}"


class FakeConsumer:
    """One partition; `end` is what the broker says, `messages` what it holds."""

    def __init__(self, messages: list[Message], end: int) -> None:
        self.messages = messages
        self.end = end
        self.at = 0
        self.grows = False
        self.is_mute = False

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0} if topic == "t" else set()

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert partitions == [PARTITION]

    def end_offsets(self, _partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {PARTITION: self.end}

    def position(self, _partition: TopicPartition, timeout_ms: float) -> int | None:  # noqa: ARG002
        return None if self.is_mute else self.at

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Message]]:
        assert timeout_ms
        if self.grows:
            self.messages.append(Message(len(self.messages), time.time() * 1000 + 1))
        found = self.messages[self.at : self.at + max_records]
        self.at += len(found)
        return {PARTITION: found} if found else {}


def topic(consumer: FakeConsumer, name: str = "t") -> Topic:
    fake: Any = consumer
    return Topic(fake, name)


def read_all(opened: Topic, rows: int) -> list[int]:
    offsets: list[int] = []
    while not opened.caught_up:
        offsets += [record.offset for record in opened.read(rows)]
    return offsets


@pytest.mark.parametrize("end", [10, 1])
@pytest.mark.parametrize("rows", [1, 3, 10, 50])
def test_all_is_read_even_where_the_broker_gives_its_end_too_early(end: int, rows: int) -> None:
    consumer = FakeConsumer([Message(n, 0) for n in range(10)], end)
    assert read_all(topic(consumer), rows) == list(range(10))


def test_a_topic_that_goes_on_growing_ends_where_it_was_opened() -> None:
    consumer = FakeConsumer([Message(n, 0) for n in range(10)], end=10)
    consumer.grows = True
    assert read_all(topic(consumer), 4)[:10] == list(range(10))
    assert consumer.at < 20


def test_nothing_to_read_ends_at_once() -> None:
    assert read_all(topic(FakeConsumer([], end=0)), 5) == []


def test_a_broker_that_falls_silent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders.topic, "_SILENCE_SECONDS", 0)
    with pytest.raises(GatehouseError, match="nothing for 0 s, 3 records due"):
        read_all(topic(FakeConsumer([], end=3)), 5)


def test_a_broker_that_does_not_tell_the_position_is_an_error() -> None:
    consumer = FakeConsumer([], end=3)
    consumer.is_mute = True
    with pytest.raises(GatehouseError, match="did not say in 30 s how far t is read"):
        topic(consumer).behind()


def test_a_topic_that_is_not_there_is_named() -> None:
    with pytest.raises(GatehouseError, match="no topic other"):
        topic(FakeConsumer([], end=0), "other")


def test_a_position_is_read_as_it_is_written() -> None:
    assert str(Position("event-data", 3, 17)) == "event-data/3/17"
    assert Position.read("event-data/3/17") == Position("event-data", 3, 17)
