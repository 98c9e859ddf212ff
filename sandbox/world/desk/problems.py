"""Problems: the cause behind several incidents, known or not, mended by a change or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.world.desk.cases import DAY, PROBLEM, Case, Turn, background, cut, deletion
from sandbox.world.desk.changes import Change
from sandbox.world.desk.estate import Estate
from sandbox.world.desk.groups import Group
from sandbox.world.desk.topics import INCIDENT
from sandbox.world.dice import Dice

OPEN, CHANGE_REQUESTED, CLOSED = 1, 2, 3
NextChange = Callable[[datetime], Change]
"""Finds the first change that is opened at a moment or later."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem(Case):
    """One problem."""

    due_at: datetime
    known_since: datetime | None
    """When its cause was found: from then on it is a known error."""
    change: Change | None
    requested_at: datetime | None
    """When the change was requested that mends it."""

    def is_known_error(self, now: datetime) -> bool:
        """Whether the cause is known."""
        return self.known_since is not None and self.known_since <= now

    def change_id(self, now: datetime) -> int | None:
        """The change that mends it, once it is requested."""
        requested = self.requested_at and self.requested_at <= now
        return self.change.case_id if self.change and requested else None

    def is_open(self, now: datetime) -> bool:
        """Whether tickets may still be tied to it."""
        return self.created_at <= now and not self.is_deleted(now) and self.status(now) != CLOSED


def problem(
    estate: Estate,
    groups: Sequence[Group],
    next_change: NextChange,
    number: int,
    created_at: datetime,
) -> Problem:
    """The number-th problem."""
    dice = Dice(estate.seed, PROBLEM, number)
    about = background(dice, estate, groups, created_at)
    while about.topic.type != INCIDENT:
        about = background(dice, estate, groups, created_at)

    def later(moment: datetime, days: float) -> datetime:
        return moment + timedelta(seconds=600 + int(86400 * dice.lognormal(days, 0.7)))

    turns, known_since, change = [Turn(created_at, OPEN)], None, None
    at = later(created_at, 0.5)
    turns.append(Turn(at, OPEN))
    if dice.chance(0.55):
        at = known_since = later(at, 4)
        turns.append(Turn(at, OPEN))
    requested_at = None
    if dice.chance(0.4):
        change = next_change(later(at, 2))
        at = requested_at = change.created_at
        turns.append(Turn(at, CHANGE_REQUESTED))
        at = max(change.turns[-1].at, at)
    if dice.chance(0.85):
        turns.append(Turn(later(at, 8), CLOSED))
    deleted_at = deletion(dice, created_at)
    return Problem(
        kind=PROBLEM,
        case_id=number + 1,
        background=about,
        turns=cut(turns, deleted_at),
        deleted_at=deleted_at,
        due_at=created_at + (5 + 5 * (4 - about.priority)) * DAY,
        known_since=known_since
        if known_since and (not deleted_at or known_since < deleted_at)
        else None,
        change=change,
        requested_at=requested_at
        if requested_at and (not deleted_at or requested_at < deleted_at)
        else None,
    )
