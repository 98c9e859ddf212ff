"""The table of the sandbox's parts: how each is started, where it answers, whether it is well."""

from __future__ import annotations

import http
import http.client
import json
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sandbox import broker
from sandbox.settings import Settings, password

PROBE_SECONDS = 3.0

Details = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One process. `check` returns what there is to say of it, or raises OSError when it is ill."""

    name: str
    command: Callable[[Settings], list[str]]
    ports: dict[str, int]  # by the variable that moves it
    address: str
    check: Callable[[Settings], Details]
    start_seconds: float = 30
    stop_seconds: float = 10


def parts(settings: Settings) -> list[Part]:
    """In the order in which they start; they stop in the opposite one."""
    return [
        Part(
            name="clickhouse",
            command=_module("sandbox.clickhouse"),
            ports={
                "GATEHOUSE_CLICKHOUSE_HTTP_PORT": settings.clickhouse_http_port,
                "GATEHOUSE_CLICKHOUSE_TCP_PORT": settings.clickhouse_tcp_port,
            },
            address=f"http://{settings.host}:{settings.clickhouse_http_port}",
            check=_check_clickhouse,
            start_seconds=60,  # with much data, tables load before the ports open
            stop_seconds=30,
        ),
        Part(
            name="broker",
            command=broker.command,
            ports={"GATEHOUSE_KAFKA_PORT": settings.kafka_port},
            address=f"kafka://{settings.host}:{settings.kafka_port}",
            check=_check_broker,
        ),
        Part(
            name="sources",
            command=_module("sandbox.sources"),
            ports={"GATEHOUSE_SOURCES_PORT": settings.sources_port},
            address=f"http://{settings.host}:{settings.sources_port}",
            check=check_sources,
            start_seconds=60,
        ),
    ]


def check_sources(settings: Settings) -> Details:
    """What the sources say of themselves; of the history, `published` counts up to `to_publish`."""
    answer = _get(settings, settings.sources_port, "/sandbox/health")
    try:
        said = json.loads(answer)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise OSError(f"port {settings.sources_port} does not answer as the sources do")
    return said


def _check_clickhouse(settings: Settings) -> Details:
    # Over HTTP by a real login; the native port opens last, so it answers for both.
    with socket.create_connection((settings.host, settings.clickhouse_tcp_port), PROBE_SECONDS):
        pass
    login = {"X-ClickHouse-User": "reader", "X-ClickHouse-Key": password("reader")}
    version = _get(settings, settings.clickhouse_http_port, "/?query=select+version()", login)
    return {"version": version.strip(), "native_port": settings.clickhouse_tcp_port}


def _check_broker(settings: Settings) -> Details:
    return {"topics": broker.topics(settings, PROBE_SECONDS)}


def _get(
    settings: Settings, port: int, path: str, headers: Mapping[str, str] = MappingProxyType({})
) -> str:
    connection = http.client.HTTPConnection(settings.host, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        text = answer.read(100_000).decode(errors="replace")
    except http.client.HTTPException as error:
        raise OSError(f"port {port} does not speak HTTP: {error!r}") from None
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise OSError(f"HTTP {answer.status} from port {port}: {text.strip()[:300]}")
    return text


def _module(name: str) -> Callable[[Settings], list[str]]:
    # An -X option of no known name does nothing. It makes the command line unique to this sandbox,
    # so that a process whose record is lost can be told from a neighbour's.
    return lambda settings: [
        *(sys.executable, "-X", f"gatehouse-state={settings.state}"),
        *("-m", name),
    ]
