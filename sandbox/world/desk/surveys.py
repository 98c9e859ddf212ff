"""What requesters say when they are asked how it went, if they say anything."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sandbox.world.desk.births import FACILITIES_WORKSPACE
from sandbox.world.desk.lives import DAY, HOUR, RESOLVED, Did
from sandbox.world.desk.scenes import Life, Scene
from sandbox.world.desk.states import DONE
from sandbox.world.dice import Dice, Weighted

FIRST_SURVEY_ID = 21070000000
ANSWERS = 0.12
"""Of the resolved tickets. One real account has 0.3%, far too few to make a mart of."""
LATE = 0.2
LATE_DAYS = (20, 28)
"""After the last change of the ticket, which such an answer does not touch."""
CHANGES = 0.12
SATISFACTION = Weighted((1.0, 55.0), (0.75, 25.0), (0.5, 12.0), (0.25, 8.0))


class Survey(NamedTuple):
    """The answer of a ticket's requester; there is at most one."""

    survey_id: int
    ticket_id: int
    acquired: int
    total: int
    at: datetime
    first_acquired: int
    asked: Scene
    """The resolution that the requester was asked about: who held the ticket then is meant."""
    changed_at: datetime | None
    """When the requester thought better of it, if they did by now."""


def survey(seed: int, life: Life, now: datetime) -> Survey | None:
    """The answer, once it is there.

    People answer after the last resolution; nobody answers about a ticket that ends in the bin.
    """
    resolution = _resolution(life)
    if resolution is None or life.scenes[-1].did in (Did.DELETE, Did.PURGE):
        return None
    dice, birth = Dice(seed, "survey", life.birth.ticket_id), life.birth
    if not dice.chance(ANSWERS):
        return None
    satisfaction = SATISFACTION.draw(dice)
    if dice.chance(LATE):
        at = life.scenes[-1].at + _seconds(dice.between(LATE_DAYS[0] * DAY, LATE_DAYS[1] * DAY))
    else:
        at = resolution.at + _seconds(1 + dice.lognormal(9 * HOUR, 1.0))
    if at > now:
        return None
    # The facilities team asks with five stars, all others with four faces.
    total = 5 if birth.workspace_id == FACILITIES_WORKSPACE else 4
    first = acquired = max(1, round(satisfaction * total))
    changed_at: datetime | None = None
    if dice.chance(CHANGES):
        later = at + _seconds(dice.between(HOUR, 1.5 * DAY))
        if later <= now:
            changed_at, acquired = later, first - 1 if first > 1 else total
    return Survey(
        survey_id=FIRST_SURVEY_ID + birth.ticket_id,
        ticket_id=birth.ticket_id,
        acquired=acquired,
        total=total,
        at=at,
        first_acquired=first,
        asked=resolution,
        changed_at=changed_at,
    )


def _resolution(life: Life) -> Scene | None:
    """The step that resolved it for good; None if none did, or it was closed unresolved."""
    last = None
    for scene in life.scenes:
        if scene.did is Did.STATUS and (scene.status in DONE) != (scene.value in DONE):
            last = scene
    return last if last and last.value == RESOLVED else None


def _seconds(count: float) -> timedelta:
    return timedelta(seconds=int(count))
