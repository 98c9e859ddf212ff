"""The API as an aiohttp application, and what every request passes before it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from hmac import compare_digest

from aiohttp import web

from sandbox.cursor_pages import (
    Allowance,
    CursorPages,
    InvalidError,
    Item,
    refusal,
    too_many,
)
from sandbox.world.attendance import Attendance
from sandbox.world.attendance.gates import Gate

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MOST = 5000
CALLS_PER_MINUTE = 6000


@dataclass
class Gates:
    """What the API serves."""

    attendance: Attendance
    now: Callable[[], int]
    ready: Callable[[], Awaitable[None]]
    """Returns when the world has been told up to now."""
    api_key: str
    calls_per_minute: int = CALLS_PER_MINUTE

    def __post_init__(self) -> None:
        self.allowance = Allowance(self.calls_per_minute)
        self.metrics = CursorPages(self._reports, MOST)
        self.gates = CursorPages(self._gates, MOST)

    def _reports(self, since: int, until: int) -> Iterator[Item]:
        for report in self.attendance.gate_minutes(since - 1, until - 1):
            yield report.reported_at, report.body

    def _gates(self, _since: int, until: int) -> Iterator[Item]:
        return ((0, listed(gate)) for gate in self.attendance.gates(until - 1))


def listed(gate: Gate) -> dict[str, object]:
    """A gate as the list has it."""
    return {
        "gate_id": gate.gate_id,
        "venue_id": gate.venue_id,
        "zone": gate.zone,
        "lanes": gate.lanes,
    }


GATES = web.AppKey("gates", Gates)


def api(gates: Gates) -> web.Application:
    """The application to mount at /gate."""
    app = web.Application(middlewares=[_charged, _known, _valid])
    app[GATES] = gates
    app.add_routes([web.get("/metrics", list_metrics), web.get("/gates", list_gates)])
    return app


async def list_metrics(request: web.Request) -> web.Response:
    """GET /gate/metrics?from=&until=: what was reported in that time, oldest first."""
    gates = request.app[GATES]
    await gates.ready()
    return gates.metrics.page(request, gates.now(), "from", "until")


async def list_gates(request: web.Request) -> web.Response:
    """GET /gate/gates: every gate."""
    gates = request.app[GATES]
    await gates.ready()
    return gates.gates.page(request, gates.now(), "from")


@web.middleware
async def _charged(request: web.Request, handler: Handler) -> web.StreamResponse:
    wait = request.app[GATES].allowance.wait()
    return too_many(wait) if wait else await handler(request)


@web.middleware
async def _known(request: web.Request, handler: Handler) -> web.StreamResponse:
    key = request.headers.get("X-API-Key", "")
    if not compare_digest(key.encode(), request.app[GATES].api_key.encode()):
        return refusal(401, "unauthorized", "The API key is missing or wrong.")
    return await handler(request)


@web.middleware
async def _valid(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except InvalidError as error:
        return refusal(400, "invalid_parameter", str(error))
