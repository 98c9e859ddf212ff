"""Things that come into the world one after the other, in a steady rhythm with some jitter."""

from __future__ import annotations

import threading
from bisect import bisect_right
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
            # The series may have been told farther than this moment.
            return self._made[: bisect_right(self._made, now, key=lambda one: one.created_at)]

    def first_from(self, moment: datetime) -> T:
        """The first that comes into the world at a moment or after it."""
        return self._first_from(moment, len(self.until(moment)))

    def _first_from(self, moment: datetime, number: int) -> T:
        if number and (last := self._made[number - 1]).created_at == moment:
            return last
        self.until(self._born_at(number))
        return self._made[number]

    def _born_at(self, number: int) -> datetime:
        jitter = (number * GOLDEN + self._offset) % 1.0
        return (self._first + (number + jitter) * self._interval).replace(microsecond=0)
