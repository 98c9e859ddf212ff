"""Calls per minute: one budget for the account, and smaller ones for some endpoints."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

GENEROUS = 60_000


@dataclass
class Limits:
    """What the account may do. The defaults let a demo load at full speed; see PLANS."""

    total: int = GENEROUS
    list_tickets: int = GENEROUS
    view_ticket: int = GENEROUS
    list_requesters: int = GENEROUS
    list_agents: int = GENEROUS
    list_assets: int = GENEROUS
    list_include_credits: int = 2
    view_include_credits: int = 1
    window_seconds: float = 60.0
    """A minute; tests make it shorter."""
    depth_cap: int = 0
    """The last page that may be asked for, or 0. Freshdesk's is 300; Freshservice has none."""
    decimal_headers: bool = False
    """Whether the headers say 100.0 instead of 100: clients of the real API have met both."""
    locked: tuple[str, ...] = ()
    """The modules that the plan does not have: asking for one is answered with require_feature."""

    def change(self, changes: Mapping[str, Any]) -> None:
        """Other limits from now on. A name or a value that makes no sense is refused."""
        for name, value in changes.items():
            if name not in asdict(self):
                raise ValueError(f"there is no limit {name}: choose from {', '.join(asdict(self))}")
            problem = _problem(name, value)
            if problem:
                raise ValueError(f"limit {name} must be {problem}, not {value!r}")
        for name, value in changes.items():
            setattr(self, name, tuple(value) if name == "locked" else value)


def _problem(name: str, value: Any) -> str | None:
    if name == "decimal_headers":
        return None if isinstance(value, bool) else "true or false"
    if name == "locked":
        sound = isinstance(value, (list, tuple)) and all(isinstance(it, str) for it in value)
        return None if sound else "a list of modules"
    if name == "window_seconds":
        sound = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
        return None if sound else "a number above 0"
    least = 0 if name == "depth_cap" else 1
    sound = isinstance(value, int) and not isinstance(value, bool) and value >= least
    return None if sound else f"a whole number of at least {least}"


CHANGE_MODULES = ("problems", "changes", "releases", "contracts", "purchase_orders", "applications")
ASSET_MODULES = ("assets", "asset_types", "products", "vendors")


def _plan(total: int, listing: int, viewing: int, *locked: str) -> Callable[[], Limits]:
    return lambda: Limits(total, listing, viewing, listing, listing, listing, locked=locked)


PLANS: dict[str, Callable[[], Limits]] = {
    "demo": Limits,
    "starter": _plan(100, 40, 50, *CHANGE_MODULES, *ASSET_MODULES),
    "growth": _plan(200, 70, 80, *CHANGE_MODULES),
    "pro": _plan(400, 120, 140),
    "enterprise": _plan(500, 140, 160),
}
"""The limits that come with a plan, as the vendor names them, and one without a real account's."""


@dataclass(frozen=True)
class Verdict:
    """What the limiter says of one call."""

    total: int
    remaining: int
    cost: int
    retry_after: int | None
    """Seconds to wait; None lets the call through."""
    decimal: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What the answer tells about it."""
        headers = {
            "X-Ratelimit-Total": self._spelt(self.total),
            "X-Ratelimit-Remaining": self._spelt(self.remaining),
            "X-Ratelimit-Used-CurrentRequest": self._spelt(self.cost),
        }
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return headers

    def _spelt(self, count: int) -> str:
        return f"{count}.0" if self.decimal else str(count)


@dataclass
class Window:
    """What was used in one window of time."""

    opened_after_seconds: float
    """Since the first call of all."""
    credits: int
    calls: Counter[str]
    refused: Counter[str]

    def shown(self) -> dict[str, Any]:
        """For people and tests."""
        return {
            "opened_after_seconds": self.opened_after_seconds,
            "credits": self.credits,
            "calls": dict(self.calls),
            "refused": dict(self.refused),
        }


class Limiter:
    """Counts credits in windows of a minute that begin with their first call."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Begin to count anew."""
        self._first = self._opened = -math.inf
        self._windows: list[Window] = []

    def usage(self) -> dict[str, Any]:
        """What was used since counting began: whoever keeps within the budget is never refused."""
        return {
            "credits": sum(window.credits for window in self._windows),
            "most_credits_in_a_window": max((w.credits for w in self._windows), default=0),
            "calls": sum((w.calls for w in self._windows), Counter[str]()),
            "refused": sum(window.refused.total() for window in self._windows),
            "windows": [window.shown() for window in self._windows],
        }

    def charge(self, endpoint: str, includes: int) -> Verdict:
        """Count a call, valid or not: Freshservice charges for mistakes too."""
        window, now, limits = self._window(), self._clock(), self.limits
        cost, total = 1 + includes * self._credits(endpoint), limits.total
        sub_limit = getattr(limits, endpoint, total)
        if window.credits + cost > total or window.calls[endpoint] >= sub_limit:
            window.refused[endpoint] += 1
            wait = max(1, math.ceil(self._opened + limits.window_seconds - now))
            left = max(0, total - window.credits)
            return Verdict(total, left, cost, wait, limits.decimal_headers)
        window.credits += cost
        window.calls[endpoint] += 1
        return Verdict(total, total - window.credits, cost, None, limits.decimal_headers)

    def _window(self) -> Window:
        now = self._clock()
        if now - self._opened >= self.limits.window_seconds:
            self._opened = now
            if not self._windows:
                self._first = now
            self._windows.append(Window(round(now - self._first, 3), 0, Counter(), Counter()))
        return self._windows[-1]

    def _credits(self, endpoint: str) -> int:
        if endpoint.startswith("view_"):
            return self.limits.view_include_credits
        return self.limits.list_include_credits
