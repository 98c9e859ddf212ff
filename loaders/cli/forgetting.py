"""`gatehouse forget`: a person's rows, out of every layer."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from loaders import forget as forgetting
from loaders.cli.console import Json, err, out
from loaders.forget import Forgotten


def forget(
    users: Annotated[
        list[str], typer.Argument(help="As the sources know them: user id, e-mail, phone, name.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Erase people's rows in every layer, for good, and let none of theirs in again."""
    with err.status("forget") as status:
        found = forgetting.forget(
            users, dry_run=dry_run, tell=lambda what: status.update(f"forget: {what}")
        )
    if as_json:
        out.print_json(json.dumps(asdict(found)))
    else:
        _tell_forgotten(found)
    if found.left:
        raise typer.Exit(1)


def _tell_forgotten(found: Forgotten) -> None:
    table = Table("table", box=None)
    for column in ("deleted", "blanked"):
        table.add_column(column, justify="right")
    for erased in found.tables:
        table.add_row(erased.table, f"{erased.deleted:,}", f"{erased.blanked:,}")
    if found.tables:
        out.print(table)
    rows = sum(erased.deleted + erased.blanked for erased in found.tables)
    what = "would be erased" if found.is_dry_run else "erased"
    out.print(f"{rows:,} rows in {len(found.tables)} tables {what}, {found.seconds:.1f} s")
    if found.unreadable:
        out.print(f"note: no key opens {found.unreadable:,} dead letters; they may be theirs")
    if found.left:
        err.print(f"[red]error:[/red] {found.left:,} rows landed meanwhile. Run it again.")
