"""How long a record takes from the broker into raw at a steady rate, everything on this machine.

`python -m bench.latency` starts a sandbox of its own, `gatehouse stream` and a producer, and asks
raw when it took each record: `landed_at` less the broker's timestamp. The materialized views of
models/realtime are filled by the same insert. Rates are tried one after the other: one that is not
sustained shows by a P95 of many seconds.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from prometheus_client.parser import text_string_to_metric_families

from bench import registrations
from sandbox import processes
from tests.sandboxes import Sandbox, ask, free_port, throwaway

TOPIC = "bench"
PARTITIONS = 4
TABLE = "raw.event_management__event_data"


@contextmanager
def broker_and_clickhouse() -> Iterator[Sandbox]:
    """A sandbox with an empty topic, taken down at the end."""
    with tempfile.TemporaryDirectory() as folder:
        sandbox = throwaway(Path(folder))
        processes.up(sandbox.settings)
        admin = KafkaAdminClient(bootstrap_servers=broker_of(sandbox))
        admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
        admin.close()
        try:
            yield sandbox
        finally:
            processes.down(sandbox.settings)


def broker_of(sandbox: Sandbox) -> str:
    """The broker's address."""
    return sandbox.env["SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS"]


@contextmanager
def streaming(sandbox: Sandbox, workers: int, group: str = TOPIC) -> Iterator[str]:
    """`gatehouse stream` of the topic; the address of its metrics."""
    port = free_port()
    stream = subprocess.Popen(
        [
            *(sys.executable, "-m", "loaders.cli", "stream", "event_management"),
            *("--workers", str(workers)),
        ],
        env={
            **os.environ,
            **sandbox.env,
            "GATEHOUSE_STREAM_PORT": str(port),
            "SOURCES__EVENT_MANAGEMENT__TOPIC": TOPIC,
            "SOURCES__EVENT_MANAGEMENT__GROUP_ID": group,
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}/metrics"
    finally:
        stream.terminate()
        stream.wait()


def wait_for(url: str) -> None:
    """Wait until the stream is ready: its workers were heard, and have no error."""
    while True:
        with suppress(OSError), urllib.request.urlopen(url.replace("metrics", "health/ready")):  # noqa: S310
            return
        time.sleep(0.5)


def used(url: str) -> dict[str, float]:
    """Processor seconds of the stream's processes until now."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
        families = text_string_to_metric_families(answer.read().decode())
    return {
        sample.labels["process"]: sample.value
        for family in families
        if family.name == "gatehouse_stream_cpu_seconds"
        for sample in family.samples
    }


def landed(sandbox: Sandbox, first: int, count: int) -> int:
    """How many of the records are in raw."""
    [[found]] = ask(
        sandbox.settings,
        "transformer",
        f"select uniqExact(message_id) from {TABLE} where {within(first, count)}",
    )
    return int(found)


def within(first: int, count: int) -> str:
    """The records of one run."""
    ids = (f"bench-{number:010d}" for number in (first, first + count - 1))
    return "message_id between '{}' and '{}'".format(*ids)


def measure(sandbox: Sandbox, url: str, first: int, rate: int, seconds: int) -> None:
    """Send at a rate, wait until all is in raw, and tell."""
    count = rate * seconds
    before, began = used(url), time.monotonic()
    psutil.cpu_percent()
    subprocess.run(
        [
            *(sys.executable, "-m", registrations.__name__, broker_of(sandbox), TOPIC),
            *map(str, (PARTITIONS, first, count, rate)),
        ],
        check=True,
    )
    sent = time.monotonic() - began
    busy = psutil.cpu_percent()
    while landed(sandbox, first, count) < count:
        time.sleep(0.2)
    spent = sum(used(url).values()) - sum(before.values())
    [[quantiles]] = ask(
        sandbox.settings,
        "transformer",
        f"""
        select quantilesExact(0.5, 0.95, 0.99, 1)(
            date_diff('millisecond', published_at, toDateTime64(landed_at, 3, 'UTC'))
        )
        from {TABLE} where {within(first, count)}
        """,
    )
    p50, p95, p99, worst = quantiles
    print(
        f"{rate:8,} {count / sent:9,.0f} {p50:8,.0f} {p95:8,.0f} {p99:8,.0f} {worst:8,.0f}"
        f" {spent / sent:8.2f} {busy:8.0f}"
    )


def main() -> None:
    """Try the rates and tell."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rates", type=int, nargs="+", default=[5000, 10_000, 15_000, 20_000])
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--workers", type=int, default=8)
    chosen = options.parse_args()
    with broker_and_clickhouse() as sandbox, streaming(sandbox, chosen.workers) as url:
        wait_for(url)
        time.sleep(10)  # the group forms
        print("  rate/s    sent/s   P50 ms   P95 ms   P99 ms   max ms cores of   machine")
        print("                                                       stream     busy %")
        first = 0
        for rate in chosen.rates:
            measure(sandbox, url, first, rate, chosen.seconds)
            first += rate * chosen.seconds


if __name__ == "__main__":
    main()
