"""The event management system's producer: it puts the world's records on the topic event-data.

    world.topic (order and offsets follow from the parameters) ──> broker, at the very same offsets

It keeps no state of its own. Every record carries its number within its partition in a header, so
the last one on the broker says where to go on. The producer may be killed at any instant, and so
may the broker: one that comes back empty is filled again, every record at its old offset.

Whoever else writes into the topic (a test with a poisoned record) moves what is published later to
higher offsets than the truth says, and does no other harm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import islice

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.producer.future import FutureRecordMetadata

from sandbox.world.topic import NAME, PARTITIONS, Record, Topic

LOG = logging.getLogger(__name__)

TOPICS = {NAME: PARTITIONS, "ticket-events": 4, "dlq-analytics": 1}
NUMBER = "number"
CHUNK = 20_000
"""Records between two looks at how far the broker came."""
PATIENCE_MS = 10_000
BOOTSTRAP_MS = 2_000
"""How long a broker on this machine may take to answer at all."""
UNREACHABLE = (KafkaError, OSError)


class SpoiltError(RuntimeError):
    """A record stands at a lower offset than it can: the broker was emptied under our feet."""


class Publisher:
    """Brings the broker up to where the topic of the world stands."""

    def __init__(self, topic: Topic, address: str) -> None:
        self._topic = topic
        self._address = address
        self._seen = [0] * PARTITIONS
        self.published = 0
        """Records of the world that are on the broker."""
        self.problem: str | None = None
        """Why there is no publishing at the moment."""

    def catch_up(self, stopped: Callable[[], bool]) -> None:
        """Publish whatever is missing; returns when all is there or when it is told to stop."""
        there, wanted = self._there(), self._topic.ends
        self.published, self.problem = sum(there), None
        if there == wanted:
            return
        LOG.info("publishing %d of %d records", sum(wanted) - sum(there), sum(wanted))
        producer = self._producer()
        try:
            for partition, (start, stop) in enumerate(zip(there, wanted, strict=True)):
                records = self._topic.records(partition, start, stop)
                while not stopped() and (chunk := list(islice(records, CHUNK))):
                    self.published += _send(producer, chunk)
        finally:
            # Without a timeout it would wait for a broker that may not come back.
            producer.close(timeout=1)
        with closing(self._consumer()) as consumer:
            self._seen = _listed_ends(consumer)
        LOG.info("published %d of %d records", self.published, sum(wanted))

    def give_up(self, problem: str) -> None:
        """The broker is away; what it will hold when it comes back is not known."""
        self.published, self.problem = 0, problem

    def has_lost_records(self) -> bool:
        """Whether the broker holds less than at the last look: restarted, it comes back empty."""
        with closing(self._consumer()) as consumer:
            listed = _listed_ends(consumer)
        return any(now < before for now, before in zip(listed, self._seen, strict=True))

    def start_over(self) -> None:
        """Drop the topic, to be published anew from the first record."""
        with closing(_admin(self._address)) as admin:
            admin.delete_topics([NAME])

    def _there(self) -> list[int]:
        """How many of the world's records each partition has; makes topics that are missing."""
        create_topics(self._address)
        with closing(self._consumer()) as consumer:
            self._seen = _listed_ends(consumer)
            return [_next_number(consumer, p, end) for p, end in enumerate(self._seen)]

    def _producer(self) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=self._address,
            # Large batches: every request costs the broker and us more than its records do.
            batch_size=1 << 18,
            linger_ms=50,
            max_request_size=1 << 23,
            acks="all",
            delivery_timeout_ms=PATIENCE_MS,
            request_timeout_ms=PATIENCE_MS // 2,
            max_block_ms=PATIENCE_MS,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
        )

    def _consumer(self) -> KafkaConsumer:
        return KafkaConsumer(
            bootstrap_servers=self._address,
            enable_auto_commit=False,
            request_timeout_ms=PATIENCE_MS,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
        )


def create_topics(address: str) -> None:
    """Make the topics of the sandbox that do not exist yet."""
    with closing(_admin(address)) as admin:
        missing = TOPICS.keys() - set(admin.list_topics())
        for name in missing:
            with suppress(TopicAlreadyExistsError):
                options = {"num_partitions": TOPICS[name], "replication_factor": 1}
                admin.create_topics({name: options})


def _admin(address: str) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=BOOTSTRAP_MS)


def _send(producer: KafkaProducer, chunk: list[Record]) -> int:
    futures = [_send_one(producer, record) for record in chunk]
    producer.flush(timeout=PATIENCE_MS / 1000)
    first, last = (future.get(timeout=0).offset for future in (futures[0], futures[-1]))
    if first < chunk[0].offset or last - first < len(chunk) - 1:
        raise SpoiltError(
            f"{NAME}/{chunk[0].partition}: records from {chunk[0].offset} on stand from {first} on"
        )
    return len(chunk)


def _send_one(producer: KafkaProducer, record: Record) -> FutureRecordMetadata:
    return producer.send(
        NAME,
        key=record.key,
        value=record.value,
        headers=[(NUMBER, b"%d" % record.offset)],
        partition=record.partition,
        timestamp_ms=record.at,
    )


def _listed_ends(consumer: KafkaConsumer) -> list[int]:
    """The ends as the broker lists them: enough to see a loss, not to go on from.

    Tansu 0.6.0 lists the offset after the *first* record of the last batch (measured: 1 after one
    batch of 10). What comes with fetched records is right.
    """
    partitions = [TopicPartition(NAME, number) for number in range(PARTITIONS)]
    ends = consumer.end_offsets(partitions)
    return [ends[partition] for partition in partitions]


def _next_number(consumer: KafkaConsumer, partition: int, listed_end: int) -> int:
    """One more than the number of the last record of ours in a partition."""
    back, start = 1, listed_end
    while start > 0:
        start = max(0, listed_end - back)
        back *= 16
        number = _last_number(consumer, TopicPartition(NAME, partition), start)
        if number is not None:
            return number + 1
    return 0


def _last_number(consumer: KafkaConsumer, partition: TopicPartition, start: int) -> int | None:
    """The number of the last record of ours from an offset to the end, if there is one."""
    number = None
    consumer.assign([partition])
    consumer.seek(partition, start)
    while True:
        for record in consumer.poll(timeout_ms=PATIENCE_MS).get(partition, []):
            ours = dict(record.headers).get(NUMBER)
            if ours is not None:
                number = int(ours)
                if number > record.offset:
                    raise SpoiltError(f"{NAME}/{partition.partition}: {number} at {record.offset}")
        end = consumer.highwater(partition)
        if end is not None and consumer.position(partition) >= end:
            return number
