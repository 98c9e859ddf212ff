"""How tests make a sandbox of their own: on free ports, in a folder of their own, small."""

import os
import random
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import clickhouse_connect
from clickhouse_connect.driver.httputil import get_pool_manager

from sandbox.settings import HOST, Settings, environment, password

SMALL_WORLD = {
    "GATEHOUSE_SANDBOX_SCALE": "0.01",
    "GATEHOUSE_SANDBOX_DAYS": "14",
    # What holds in one world has to hold in another.
    "GATEHOUSE_SANDBOX_SEED": os.environ.get("GATEHOUSE_SANDBOX_SEED", "1"),
}


class Sandbox(NamedTuple):
    settings: Settings
    env: dict[str, str]  # what points loaders, dbt and the command line at it


def free_port() -> int:
    # Below the range from which systems lend ports to clients: nobody takes it in between.
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as candidate:
            if candidate.connect_ex((HOST, port)) == 0:
                continue
        with socket.socket() as candidate:
            try:
                candidate.bind((HOST, port))
            except OSError:
                continue
        return port


def own_ports() -> dict[str, str]:
    """A port for each of a sandbox's servers, no two of them the same."""
    names = ("CLICKHOUSE_HTTP", "CLICKHOUSE_TCP", "KAFKA", "SOURCES")
    ports: set[int] = set()
    while len(ports) < len(names):
        ports.add(free_port())
    return {f"GATEHOUSE_{name}_PORT": str(port) for name, port in zip(names, ports, strict=True)}


def throwaway(state: Path, **variables: str) -> Sandbox:
    env = {"GATEHOUSE_STATE": str(state), **own_ports(), **SMALL_WORLD, **variables}
    settings = Settings.from_env(env)
    return Sandbox(settings, environment(settings))


def ask(
    settings: Settings, user: str, statement: str, secret: str | None = None
) -> Sequence[Sequence[Any]]:
    """Run one statement and leave no connection open: the server would wait for it at its end."""
    pool = get_pool_manager()
    try:
        client = clickhouse_connect.get_client(
            host=settings.host,
            port=settings.clickhouse_http_port,
            username=user,
            password=password(user) if secret is None else secret,
            pool_mgr=pool,
        )
        return client.query(statement).result_rows
    finally:
        pool.clear()
