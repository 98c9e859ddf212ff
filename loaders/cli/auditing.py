"""`gatehouse audit`: whether the layers hold the same."""

import json

import typer
from rich.table import Table

from loaders import audit as audits
from loaders.audit import Window
from loaders.cli.console import Json, err, out, progress

_DIFFERENCES_TOLD = 20


def audit(as_json: Json = False) -> None:
    """Prove that source, raw, staging, facts and rollups agree, by counts and checksums per window.

    Exit code 1 where they do not. What came since the last load or build is not held against them.
    """
    with progress("audit", quiet=as_json) as tell_of:
        windows, errors = audits.audit(tell_of)
    differing = [window for window in windows if window.state == "differs"]
    if as_json:
        told = {
            "agrees": not differing and not errors,
            "steps": audits.steps(windows),
            "differing": [vars(window) for window in differing],
            "errors": errors,
        }
        out.print_json(json.dumps(told))
    else:
        _tell_windows(windows, differing)
        for error in errors:
            err.print(f"[red]error:[/red] {error}", highlight=False)
    if differing or errors:
        raise typer.Exit(1)


def _tell_windows(windows: list[Window], differing: list[Window]) -> None:
    steps = audits.steps(windows)
    table = Table(box=None)
    for column in ("source", "step", "tables", "windows", "records", "differ", "wait"):
        table.add_column(column)
    for step in steps:
        counts = (step[name] for name in ("tables", "windows", "records", "differ", "wait"))
        name = step["step"].replace("_", " ")
        table.add_row(step["source"], name, *(f"{count:,}" for count in counts))
    out.print(table)
    for window in differing[:_DIFFERENCES_TOLD]:
        err.print(
            f"[red]differs:[/red] {window.source}, {window.name}: {window.above} has "
            f"{window.above_records:,} records, {window.below} {window.below_records:,}"
            f"{', but other ones' if window.above_records == window.below_records else ''}.\n"
            f"         {window.remedy}",
            highlight=False,
            soft_wrap=True,
        )
    if len(differing) > _DIFFERENCES_TOLD:
        err.print(f"and {len(differing) - _DIFFERENCES_TOLD:,} windows more: see --json")
    for source in audits.SOURCES.keys() - {
        it.source for it in windows if it.step == audits.STEPS[0]
    }:
        out.print(f"Of {source} nothing has landed that could be held against the source.")
    if any(step["wait"] for step in steps):
        out.print("What waits has news since the last build: run `dbt build`, and audit again.")
