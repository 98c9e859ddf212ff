"""`make demo`: the whole path once, by the commands a person would type, and what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import clickhouse_connect
from dbt.cli.main import dbtRunner
from dbt_common.events.base_types import EventMsg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sandbox.settings import Settings, environment, password

# Database -> what it holds, in the order a row passes them.
LAYERS = {
    "raw": "what the sources sent",
    "staging": "typed, cleaned, deduplicated",
    "marts": "facts, dimensions, rollups",
}
STAGES = (
    ("start the sandbox", "gatehouse up --wait-for-history"),
    ("publish what changed last", "gatehouse publish"),
    ("load", "gatehouse load"),
    ("build and test", "dbt build"),
    # The build has compiled everything: the site is made of what it wrote, and the catalog.
    ("make the docs site", "dbt docs generate --no-compile"),
)
# Conversations, hours and the rest are read ticket by ticket: those of all 20,000 take minutes.
CHILDREN_DAYS = 7
CHILDREN = {"SOURCES__FRESHSERVICE__CHILDREN_SINCE_DAYS": str(CHILDREN_DAYS)}
console = Console()


def main() -> int:
    """Run the stages in order and report; the first that fails ends it with its exit code."""
    settings = Settings.from_env()
    os.environ.update({**environment(settings), **CHILDREN, **os.environ})
    seconds: dict[str, float] = {}
    tests = ""
    for name, command in STAGES:
        console.rule(f"[bold]{name}[/]  [dim]{command}", align="left")
        started = time.monotonic()
        words = command.split()
        done = _dbt(words[1:]) if words[0] == "dbt" else subprocess.run(words).returncode == 0
        if not done:
            console.print(f"[red]{command} failed[/]")
            return 1
        seconds[command] = time.monotonic() - started
        console.print(f"[green]done[/] in {seconds[command]:.0f} s", highlight=False)
        if command == "dbt build":
            tests = _tests()
    _report(settings, seconds, tests)
    return 0


def _dbt(arguments: list[str]) -> bool:
    """Run dbt in this process, for a progress bar and one import of it instead of two."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("parsing", total=None)

        def tell(event: EventMsg) -> None:
            if event.info.name == "NodeStart":
                bar.update(task, description=event.data.node_info.node_name[:48])
            elif event.info.name == "NodeFinished":
                bar.advance(task)
            elif event.info.name == "LogStartLine":
                bar.update(task, total=event.data.total)

        return dbtRunner(callbacks=[tell]).invoke([*arguments, "--quiet"]).success


def _report(settings: Settings, seconds: dict[str, float], tests: str) -> None:
    console.rule("[bold]gatehouse", align="left")
    layers = Table("layer", "tables", "rows", "what it is", box=None)
    for database, tables, rows in _layers(settings):
        layers.add_row(database, str(tables), f"{rows:,}", LAYERS[database])
    console.print(layers)

    times = Table("command", "seconds", box=None)
    for command, took in seconds.items():
        times.add_row(command, f"{took:.1f}")
    times.add_row("all", f"{sum(seconds.values()):.1f}")
    console.print("", times)

    console.print(f"\n{tests}")
    console.print(
        f"ClickHouse  http://{settings.host}:{settings.clickhouse_http_port} "
        f"(user reader, password {password('reader')})\n"
        f"sources     http://{settings.host}:{settings.sources_port}/sandbox/health\n"
        f"truth       {settings.root / 'truth'}\n\n"
        "next:  . .venv/bin/activate\n"
        "       gatehouse docs      lineage, and the warehouse's health\n"
        "       dbt build           again: nothing changes\n"
        "       gatehouse load      what hangs on tickets that changed more than "
        f"{CHILDREN_DAYS} days ago\n"
        "       gatehouse status    what runs; gatehouse down stops it",
        highlight=False,
    )


def _layers(settings: Settings) -> list[tuple[str, int, int]]:
    client = clickhouse_connect.get_client(
        host=settings.host,
        port=settings.clickhouse_http_port,
        username="transformer",
        password=password("transformer"),
    )
    found = client.query(
        """
        select database, count(), sum(total_rows)
        from system.tables
        where database in {layers:Array(String)} and engine like '%MergeTree'
            and not startsWith(name, '_dlt') and name != 'dlt_sentinel_table'
        group by database
        order by indexOf({layers:Array(String)}, database)
        """,
        parameters={"layers": list(LAYERS)},
    )
    return [(row[0], row[1], row[2]) for row in found.result_rows]


def _tests() -> str:
    results = json.loads(Path("target/run_results.json").read_text())["results"]
    kinds = Counter(result["unique_id"].split(".")[0] for result in results)
    passed = sum(result["status"] == "pass" for result in results)
    warned = [result["unique_id"].split(".")[2] for result in results if result["status"] == "warn"]
    return (
        f"{kinds['model']} models and {kinds['snapshot']} snapshots built; {passed} of "
        f"{kinds['test'] + kinds['unit_test']} tests passed, {len(warned)} warned "
        f"({', '.join(warned)})"
    )


if __name__ == "__main__":
    sys.exit(main())
