"""How the integration tests drive the sandbox: the command line, faults, and logins."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from sandbox.settings import password
from tests.conftest import Sandbox


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


@contextmanager
def client(sandbox: Sandbox, user: str) -> Iterator[Client]:
    """Log in as one of the users of `loaders/grants.sql`."""
    made = clickhouse_connect.get_client(
        host=sandbox.settings.host,
        port=sandbox.settings.clickhouse_http_port,
        username=user,
        password=password(user),
    )
    try:
        yield made
    finally:
        made.close()


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
