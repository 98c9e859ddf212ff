"""A topic against raw: what it still has, up to the offsets that its group has committed."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from clickhouse_connect.driver.client import Client
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from loaders import topic
from loaders.audit.windows import KEPT, STEPS, Tally, Window
from loaders.batch import Tell
from loaders.errors import GatehouseError
from loaders.landing import Server, ask_who_is_forgotten
from loaders.privacy import Privacy, is_anyone_forgotten

_WINDOW_OFFSETS = 10_000
_SILENCE_SECONDS = 30


def of_topic(feed: topic.Feed, tell: Tell) -> list[Window]:
    """Compare what a topic still has, up to the committed offsets, with raw and the dead letters.

    Raises
    ------
    GatehouseError
        When Kafka or ClickHouse cannot go on.
    """
    settings = topic.Reading.of(feed.source)
    ask_who_is_forgotten()
    door = feed.door(Privacy.from_env())
    tally = Tally()
    oldest: dict[tuple[int, int], datetime] = {}
    with topic.connect(feed.source, settings) as (consumer, _):
        partitions = topic.partitions_of(consumer, settings.topic)
        # Assigned by hand: the group is asked how far it is, and not joined.
        consumer.assign(partitions)
        begins = consumer.beginning_offsets(partitions)
        ends = {p: max(consumer.committed(p) or 0, begins[p]) for p in partitions}
        total = sum(ends.values()) - sum(begins.values())
        for done, record in enumerate(_records(consumer, begins, ends)):
            window = record.partition, record.offset // _WINDOW_OFFSETS
            if is_anyone_forgotten() and door.is_forgotten(record.value):
                continue
            tally.add(window, f"{record.topic}/{record.partition}/{record.offset}")
            published_at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            oldest[window] = min(published_at, oldest.get(window, published_at))
            if done % 1000 == 0:
                tell(done, total, feed.name)
    with Server.from_env().connect() as client:
        raw = _landed_offsets(client, feed, settings.topic, begins, ends)
    return [
        Window(
            feed.source,
            STEPS[0],
            f"topic {settings.topic}",
            f"raw.{feed.table}",
            f"partition {window[0]}, offsets {first} to {first + _WINDOW_OFFSETS - 1}",
            *numbers,
            remedy=f"Set group {settings.group_id} back to offset {first} of partition "
            f"{window[0]} and run `gatehouse load {feed.source}`: what is there lands once.",
        )
        for window, numbers in tally.against(raw)
        if oldest.get(window, datetime.max.replace(tzinfo=UTC)) > datetime.now(UTC) - KEPT
        for first in [window[1] * _WINDOW_OFFSETS]
    ]


def _records(
    consumer: KafkaConsumer, begins: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> Iterator[ConsumerRecord]:
    """Yield what the partitions hold from their beginnings to before their ends."""
    for partition, begin in begins.items():
        consumer.seek(partition, begin)
    heard = time.monotonic()
    while left := [p for p, end in ends.items() if (consumer.position(p, timeout_ms=0) or 0) < end]:
        for polled in consumer.poll(timeout_ms=300, max_records=10_000).values():
            heard = time.monotonic()
            yield from (r for r in polled if r.offset < ends[TopicPartition(r.topic, r.partition)])
        if time.monotonic() - heard > _SILENCE_SECONDS:
            raise GatehouseError(
                f"Kafka sent nothing of {left[0].topic}/{left[0].partition} for "
                f"{_SILENCE_SECONDS} s, though its group has committed more.",
                "Check the broker (`gatehouse status`), and whether it has lost records.",
            )


def _landed_offsets(
    client: Client,
    feed: topic.Feed,
    name: str,
    begins: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
) -> list[Sequence[Any]]:
    bounds: dict[str, list[int]] = {"partitions": [], "begins": [], "ends": []}
    for partition, end in ends.items():
        bounds["partitions"].append(partition.partition)
        bounds["begins"].append(begins[partition])
        bounds["ends"].append(end)
    found = client.query(
        f"""
        select
            partition_number,
            intDiv(record_offset, {_WINDOW_OFFSETS}) as window_number,
            count(),
            sum(CRC32(concat({{topic:String}}, '/', toString(partition_number), '/',
                toString(record_offset))))
        from (
            select toUInt64(partition) as partition_number, offset as record_offset
            from raw.{feed.table}
            where topic = {{topic:String}}
            union distinct
            select
                toUInt64OrZero(splitByChar('/', position)[-2]),
                toUInt64OrZero(splitByChar('/', position)[-1])
            from raw.dead_letters
            where source = {{source:String}} and startsWith(position, {{topic:String}} || '/')
        )
        where record_offset
            >= {{begins:Array(UInt64)}}[indexOf({{partitions:Array(UInt64)}}, partition_number)]
            and record_offset
            < {{ends:Array(UInt64)}}[indexOf({{partitions:Array(UInt64)}}, partition_number)]
        group by partition_number, window_number
        """,  # noqa: S608  the name of our own table
        parameters={"topic": name, "source": feed.source, **bounds},
    )
    return [((number, window), *counted) for number, window, *counted in found.result_rows]
