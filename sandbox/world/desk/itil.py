"""All problems, changes and releases of the desk."""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sandbox.world.desk.changes import CLOSED, Change, change
from sandbox.world.desk.estate import Estate
from sandbox.world.desk.groups import Group
from sandbox.world.desk.problems import Problem, problem
from sandbox.world.desk.releases import Release, release
from sandbox.world.desk.series import Series

BEFORE = timedelta(days=60)
"""How long before the first day of the history the first of them was opened."""
QUARTER = timedelta(days=90)
PROBLEMS, CHANGES, RELEASES = 60, 300, 30
"""In 90 days, at scale 1."""


class Itil:
    """Everything is made when it is first asked for, and kept."""

    def __init__(self, estate: Estate, groups: Sequence[Group]) -> None:
        seed, first = estate.seed, estate.opening - BEFORE
        self.estate = estate

        # When changes were carried out, by category, and how many of them are sorted in already.
        self._done: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
        self._sorted, self._lock = 0, threading.Lock()

        def every(count: int, at_least: int) -> timedelta:
            return QUARTER / max(at_least, round(count * estate.scale))

        self._changes = Series(
            seed, first, every(CHANGES, 40), lambda n, at: change(estate, groups, n, at)
        )
        self._problems = Series(
            seed,
            first,
            every(PROBLEMS, 20),
            lambda n, at: problem(estate, groups, self._changes.first_from, n, at),
        )
        self._releases = Series(
            seed,
            first,
            every(RELEASES, 10),
            lambda n, at: release(estate, groups, self._changes.until(at), n, at),
        )

    def problems(self, now: datetime) -> list[Problem]:
        """All problems so far, deleted ones too."""
        return self._problems.until(now)

    def changes(self, now: datetime) -> list[Change]:
        """All changes so far, deleted ones too."""
        return self._changes.until(now)

    def change_before(self, category: str, at: datetime, days: int) -> Change | None:
        """The last change of a category that was carried out in the days before a moment."""
        with self._lock:
            changes = self.changes(at)
            for made in changes[self._sorted :]:
                if made.turns[-1].status == CLOSED and not made.is_rejected:
                    done_at = made.done_at(made.turns[-1].at) or made.created_at
                    insort(self._done[made.background.topic.category], (done_at, made.case_id))
            self._sorted = max(self._sorted, len(changes))
            done = self._done[category]
            place = bisect_right(done, (at, 0))
        if place and at - done[place - 1][0] < timedelta(days=days):
            return changes[done[place - 1][1] - 1]
        return None

    def releases(self, now: datetime) -> list[Release]:
        """All releases so far, deleted ones too."""
        return self._releases.until(now)
