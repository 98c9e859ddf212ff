"""How long a record takes from the broker into raw and into a realtime rollup, all on this machine.

`python -m bench.latency` starts a sandbox of its own, `gatehouse stream` and producers: of
registrations at a steady rate, and of one ticket for fifty of them.

raw         asked when it took each registration: `landed_at` less the broker's timestamp
realtime    the ticket windows, asked ten times a second how many tickets they count: from a
            ticket's timestamp until they were first seen to count as many as had been sent by then

Rates are tried one after the other: one that is not sustained shows by a P95 of many seconds.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import clickhouse_connect
import psutil
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from prometheus_client.parser import text_string_to_metric_families

from bench import messages
from sandbox import processes
from sandbox.settings import password
from tests.sandboxes import Sandbox, ask, free_port, throwaway

TOPIC = "bench"
PARTITIONS = 4
TABLE = "raw.event_management__event_data"
TICKETS = "bench-tickets"
REGISTRATIONS_PER_TICKET = 50
SOURCES = ("event_management", "ticket_events")
PROJECT = Path(__file__).parents[1]


@contextmanager
def broker_and_clickhouse() -> Iterator[Sandbox]:
    """A sandbox with empty topics, taken down at the end."""
    with tempfile.TemporaryDirectory() as folder:
        sandbox = throwaway(Path(folder))
        processes.up(sandbox.settings)
        admin = KafkaAdminClient(bootstrap_servers=broker_of(sandbox))
        admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (TOPIC, TICKETS)])
        admin.close()
        try:
            yield sandbox
        finally:
            processes.down(sandbox.settings)


def broker_of(sandbox: Sandbox) -> str:
    """The broker's address."""
    return sandbox.env["SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS"]


@contextmanager
def streaming(
    sandbox: Sandbox, workers: int, group: str = TOPIC, sources: tuple[str, ...] = SOURCES[:1]
) -> Iterator[str]:
    """`gatehouse stream` of the topics; the address of its metrics."""
    port = free_port()
    stream = subprocess.Popen(
        [
            *(sys.executable, "-m", "loaders.cli", "stream", *sources),
            *("--workers", str(workers)),
        ],
        env={
            **os.environ,
            **sandbox.env,
            "GATEHOUSE_STREAM_PORT": str(port),
            "SOURCES__EVENT_MANAGEMENT__TOPIC": TOPIC,
            "SOURCES__EVENT_MANAGEMENT__GROUP_ID": group,
            "SOURCES__TICKET_EVENTS__TOPIC": TICKETS,
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}/metrics"
    finally:
        stream.terminate()
        stream.wait()


@contextmanager
def producing(
    kind: str, sandbox: Sandbox, topic: str, first: int, count: int, rate: float
) -> Iterator[None]:
    """A producer of its own beside what is done meanwhile; waits for its end."""
    arguments = (kind, broker_of(sandbox), topic, PARTITIONS, first, count, rate)
    producer = subprocess.Popen([sys.executable, "-m", messages.__name__, *map(str, arguments)])
    try:
        yield
    finally:
        code = producer.wait()
    assert code == 0, f"the producer of {kind} ended with {code}"


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


class Watch(threading.Thread):
    """Asks the ticket windows ten times a second how many tickets they count.

    Attributes
    ----------
    seen
        When it asked, in epoch seconds, and the answer, where that was another than before.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(daemon=True)
        self._settings = sandbox.settings
        self._is_over = threading.Event()
        self.seen: list[tuple[float, int]] = [(0.0, 0)]

    def run(self) -> None:
        """Ask until told to stop."""
        with clickhouse_connect.get_client(
            host=self._settings.host,
            port=self._settings.clickhouse_http_port,
            username="reader",
            password=password("reader"),
            settings={"use_query_cache": 0},
        ) as client:
            while not self._is_over.wait(0.1):
                [[count]] = client.query(
                    "select uniqExactMerge(changed_tickets) from realtime.ticket_windows"
                ).result_rows
                if count > self.seen[-1][1]:
                    self.seen.append((time.time(), count))

    def stop(self) -> None:
        """End it."""
        self._is_over.set()
        self.join()


def until_seen(sandbox: Sandbox, watch: Watch, first: int, count: int) -> list[float]:
    """Milliseconds of each of these tickets from its timestamp until it was counted."""
    published = ask(
        sandbox.settings,
        "transformer",
        f"""
        select toUnixTimestamp64Milli(min(published_at)) from raw.freshservice__ticket_events
        where record_id between {first + 1} and {first + count}
        group by record_id order by 1
        """,
    )
    looks = iter(watch.seen)
    at, counted = next(looks)
    found = []
    for number, (milliseconds,) in enumerate(published, start=first + 1):
        while counted < number:
            at, counted = next(looks)
        found.append(at * 1000 - milliseconds)
    return found


def measure(sandbox: Sandbox, url: str, watch: Watch, first: int, rate: int, seconds: int) -> None:
    """Send at a rate, wait until all is in raw and in the ticket windows, and tell."""
    count, tickets = rate * seconds, rate * seconds // REGISTRATIONS_PER_TICKET
    first_ticket = first // REGISTRATIONS_PER_TICKET
    before, began = used(url), time.monotonic()
    psutil.cpu_percent()
    with (
        producing("tickets", sandbox, TICKETS, first_ticket, tickets, tickets / seconds),
        producing("registrations", sandbox, TOPIC, first, count, rate),
    ):
        pass
    sent = time.monotonic() - began
    busy = psutil.cpu_percent()
    while landed(sandbox, first, count) < count or watch.seen[-1][1] < first_ticket + tickets:
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
    waits = statistics.quantiles(until_seen(sandbox, watch, first_ticket, tickets), n=100)
    print(
        f"{rate:8,} {count / sent:9,.0f}",
        *(f"{quantile:8,.0f}" for quantile in quantiles),
        *(f"{waits[percent - 1]:8,.0f}" for percent in (50, 95, 99)),
        f"{spent / sent:8.2f} {busy:8.0f}",
        flush=True,
    )


def main() -> None:
    """Try the rates and tell."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rates", type=int, nargs="+", default=[5000, 10_000, 15_000, 20_000])
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--workers", type=int, default=8)
    chosen = options.parse_args()
    with (
        broker_and_clickhouse() as sandbox,
        streaming(sandbox, chosen.workers, sources=SOURCES) as url,
    ):
        wait_for(url)
        subprocess.run(
            ["dbt", "--quiet", "run", "--select", "path:models/realtime/ticket_windows*"],
            env={**os.environ, **sandbox.env},
            cwd=PROJECT,
            check=True,
        )
        watch = Watch(sandbox)
        watch.start()
        time.sleep(10)  # the groups form
        print(f"{'':18}{'raw, ms':>36}{'realtime, ms':>27}    cores of  machine")
        names = ("rate/s", "sent/s", "P50", "P95", "P99", "max", "P50", "P95", "P99")
        print(*(f"{name:>{9 if name == 'sent/s' else 8}}" for name in names), "  stream   busy %")
        first = 0
        for rate in chosen.rates:
            measure(sandbox, url, watch, first, rate, chosen.seconds)
            first += rate * chosen.seconds
        watch.stop()


if __name__ == "__main__":
    main()
