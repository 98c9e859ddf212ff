"""Kafka topics: read to their end, landed, and their offsets committed when that is durable.

Offsets are committed to the consumer group after the load package is durable and never before, so
a record may land twice and is never lost; (topic, partition, offset) says which copies are one.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

import dlt
import pyarrow as pa
from dlt.common.configuration import configspec
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.configuration.specs import BaseConfiguration
from dlt.common.typing import TSecretStrValue
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from loaders.batch import MAX_BYTES, Batch, Report
from loaders.dead_letters import DeadLetter
from loaders.door import Door, Record, RefusedError
from loaders.errors import GatehouseError
from loaders.landing import land, open_pipeline
from loaders.privacy import Privacy

_SILENCE_SECONDS = 30
_POLL_MILLISECONDS = 300
_FETCH_BYTES = 50 * 2**20


class Position(NamedTuple):
    """Where a record stands; as text it is topic/partition/offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return "/".join(map(str, self))

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the text."""
        topic, partition, offset = text.rsplit("/", 2)
        return cls(topic, int(partition), int(offset))


@dataclass(frozen=True)
class Feed:
    """A topic and how its records become rows.

    Attributes
    ----------
    source, name
        The section `sources.<source>` of the configuration, and the topic as reports call it.
    table, columns, statement
        The raw table, the columns that the loader fills, and the DDL.
    door
        Makes the door of its records.
    row
        Makes a row of a record that passed, what the door made of it, its position and the
        broker's timestamp.
    """

    source: str
    name: str
    table: str
    columns: pa.Schema
    statement: str
    door: Callable[[Privacy], Door]
    row: Callable[[Record, str, Position, datetime], tuple[Any, ...]]


@configspec
class Connection(BaseConfiguration):
    """A source's `sources.<source>` settings of the broker and the topic."""

    bootstrap_servers: str = None  # type: ignore[assignment]
    topic: str = None  # type: ignore[assignment]
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: TSecretStrValue | None = None
    ssl_cafile: str | None = None

    @classmethod
    def of(cls, source: str) -> Self:
        """Read what dlt's configuration says in section `sources.<source>`."""
        return resolve_configuration(cls(), sections=("sources", source))

    @property
    def client(self) -> dict[str, Any]:
        """What every client of kafka-python is made with."""
        return {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
            "ssl_cafile": self.ssl_cafile,
            "bootstrap_timeout_ms": 10_000,
            # As Kafka's own clients have it. kafka-python's 30 s also hold back what it has to
            # learn of a broker that is up again, and until then its partitions are not read.
            "reconnect_backoff_max_ms": 1000,
        }

    def failed(self, source: str, error: KafkaError) -> GatehouseError:
        """Return the error to tell a person of."""
        return GatehouseError(
            f"Kafka at {self.bootstrap_servers} failed: {type(error).__name__}.",
            # A refused login or certificate is a timeout too: the client tries to the end.
            f"Check that it runs (`gatehouse status`), and address, login and certificate in "
            f"SOURCES__{source.upper()}__*; the next run resumes where this one stopped.",
        )


@configspec
class Reading(Connection):
    """What a consumer needs besides."""

    dead_letter_topic: str = None  # type: ignore[assignment]
    group_id: str = None  # type: ignore[assignment]
    batch_rows: int = None  # type: ignore[assignment]


class Topic:
    """The topic from the group's committed offsets to where it ended when it was opened.

    Partitions are assigned by hand: a bounded load needs no group to share with, and joining one
    takes seconds.

    Attributes
    ----------
    partitions
        All of them.
    caught_up
        Whether everything has been read that was there when the topic was opened.
    """

    def __init__(self, consumer: KafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self.partitions = partitions_of(consumer, topic)
        consumer.assign(self.partitions)
        self._ends: dict[TopicPartition, int] = consumer.end_offsets(self.partitions)
        self._opened_ms = time.time() * 1000
        self.caught_up = False

    def behind(self) -> int:
        """Return how many offsets there are to be read, as far as the broker tells.

        Raises
        ------
        GatehouseError
            When the broker does not say how far the group has read.
        """
        behind = 0
        for partition, end in self._ends.items():
            at = self._consumer.position(partition, timeout_ms=_SILENCE_SECONDS * 1000)
            if at is None:
                raise GatehouseError(
                    f"Kafka did not say in {_SILENCE_SECONDS} s how far {partition.topic} is read.",
                    "Check the broker (`gatehouse status`); the next load resumes here.",
                )
            behind += max(0, end - at)
        return behind

    def read(self, rows: int) -> Iterator[ConsumerRecord]:
        """Yield up to that many records, fewer at the end of the topic or of a batch's bytes.

        The end is where a poll finds nothing more, or records younger than our opening. The
        broker's own end offset is only the least: Tansu 0.6 gives it before the last batch ends.
        """
        heard = time.monotonic()
        room = MAX_BYTES
        while rows > 0 and room >= _FETCH_BYTES and not self.caught_up:
            polled = self._consumer.poll(timeout_ms=_POLL_MILLISECONDS, max_records=rows)
            if polled:
                heard = time.monotonic()
            elif self.behind() and time.monotonic() - heard > _SILENCE_SECONDS:
                raise GatehouseError(
                    f"Kafka sent nothing for {_SILENCE_SECONDS} s, {self.behind()} records due.",
                    "Check the broker (`gatehouse status`); the next load resumes here.",
                )
            young = all(records[-1].timestamp > self._opened_ms for records in polled.values())
            self.caught_up = young and not self.behind()
            for records in polled.values():
                rows -= len(records)
                room -= sum(len(record.value or b"") for record in records)
                yield from records

    def commit(self) -> None:
        """Record in the consumer group that everything read so far is durable."""
        self._consumer.commit()


def partitions_of(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """Return a topic's partitions.

    Raises
    ------
    GatehouseError
        When the broker has no such topic.
    """
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise GatehouseError(
            f"Kafka has no topic {topic}.", "Create it, or set SOURCES__<SOURCE>__TOPIC."
        )
    return [TopicPartition(topic, number) for number in sorted(numbers)]


class DeadLetterTopic:
    """Where other consumers of a topic find what was refused."""

    def __init__(self, producer: KafkaProducer, name: str) -> None:
        self._producer = producer
        self._name = name

    def bury(self, letters: list[DeadLetter], originals: list[ConsumerRecord]) -> None:
        """Send refused records as they came, reasons in the headers."""
        for letter, record in zip(letters, originals, strict=True):
            headers = {
                "reason": letter.reason,
                "detail": letter.detail,
                "position": letter.position,
                "dead_letter_id": letter.dead_letter_id,
            }
            self._producer.send(
                self._name,
                key=record.key,
                value=record.value,
                headers=[(name, value.encode()) for name, value in headers.items()],
            )
        self._producer.flush(timeout=30)


@contextmanager
def connect(
    source: str, settings: Reading, **options: Any
) -> Iterator[tuple[KafkaConsumer, DeadLetterTopic]]:
    """Connect to Kafka.

    Parameters
    ----------
    source, settings
        See `Reading.of`.
    options
        What this consumer has beyond the others, or instead.

    Raises
    ------
    GatehouseError
        When no broker answers, or the login is refused.
    """
    clients: list[Any] = []
    try:
        clients.append(
            KafkaConsumer(
                **(settings.client | options),
                group_id=settings.group_id,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                allow_auto_create_topics=False,
                fetch_max_wait_ms=200,
                fetch_max_bytes=_FETCH_BYTES,
                max_partition_fetch_bytes=16 * 2**20,
            )
        )
        clients.append(KafkaProducer(**settings.client, max_request_size=32 * 2**20))
        yield clients[0], DeadLetterTopic(clients[1], settings.dead_letter_topic)
    except KafkaError as error:
        raise settings.failed(source, error) from error
    finally:
        for client in clients:
            client.close()


def backlog(feed: Feed) -> tuple[int, int]:
    """Return how many records wait for a topic's group, as far as the broker tells; its partitions.

    Raises
    ------
    GatehouseError
        When no broker answers within two seconds, or it has no such topic or does not say how far
        the group has read it.
    """
    settings = Reading.of(feed.source)
    with connect(feed.source, settings, bootstrap_timeout_ms=2000) as (consumer, _):
        topic = Topic(consumer, settings.topic)
        return topic.behind(), len(topic.partitions)


@dlt.resource(name="messages", write_disposition="append")
def messages(batch: Batch) -> Iterator[Any]:
    """Yield the rows and dead letters of a batch."""
    yield from batch.items()


def load(feed: Feed, report: Report, progress: Callable[[int, int], None]) -> None:
    """Land what the topic holds beyond the committed offsets.

    Parameters
    ----------
    feed
        The topic.
    report
        Is filled in.
    progress
        Called with (records read, records in all) after every batch.
    """
    settings = Reading.of(feed.source)
    privacy = Privacy.from_env()
    gate = feed.door(privacy)
    report.new_fields = gate.new_fields
    with (
        connect(feed.source, settings) as (consumer, graveyard),
        open_pipeline(feed.source, [feed.statement]) as pipeline,
    ):
        topic = Topic(consumer, settings.topic)
        total = topic.behind()
        while not topic.caught_up:
            batch = Batch(report, feed.table, feed.columns, privacy)
            refused = []
            for message in topic.read(settings.batch_rows):
                if not take(feed, message, gate, batch):
                    refused.append(message)
            if batch.empty:
                continue
            land(pipeline, messages(batch))
            graveyard.bury(batch.letters, refused)
            topic.commit()
            progress(report.read, max(report.read, total))


def take(feed: Feed, message: ConsumerRecord, gate: Door, batch: Batch) -> bool:
    """Add a record to a batch: as a row, or as a dead letter and then return False."""
    position = Position(message.topic, message.partition, message.offset)
    published_at = datetime.fromtimestamp(message.timestamp / 1000, UTC)
    try:
        record = gate.parse(message.value)
        payload = gate.admit(record)
        batch.add(feed.row(record, payload, position, published_at))
    except RefusedError as refused:
        return not batch.refuse(str(position), refused, message.value, published_at)
    return True
