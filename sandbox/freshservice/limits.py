"""Calls per minute: one budget for the account, and smaller ones for some endpoints."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

WINDOW_SECONDS = 60.0


@dataclass
class Limits:
    """Calls per minute. The defaults let a demo load at full speed; a real plan has 100 to 500."""

    total: int = 60_000
    list_tickets: int = 60_000
    view_ticket: int = 60_000
    list_requesters: int = 60_000
    list_agents: int = 60_000
    list_assets: int = 60_000
    list_include_credits: int = 2
    view_include_credits: int = 1

    def change(self, changes: dict[str, int]) -> None:
        """Other limits from now on. A name or a value that makes no sense is refused."""
        for name, value in changes.items():
            if name not in asdict(self):
                raise ValueError(f"there is no limit {name}: choose from {', '.join(asdict(self))}")
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"limit {name} must be a whole number above 0, not {value!r}")
            setattr(self, name, value)


@dataclass(frozen=True)
class Verdict:
    """What the limiter says of one call."""

    total: int
    remaining: int
    cost: int
    retry_after: int | None
    """Seconds to wait; None lets the call through."""

    @property
    def headers(self) -> dict[str, str]:
        """What the answer tells about it."""
        headers = {
            "X-Ratelimit-Total": str(self.total),
            "X-Ratelimit-Remaining": str(self.remaining),
            "X-Ratelimit-Used-CurrentRequest": str(self.cost),
        }
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return headers


class Limiter:
    """Counts credits in windows of a minute that begin with their first call."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._opened = -math.inf
        self._used = 0
        self._calls: Counter[str] = Counter()

    def charge(self, endpoint: str, includes: int) -> Verdict:
        """Count a call, valid or not: Freshservice charges for mistakes too."""
        now = self._clock()
        if now - self._opened >= WINDOW_SECONDS:
            self._opened, self._used = now, 0
            self._calls.clear()
        cost = 1 + includes * self._credits(endpoint)
        total = self.limits.total
        sub_limit = getattr(self.limits, endpoint, total)
        if self._used + cost > total or self._calls[endpoint] >= sub_limit:
            wait = math.ceil(self._opened + WINDOW_SECONDS - now)
            return Verdict(total, max(0, total - self._used), cost, max(1, wait))
        self._used += cost
        self._calls[endpoint] += 1
        return Verdict(total, total - self._used, cost, None)

    def _credits(self, endpoint: str) -> int:
        if endpoint.startswith("view_"):
            return self.limits.view_include_credits
        return self.limits.list_include_credits
