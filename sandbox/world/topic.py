"""The topic event-data as the producer leaves it: which record stands at which offset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from sandbox.world.changes import Change
from sandbox.world.dirt import BREAKS, EXPECTED, OPTION, Sent, soil, spoil
from sandbox.world.happenings import Happenings

NAME = "event-data"
PARTITIONS = 4
HARMLESS = ("duplicate", "late", "out_of_order")
"""Dirt in when a record comes, not in what it says."""


class Record(NamedTuple):
    """One record of the topic."""

    partition: int
    offset: int
    key: bytes
    value: bytes | None
    message: dict[str, Any] | None
    """The message the producer meant; None where it is lost or was never meant (unknown type)."""
    dirt: str | None
    at: int
    """When it reached the broker, in milliseconds."""


class Topic:
    """All records up to the clock. Order and offsets never change, they only grow.

    That is what makes the publisher resumable without a memory of its own: the broker's end of a
    partition says how far it came. Records are rendered when they are asked for; kept are only the
    half million small changes behind them.
    """

    def __init__(self, seed: int, dirt: float, happenings: Happenings) -> None:
        self._seed = seed
        self._dirt = dirt
        self._happenings = happenings
        self._now = 0
        self._pending: list[list[Change | Sent]] = [[] for _ in range(PARTITIONS)]
        self._records: list[list[Change | Sent]] = [[] for _ in range(PARTITIONS)]
        for venue in happenings.venues:
            self._add(venue.key, venue.changes)

    def advance(self, now: int) -> None:
        """Publish what happened up to `now`."""
        self._now = now
        for story in self._happenings.tell_until(now):
            self._add(story.event.key, story.changes())
        for records, pending in zip(self._records, self._pending, strict=True):
            due = [record for record in pending if record.at <= now]
            # Equal moments by key: it must not matter in how many steps the clock came here.
            due.sort(key=_key)
            due.sort(key=attrgetter("at"))
            records += due
            pending[:] = [record for record in pending if record.at > now]

    @property
    def ends(self) -> list[int]:
        """The end offset of each partition."""
        return [len(records) for records in self._records]

    def records(self, partition: int, start: int, stop: int) -> Iterator[Record]:
        """The records of one partition between two offsets."""
        for offset, sent in enumerate(self._records[partition][start:stop], start):
            yield self._render(partition, offset, sent)

    def all_records(self) -> Iterator[Record]:
        """Every record in the order in which the broker took them, across partitions."""
        streams = [self.records(p, 0, end) for p, end in enumerate(self.ends)]
        return merge(*streams, key=itemgetter(6))

    def dirt(self) -> Iterator[dict[str, Any]]:
        """What is wrong on the topic, record by record, as the truth tells it."""
        for partition, records in enumerate(self._records):
            for offset, sent in enumerate(records):
                if isinstance(sent, Sent) and sent.kind:
                    yield {
                        "source": "event_management",
                        "feed": NAME,
                        "kind": sent.kind,
                        "where": {"partition": partition, "offset": offset},
                        "message_id": sent.change.message_id,
                        "expected": EXPECTED[sent.kind],
                        "resent": self._is_resent(sent),
                    }

    def _is_resent(self, sent: Sent) -> bool | None:
        """Whether the good message has followed by now; None where nothing is missing."""
        if sent.kind not in BREAKS:
            return None
        return sent.resent_at is not None and sent.resent_at <= self._now

    def _add(self, key: str, changes: Iterable[Change]) -> None:
        pending = self._pending[partition_of(key)]
        for change in changes:
            pending.extend(soil(self._seed, self._dirt, change))

    def _render(self, partition: int, offset: int, sent: Change | Sent) -> Record:
        change = sent if isinstance(sent, Change) else sent.change
        kind = sent.kind if isinstance(sent, Sent) else None
        key = change.thing.key.encode()
        message = change.message()
        if kind is None or kind in HARMLESS:
            value: bytes | None = orjson.dumps(message, option=OPTION)
            return Record(partition, offset, key, value, message, kind, sent.at)
        value = spoil(self._seed, change, kind)
        meant = message if kind == "schema_addition" else None
        return Record(partition, offset, key, value, meant, kind, sent.at)


def _key(sent: Change | Sent) -> str:
    change = sent if isinstance(sent, Change) else sent.change
    return change.thing.key


def partition_of(key: str) -> int:
    """The partition of a key: CRC-32, as librdkafka's default partitioner has it."""
    return crc32(key.encode()) % PARTITIONS
