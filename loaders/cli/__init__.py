"""`gatehouse`: the commands a person or a scheduler runs.

Exit codes: 0 done; 1 something failed, told in one line; 2 the command line was wrong.
"""

import importlib.util
import os
import sys

import typer

from loaders import loads
from loaders.cli import dlq
from loaders.cli.auditing import audit
from loaders.cli.console import ROOT, err
from loaders.cli.forgetting import forget
from loaders.cli.loading import load, publish, run_schedule
from loaders.cli.serving import docs, metrics, stream
from loaders.errors import GatehouseError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The gatehouse warehouse.",
)
app.command()(load)
app.command("schedule")(run_schedule)
app.command()(stream)
app.command()(metrics)
app.command()(publish)
app.add_typer(dlq.app, name="dlq")
app.command()(audit)
app.command()(forget)
app.command()(docs)


def main() -> None:
    """Run the command line, with the sandbox's addresses where nothing else is set."""
    loads.quiet_logs()
    try:
        _use_sandbox()
        app()
    except GatehouseError as error:
        err.print(f"[red]error:[/red] {error.problem}\n       {error.remedy}", highlight=False)
        sys.exit(1)


def _use_sandbox() -> None:
    """Add the sandbox's commands and, for its targets, point everything unset at it."""
    os.environ.setdefault("DLT_PROJECT_DIR", str(ROOT))
    if importlib.util.find_spec("sandbox") is None:
        return
    from sandbox import cli as sandbox_cli
    from sandbox.settings import Settings, SettingsError, environment

    app.registered_commands.extend(sandbox_cli.app.registered_commands)
    if os.environ.get("GATEHOUSE_TARGET", "local") not in ("local", "ci"):
        return
    try:
        for name, value in environment(Settings.from_env()).items():
            os.environ.setdefault(name, value)
    except SettingsError as error:
        err.print(f"[red]error:[/red] {error}", highlight=False)
        sys.exit(2)
