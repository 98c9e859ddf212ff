"""One member of a topic's consumer group: reads what the group gives it, and lands it in batches.

A batch lands while the next one fills. It is due after `flush_seconds`, with `batch_rows` records
or 256 MB; while there is a backlog only after `drain_seconds` or with `drain_rows`, because a load
package costs the same whatever its size. Offsets are committed after their batch is durable: a
record may land twice, when the group shares its partitions anew in mid-batch for example, and is
never lost.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dlt import Pipeline
from dlt.common.configuration import configspec
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.configuration.specs import BaseConfiguration
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError

from loaders.batch import MAX_BYTES, Batch, Report
from loaders.landing import land
from loaders.privacy import Privacy
from loaders.stream.telemetry import Beat
from loaders.topic import DeadLetterTopic, Feed, messages, take

_POLL_SECONDS = 0.1
_POLL_ROWS = 2000
_PING_SECONDS = 10.0
_BEAT_SECONDS = 1.0
# A record that is older than this when it is read belongs to a backlog.
_BACKLOG = timedelta(seconds=5)


@configspec
class Streaming(BaseConfiguration):
    """The section `stream` of the configuration."""

    batch_rows: int = None  # type: ignore[assignment]
    flush_seconds: float = None  # type: ignore[assignment]
    drain_rows: int = None  # type: ignore[assignment]
    drain_seconds: float = None  # type: ignore[assignment]
    session_seconds: float = None  # type: ignore[assignment]

    @classmethod
    def from_config(cls) -> "Streaming":
        """Read what dlt's configuration says."""
        return resolve_configuration(cls(), sections=("stream",))


@dataclass
class Filling:
    """A batch and what has to be known about its records besides.

    Attributes
    ----------
    offsets
        The next offset of every partition, once the batch is durable.
    refused
        The records of the dead letters.
    behind
        Whether the records that were read last had waited long on the broker.
    """

    batch: Batch
    began: float = field(default_factory=time.monotonic)
    bytes: int = 0
    offsets: dict[TopicPartition, OffsetAndMetadata] = field(default_factory=dict)
    refused: list[ConsumerRecord] = field(default_factory=list)
    behind: bool = False


class Member:
    """Reads and lands until it is told to stop.

    Parameters
    ----------
    feed
        The topic.
    consumer, graveyard
        See `loaders.topic.connect`; the consumer has subscribed.
    pipeline
        Its own.
    streaming
        The sizes.
    tell
        Is told of every batch that landed, and once a second that there is nothing new.
    is_stopped
        Whether to stop; what was read until then lands first.
    """

    def __init__(
        self,
        feed: Feed,
        consumer: KafkaConsumer,
        graveyard: DeadLetterTopic,
        pipeline: Pipeline,
        streaming: Streaming,
        tell: Callable[[Beat], None],
        is_stopped: Callable[[], bool],
    ) -> None:
        self._feed = feed
        self._consumer = consumer
        self._graveyard = graveyard
        self._pipeline = pipeline
        self._streaming = streaming
        self._tell = tell
        self._is_stopped = is_stopped
        self._privacy = Privacy.from_env()
        self._gate = feed.door(self._privacy)
        self._report = Report(feed.source, feed.name, new_fields=self._gate.new_fields)
        self._told = self._heard = time.monotonic()
        self._filling = self._begin()
        self._landing: tuple[Filling, Future[float]] | None = None

    def run(self) -> None:
        """Read and land.

        Raises
        ------
        GatehouseError
            When ClickHouse cannot go on. The batch stays in the pipeline's folder, and its offsets
            are not committed.
        KafkaError
            When the broker refuses us.
        """
        with ThreadPoolExecutor(1, "lander") as lander:
            while not self._is_stopped():
                self._read()
                if self._landing and self._landing[1].done():
                    self._settle()
                if not self._landing and self._is_due():
                    self._hand_over(lander)
                self._show()
            for _ in range(2):
                if self._landing:
                    self._settle()
                if not self._filling.batch.empty:
                    self._hand_over(lander)

    def _begin(self) -> Filling:
        batch = Batch(self._report, self._feed.table, self._feed.columns, self._privacy)
        return Filling(batch)

    def _read(self) -> None:
        filling = self._filling
        is_full = len(filling.batch) >= self._streaming.drain_rows or filling.bytes >= MAX_BYTES
        if is_full:  # polled all the same, so that the group does not take us for dead
            self._consumer.pause(*self._consumer.assignment())
        polled = self._consumer.poll(timeout_ms=_POLL_SECONDS * 1000, max_records=_POLL_ROWS)
        self._consumer.resume(*self._consumer.paused())
        if not len(filling.batch):
            filling.began = time.monotonic()
        filling.behind = False
        for partition, records in polled.items():
            self._take(filling, partition, records)

    def _take(
        self, filling: Filling, partition: TopicPartition, records: list[ConsumerRecord]
    ) -> None:
        for record in records:
            if not take(self._feed, record, self._gate, filling.batch):
                filling.refused.append(record)
            filling.bytes += len(record.value or b"")
        filling.offsets[partition] = OffsetAndMetadata(records[-1].offset + 1, "", -1)
        first = datetime.fromtimestamp(records[0].timestamp / 1000, UTC)
        filling.batch.oldest = min(first, filling.batch.oldest or first)
        filling.behind |= datetime.now(UTC) - first > _BACKLOG
        self._heard = time.monotonic()

    def _is_due(self) -> bool:
        filling, sizes = self._filling, self._streaming
        rows, seconds = sizes.batch_rows, sizes.flush_seconds
        if filling.behind:
            rows, seconds = sizes.drain_rows, sizes.drain_seconds
        return len(filling.batch) > 0 and (
            len(filling.batch) >= rows
            or filling.bytes >= MAX_BYTES
            or time.monotonic() - filling.began >= seconds
        )

    def _hand_over(self, lander: ThreadPoolExecutor) -> None:
        filling, self._filling = self._filling, self._begin()
        self._landing = filling, lander.submit(self._land, filling)

    def _land(self, filling: Filling) -> float:
        """Land a batch and return the seconds that it took."""
        began = time.monotonic()
        land(self._pipeline, messages(filling.batch))
        return time.monotonic() - began

    def _settle(self) -> None:
        """Wait until the batch is durable, and commit its offsets."""
        assert self._landing  # noqa: S101
        filling, future = self._landing
        seconds = future.result()
        self._landing = None
        self._graveyard.bury(filling.batch.letters, filling.refused)
        mine = self._consumer.assignment()
        offsets = {p: offset for p, offset in filling.offsets.items() if p in mine}
        try:
            if offsets:
                self._consumer.commit(offsets)
        except (CommitFailedError, RebalanceInProgressError):
            pass  # shared anew: whoever has the partitions now reads these records again
        self._beat(filling, seconds)

    def _show(self) -> None:
        """Tell that we live; where nothing comes for long, ask the broker whether it does."""
        now = time.monotonic()
        if now - self._told < _BEAT_SECONDS:
            return
        error = ""
        if now - self._heard > _PING_SECONDS:
            self._heard = now
            try:
                self._consumer.end_offsets(list(self._consumer.assignment()), timeout_ms=2000)
            except KafkaError as failed:
                error = f"Kafka does not answer: {type(failed).__name__}."
        self._beat(error=error)

    def _beat(self, landed: Filling | None = None, seconds: float = 0.0, error: str = "") -> None:
        self._told = time.monotonic()
        self._report.error = error
        mine = self._consumer.assignment()
        beat = Beat.of(self._report, lag=sum(map(self._lag, mine)), partitions=len(mine))
        if landed:
            beat = beat.with_batch(landed.batch, seconds)
        self._tell(beat)

    def _lag(self, partition: TopicPartition) -> int:
        """Return how many offsets are to be read, as far as is known without asking the broker."""
        end = self._consumer.highwater(partition)
        # Without a timeout it waits, for minutes after a broker's outage, and nobody polls.
        at = self._consumer.position(partition, timeout_ms=0)
        return 0 if end is None or at is None else max(0, end - at)
