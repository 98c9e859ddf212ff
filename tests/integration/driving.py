"""How the integration tests drive a sandbox: the command line, dbt, faults, and the truth."""

import hashlib
import hmac
import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.settings import PRIVACY_KEYS
from sandbox.world.world import World
from tests.sandboxes import Sandbox, ask

# The key of pseudonyms after a rotation.
NEW_KEY = "k2:sandbox-only-key-of-invented-people-0002"
# Importing dbt takes 3.5 s of a processor and dlt 1.5 s: done once, and every run is a fork of the
# process that did. The modules with the commands themselves read the environment: not those.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.clickhouse", "dlt.destinations"])


def gatehouse(sandbox: Sandbox, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, as a person with that environment would."""
    return run("loaders.cli", "main", arguments, {**sandbox.env, "COLUMNS": "300", **env})


def load_a_package(sandbox: Sandbox, source: str, rows: int) -> subprocess.CompletedProcess[str]:
    """Load a source no further than its first package of so many records.

    It stops in between packages, not as by a kill: nothing of it lands again.
    """
    of_rows = f"SOURCES__{source.upper()}__BATCH_ROWS"
    small = {of_rows: str(rows), "SOURCES__USER_APP__PAGE_SIZE": str(rows)}
    return run(__name__, "_land_once", ("load", source), {**sandbox.env, **small})


def _land_once() -> None:
    """Be the command line, which refuses to land a second package."""
    # Not before the environment is the command's: see _FORKS.
    from loaders import cli, topic
    from loaders.errors import GatehouseError
    from loaders.landing import land
    from loaders.user_app import run

    landed: list[str] = []

    def land_once(pipeline: Any, data: Any) -> None:
        if landed:
            raise GatehouseError("One package has landed.", "Load on.")
        land(pipeline, data)
        landed.append(pipeline.pipeline_name)

    topic.land = run.land = land_once
    cli.main()


def dbt(sandbox: Sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt on that sandbox, with compiled files of its own so that runs do not meet."""
    return run("dbt.cli.main", "cli", (*arguments, *own_folders(sandbox)), sandbox.env)


def own_folders(sandbox: Sandbox) -> list[str]:
    """The options that let dbt write into the sandbox's folder."""
    state = sandbox.settings.state
    return ["--target-path", str(state / "target"), "--log-path", str(state / "logs")]


def run(
    module: str, function: str, arguments: Sequence[str], env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Call a function in a process of its own, whose command line these arguments are."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "stdout", Path(folder) / "stderr"
        process = _FORKS.Process(
            target=_be, args=(module, function, arguments, {**os.environ, **env}, out, err)
        )
        process.start()
        process.join(600)
        if process.is_alive():
            process.kill()
            raise TimeoutError(f"{module} {arguments} after 600 s: {out.read_text()}")
        code = process.exitcode or 0
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


def _be(
    module: str,
    function: str,
    arguments: Sequence[str],
    env: dict[str, str],
    out: Path,
    err: Path,
) -> None:
    os.environ.clear()
    os.environ.update(env)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = [module, *arguments]
    getattr(importlib.import_module(module), function)()


def world(sandbox: Sandbox) -> World:
    """The world that the sandbox's sources generate, anew."""
    settings = sandbox.settings
    return World(settings.seed, settings.scale, settings.start, settings.days, settings.dirt)


def truth(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    """What the sources wrote down of it, a line each."""
    while (health := admin(sandbox, "health", method="GET"))["truth_at"] != health["clock"]:
        time.sleep(0.1)
    path = sandbox.settings.root / "truth" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def pseudonym(value: str, key: str = PRIVACY_KEYS) -> str:
    """What the door makes of an identifier, by another hand."""
    key_id, _, secret = key.partition(":")
    digest = hmac.new(secret.encode(), value.encode(), hashlib.sha256).hexdigest()
    return f"{key_id}.{digest[:32]}"


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


def unread_tickets(sandbox: Sandbox) -> set[int]:
    """Old tickets whose activities the source cannot show: it answers 500 for ever."""
    unread = "feed = 'activities' and parent_type = 'ticket' and status = 500"
    found = ask(
        sandbox.settings,
        "transformer",
        f"select parent_id from raw.freshservice__unanswered where {unread}",
    )
    return {ticket_id for (ticket_id,) in found}
