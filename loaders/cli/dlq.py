"""`gatehouse dlq`: records that were refused at the door."""

import json
from typing import Annotated

import typer
from rich.table import Table

from loaders import dead_letters, replay
from loaders.cli.console import Json, out, tell
from loaders.dead_letters import DeadLetter
from loaders.landing import Server
from loaders.privacy import Privacy

app = typer.Typer(no_args_is_help=True, help="Dead letters: records refused at the door.")
Reason = Annotated[str, typer.Option(help="Only this reason.")]
SourceName = Annotated[str, typer.Option(help="Only this source.")]


@app.command("list")
def list_letters(source: SourceName = "", reason: Reason = "", as_json: Json = False) -> None:
    """List the open dead letters."""
    letters = _find(source=source, reason=reason)
    if as_json:
        rows = [{k: v for k, v in vars(x).items() if k != "payload_sealed"} for x in letters]
        out.print_json(json.dumps(rows, default=str))
        return
    table = Table("id", "source", "feed", "position", "reason", "detail", box=None)
    for letter in letters:
        table.add_row(
            letter.dead_letter_id[:12],
            letter.source,
            letter.feed,
            letter.position,
            letter.reason,
            letter.detail,
        )
    out.print(table)
    out.print(f"{len(letters):,} open dead letters")


@app.command("show")
def show_letter(letter_id: Annotated[str, typer.Argument(help="An id, or how it begins.")]) -> None:
    """Show a dead letter with what the source sent, identifiers and all."""
    privacy = Privacy.from_env()
    for letter in _find(ids=[letter_id], status=""):
        for name, value in vars(letter).items():
            if name != "payload_sealed":
                out.print(f"{name:>16}  {value}", highlight=False, markup=False)
        data = replay.open_letter(privacy, letter)
        out.print(f"{'payload':>16}  {data!r}", highlight=False, markup=False, soft_wrap=True)


@app.command("replay")
def replay_letters(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids, or how they begin.")] = None,
    source: SourceName = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Send open dead letters through the door again; all of them unless some are named."""
    reports = replay.replay(_find(ids=ids, source=source, reason=reason))
    tell(reports, as_json)


def _find(
    ids: list[str] | None = None, source: str = "", reason: str = "", status: str = "open"
) -> list[DeadLetter]:
    with Server.from_env("operator").connect() as client:
        return dead_letters.find(client, ids=ids, source=source, reason=reason, status=status)
