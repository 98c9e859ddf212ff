"""`gatehouse metrics`: what loads, builds and ClickHouse left behind, for Prometheus.

    .gatehouse/loads/*.json   --.
    target/run_results.json   --+--> 30 s --> http://127.0.0.1:18092/metrics
    ClickHouse, user monitor  --'

Nothing is counted twice: loads and builds end before anybody can scrape them, so they leave their
figures where they stand anyway, and this reads them. The streaming process shows its own.
"""

import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from loaders import journal
from loaders.errors import GatehouseError
from loaders.landing import Server

_SECONDS = 30.0
# What else overwrites run_results.json, as `dbt docs generate` does, says nothing of a build.
BUILDS = {"build", "run", "test", "seed", "snapshot"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Family:
    """A gauge out of ClickHouse: the last column is its value, the others are its labels."""

    name: str
    text: str
    query: str


# The load packages of dlt have the time of their landing at the beginning of their ids, and that is
# the table's key. A worker of the stream has a pipeline with its number at the end.
FAMILIES = (
    Family(
        "source_landed_timestamp_seconds",
        "When records of a source last landed, by a load or the stream",
        r"""
        select
            extract(assumeNotNull(schema_name), '^gatehouse_(.*?)(?:_stream|_\\d+)?$') as source,
            max(toUnixTimestamp64Micro(inserted_at)) / 1e6 as at
        from raw._dlt_loads
        where load_id >= toString(toUnixTimestamp(now() - interval 31 day))
        group by source
        """,
    ),
    Family(
        "dead_letters",
        "Dead letters that nobody has replayed",
        """
        select source, reason, countIf(status = 'open') as letters
        from raw.dead_letters final
        group by source, reason
        """,
    ),
    Family(
        "raw_rows",
        "Rows of a raw table",
        """
        select name as table, total_rows
        from system.tables
        where database = 'raw' and total_rows > 0
        """,
    ),
    Family(
        "raw_bytes",
        "Bytes of a raw table on disk",
        """
        select name as table, total_bytes
        from system.tables
        where database = 'raw' and total_rows > 0
        """,
    ),
    Family(
        "quality_value",
        "What the last build measured; the unit is at the end of the metric's name",
        """
        select metric, source, field, value
        from quality.fct_quality_measurements
        where
            measured_at = (select max(measured_at) from quality.fct_quality_measurements)
            and value is not null
        """,
    ),
    Family(
        "quality_status",
        "0 passed, 1 past the limit that warns, 2 past the one that stops",
        """
        select
            metric, source, field,
            transform(toString(status), ['warn', 'error'], [1, 2], 0) as code
        from quality.fct_quality_measurements
        where measured_at = (select max(measured_at) from quality.fct_quality_measurements)
        """,
    ),
    Family(
        "clickhouse_disk_free_bytes",
        "Free on a disk of ClickHouse",
        "select name as disk, free_space from system.disks where total_space > 0",
    ),
    Family(
        "clickhouse_disk_total_bytes",
        "Size of a disk of ClickHouse",
        "select name as disk, total_space from system.disks where total_space > 0",
    ),
    Family(
        "clickhouse_memory_bytes",
        "Memory that ClickHouse uses",
        "select value from system.metrics where metric = 'MemoryTracking'",
    ),
    Family(
        "clickhouse_events",
        "What ClickHouse has counted since it started: CPU, disk, statements, rows",
        """
        select event, value
        from system.events
        where event in (
            'OSCPUVirtualTimeMicroseconds', 'OSReadBytes', 'OSWriteBytes', 'Query', 'FailedQuery',
            'InsertedRows', 'SelectedRows'
        )
        """,
    ),
)


class Exporter(Collector):
    """Reads everything anew when what it knows is older than half a minute."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._families: list[GaugeMetricFamily] = []
        self._build: dict[str, Any] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """See `Collector`."""
        with self._lock:
            if time.monotonic() - self._read_at >= self._seconds:
                self._families = [*self._loads(), *self._builds(), *_clickhouse()]
                self._read_at = time.monotonic()
            yield from self._families

    def describe(self) -> list[GaugeMetricFamily]:
        """Say nothing beforehand: starting needs no ClickHouse."""
        return []

    def _loads(self) -> Iterator[GaugeMetricFamily]:
        failed = _gauge("load_failed", "Whether a source's last load failed", "source")
        at = _gauge("load_success_timestamp_seconds", "When a load last went well", "source")
        seconds = _gauge("load_seconds", "What the last load took", "source", "stage")
        records = _gauge("load_records", "What became of its records", "source", "outcome")
        for path in sorted(journal.folder().glob("*.json")):
            noted, source = journal.last(path), path.stem
            failed.add_metric([source], noted["failed"])
            if noted["succeeded_at"]:
                at.add_metric([source], noted["succeeded_at"])
            for stage, took in noted["seconds"].items():
                seconds.add_metric([source, stage], took)
            for outcome, count in noted["records"].items():
                records.add_metric([source, outcome], count)
        yield from (failed, at, seconds, records)

    def _builds(self) -> Iterator[GaugeMetricFamily]:
        path = Path(os.environ.get("DBT_TARGET_PATH", "target")) / "run_results.json"
        try:
            found = json.loads(path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            found = {}  # none yet, or dbt is writing it
        if found.get("args", {}).get("which") in BUILDS:
            self._build = found
        if not self._build:
            return
        at = _gauge("dbt_finished_timestamp_seconds", "When the last dbt build ended")
        at.add_metric(
            [], datetime.fromisoformat(self._build["metadata"]["generated_at"]).timestamp()
        )
        elapsed = _gauge("dbt_seconds", "What the last dbt build took")
        elapsed.add_metric([], self._build["elapsed_time"])
        nodes = _gauge("dbt_nodes", "Nodes of the last dbt build by how they ended", "status")
        for status, count in Counter(it["status"] for it in self._build["results"]).items():
            nodes.add_metric([status], count)
        took = _gauge("dbt_model_seconds", "What a model took in the last dbt build", "model")
        for result in self._build["results"]:
            kind, _, name = result["unique_id"].split(".")[:3]
            if kind in ("model", "snapshot"):
                took.add_metric([name], result["execution_time"])
        yield from (at, elapsed, nodes, took)


def _clickhouse() -> Iterator[GaugeMetricFamily]:
    is_up = _gauge("clickhouse_up", "Whether ClickHouse answers")
    blind = _gauge("exporter_blind", "Whether a family could not be read", "family")
    try:
        with Server.from_env("monitor").connect() as client:
            for family in FAMILIES:
                try:
                    yield _ask(client, family)
                    blind.add_metric([family.name], 0)
                except ClickHouseError as error:
                    # Before the first load or build its tables are not there.
                    _log.warning("%s: %s", family.name, error)
                    blind.add_metric([family.name], 1)
        is_up.add_metric([], 1)
    except GatehouseError as error:
        _log.warning("%s", error)
        is_up.add_metric([], 0)
    yield from (is_up, blind)


def _ask(client: Client, family: Family) -> GaugeMetricFamily:
    answer = client.query(family.query)
    gauge = _gauge(family.name, family.text, *answer.column_names[:-1])
    for *labels, value in answer.result_rows:
        gauge.add_metric([str(label) for label in labels], value)
    return gauge


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"gatehouse_{name}", text, labels=labels)


def serve(host: str, port: int) -> threading.Thread:
    """Serve /metrics from a thread.

    Raises
    ------
    GatehouseError
        When the port is taken.
    """
    registry = CollectorRegistry()
    registry.register(Exporter(float(os.environ.get("GATEHOUSE_METRICS_SECONDS", _SECONDS))))
    try:
        _, thread = start_http_server(port, host, registry)
    except OSError:
        raise GatehouseError(
            f"Port {port} is taken.", "Set GATEHOUSE_METRICS_PORT to a free one."
        ) from None
    return thread
