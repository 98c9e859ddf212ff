"""Pages of lists that are sorted by when their records were reported, with an opaque cursor.

    GET .../list?from=<instant>&until=<instant>&page_size=<n>
    {"data": [...], "next_cursor": "..." or null, "as_of": "<instant>"}

What S-Attend's gate management and integrated platform have in common.
"""

from __future__ import annotations

import base64
import binascii
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from sandbox.world.moments import instant

Item = tuple[int, Any]
"""When it was reported, in milliseconds, and the record."""
OPEN_LISTS = 8


class InvalidError(ValueError):
    """A parameter that the API refuses; the message names it."""


class Position(NamedTuple):
    """Where a list goes on: at which moment, after how many records of that very moment."""

    until: int
    at: int
    skip: int

    def sealed(self) -> str:
        """As a client carries it back."""
        return base64.urlsafe_b64encode(orjson.dumps(list(self))).decode()

    @classmethod
    def opened(cls, cursor: str) -> Position:
        """As it was."""
        try:
            until, at, skip = orjson.loads(base64.urlsafe_b64decode(cursor))
            return cls(int(until), int(at), int(skip))
        except (ValueError, TypeError, binascii.Error):
            raise InvalidError("cursor: not one of ours") from None


class CursorPages:
    """Serves a list; a page goes on where the last one stopped, without reading what was before.

    Parameters
    ----------
    read
        The records reported from one moment until before another, in that order.
    most
        Records of a page at most.
    """

    def __init__(self, read: Callable[[int, int], Iterator[Item]], most: int) -> None:
        self._read = read
        self._most = most
        self._open: OrderedDict[str, Iterator[Item]] = OrderedDict()

    def page(self, request: web.Request, now: int, since: str, until: str = "") -> web.Response:
        """Answer a request, whose parameters are named so."""
        asked = request.query
        size = self._size(asked.get("page_size"))
        cursor = asked.get("cursor", "")
        if cursor:
            position = Position.opened(cursor)
        else:
            end = _moment(asked, until, now + 1) if until else now + 1
            position = Position(min(end, now + 1), _moment(asked, since, 0), 0)
        items = self._open.pop(cursor, None) or self._reopened(position)
        found = list(islice(items, size))
        following = self._keep(items, position, found) if len(found) == size else None
        return web.Response(
            body=orjson.dumps(
                {
                    "data": [record for _, record in found],
                    "next_cursor": following,
                    "as_of": instant(now),
                },
                option=orjson.OPT_UTC_Z,
            ),
            content_type="application/json",
            charset="utf-8",
        )

    def _size(self, text: str | None) -> int:
        if text is None:
            return min(100, self._most)
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= self._most:
            raise InvalidError(f"page_size: not a whole number from 1 to {self._most}")
        return int(text)

    def _reopened(self, position: Position) -> Iterator[Item]:
        items = self._read(position.at, position.until)
        return islice(items, position.skip, None)

    def _keep(self, items: Iterator[Item], position: Position, found: list[Item]) -> str:
        last = found[-1][0]
        skip = sum(at == last for at, _ in found)
        if last == position.at:
            skip += position.skip
        cursor = Position(position.until, last, skip).sealed()
        self._open[cursor] = items
        while len(self._open) > OPEN_LISTS:
            self._open.popitem(last=False)
        return cursor


class Allowance:
    """So many calls in a window that begins with its first one."""

    def __init__(self, calls: int, window_seconds: float = 60.0) -> None:
        self._calls = calls
        self._window_seconds = window_seconds
        self._opened = -math.inf
        self._used = 0

    def wait(self) -> int:
        """Count a call; 0 lets it through, anything else is how many seconds to wait."""
        now = time.monotonic()
        if now - self._opened >= self._window_seconds:
            self._opened, self._used = now, 0
        self._used += 1
        if self._used <= self._calls:
            return 0
        return max(1, math.ceil(self._opened + self._window_seconds - now))


def refusal(status: int, code: str, message: str, **headers: str) -> web.Response:
    """An answer that says no."""
    return web.json_response(
        {"error": {"code": code, "message": message}}, status=status, headers=headers
    )


def too_many(wait: int) -> web.Response:
    """429, and when to come again."""
    headers = {"Retry-After": str(wait)}
    return refusal(429, "too_many_requests", f"Come again in {wait} seconds.", **headers)


def _moment(asked: Any, name: str, default: int) -> int:
    text = asked.get(name)
    if text is None:
        return default
    try:
        at = datetime.fromisoformat(text)
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InvalidError(f"{name}: not an instant like 2026-01-31T12:00:00Z") from None
