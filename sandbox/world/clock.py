"""The world's clock: it stands still until somebody moves it, and only moves forward."""

from __future__ import annotations

import threading
from datetime import UTC, datetime


class ClockError(ValueError):
    """An attempt to move the clock to where it cannot go."""


class WorldClock:
    """One moment shared by the stand-ins, the publisher and the truth."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._lock = threading.Lock()

    @property
    def now(self) -> datetime:
        """The present moment of the world."""
        return self._now

    def move(self, to: datetime) -> None:
        """Move forward. What was published and loaded cannot be taken back, so never backward."""
        if to.tzinfo is None:
            raise ClockError(f"{to.isoformat()} has no offset: write it as 2026-01-31T12:00:00Z")
        with self._lock:
            if to < self._now:
                raise ClockError(f"the clock is at {self._now.isoformat()} and cannot go back")
            self._now = to.astimezone(UTC).replace(microsecond=0)
