"""What all commands share: where they print, how they show progress, and how they tell of loads."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from loaders.batch import Report, Tell
from loaders.loads import TellOf

ROOT = Path(__file__).parents[2]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
out = Console()
err = Console(stderr=True)


@contextmanager
def progress(doing: str, *, quiet: bool) -> Iterator[TellOf]:
    """Show bars of work that is long; gives what tells each source's own bar how far it is."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=quiet, transient=True) as bars:

        def tell_of(name: str) -> Tell:
            task = bars.add_task(f"{doing} {name}", total=None)

            def tell(done: int, total: int, stage: str = "") -> None:
                of_what = f"{doing} {name} {stage}".rstrip()
                bars.update(task, completed=done, total=total or None, description=of_what)

            return tell

        yield tell_of


def tell(reports: list[Report], as_json: bool) -> None:
    """Tell how loads ended."""
    if as_json:
        out.print_json(json.dumps([vars(report) for report in reports]))
        return
    table = Table(box=None)
    for column in ("source", "feeds", "read", "landed", "refused", "waiting", "seconds"):
        table.add_column(column, no_wrap=column not in ("feeds", "refused"))
    for (source, name), group in _grouped(reports).items():
        refused = sum((report.refused for report in group), Counter())
        table.add_row(
            source,
            name if len(group) == 1 else f"{name} ({len(group)})",
            f"{sum(report.read for report in group):,}",
            f"{sum(report.landed for report in group):,}",
            ", ".join(f"{n} {reason}" for reason, n in refused.most_common()) or "0",
            f"{sum(report.waiting for report in group):,}",
            f"{sum(report.seconds for report in group):.1f}",
        )
    out.print(table)
    for report in reports:
        for name, count in report.new_fields.most_common():
            out.print(f"new field: {report.source} {report.feed} {name} in {count:,} records")
        if report.waiting:
            out.print(f"waiting: {report.waiting:,} lists of {report.feed}; the next load goes on")
        if report.note:
            out.print(f"note: {report.source} {report.feed} {report.note}")
        if report.error:
            err.print(f"[red]error:[/red] {report.error}", highlight=False)


def _grouped(reports: list[Report]) -> dict[tuple[str, str], list[Report]]:
    """Gather the feeds that a person is told of together."""
    groups: dict[tuple[str, str], list[Report]] = {}
    for report in reports:
        groups.setdefault((report.source, report.group or report.feed), []).append(report)
    return groups
