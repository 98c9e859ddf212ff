"""What the documents and the schedulers' files say to type is what the command lines take.

And the variables that they read are all documented.
"""

import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import click.testing
import pytest
import typer.testing
import yaml  # type: ignore[import-untyped]
from dbt.cli.main import cli as dbt

from loaders import cli, loads
from loaders.freshservice_replica import SOURCE as REPLICA
from loaders.schedule import Cadence
from sandbox import cli as sandbox_cli

ROOT = Path(__file__).parents[2]
SCHEDULING = ROOT / "monitoring" / "scheduling"
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


def scheduled() -> Iterator[tuple[str, str]]:
    for line in (SCHEDULING / "crontab").read_text().splitlines():
        if not line.startswith("#"):
            yield "crontab", line.split(".venv/bin/")[1].split("2>&1")[0]
    for unit in SCHEDULING.glob("*.service"):
        (started,) = re.findall(r"^ExecStart=\S+/.venv/bin/(.+)", unit.read_text(), re.M)
        yield unit.name, started
    for operator in run("airflow_dags.py")["BashOperator"].call_args_list:
        yield "airflow_dags.py", operator.kwargs["bash_command"].split(".venv/bin/")[1]
    compose = yaml.safe_load((ROOT / "monitoring" / "compose.yaml").read_text())
    for service in compose["services"].values():
        if (command := service.get("command", [""]))[0] == "gatehouse":
            yield "compose.yaml", shlex.join(command)


def run(name: str) -> dict[str, Any]:
    """Run a scheduler's file where that scheduler is not installed; returns what it defines."""
    text = (SCHEDULING / name).read_text()
    with pytest.MonkeyPatch.context() as patched:
        for module in re.findall(r"^(?:from|import) ((?:airflow|dagster)[\w.]*)", text, re.M):
            patched.setitem(sys.modules, module, MagicMock())
        return runpy.run_path(str(SCHEDULING / name))


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
    found = set(documented())
    assert len(found) > 40
    for page, command in sorted(found):
        assert not refused(command), f"{page}: {command}"


def test_schedulers_start_commands_that_there_are() -> None:
    found = list(scheduled())
    assert len(found) == 15
    for file, command in found:
        assert not refused(command), f"{file}: {command}"


def test_a_command_that_there_is_not_is_refused() -> None:
    for command in (
        "gatehouse lode",
        "gatehouse load --twice",
        "gatehouse dlq lost",
        "dbt build -?",
    ):
        assert refused(command), command


def test_schedulers_keep_the_paces_of_the_configuration() -> None:
    paces = Cadence.of(name for name in loads.SOURCES if name != REPLICA)
    often = sorted(name for name, seconds in paces.items() if seconds == 300)
    hourly = sorted(name for name, seconds in paces.items() if seconds == 3600)
    assert len(often) + len(hourly) == len(paces)
    for file in ("airflow_dags.py", "dagster_definitions.py"):
        made = run(file)
        assert (sorted(made["OFTEN"]), sorted(made["HOURLY"])) == (often, hourly), file
    first, second = (command for file, command in scheduled() if file == "crontab")
    assert sorted(shlex.split(first)[3:]) == often
    assert shlex.split(second)[3:] == []


def test_every_variable_that_is_read_is_in_the_documents() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    documented: set[str] = set()
    for cell in re.findall(r"^\| (`[A-Z_`, ]+).*\|.*\|", page, re.M):
        first, *others = re.findall(r"`(\w+)`", cell)
        # `GATEHOUSE_CLICKHOUSE_HOST`, `_HTTP_PORT`: the second has the beginning of the first.
        beginnings = [first[: found.start()] for found in re.finditer("_", first)]
        documented |= {first, *others, *(b + o for b in beginnings for o in others)}
    files = [*(ROOT / "loaders").rglob("*.py"), *(ROOT / "sandbox").rglob("*.py")]
    text = "".join(path.read_text() for path in [*files, ROOT / "profiles.yml"])
    read = set(re.findall(r"\b(?:GATEHOUSE|DBT_ENV_SECRET)_[A-Z_]+[A-Z]\b", text))
    # Only the bench takes grants of its own.
    assert read - documented == {"GATEHOUSE_SANDBOX_GRANTS"}
    assert len(read) > 20
