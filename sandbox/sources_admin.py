"""The handles of the sandbox's sources: health, the clock, faults and limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson
from aiohttp import web

from sandbox.faults import Fault, FaultError, Faults
from sandbox.freshservice.errors import answer
from sandbox.freshservice.limits import PLANS, Limiter
from sandbox.world import World
from sandbox.world.clock import ClockError, WorldClock


class Progress(Protocol):
    """What the admin endpoints need of the thread that keeps up with the clock."""

    to_publish: int | None

    @property
    def truth_at(self) -> datetime | None:
        """The moment as of which the truth is written."""

    @property
    def published(self) -> int:
        """Records that are on the broker."""

    @property
    def problem(self) -> str | None:
        """What keeps records from the broker."""

    def nudge(self) -> None:
        """The clock has moved."""


@dataclass
class Admin:
    """Everything that the admin endpoints show or move."""

    world: World
    clock: WorldClock
    faults: Faults
    limiter: Limiter
    progress: Progress


ADMIN = web.AppKey("admin", Admin)


def admin_routes() -> list[web.RouteDef]:
    """The endpoints under /sandbox/."""
    return [
        web.get("/sandbox/health", health),
        web.get("/sandbox/clock", show_clock),
        web.post("/sandbox/clock", move_clock),
        web.get("/sandbox/faults", show_faults),
        web.post("/sandbox/faults", add_fault),
        web.delete("/sandbox/faults", clear_faults),
        web.get("/sandbox/limits", show_limits),
        web.post("/sandbox/limits", change_limits),
        web.delete("/sandbox/limits", forget_usage),
    ]


async def health(request: web.Request) -> web.Response:
    """Answers at once, however much is still to be published."""
    admin = request.app[ADMIN]
    progress = admin.progress
    if progress.problem:
        status = "waiting for the broker"
    elif progress.to_publish is None:
        status = "generating"
    elif progress.published != progress.to_publish:
        status = "publishing"
    else:
        status = "ok" if progress.truth_at == admin.clock.now else "telling the truth"
    return answer(
        {
            "status": status,
            "published": progress.published,
            "to_publish": progress.to_publish,
            "clock": admin.clock.now,
            "truth_at": progress.truth_at,
            "problem": progress.problem,
            "world": asdict(admin.world.parameters),
        }
    )


async def show_clock(request: web.Request) -> web.Response:
    """GET /sandbox/clock."""
    return answer({"now": request.app[ADMIN].clock.now})


async def move_clock(request: web.Request) -> web.Response:
    """POST /sandbox/clock {"now": ...}: the API follows at once, truth and topic soon after."""
    admin, asked = request.app[ADMIN], await _json(request)
    try:
        admin.clock.move(datetime.fromisoformat(asked["now"]))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ClockError):
            return _refusal(str(error))
        return _refusal('the body must be {"now": "<ISO 8601 instant>"}')
    admin.progress.nudge()
    return answer({"now": admin.clock.now})


async def show_faults(request: web.Request) -> web.Response:
    """GET /sandbox/faults: those still to come."""
    return answer({"faults": request.app[ADMIN].faults.pending()})


async def add_fault(request: web.Request) -> web.Response:
    """POST /sandbox/faults: the next requests under a path fail."""
    try:
        fault = Fault.from_json(await _json(request))
    except FaultError as error:
        return _refusal(str(error))
    request.app[ADMIN].faults.add(fault)
    return answer(asdict(fault), 201)


async def clear_faults(request: web.Request) -> web.Response:
    """DELETE /sandbox/faults: everything works again."""
    request.app[ADMIN].faults.clear()
    return web.Response(status=204)


async def show_limits(request: web.Request) -> web.Response:
    """GET /sandbox/limits: the limits, and under usage what was called and what was refused."""
    limiter = request.app[ADMIN].limiter
    return answer({**asdict(limiter.limits), "usage": limiter.usage()})


async def change_limits(request: web.Request) -> web.Response:
    """POST /sandbox/limits: other limits by name, from now on; a plan brings all of its own."""
    limits, asked = request.app[ADMIN].limiter.limits, await _json(request)
    if not isinstance(asked, dict):
        return _refusal("the body must be an object of limits")
    try:
        plan = asked.pop("plan", None)
        limits.change({**_plan(plan), **asked})
    except ValueError as error:
        return _refusal(str(error))
    return answer(asdict(limits))


async def forget_usage(request: web.Request) -> web.Response:
    """DELETE /sandbox/limits: what was used is counted anew; the limits stay."""
    request.app[ADMIN].limiter.forget()
    return web.Response(status=204)


def _plan(name: object) -> dict[str, Any]:
    if name is None:
        return {}
    if name not in PLANS:
        raise ValueError(f"there is no plan {name}: choose from {', '.join(PLANS)}")
    return asdict(PLANS[str(name)]())


async def _json(request: web.Request) -> Any:
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return None


def _refusal(message: str) -> web.Response:
    return answer({"error": message}, 400)
