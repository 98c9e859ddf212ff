"""Gate management and the integrated platform in this process, with records of the test's own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from aiohttp import web

from sandbox import gate_management, integrated_platform
from sandbox.faults import FAULTS, Fault, Faults, staged_faults
from sandbox.gate_management import Gates
from sandbox.integrated_platform import Portal
from sandbox.world.attendance.gates import Gate
from sandbox.world.moments import moment

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
API_KEY = "the-key-of-the-test"
CLIENT = ("me", "a-secret-of-the-test")
GATE = Gate("ven-1-g1", "ven-1", "North", 2, "4.2.0", True, True, 0.0, 0.0)


class Shown(NamedTuple):
    """A record of either source."""

    at: int
    body: Any

    @property
    def reported_at(self) -> int:
        return self.at

    def fields(self) -> Any:
        return self.body


def minute(number: int, **changes: Any) -> dict[str, Any]:
    """A report of the number-th minute after 12:00 of lane 1."""
    return {
        "event_id": "evt-1",
        "gate_id": "ven-1-g1",
        "lane": 1,
        "minute_at": written(START + timedelta(minutes=number)),
        "reported_at": written(START + timedelta(minutes=number + 1)),
        "entries": 3,
        "exits": 0,
        "rejects": {"duplicate": 0, "invalid": 0, "wrong_gate": 0, "revoked": 0},
        "manual_overrides": 0,
        "status": "online",
        "firmware": "4.2.0",
        **changes,
    }


def hour(number: int, **changes: Any) -> dict[str, Any]:
    """What the platform says of the number-th hour after 12:00."""
    return {
        "organization_id": "org-1",
        "event_id": "evt-1",
        "channel": "web",
        "hour_at": written(START + timedelta(hours=number)),
        "updated_at": written(START + timedelta(hours=number + 1)),
        "visitors": 9,
        "signups": 3,
        "conversions": 2,
        "revenue_minor": 1000,
        "currency": "EUR",
        **changes,
    }


def profile(number: int, **changes: Any) -> dict[str, Any]:
    """A person whom the platform knows."""
    return {
        "user_id": f"usr-{number:08d}",
        "updated_at": written(START + timedelta(minutes=number)),
        "segment": "business",
        "country": "DE",
        "organization_id": "org-1",
        "email": f"kim{number}@example.com",
        "full_name": "Kim Doe",
        "phone": "+49-30-1234567",
        **changes,
    }


def written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class Sources:
    """Both systems with one clock: the stand-ins' world, as far as they need it."""

    def __init__(self) -> None:
        self.minutes: list[Shown] = []
        self.hours: list[Shown] = []
        self.people: list[Shown] = []
        self.now = START + timedelta(days=1)
        self.faults = Faults(lambda _seconds: None)
        any_world: Any = self
        self.gates_api = Gates(any_world, self.now_ms, self.ready, API_KEY)
        self.portal = Portal(any_world, self.now_ms, self.ready, *CLIENT)
        self.url = ""

    def now_ms(self) -> int:
        return moment(self.now)

    async def ready(self) -> None:
        """All is told."""

    def report(self, *bodies: Any, at: datetime | None = None) -> None:
        """Let reports come in, at their own reported_at unless another is given."""
        self._show(self.minutes, bodies, "reported_at", at)

    def state(self, *bodies: Any, at: datetime | None = None) -> None:
        """Let the platform state hours."""
        self._show(self.hours, bodies, "updated_at", at)

    def know(self, *bodies: Any, at: datetime | None = None) -> None:
        """Let the platform know people."""
        self._show(self.people, bodies, "updated_at", at)

    def stage(self, **fault: Any) -> None:
        self.faults.add(Fault.from_json({"path_prefix": "/", **fault}))

    def gate_minutes(self, since: int, until: int) -> Iterator[Shown]:
        return (shown for shown in self.minutes if since < shown.at <= until)

    def gates(self, _now: int) -> list[Gate]:
        return [GATE]

    def analytics(self, now: int) -> list[Shown]:
        return [shown for shown in self.hours if shown.at <= now]

    def profiles(self, now: int) -> list[Shown]:
        return [shown for shown in self.people if shown.at <= now]

    @staticmethod
    def _show(shelf: list[Shown], bodies: Any, field: str, at: datetime | None) -> None:
        for body in bodies:
            shelf.append(Shown(moment(at or datetime.fromisoformat(body[field])), body))
        shelf.sort(key=lambda shown: shown.at)


@contextmanager
def serving(sources: Sources) -> Iterator[Sources]:
    """Serve both on a free port for the length of the block."""
    loop, started = asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application(middlewares=[staged_faults])
        app[FAULTS] = sources.faults
        app.add_subapp("/gate", gate_management.api(sources.gates_api))
        app.add_subapp("/platform", integrated_platform.api(sources.portal))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sources.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        started.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield sources
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
