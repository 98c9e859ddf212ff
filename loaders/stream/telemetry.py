"""What the workers tell, kept as Prometheus metrics and shown as /health and /metrics."""

import copy
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psutil
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client import Counter as CounterMetric

from loaders.batch import Batch, Report
from loaders.errors import GatehouseError

disable_created_metrics()
# A worker that says nothing for so long is not well.
SILENCE_SECONDS = 30.0
_SECONDS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 120.0)
_ROWS = (10, 100, 500, 1000, 2500, 5000, 10_000, 20_000, 50_000)


@dataclass(frozen=True)
class Beat:
    """What a worker tells: its totals since it began, and of the batch that just landed.

    Attributes
    ----------
    report
        Totals since the worker began; its error is of this moment.
    lag
        Records on the broker that it has not read.
    partitions
        Those that the group gave it.
    rows, seconds
        Records of the batch, and how long it took to land; 0 rows: none landed.
    waited
        Seconds from the oldest record's arrival on the broker until it was durable.
    """

    report: Report
    lag: int = 0
    partitions: int = 0
    rows: int = 0
    seconds: float = 0.0
    waited: float = 0.0

    @classmethod
    def of(cls, report: Report, lag: int = 0, partitions: int = 0) -> "Beat":
        """Take the totals as they are now."""
        return cls(copy.deepcopy(report), lag, partitions)

    @classmethod
    def gave_up(cls, source: str, kind: str, error: str) -> "Beat":
        """Tell why a worker ends: the kind of error, and the error in words."""
        return cls(Report(source, "", error=error, note=kind))

    def with_batch(self, batch: Batch, seconds: float) -> "Beat":
        """Add the batch that just landed."""
        now = datetime.now(UTC)
        waited = (now - (batch.oldest or now)).total_seconds()
        return replace(self, rows=len(batch), seconds=seconds, waited=waited)


@dataclass
class Pulse:
    """What is known of one worker.

    Attributes
    ----------
    heard
        When it was last heard of, by the monotonic clock.
    words
        The kind of error and the error with which it gave up.
    """

    source: str
    heard: float = field(default_factory=time.monotonic)
    last: Beat | None = None
    words: tuple[str, str] = ("", "")


class Telemetry:
    """The metrics of all workers, and the health that follows from them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._workers: dict[str, Pulse] = {}
        self._errors: dict[str, str] = {}
        self._landed_at: dict[str, float] = {}
        source = ["source"]

        def counter(name: str, text: str, labels: Iterable[str] = source) -> CounterMetric:
            return CounterMetric(f"gatehouse_stream_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, labels: Iterable[str] = source) -> Gauge:
            return Gauge(f"gatehouse_stream_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(
                f"gatehouse_stream_{name}", text, source, registry=self.registry, buckets=buckets
            )

        self._read = counter("records_read", "Records read from the source")
        self._landed = counter("records_durable", "Records in raw, as rows or as dead letters")
        self._refused = counter("dead_letters", "Records refused at the door", ("source", "reason"))
        self._new_fields = counter("new_fields", "Fields that the schema does not know")
        self._failures = counter("failures", "Times that a worker gave up", ("source", "kind"))
        self._batch_rows = histogram("batch_records", "Records of a load package", _ROWS)
        self._batch_seconds = histogram("batch_seconds", "Landing of a load package", _SECONDS)
        self._waited = histogram(
            "latency_seconds", "From broker to raw, of a package's oldest record", _SECONDS
        )
        self._lag = gauge("lag_records", "Records on the broker that nobody has read")
        self._count = gauge("workers", "Workers at work")
        self._checkpoint = gauge("checkpoint_age_seconds", "Since offsets were last committed")
        self._cpu = gauge("cpu_seconds", "CPU time of a process", ("process",))
        self._memory = gauge("resident_bytes", "Memory of a process", ("process",))
        self._disk_read = gauge("disk_read_bytes", "Read from disks by a process", ("process",))
        self._disk_written = gauge("disk_written_bytes", "Written to disks", ("process",))

    def began(self, worker: str, source: str) -> None:
        """Note a new worker."""
        with self._lock:
            self._workers[worker] = Pulse(source)

    def ended(self, worker: str, error: str = "", kind: str = "") -> None:
        """Note that a worker is no more, and why."""
        with self._lock:
            pulse = self._workers.pop(worker)
            if error:
                self._errors[pulse.source] = error
                self._failures.labels(pulse.source, kind).inc()

    def heard(self, worker: str, beat: Beat) -> None:
        """Take what a worker tells."""
        with self._lock:
            pulse = self._workers[worker]
            if beat.report.note:
                pulse.words = beat.report.note, beat.report.error
                return
            source, before = pulse.source, pulse.last
            pulse.heard, pulse.last = time.monotonic(), beat
            old = before.report if before else Report(source, "")
            self._read.labels(source).inc(beat.report.read - old.read)
            for reason, n in (beat.report.refused - old.refused).items():
                self._refused.labels(source, reason).inc(n)
            fields: Counter[str] = beat.report.new_fields - old.new_fields
            self._new_fields.labels(source).inc(fields.total())
            if beat.report.error:
                self._errors[source] = beat.report.error
            elif before or beat.rows:
                self._errors.pop(source, None)
            if beat.rows:
                self._landed_at[source] = time.time()
                self._landed.labels(source).inc(beat.rows)
                self._batch_rows.labels(source).observe(beat.rows)
                self._batch_seconds.labels(source).observe(beat.seconds)
                self._waited.labels(source).observe(beat.waited)

    def last_words(self, worker: str) -> tuple[str, str]:
        """Return why a worker gave up, as a kind and in words; empty where it did not say."""
        with self._lock:
            return self._workers[worker].words

    def progress(self, source: str) -> tuple[int, int, int]:
        """Return what a source's present workers read, what waits for them, their partitions."""
        with self._lock:
            beats = [p.last for p in self._workers.values() if p.source == source and p.last]
        return (
            sum(beat.report.read for beat in beats),
            sum(beat.lag for beat in beats),
            sum(beat.partitions for beat in beats),
        )

    def health(self) -> dict[str, Any]:
        """Return what /health shows: per source its workers, lag, last success and error."""
        now = time.monotonic()
        with self._lock:
            sources: dict[str, dict[str, Any]] = {}
            for pulse in self._workers.values():
                told = sources.setdefault(
                    pulse.source, {"workers": 0, "lag": 0, "landed_at": None, "error": ""}
                )
                told["workers"] += 1
                told["lag"] += pulse.last.lag if pulse.last else 0
                if pulse.last is None:
                    told["error"] = told["error"] or "starting"
                if now - pulse.heard > SILENCE_SECONDS:
                    told["error"] = f"a worker said nothing for {now - pulse.heard:.0f} s"
            for source, error in self._errors.items():
                sources.setdefault(source, {"workers": 0, "lag": 0, "landed_at": None})
                sources[source]["error"] = error
            for source, at in self._landed_at.items():
                if source in sources:
                    sources[source]["landed_at"] = datetime.fromtimestamp(at, UTC).isoformat()
        ready = bool(sources) and not any(told["error"] for told in sources.values())
        return {"live": True, "ready": ready, "sources": sources}

    def metrics(self, processes: dict[str, int]) -> bytes:
        """Return the metrics in Prometheus' text format.

        Parameters
        ----------
        processes
            Pids by the name under which they are shown.
        """
        health = self.health()["sources"]
        for source, told in health.items():
            self._count.labels(source).set(told["workers"])
            self._lag.labels(source).set(told["lag"])
        with self._lock:
            for source, at in self._landed_at.items():
                self._checkpoint.labels(source).set(time.time() - at)
        for metric in (self._cpu, self._memory, self._disk_read, self._disk_written):
            metric.clear()
        for name, pid in processes.items():
            self._show_process(name, pid)
        return generate_latest(self.registry)

    def _show_process(self, name: str, pid: int) -> None:
        try:
            process = psutil.Process(pid)
            used = process.cpu_times()
            self._cpu.labels(name).set(used.user + used.system)
            self._memory.labels(name).set(process.memory_info().rss)
            disk = process.io_counters() if hasattr(process, "io_counters") else None
        except psutil.Error:
            return  # it ended between two looks
        if disk:
            self._disk_read.labels(name).set(disk.read_bytes)
            self._disk_written.labels(name).set(disk.write_bytes)


def serve(
    telemetry: Telemetry, host: str, port: int, processes: Callable[[], dict[str, int]]
) -> ThreadingHTTPServer:
    """Serve /health, /health/live, /health/ready and /metrics from a thread.

    Raises
    ------
    GatehouseError
        When the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, telemetry.metrics(processes()), CONTENT_TYPE_LATEST)
                return
            health = {**telemetry.health(), "processes": processes()}
            statuses = {
                "/health": 200,
                "/health/live": 200,
                "/health/ready": 200 if health["ready"] else 503,
            }
            body = json.dumps(health, indent=2).encode() + b"\n"
            self._answer(statuses.get(self.path, 404), body, "application/json")

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Say nothing: a scrape every few seconds is no news."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError:
        raise GatehouseError(
            f"Port {port} is taken.", "Set GATEHOUSE_STREAM_PORT to a free one."
        ) from None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
