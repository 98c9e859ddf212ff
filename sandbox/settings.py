"""Where the sandbox lives and which world it generates, read from ``GATEHOUSE_*`` variables."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sandbox.files import write_atomically

HOST = "127.0.0.1"
DATABASES = ("raw", "staging", "snapshots", "seeds", "marts", "realtime", "quality")
USERS = ("loader", "transformer", "reader", "operator", "monitor", "eraser", "ci")
DEFAULT_PORTS = {
    "clickhouse_http_port": 18123,
    "clickhouse_tcp_port": 19000,
    "kafka_port": 19092,
    "sources_port": 18080,
}
FRESHSERVICE_API_KEY = "freshservice-sandbox-key"
GATE_MANAGEMENT_API_KEY = "gate-management-sandbox-key"
PLATFORM_CLIENT = ("gatehouse", "platform-sandbox-secret")
USER_APP_CLIENT = ("gatehouse", "user-app-sandbox-secret")
# Fixed, so that a sandbox that is rebuilt gives the same pseudonyms. It protects nothing but
# generated people; `gatehouse` asks for a real key wherever the target is not the sandbox.
PRIVACY_KEYS = "k1:sandbox-only-key-of-invented-people-0001"
# What the service desk's account may do in a minute; freshservice/limits.py has the figures.
PLANS = ("demo", "starter", "growth", "pro", "enterprise")

T = TypeVar("T")


class SettingsError(ValueError):
    """A setting nobody can work with; the message is one line and names the remedy."""


@dataclass(frozen=True)
class Settings:
    """One sandbox. Two of them with other ports and another state folder live side by side."""

    state: Path
    clickhouse_http_port: int
    clickhouse_tcp_port: int
    kafka_port: int
    sources_port: int
    seed: int
    scale: float
    start: date
    days: int
    dirt: float
    plan: str = "demo"
    host: str = HOST

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Settings from the variables; what is unset is as frozen at the first `up`, or default."""
        state = Path(env.get("GATEHOUSE_STATE") or ".gatehouse").absolute()
        frozen = _frozen_world(world_file(state))
        days = _read(env, frozen, "days", "90", _days)
        return cls(
            state,
            *_ports(env),
            seed=_read(env, frozen, "seed", "1", _seed),
            scale=_read(env, frozen, "scale", "1", _scale),
            start=_read(env, frozen, "start", str(date.today() - timedelta(days=days)), _day),
            days=days,
            dirt=_read(env, frozen, "dirt", "0.01", _dirt),
            # No part of the world, so it may change from one start to the next.
            plan=_read(env, {}, "plan", "demo", _plan),
        )

    @property
    def root(self) -> Path:
        """The folder that holds all state of the sandbox."""
        return self.state / "sandbox"

    @property
    def ports(self) -> dict[str, int]:
        """The ports, by name."""
        return {name: getattr(self, name) for name in DEFAULT_PORTS}

    @property
    def world(self) -> dict[str, str]:
        """The parameters that decide what the sources generate, as variables spell them."""
        return {
            "seed": str(self.seed),
            "scale": _spelt(self.scale),
            "start": self.start.isoformat(),
            "days": str(self.days),
            "dirt": _spelt(self.dirt),
        }


def world_file(state: Path) -> Path:
    """Where the world's parameters are frozen."""
    return state / "sandbox" / "world.json"


def freeze(settings: Settings) -> None:
    """Keep the world's parameters from the first `up` on, and refuse others later.

    Loaded history cannot change its seed or its first day; a sandbox that silently mixed two
    worlds would make every comparison with the truth wrong.
    """
    path = world_file(settings.state)
    if not path.exists():
        write_atomically(path, json.dumps(settings.world, indent=2) + "\n")
        return
    frozen = _frozen_world(path)
    if not frozen:
        raise SettingsError(f"{path} is damaged: run `make clean` to begin a new sandbox")
    for name, value in settings.world.items():
        if frozen[name] != value:
            raise SettingsError(
                f"{_variable(name)} is {value}, but this sandbox was made with {frozen[name]}: "
                "unset it, or run `make clean` to begin a new one"
            )


def environment(settings: Settings) -> dict[str, str]:
    """The variables that point loaders, dbt and the sandbox's own processes at this sandbox."""
    sources = f"http://{settings.host}:{settings.sources_port}"
    broker = f"{settings.host}:{settings.kafka_port}"
    return {
        "GATEHOUSE_STATE": str(settings.state),
        "GATEHOUSE_CLICKHOUSE_HOST": settings.host,
        "GATEHOUSE_CLICKHOUSE_HTTP_PORT": str(settings.clickhouse_http_port),
        "GATEHOUSE_CLICKHOUSE_TCP_PORT": str(settings.clickhouse_tcp_port),
        "GATEHOUSE_CLICKHOUSE_SECURE": "false",
        "GATEHOUSE_KAFKA_PORT": str(settings.kafka_port),
        "GATEHOUSE_SOURCES_PORT": str(settings.sources_port),
        **{_variable(name): value for name, value in settings.world.items()},
        _variable("plan"): settings.plan,
        "GATEHOUSE_LOADER_PASSWORD": password("loader"),
        "GATEHOUSE_OPERATOR_PASSWORD": password("operator"),
        "GATEHOUSE_MONITOR_PASSWORD": password("monitor"),
        "GATEHOUSE_ERASER_PASSWORD": password("eraser"),
        "DBT_ENV_SECRET_TRANSFORMER_PASSWORD": password("transformer"),
        "DBT_ENV_SECRET_CI_PASSWORD": password("ci"),
        "GATEHOUSE_PRIVACY_KEYS": PRIVACY_KEYS,
        "SOURCES__FRESHSERVICE__BASE_URL": f"{sources}/api/v2",
        "SOURCES__FRESHSERVICE__API_KEY": FRESHSERVICE_API_KEY,
        "SOURCES__GATE_MANAGEMENT__BASE_URL": f"{sources}/gate",
        "SOURCES__GATE_MANAGEMENT__API_KEY": GATE_MANAGEMENT_API_KEY,
        "SOURCES__INTEGRATED_PLATFORM__BASE_URL": f"{sources}/platform",
        "SOURCES__INTEGRATED_PLATFORM__CLIENT_ID": PLATFORM_CLIENT[0],
        "SOURCES__INTEGRATED_PLATFORM__CLIENT_SECRET": PLATFORM_CLIENT[1],
        "SOURCES__USER_APP__BASE_URL": f"{sources}/user-app",
        "SOURCES__USER_APP__CLIENT_ID": USER_APP_CLIENT[0],
        "SOURCES__USER_APP__CLIENT_SECRET": USER_APP_CLIENT[1],
        "SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS": broker,
        "SOURCES__TICKET_EVENTS__BOOTSTRAP_SERVERS": broker,
    }


def password(user: str) -> str:
    """The password of a ClickHouse user of the sandbox, and of the sandbox only."""
    return f"{user}-sandbox"


def _variable(name: str) -> str:
    return f"GATEHOUSE_SANDBOX_{name.upper()}"


def _spelt(number: float) -> str:
    """Exactly, but 1 for 1.0, as people write it."""
    return repr(number).removesuffix(".0")


def _frozen_world(path: Path) -> dict[str, str]:
    """The frozen parameters, or none; `freeze` is the one that complains about a damaged file."""
    try:
        frozen: Any = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    names = {"seed", "scale", "start", "days", "dirt"}
    sound = isinstance(frozen, dict) and set(frozen) == names
    return frozen if sound and all(isinstance(it, str) for it in frozen.values()) else {}


def _read(
    env: Mapping[str, str],
    frozen: Mapping[str, str],
    name: str,
    default: str,
    parse: Callable[[str], T],
) -> T:
    return _parse(env, _variable(name), frozen.get(name, default), parse)


def _ports(env: Mapping[str, str]) -> tuple[int, int, int, int]:
    ports: dict[str, int] = {}
    for name, default in DEFAULT_PORTS.items():
        port = _parse(env, f"GATEHOUSE_{name.upper()}", str(default), _port)
        for other, taken in ports.items():
            if port == taken:
                raise SettingsError(
                    f"GATEHOUSE_{other.upper()} and GATEHOUSE_{name.upper()} are both {port}: "
                    "give each a port of its own"
                )
        ports[name] = port
    http, tcp, kafka, sources = ports.values()
    return http, tcp, kafka, sources


def _parse(env: Mapping[str, str], variable: str, default: str, parse: Callable[[str], T]) -> T:
    value = env.get(variable) or default
    try:
        return parse(value)
    except ValueError as error:
        raise SettingsError(
            f"{variable} is {value!r}, {error}: set it right, or unset it for {default}"
        ) from None


def _port(value: str) -> int:
    return _whole(value, 1, 65535)


def _seed(value: str) -> int:
    return _whole(value, 0, 2**32 - 1)


def _days(value: str) -> int:
    return _whole(value, 1, 3660)


def _scale(value: str) -> float:
    return _number(value, 0.001, 1000)


def _dirt(value: str) -> float:
    return _number(value, 0, 1)


def _plan(value: str) -> str:
    if value not in PLANS:
        raise ValueError(f"not one of {', '.join(PLANS)}")
    return value


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("not a date like 2026-01-31") from None


def _whole(value: str, low: int, high: int) -> int:
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise ValueError(f"not a whole number from {low} to {high}")
    return int(value)


def _number(value: str, low: float, high: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise ValueError(f"not a number from {low:g} to {high:g}")
    return number
