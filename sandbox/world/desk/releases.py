"""Releases: several changes that go out together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.world.desk.cases import DAY, RELEASE, Case, Turn, background, cut, deletion
from sandbox.world.desk.changes import PENDING_RELEASE, Change
from sandbox.world.desk.estate import Estate
from sandbox.world.desk.groups import Group
from sandbox.world.dice import Dice

OPEN, ON_HOLD, IN_PROGRESS, INCOMPLETE, COMPLETED = 1, 2, 3, 4, 5


@dataclass(frozen=True, eq=False, kw_only=True)
class Release(Case):
    """One release."""

    release_type: int
    planned_start: datetime
    planned_end: datetime
    changes: tuple[Change, ...]


def release(
    estate: Estate,
    groups: Sequence[Group],
    changes: Sequence[Change],
    number: int,
    created_at: datetime,
) -> Release:
    """The number-th release: up to three of the changes that wait to go out."""
    dice = Dice(estate.seed, RELEASE, number)
    about = background(dice, estate, groups, created_at)
    waiting = [
        c
        for c in changes
        if c.status(created_at) == PENDING_RELEASE and not c.is_deleted(created_at)
    ]
    start = (created_at + (2 + dice.below(12)) * DAY).replace(hour=20, minute=0, second=0)
    end = start + timedelta(hours=2 + dice.below(10))
    turns = [Turn(created_at, OPEN)]
    if dice.chance(0.2):
        turns.append(Turn(created_at + timedelta(hours=1 + dice.below(24)), ON_HOLD))
    began_at = start + timedelta(minutes=dice.below(90))
    ended_at = began_at + timedelta(
        seconds=int((end - start).total_seconds() * dice.lognormal(0.9, 0.4))
    )
    turns += [
        Turn(began_at, IN_PROGRESS),
        Turn(ended_at, INCOMPLETE if dice.chance(0.12) else COMPLETED),
    ]
    deleted_at = deletion(dice, created_at)
    return Release(
        kind=RELEASE,
        case_id=number + 1,
        background=about,
        turns=cut(turns, deleted_at),
        deleted_at=deleted_at,
        release_type=1 + dice.below(4),
        planned_start=start,
        planned_end=end,
        changes=tuple(waiting[-1 - dice.below(3) :]),
    )
