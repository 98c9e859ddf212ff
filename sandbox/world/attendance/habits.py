"""Habits: how people of each kind of event come, stay, slip out and use the app."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.world.dice import Dice
from sandbox.world.moments import MINUTE


@dataclass(frozen=True, slots=True)
class Habits:
    """What visitors of one format have in common. Shares are of visitors unless said otherwise."""

    no_show: float
    """Share of registrations whose people stay away, before price and other plans count."""
    rush: float
    """Share that comes before the start; the others come after it."""
    late: float
    """How much of the duration latecomers take at most."""
    stays: float
    """Share that stays to the end."""
    slips_out: float
    """Share of last exits that nobody scans."""
    steps_out: float
    """Chance of going out for less than five minutes."""
    takes_break: float
    """Chance of a longer break outside."""
    app: float
    """Share that opens the app."""
    joins: float
    """Chance that an app user joins a session that runs while they are there."""
    walk_ups: float
    """People without any registration, compared with those who have one."""
    walk_ups_are_free: bool = False
    """Whether anybody may walk in; elsewhere only staff let in who has no ticket."""


HABITS = {
    "conference": Habits(0.11, 0.72, 0.5, 0.62, 0.15, 0.06, 0.12, 0.30, 0.20, 0.015),
    "concert": Habits(0.08, 0.80, 0.3, 0.85, 0.22, 0.08, 0.04, 0.08, 0.30, 0.02),
    "sports": Habits(0.10, 0.86, 0.3, 0.80, 0.25, 0.07, 0.04, 0.08, 0.35, 0.02),
    "exhibition": Habits(0.13, 0.10, 0.8, 0.15, 0.12, 0.04, 0.08, 0.10, 0.12, 0.04),
    "workshop": Habits(0.10, 0.88, 0.15, 0.88, 0.10, 0.08, 0.05, 0.34, 0.60, 0.01),
    "community": Habits(0.17, 0.30, 0.7, 0.40, 0.30, 0.05, 0.04, 0.08, 0.25, 0.12, True),
    "festival": Habits(0.09, 0.55, 0.4, 0.45, 0.28, 0.12, 0.16, 0.16, 0.25, 0.03),
}


BY_TRAIN = 0.35
"""Share of the rush that comes in waves, which is what makes queues."""
TRAIN = 20 * MINUTE


def arrival(habits: Habits, dice: Dice, doors_at: int, starts_at: int, ends_at: int) -> int:
    """When somebody stands before the gate: most in the rush, and nobody gets in before doors."""
    if dice.random() < habits.rush:
        # Half of the rush within 20 minutes of the start; who is too early queues at the doors.
        at = starts_at - int(64 * MINUTE * dice.random() ** 1.6) - MINUTE
        if dice.random() < BY_TRAIN:
            at = at // TRAIN * TRAIN + int(2 * MINUTE * dice.random())
    else:
        at = starts_at + int((ends_at - starts_at) * habits.late * dice.random() ** 1.5)
    return at if at > doors_at else doors_at + int(4 * MINUTE * dice.random())


def departure(habits: Habits, dice: Dice, entered_at: int, over_at: int) -> int:
    """When somebody leaves for good: shortly after it is over, or on the way."""
    if dice.random() < habits.stays:
        return over_at + int(dice.lognormal(4 * MINUTE, 0.7))
    left = max(over_at - entered_at, 20 * MINUTE)
    return entered_at + int(left * dice.between(0.2, 0.95))
