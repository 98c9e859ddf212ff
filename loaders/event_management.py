"""S-Attend's event management: the Kafka topic `event-data`.

```
event-data (events, sessions, registrations, venues) -> raw.event_management__event_data
                                        refused records -> raw.dead_letters and topic dlq-analytics
```

A message carries the whole state of its entity, or the keys of one that is called off. They land
one row per record, whatever the type: the types share an envelope, and their order in the topic
means something. Offsets are committed to the consumer group after the load package is durable and
never before, so a record may land twice and is never lost; (topic, partition, offset) says which
copies are one record, message_id which records are one message.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration import with_config
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from loaders.batch import MAX_BYTES, Batch, Report
from loaders.dead_letters import DeadLetter
from loaders.door import Door, Record, RefusedError, read_schema, source_time
from loaders.errors import GatehouseError
from loaders.landing import ddl, land, open_pipeline
from loaders.privacy import Privacy, email, phone, verbatim

SOURCE = "event_management"
FEED = "event-data"
TABLE = "event_management__event_data"
COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("topic", pa.string()),
        ("partition", pa.uint16()),
        ("offset", pa.uint64()),
        ("message_id", pa.string()),
        ("type", pa.string()),
        ("schema_version", pa.uint16()),
        ("source_at", pa.timestamp("ms", "UTC")),
        ("published_at", pa.timestamp("ms", "UTC")),
        ("payload", pa.string()),
    ]
)
PRIVATE = {
    "data.user_id": verbatim,
    "data.email": email,
    "data.full_name": verbatim,
    "data.phone": phone,
}
_SILENCE_SECONDS = 30
_POLL_MILLISECONDS = 300
_FETCH_BYTES = 50 * 2**20
_SCHEMA = read_schema("event_data_schema.json")
_ENVELOPE = frozenset(_SCHEMA["properties"])


def _fields_by_type() -> dict[str, frozenset[str]]:
    known = {}
    for rule in _SCHEMA["allOf"]:
        definition = rule["then"]["properties"]["data"]["$ref"].rpartition("/")[2]
        names = frozenset(_SCHEMA["$defs"][definition]["properties"])
        condition = rule["if"]["properties"]["type"]
        for type_ in condition.get("enum", [condition.get("const")]):
            known[type_] = names
    return known


_KNOWN = _fields_by_type()


def _known_fields(record: Record) -> list[tuple[str, Record, frozenset[str]]]:
    return [("", record, _ENVELOPE), ("data.", record["data"], _KNOWN[record["type"]])]


def door(privacy: Privacy) -> Door:
    """Return the door of the topic's messages."""
    return Door(_SCHEMA, PRIVATE, _known_fields, privacy)


def row(record: Record, payload: str, position: str, published_at: datetime) -> tuple[Any, ...]:
    """Return a message as a row of `COLUMNS`.

    Parameters
    ----------
    record, payload
        The message that passed the door, and what the door made of it.
    position
        topic/partition/offset.
    published_at
        The broker's timestamp.
    """
    topic, partition, offset = position.rsplit("/", 2)
    return (
        SOURCE,
        topic,
        int(partition),
        int(offset),
        record["message_id"],
        record["type"],
        record["schema_version"],
        source_time(record["occurred_at"], "occurred_at"),
        published_at,
        payload,
    )


class Topic:
    """The topic from the group's committed offsets to where it ended when it was opened.

    Partitions are assigned by hand: a bounded load needs no group to share with, and joining one
    takes seconds.

    Attributes
    ----------
    caught_up
        Whether everything has been read that was there when the topic was opened.
    """

    def __init__(
        self, consumer: KafkaConsumer, producer: KafkaProducer, topic: str, dead_letter_topic: str
    ) -> None:
        partitions = consumer.partitions_for_topic(topic)
        if not partitions:
            raise GatehouseError(
                f"Kafka has no topic {topic}.",
                "Create it, or set SOURCES__EVENT_MANAGEMENT__TOPIC.",
            )
        self._consumer = consumer
        self._producer = producer
        self._dead_letter_topic = dead_letter_topic
        self._partitions = [TopicPartition(topic, number) for number in sorted(partitions)]
        consumer.assign(self._partitions)
        self._ends: dict[TopicPartition, int] = consumer.end_offsets(self._partitions)
        self._opened_ms = time.time() * 1000
        self.caught_up = False

    def behind(self) -> int:
        """Return how many offsets there are to be read, as far as the broker tells."""
        positions = {p: self._consumer.position(p) for p in self._partitions}
        return sum(max(0, end - positions[p]) for p, end in self._ends.items())

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

    def bury(self, letters: list[DeadLetter], originals: list[ConsumerRecord]) -> None:
        """Send refused records to the dead-letter topic as they came, reasons in the headers."""
        for letter, record in zip(letters, originals, strict=True):
            headers = {
                "reason": letter.reason,
                "detail": letter.detail,
                "position": letter.position,
                "dead_letter_id": letter.dead_letter_id,
            }
            self._producer.send(
                self._dead_letter_topic,
                key=record.key,
                value=record.value,
                headers=[(name, value.encode()) for name, value in headers.items()],
            )
        self._producer.flush(timeout=30)

    def commit(self) -> None:
        """Record in the consumer group that everything read so far is durable."""
        self._consumer.commit()


@contextmanager
@with_config(sections=("sources", SOURCE))
def open_topic(
    bootstrap_servers: str = dlt.config.value,
    topic: str = dlt.config.value,
    dead_letter_topic: str = dlt.config.value,
    group_id: str = dlt.config.value,
    security_protocol: str = dlt.config.value,
    sasl_mechanism: str | None = None,
    sasl_username: str | None = None,
    sasl_password: str | None = None,
) -> Iterator[Topic]:
    """Connect to Kafka, by dlt's configuration in section `sources.event_management`.

    Raises
    ------
    GatehouseError
        When no broker answers, the login is refused, or the topic does not exist.
    """
    connection = {
        "bootstrap_servers": bootstrap_servers.split(","),
        "security_protocol": security_protocol,
        "sasl_mechanism": sasl_mechanism,
        "sasl_plain_username": sasl_username,
        "sasl_plain_password": sasl_password,
        "bootstrap_timeout_ms": 10_000,
    }
    clients: list[Any] = []
    try:
        clients.append(
            KafkaConsumer(
                **connection,
                group_id=group_id,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                allow_auto_create_topics=False,
                fetch_max_wait_ms=200,
                fetch_max_bytes=_FETCH_BYTES,
                max_partition_fetch_bytes=16 * 2**20,
            )
        )
        clients.append(KafkaProducer(**connection, max_request_size=32 * 2**20))
        yield Topic(clients[0], clients[1], topic, dead_letter_topic)
    except KafkaError as error:
        raise GatehouseError(
            f"Kafka at {bootstrap_servers} failed: {type(error).__name__}.",
            "Check that it runs (`gatehouse status`) and SOURCES__EVENT_MANAGEMENT__*; "
            "the next load resumes where this one stopped.",
        ) from error
    finally:
        for client in clients:
            client.close()


@dlt.resource(name="event_data", write_disposition="append")
def event_data(batch: Batch) -> Iterator[Any]:
    """Yield the rows and dead letters of a batch."""
    yield from batch.items()


@with_config(sections=("sources", SOURCE))
def load(
    report: Report,
    progress: Callable[[int, int], None],
    batch_rows: int = dlt.config.value,
) -> None:
    """Land what the topic holds beyond the committed offsets.

    Parameters
    ----------
    report
        Is filled in.
    progress
        Called with (records read, records in all) after every batch.
    batch_rows
        Records of a load package.
    """
    privacy = Privacy.from_env()
    gate = door(privacy)
    report.new_fields = gate.new_fields
    with open_topic() as topic, open_pipeline(SOURCE, [ddl(SOURCE)]) as pipeline:
        total = topic.behind()
        while not topic.caught_up:
            batch = Batch(report, TABLE, COLUMNS, privacy)
            refused = []
            for message in topic.read(batch_rows):
                if not _take(message, gate, batch):
                    refused.append(message)
            if batch.empty:
                continue
            land(pipeline, event_data(batch))
            topic.bury(batch.letters, refused)
            topic.commit()
            progress(report.read, max(report.read, total))


def _take(message: ConsumerRecord, gate: Door, batch: Batch) -> bool:
    position = f"{message.topic}/{message.partition}/{message.offset}"
    published_at = datetime.fromtimestamp(message.timestamp / 1000, UTC)
    try:
        record = gate.parse(message.value)
        payload = gate.admit(record)
        batch.add(row(record, payload, position, published_at))
    except RefusedError as refused:
        batch.refuse(position, refused, message.value, published_at)
        return False
    return True
