"""What a build of 100,000 new messages costs, on a history and on one twice as long.

`make bench` makes both worlds (`bench.crowd`) in sandboxes of their own, then lands half a day in
each by turns and builds what hangs on the app's messages, without tests. It prints the medians of
wall time and processor seconds, their ratio, and the models that cost most. Worlds are kept in the
folder and used again: with 20 million messages they take half an hour and 15 GB.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from bench import crowd
from loaders.loads import raw_tables
from sandbox import processes, running
from sandbox.settings import password
from tests.sandboxes import Sandbox, throwaway

# Builds are hours apart in earnest: what landed before the last one began is not looked at again.
VARS = '{"landing_overlap_seconds": 1}'
NO_TESTS = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
DOWNSTREAM = ["-s", "stg_user_app__events+"]
CHUNK = 50  # half-days that are landed and built at once
AHEAD = 60  # half-days of events that are announced, and not yet held


@dataclass
class World:
    """One history: from which half-day it goes, and what its builds took."""

    name: str
    sandbox: Sandbox
    people: int = crowd.PEOPLE  # of an event
    builds: list[dict[str, float]] = field(default_factory=list)
    models: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def connect(self, user: str) -> Client:
        """Connect as one of the server's users."""
        settings = self.sandbox.settings
        return clickhouse_connect.get_client(
            host=settings.host,
            port=settings.clickhouse_http_port,
            username=user,
            password=password(user),
            send_receive_timeout=3600,
            settings={"max_partitions_per_insert_block": 1000},
        )

    def land(self, statements: Iterable[str]) -> None:
        """Run statements as the loader."""
        with self.connect("loader") as client:
            for statement in statements:
                client.command(statement)

    def newest(self) -> int:
        """The number of the newest message."""
        with self.connect("loader") as client:
            return int(client.query("select max(seq) from raw.user_app__events").result_rows[0][0])

    def costs(self, invocation_id: str) -> list[tuple[str, float, int]]:
        """What the server did for each model of a build: processor seconds, and rows read."""
        with self.connect("operator") as client:
            client.command("system flush logs query_log")
            found = client.query(
                f"""
                select
                    extract(query, '"node": "([^"]*)"') as node,
                    sum(ProfileEvents['OSCPUVirtualTimeMicroseconds']) / 1e6,
                    sum(read_rows)
                from system.query_log
                where
                    type != 'QueryStart'
                    and position(query, '"invocation_id": "{invocation_id}"') > 0
                group by node
                """
            )
        return [(str(node), float(seconds), int(rows)) for node, seconds, rows in found.result_rows]

    def build(self, *selection: str) -> dict[str, float]:
        """Build once; returns the seconds by the clock and of dbt's and the server's processors."""
        state = self.sandbox.settings.state
        server = running.find(self.sandbox.settings, "clickhouse")
        assert server is not None
        served = sum(server.cpu_times()[:2])
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.monotonic()
        subprocess.run(
            [
                "dbt", "--quiet", "build", *selection, *NO_TESTS, "--vars", VARS,
                "--target-path", str(state / "target"), "--log-path", str(state / "logs"),
            ],
            env={**os.environ, **self.sandbox.env},
            check=True,
        )  # fmt: skip
        wall = time.monotonic() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        served = sum(server.cpu_times()[:2]) - served
        found = json.loads((state / "target" / "run_results.json").read_text())
        costs = self.costs(found["metadata"]["invocation_id"])
        for model, seconds, _ in costs:
            self.models[model].append(seconds)
        return {
            "wall": wall,
            "dbt": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            # Of the whole process, as deletes and merges are done behind the queries.
            "server": served,
            "rows read": sum(rows for *_, rows in costs),
        }


def make(folder: Path, half_days: int, people: int) -> list[World]:
    """Make both worlds where they are not there yet, and start their servers."""
    once, twice = (World(name, throwaway(folder / name), people) for name in ("once", "twice"))
    total = 2 * half_days
    if not (folder / "once" / "made").exists():
        shutil.rmtree(folder / "once", ignore_errors=True)
        processes.up(once.sandbox.settings)
        make_raw_tables(once)
        once.land(crowd.setting(range(half_days, total + AHEAD), people))
        grow(once, range(half_days, total), total)
        processes.down(once.sandbox.settings)
        (folder / "once" / "made").touch()
    if not (folder / "twice" / "made").exists():
        shutil.rmtree(folder / "twice", ignore_errors=True)
        processes.down(once.sandbox.settings)
        shutil.copytree(folder / "once", folder / "twice", symlinks=True)
        (folder / "twice" / "made").unlink()
        processes.up(twice.sandbox.settings)
        twice.land(crowd.setting(range(half_days), people))
        grow(twice, range(half_days), total)
        (folder / "twice" / "made").touch()
    for world in (once, twice):
        processes.up(world.sandbox.settings)
    return [once, twice]


def make_raw_tables(world: World) -> None:
    """Make the tables of every source, as a load does."""
    world.land(raw_tables())


def grow(world: World, blocks: range, total: int) -> None:
    """Land and build a history, some weeks at a time."""
    for first in range(blocks.start, blocks.stop, CHUNK):
        chunk = range(first, min(first + CHUNK, blocks.stop))
        # And what their events send in the half-day after, where that is history too.
        half_days = min(len(chunk) + 1, total - first)
        world.land(crowd.messages(first, half_days, chunk, world.people))
        world.land(crowd.gate_minutes(chunk, world.people))
        took = world.build()
        print(
            f"{world.name}: half-days {chunk.start} to {chunk.stop}, built in {took['wall']:.0f} s"
        )


def measure(worlds: list[World], rounds: int) -> None:
    """Land half a day in each world by turns, and build it."""
    for number in range(rounds + 1):
        for world in worlds if number % 2 else reversed(worlds):
            at = world.newest() // crowd.ROWS_OF_HALF_DAY + 1
            world.land(crowd.messages(at, 1, range(at - 1, at + 1), world.people))
            # The first finds cold caches, and what growing left to do.
            if number == 1:
                world.models.clear()
            took = world.build(*DOWNSTREAM)
            if number:
                world.builds.append(took)
            print(world.name, " ".join(f"{name} {value:,.1f}" for name, value in took.items()))


def tell(once: World, twice: World) -> None:
    """Print the medians side by side, and which models' share grows with history."""
    print(f"\n{'median of a build':42}{'once':>14}{'twice':>14}{'ratio':>8}")
    for name in once.builds[0]:
        _line(name, [build[name] for build in once.builds], [build[name] for build in twice.builds])
    print("\nprocessor seconds of the server")
    by_cost = sorted(twice.models, key=lambda model: -statistics.median(twice.models[model]))
    for model in by_cost[:20]:
        _line(model, once.models[model], twice.models[model])


def _line(name: str, once: list[float], twice: list[float]) -> None:
    first, second = statistics.median(once or [0]), statistics.median(twice or [0])
    ratio = f"{second / first:8.2f}" if first else ""
    print(f"{name.rpartition('.')[2]:42}{first:14,.2f}{second:14,.2f}{ratio}")


def main() -> None:
    """Make the worlds, measure, tell."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, default=Path(".gatehouse/bench"))
    options.add_argument("--messages", type=int, default=20_000_000, help="of the shorter history")
    options.add_argument("--people", type=int, default=crowd.PEOPLE, help="of an event")
    options.add_argument("--rounds", type=int, default=5, help="builds that count; 0 makes only")
    chosen = options.parse_args()
    half_days = chosen.messages // crowd.ROWS_OF_HALF_DAY
    worlds = make(chosen.folder.absolute(), half_days, chosen.people)
    try:
        measure(worlds, chosen.rounds)
        if chosen.rounds:
            tell(*worlds)
    finally:
        for world in worlds:
            processes.down(world.sandbox.settings)


if __name__ == "__main__":
    main()
