"""What the documents say to type is what the command lines take."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click.testing
import typer.testing
import yaml  # type: ignore[import-untyped]
from dbt.cli.main import cli as dbt

from loaders import cli
from sandbox import cli as sandbox_cli

ROOT = Path(__file__).parents[2]
COMMAND = re.compile(r"(?:\S+/)?((?:gatehouse|dbt) .*)")


def documented() -> Iterator[tuple[str, str]]:
    """Lines of code blocks, unless these are drawings, and what stands between backticks."""
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        text = page.read_text()
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
        lines = [line for block in blocks if "-->" not in block for line in block.splitlines()]
        prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
        for line in [*lines, *re.findall(r"`([^`]+)`", prose)]:
            if found := COMMAND.fullmatch(line.strip()):
                yield page.name, found[1]


def composed() -> Iterator[tuple[str, str]]:
    compose = yaml.safe_load((ROOT / "monitoring" / "compose.yaml").read_text())
    for service in compose["services"].values():
        if (command := service.get("command", [""]))[0] == "gatehouse":
            yield "compose.yaml", shlex.join(command)


def refused(command: str) -> str:
    """Ask for the help of a command, options and all: it comes only if all of them are known."""
    program, *words = shlex.split(command.replace(" & ", " "), comments=True)
    asked = [*words, "--help"]
    if program == "dbt":
        ran = click.testing.CliRunner().invoke(dbt, asked)
        return ran.output if ran.exit_code else ""
    told = typer.testing.CliRunner().invoke(gatehouse(), asked)
    return told.output if told.exit_code else ""


def gatehouse() -> typer.Typer:
    """Make the command line as a person has it, with the sandbox's commands."""
    app, ours, sandbox = typer.Typer(), cli.app, sandbox_cli.app
    app.registered_groups = ours.registered_groups
    app.registered_commands = [*ours.registered_commands, *sandbox.registered_commands]
    return app


def test_documents_tell_of_commands_that_there_are() -> None:
    found = {*documented(), *composed()}
    assert len(found) > 40
    for page, command in sorted(found):
        assert not refused(command), f"{page}: {command}"


def test_a_command_that_there_is_not_is_refused() -> None:
    for command in (
        "gatehouse lode",
        "gatehouse load --twice",
        "gatehouse dlq lost",
        "dbt build -?",
    ):
        assert refused(command), command
