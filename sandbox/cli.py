"""`gatehouse up`, `down` and `status`: what a person sees of the sandbox."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sandbox import broker, processes
from sandbox.parts import PROBE_SECONDS, check_sources
from sandbox.processes import PartStatus, SandboxError
from sandbox.settings import Settings, SettingsError

HISTORY_SECONDS = 600
WHOLE_LOOKS = 3

app = typer.Typer(help="The sandbox: ClickHouse, broker and sources on this machine.")
console = Console()
errors = Console(stderr=True, soft_wrap=True, highlight=False)


@app.command()
def up(
    wait_for_history: Annotated[
        bool,
        typer.Option("--wait-for-history", help="Wait until the sources published their history."),
    ] = False,
) -> None:
    """Start the sandbox, or mend it: what is well stays as it is."""
    with _plain_errors():
        settings = Settings.from_env()
        with console.status("looking at the sandbox") as spinner:
            found = processes.up(settings, tell=spinner.update)
        if wait_for_history:
            _wait_for_history(settings)
            found = processes.status(settings)
        console.print(_table(found))
        _exit_by(found)


@app.command()
def down() -> None:
    """Stop the sandbox in order; its data stays."""
    with _plain_errors():
        settings = Settings.from_env()
        with console.status("looking at the sandbox") as spinner:
            stopped = processes.down(settings, tell=spinner.update)
        console.print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Show each part, its address and its health; exits with 0 only if all are healthy."""
    with _plain_errors():
        found = processes.status(Settings.from_env())
        if as_json:
            typer.echo(json.dumps([dataclasses.asdict(part) for part in found], indent=2))
        else:
            console.print(_table(found))
        _exit_by(found)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """What a person can mend is told in plain words: 2 for a setting, 1 for the sandbox itself."""
    try:
        yield
    except SettingsError as error:
        errors.print(f"gatehouse: {error}", markup=False)
        raise typer.Exit(2) from None
    except (SandboxError, OSError) as error:
        errors.print(f"gatehouse: {error}", markup=False)
        raise typer.Exit(1) from None


def _wait_for_history(settings: Settings) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    deadline = time.monotonic() + HISTORY_SECONDS
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("publishing history", total=None)
        seen_whole = 0
        while seen_whole < WHOLE_LOOKS:
            said = check_sources(settings)
            published, total = said.get("published"), said.get("to_publish")
            progress.update(task, completed=published or 0, total=total)
            # The sources take a moment to notice that a broker came back empty: no topics yet.
            whole = published == total and broker.topics(settings, PROBE_SECONDS)
            seen_whole = seen_whole + 1 if whole else 0
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"the sources published {published} of {total} records in {HISTORY_SECONDS} s: "
                    f"see {settings.root / 'sources' / 'log'}"
                )
            time.sleep(0.2)


def _exit_by(found: list[PartStatus]) -> None:
    if any(part.state != "healthy" for part in found):
        raise typer.Exit(1)


def _table(found: list[PartStatus]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("part", "state", "address", "pid", "uptime"):
        table.add_column(column, no_wrap=True)
    table.add_column("detail", overflow="fold")
    colours = {"healthy": "green", "unhealthy": "red", "down": "dim"}
    for part in found:
        table.add_row(
            part.name,
            f"[{colours[part.state]}]{part.state}[/]",
            part.address,
            "" if part.pid is None else str(part.pid),
            _uptime(part.uptime_seconds),
            part.problem or _detail(part),
        )
    return table


def _uptime(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s"


def _detail(part: PartStatus) -> str:
    said = part.details
    if "version" in said:
        return f"ClickHouse {said['version']}, native port {said['native_port']}"
    if "topics" in said:
        return f"topics: {len(said['topics'])}"
    if said.get("to_publish") is None:
        return str(said.get("status", ""))
    return f"published {said['published']:,}/{said['to_publish']:,}, clock {said['clock']}"
