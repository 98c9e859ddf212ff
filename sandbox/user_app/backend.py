"""What stands behind the app's API: its log, its tokens, its limit and its open sockets."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.user_app.log import Log
from sandbox.world.moments import HOUR

CALLS_PER_MINUTE = {
    "demo": 60_000,
    "starter": 60,
    "growth": 120,
    "pro": 300,
    "enterprise": 600,
}
"""By plan: how often /messages may be asked for."""


@dataclass
class Backend:
    """One server of the app.

    Attributes
    ----------
    calls, window_seconds
        How often /messages may be asked for in a window of time.
    token_seconds
        How long a token is good for; a socket that was opened with it is closed with it.
    replay_milliseconds
        How much world time the socket's buffer holds.
    ping_seconds
        How often the server looks whether the other end of a socket is there.
    """

    log: Log
    client_id: str
    client_secret: str
    calls: int = CALLS_PER_MINUTE["demo"]
    window_seconds: float = 60.0
    token_seconds: float = 3600.0
    replay_milliseconds: int = HOUR
    ping_seconds: float = 20.0
    clock: Callable[[], float] = time.monotonic
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    _tokens: dict[str, float] = field(default_factory=dict)
    _opened: float = -math.inf
    _counted: int = 0

    def issue_token(self) -> str:
        """A new bearer token."""
        now = self.clock()
        self._tokens = {token: end for token, end in self._tokens.items() if end > now}
        token = secrets.token_hex(16)
        self._tokens[token] = now + self.token_seconds
        return token

    def seconds_left(self, token: str) -> float:
        """How long a token is still good for; 0 or less if it is not."""
        return self._tokens.get(token, -math.inf) - self.clock()

    def revoke_tokens(self) -> None:
        """No token is good any more."""
        self._tokens.clear()

    def charge(self) -> int | None:
        """Count a call; the seconds to wait if there were too many."""
        now = self.clock()
        if now - self._opened >= self.window_seconds:
            self._opened, self._counted = now, 0
        self._counted += 1
        if self._counted <= self.calls:
            return None
        return max(1, math.ceil(self._opened + self.window_seconds - now))


BACKEND = web.AppKey("backend", Backend)


def bearer_seconds(request: web.Request) -> float:
    """How long the token of a request is still good for."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return request.app[BACKEND].seconds_left(token if scheme.lower() == "bearer" else "")
