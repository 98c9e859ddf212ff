"""Landing is killed at each of its steps on the disk, one after the other, and goes on after it.

A kill at a random instant finds the narrow gaps between two renames once in a hundred times; here
every one is tried.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loaders import integrated_platform
from loaders.batch import Batch, Report
from loaders.landing import land, open_pipeline
from loaders.privacy import Privacy
from loaders.rest import lists
from sandbox import processes
from tests.integration.driving import run
from tests.sandboxes import Sandbox, ask

SOURCE = "dying"
STEPS = {"os.link", "os.remove", "os.rename", "os.rmdir"}
TABLE = integrated_platform.PROFILES.table


def test_a_landing_goes_on_wherever_it_was_killed(new_sandbox: Callable[[], Sandbox]) -> None:
    sandbox = new_sandbox()
    processes.up(sandbox.settings)
    deaths = 0
    while (ended := land_and_die_at(sandbox, deaths + 1)).returncode == -signal.SIGKILL:
        deaths += 1
    assert ended.returncode == 0, f"after a kill at step {deaths}: {ended.stderr}"
    assert deaths > 30
    landed = ask(
        sandbox.settings,
        "transformer",
        f"select distinct toUInt32(record_id) as id from raw.{TABLE} where source = '{SOURCE}'"
        " order by id",
        sandbox.env["DBT_ENV_SECRET_TRANSFORMER_PASSWORD"],
    )
    assert [row[0] for row in landed] == list(range(int(ended.stdout)))
    assert not list(folder(sandbox).rglob("*.parquet")), "records stay on the disk"
    assert not list(folder(sandbox).glob("load/*/*/")), "packages stay on the disk"


def folder(sandbox: Sandbox) -> Path:
    return sandbox.settings.state / "dlt" / f"gatehouse_{SOURCE}"


def land_and_die_at(sandbox: Sandbox, step: int) -> subprocess.CompletedProcess[str]:
    return run(__name__, "_land", [str(step)], sandbox.env)


def _land() -> None:
    """Land the next record, and then nothing, and die before a step; tell how many there were."""
    left = int(sys.argv[1])
    feed = integrated_platform.PROFILES
    with open_pipeline(SOURCE, [feed.statement]) as pipeline:

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event in STEPS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        state = pipeline.state.get("sources", {}).get(pipeline.default_schema_name or "", {})
        number = int(state.get("resources", {}).get("lists", {}).get("next", "0"))
        batch, empty = (
            Batch(Report(SOURCE, feed.name), TABLE, feed.columns, Privacy.from_env())
            for _ in range(2)
        )
        batch.add((SOURCE, str(number), datetime.now(UTC), "{}"))
        land(pipeline, lists(batch, {"next": str(number + 1)}))
        land(pipeline, lists(empty, {}))
    sys.stdout.write(str(number + 1))
