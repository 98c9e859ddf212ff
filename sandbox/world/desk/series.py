"""Things that come into the world one after the other, in a steady rhythm with some jitter."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

GOLDEN = 0.7548776662466927


class Born(Protocol):
    """What knows when it came into the world."""

    @property
    def created_at(self) -> datetime:
        """Its first second."""


T = TypeVar("T", bound=Born)


class Series(Generic[T]):
    """Members by number, made when time has come to them and then kept."""

    def __init__(
        self,
        seed: int,
        first: datetime,
        interval: timedelta,
        make: Callable[[int, datetime], T],
    ) -> None:
        self._offset = seed * 0.31
        self._first = first
        self._interval = interval
        self._make = make
        self._made: list[T] = []
        self._lock = threading.Lock()

    def until(self, now: datetime) -> list[T]:
        """All that are there at a moment, the oldest first."""
        with self._lock:
            while (at := self._born_at(len(self._made))) <= now:
                self._made.append(self._make(len(self._made), at))
            made = self._made
        # The series may have been told farther than this moment.
        low, high = 0, len(made)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if made[middle].created_at <= now else (low, middle)
        return made[:low]

    def _born_at(self, number: int) -> datetime:
        jitter = (number * GOLDEN + self._offset) % 1.0
        return (self._first + (number + jitter) * self._interval).replace(microsecond=0)
