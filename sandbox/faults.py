"""Faults on demand: the next calls of an endpoint fail in the way that a test asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from aiohttp import web

LOG = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


_KINDS = {"status", "moves_clock_seconds", "closes_with"}


class FaultError(ValueError):
    """A fault that cannot be staged; the message says what is wrong with it."""


@dataclass
class Fault:
    """What happens to the next `times` requests under a path, after the first `skip` of them."""

    path_prefix: str
    status: int = 200
    times: int = 1
    skip: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    moves_clock_seconds: int = 0
    """If not 0, the request is answered as ever, but the world has moved on by then: so does a page
    that is read while what it lists changes."""
    closes_with: int = 0
    """If not 0, the socket that is asked for opens, and is closed with this code (1006: is cut off)
    after so many frames."""
    frames: int = 0

    @classmethod
    def from_json(cls, asked: Any) -> Fault:
        """A fault as it is posted. Whatever is wrong with it is said by name."""
        known = {"path_prefix", "times", "skip", "headers", "body", "frames", *_KINDS}
        if not isinstance(asked, dict) or "path_prefix" not in asked or not _KINDS & set(asked):
            raise FaultError("a fault is an object with path_prefix and status")
        if set(asked) - known:
            raise FaultError(f"a fault has no {', '.join(sorted(set(asked) - known))}")
        for name in {*_KINDS, "times", "skip", "frames"} & set(asked):
            if type(asked[name]) is not int or asked[name] < 0:
                raise FaultError(f"{name} must be a whole number, not {asked[name]!r}")
        if not 100 <= asked.get("status", 200) <= 599:
            raise FaultError(f"{asked['status']} is no HTTP status")
        headers = {str(k): str(v) for k, v in (asked.get("headers") or {}).items()}
        return cls(**{**asked, "path_prefix": str(asked["path_prefix"]), "headers": headers})

    def answer(self) -> web.Response:
        """The answer that is sent instead of the real one."""
        body = self.body
        if body is None:
            body = {"code": "staged_fault", "message": f"A fault with status {self.status}."}
        # Text goes out as it is, so that a page can also be no JSON at all.
        raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
        headers = {"Content-Type": "application/json; charset=utf-8", **self.headers}
        return web.Response(body=raw, status=self.status, headers=headers)


class Faults:
    """The faults that are still to come, the oldest first."""

    def __init__(self, move_clock: Callable[[int], None]) -> None:
        self.move_clock = move_clock
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Stage one more."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._faults.clear()

    def strike(self, path: str) -> Fault | None:
        """The fault that this request meets, if any; each is used up by what it strikes."""
        with self._lock:
            for fault in self._faults:
                if not path.startswith(fault.path_prefix) or not fault.times:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    return None
                fault.times -= 1
                return fault
            return None

    def pending(self) -> list[dict[str, Any]]:
        """What is still to come, for people to see."""
        with self._lock:
            return [asdict(fault) for fault in self._faults if fault.times]


FAULTS = web.AppKey("faults", Faults)
FAULT = web.RequestKey("fault", Fault)
"""Where a request carries the fault that its handler has to stage."""


@web.middleware
async def staged_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What every request to a stand-in passes first; the handles of the sandbox are spared."""
    spared = request.path.startswith("/sandbox/")
    fault = None if spared else request.app[FAULTS].strike(request.path)
    if fault is None:
        return await handler(request)
    if fault.moves_clock_seconds:
        request.app[FAULTS].move_clock(fault.moves_clock_seconds)
        return await handler(request)
    if fault.closes_with:
        request[FAULT] = fault
        return await handler(request)
    LOG.info("%s meets a staged fault: %d", request.path, fault.status)
    return fault.answer()
