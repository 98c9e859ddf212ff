"""When things happen: numbered happenings spread over time along a curve."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta


class Tempo:
    """The n-th happening comes when the curve's running total has risen to n.

    The curve is a weight per step (an hour, a day). It is scaled so that exactly `count` happenings
    fall into the first `steps` steps, and goes on at the same rate after them, which is what lets
    the world's clock move on without a shift in what already happened.
    """

    def __init__(
        self,
        start: datetime,
        step: timedelta,
        weight: Callable[[datetime], float],
        count: float,
        steps: int,
    ) -> None:
        self._start = start
        self._step = step
        self._weight = weight
        self._totals = [0.0]
        self._extend(steps)
        self._rate = count / self._totals[steps]

    def at(self, position: float) -> datetime:
        """When the running total reaches `position` (a number plus its jitter within [0, 1))."""
        total = position / self._rate
        while self._totals[-1] <= total:
            self._extend(len(self._totals) + 200)
        index = bisect_right(self._totals, total) - 1
        low, high = self._totals[index], self._totals[index + 1]
        return self._start + self._step * (index + (total - low) / (high - low))

    def numbers_in(self, step: int) -> range:
        """The numbers of the happenings whose running total is reached within one step."""
        self._extend(step + 1)
        # The last step of the promised span must not lose a happening to rounding.
        low, high = (round(self._totals[i] * self._rate, 6) for i in (step, step + 1))
        return range(-int(-low // 1), -int(-high // 1))

    def _extend(self, steps: int) -> None:
        while len(self._totals) <= steps:
            moment = self._start + self._step * (len(self._totals) - 1)
            self._totals.append(self._totals[-1] + max(self._weight(moment), 1e-9))
