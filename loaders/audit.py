"""The audit: what each layer holds against the one before it, window by window.

source -> raw is compared here, as only loaders can talk to sources; raw -> staging -> facts ->
rollups in `models/audit/`, whose views are read here. Either way a window has a count and a
checksum on both sides: the sum of a hash of each record's identity, copies counted once.

A topic is compared up to what the consumer group has committed, the app's messages up to the last
one that landed: what came since is for the next load. What a source keeps no longer, or raw after
its three months, is not compared, and neither is what a source still has of the forgotten.
"""

import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as midnight
from functools import partial
from itertools import groupby
from typing import Any

import dlt
from clickhouse_connect.driver.client import Client
from dlt.common.configuration import with_config
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from loaders import topic, user_app
from loaders.batch import Tell
from loaders.door import RefusedError
from loaders.errors import GatehouseError
from loaders.event_management import EVENT_DATA
from loaders.landing import Server, ask_who_is_forgotten
from loaders.loads import TellOf, explain
from loaders.privacy import Privacy, is_anyone_forgotten
from loaders.ticket_events import TICKET_EVENTS
from loaders.user_app.api import Api

VIEWS = ("audit_attendance", "audit_service_desk")
STEPS = ("source_to_raw", "raw_to_staging", "staging_to_facts", "facts_to_rollups")
_WINDOW_OFFSETS = 10_000
_SILENCE_SECONDS = 30
_APP_LANDED = f"""(
    select seq, received_at from raw.{user_app.TABLE}
    union all
    select toUInt64OrZero(position), assumeNotNull(source_at) from raw.dead_letters
    where source = '{user_app.SOURCE}' and notEmpty(position) and source_at is not null
)"""  # noqa: S608  names of our own
# Raw keeps three months from landing, and nothing lands before it happens.
_KEPT = timedelta(days=88)


@dataclass(frozen=True)
class Window:
    """A stretch of one layer, and what the next one has of it.

    Attributes
    ----------
    source, step, above, below
        Whose records, from which layer to which (of `STEPS`), and where the two are.
    name
        A UTC day, or a partition and offsets of a topic.
    above_records, below_records, above_checksum, below_checksum
        What either side has.
    is_unbuilt
        Whether some of it was written since the lower layer was last built.
    remedy
        What mends a difference.
    """

    source: str
    step: str
    above: str
    below: str
    name: str
    above_records: int
    below_records: int
    above_checksum: int
    below_checksum: int
    is_unbuilt: bool = False
    remedy: str = ""

    @property
    def state(self) -> str:
        """Whether it agrees, differs, or waits: for the next build, after which it may agree."""
        above = self.above_records, self.above_checksum
        if above == (self.below_records, self.below_checksum):
            return "agrees"
        return "waits" if self.is_unbuilt else "differs"


class Tally:
    """Records and checksum per window of a source: what it sent, record by record."""

    def __init__(self) -> None:
        self._records: Counter[Any] = Counter()
        self._checksums: Counter[Any] = Counter()

    def add(self, window: Any, identity: str) -> None:
        """Count a record."""
        self._records[window] += 1
        self._checksums[window] += zlib.crc32(identity.encode())

    def against(
        self, raw: Iterable[Sequence[Any]]
    ) -> Iterator[tuple[Any, tuple[int, int, int, int]]]:
        """Yield each window with the numbers of a `Window`; raw tells its own as (window, ...)."""
        found = {window: (records, checksum) for window, records, checksum in raw}
        for window in sorted(self._records.keys() | found.keys()):
            records, checksum = found.get(window, (0, 0))
            yield window, (self._records[window], records, self._checksums[window], checksum)


def of_layers() -> list[Window]:
    """Compare raw, staging, facts and rollups.

    Raises
    ------
    GatehouseError
        When nothing has been built.
    """
    with Server.from_env("operator").connect() as client:
        for view in VIEWS:
            if not client.command(f"exists table quality.{view}"):
                raise GatehouseError(f"There is no quality.{view}.", "Run `dbt build`.")
        rows = [
            row
            for view in VIEWS
            for row in client.query(
                f"""
                select
                    source,
                    step,
                    layer_above as above,
                    layer_below as below,
                    toString(window_day) as name,
                    above_records_count as above_records,
                    below_records_count as below_records,
                    above_checksum,
                    below_checksum,
                    is_unbuilt
                from quality.{view}
                order by name
                """,  # noqa: S608  the names of our own views
                # The keys of three months may be many.
                settings={"max_bytes_before_external_group_by": 2 * 2**30},
            ).named_results()
        ]
    return [Window(**row, remedy=_rebuild(row)) for row in rows]


def _rebuild(row: dict[str, Any]) -> str:
    rebuild = f"un `dbt build --full-refresh -s {row['below'].partition('.')[2]}+`."
    if row["step"] == "raw_to_staging" and row["above_records"] < row["below_records"]:
        return f"If raw has lost records, load {row['name']} again from the source; then r{rebuild}"
    return f"R{rebuild}"


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
        if oldest.get(window, datetime.max.replace(tzinfo=UTC)) > datetime.now(UTC) - _KEPT
        for first in [window[1] * _WINDOW_OFFSETS]
    ]


def _records(
    consumer: KafkaConsumer, begins: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> Iterator[ConsumerRecord]:
    """Yield what the partitions hold from their beginnings to before their ends."""
    for partition, begin in begins.items():
        consumer.seek(partition, begin)
    heard = time.monotonic()
    while left := [p for p, end in ends.items() if consumer.position(p) < end]:
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


@with_config(sections=("sources", user_app.SOURCE))
def of_app(
    tell: Tell,
    base_url: str = dlt.config.value,
    client_id: str = dlt.secrets.value,
    client_secret: str = dlt.secrets.value,
    page_size: int = dlt.config.value,
) -> list[Window]:
    """Compare what the app's REST shows, up to the last that landed, with raw and the dead letters.

    Raises
    ------
    GatehouseError
        When the API or ClickHouse cannot go on.
    """
    api = Api(base_url, client_id, client_secret)
    ask_who_is_forgotten()
    door = user_app.door(Privacy.from_env())
    since = datetime.combine(datetime.now(UTC) - _KEPT, midnight.min, UTC)
    tally = Tally()
    seen: set[int] = set()
    oldest = datetime.max.replace(tzinfo=UTC)
    with Server.from_env().connect() as client:
        statement = f"select max(received_at) from {_APP_LANDED}"  # noqa: S608  names of our own
        newest = client.query(statement).result_rows[0][0].replace(tzinfo=UTC)
        if newest < since:
            return []
        for page in api.pages(since, newest + timedelta(milliseconds=1), page_size):
            for line in page:
                try:
                    envelope = door.parse(line)
                except RefusedError:
                    continue  # nobody knows its number: it is a dead letter without a position
                oldest = min(oldest, envelope["received_at"])
                if is_anyone_forgotten() and door.is_forgotten(line):
                    continue
                if envelope["seq"] not in seen:
                    seen.add(envelope["seq"])
                    tally.add(envelope["received_at"].date(), str(envelope["seq"]))
            tell(len(seen), 0, user_app.FEED)
        raw = client.query(
            f"""
            select toDate(received_at) as day, count(), sum(CRC32(toString(seq)))
            from (select seq, received_at from {_APP_LANDED} limit 1 by seq)
            where
                received_at between {{oldest:DateTime64(3, 'UTC')}}
                and {{newest:DateTime64(3, 'UTC')}}
            group by day
            """,  # noqa: S608  names of our own
            parameters={"oldest": min(oldest, newest), "newest": newest},
        ).result_rows
    return [
        Window(
            user_app.SOURCE,
            STEPS[0],
            "REST messages",
            f"raw.{user_app.TABLE}",
            str(day),
            *numbers,
            remedy=f"Run `SOURCES__USER_APP__OVERLAP_SECONDS={_seconds_since(day)} gatehouse load "
            f"{user_app.SOURCE}`: it looks for gaps so far back.",
        )
        for day, numbers in tally.against(raw)
    ]


def _seconds_since(day: date) -> int:
    return int((datetime.now(UTC) - datetime.combine(day, midnight.min, UTC)).total_seconds())


SOURCES: dict[str, Callable[[Tell], list[Window]]] = {
    EVENT_DATA.source: partial(of_topic, EVENT_DATA),
    TICKET_EVENTS.source: partial(of_topic, TICKET_EVENTS),
    user_app.SOURCE: of_app,
}


def audit(tell_of: TellOf) -> tuple[list[Window], list[str]]:
    """Compare all there is: windows, source by source and downwards, and what could not go on.

    Parameters
    ----------
    tell_of
        Gives whoever is to be told of a source's progress.
    """
    windows, errors = [], []
    for name, compare in {**SOURCES, "layers": lambda _: of_layers()}.items():
        try:
            windows += compare(tell_of(name))
        except (GatehouseError, ConfigFieldMissingException) as error:
            errors.append(explain(error))
    return sorted(windows, key=_place), errors


def steps(windows: list[Window]) -> list[dict[str, Any]]:
    """Count the windows and their states per source and step, in their order."""
    return [
        {
            "source": source,
            "step": STEPS[step],
            "tables": len({window.below for window in group}),
            "windows": len(group),
            "records": sum(window.above_records for window in group),
            "differ": sum(window.state == "differs" for window in group),
            "wait": sum(window.state == "waits" for window in group),
        }
        for (source, step), found in groupby(windows, lambda window: _place(window)[:2])
        if (group := list(found))
    ]


def _place(window: Window) -> tuple[str, int, str, str, str]:
    return (
        window.source,
        STEPS.index(window.step),
        window.above,
        window.below,
        window.name,
    )
