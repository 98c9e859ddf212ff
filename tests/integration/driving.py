"""How the integration tests drive a sandbox: the command line, dbt, faults, and the truth."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.world.world import World
from tests.sandboxes import Sandbox


def gatehouse(sandbox: Sandbox, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, as a person with that environment would."""
    return subprocess.run(
        [sys.executable, "-m", "loaders.cli", *arguments],
        env={**os.environ, **sandbox.env, "COLUMNS": "300", **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def dbt(sandbox: Sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt on that sandbox, with compiled files of its own so that runs do not meet."""
    return subprocess.run(
        ["dbt", *arguments, "--target-path", str(sandbox.settings.state / "target")],
        env={**os.environ, **sandbox.env, "DBT_LOG_PATH": str(sandbox.settings.state / "logs")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def world(sandbox: Sandbox) -> World:
    """The world that the sandbox's sources generate, anew."""
    settings = sandbox.settings
    return World(settings.seed, settings.scale, settings.start, settings.days, settings.dirt)


def truth(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    """What the sources wrote down of it, a line each."""
    path = sandbox.settings.root / "truth" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


@contextmanager
def faults(sandbox: Sandbox, **fault: Any) -> Iterator[None]:
    """Let the stand-ins misbehave for the length of the block."""
    admin(sandbox, "faults", fault)
    try:
        yield
    finally:
        admin(sandbox, "faults", method="DELETE")


def admin(
    sandbox: Sandbox, what: str, body: dict[str, Any] | None = None, method: str = "POST"
) -> Any:
    """Call the stand-ins' admin endpoints."""
    request = urllib.request.Request(
        f"http://{sandbox.settings.host}:{sandbox.settings.sources_port}/sandbox/{what}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        text = response.read()
    return json.loads(text) if text else None
