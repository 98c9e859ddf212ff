"""How long agents say they worked on a ticket.

An entry is made, and a timer stopped, together with a step of the ticket: as with conversations,
the ticket's updated_at never lies before a change of its entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sandbox.world.desk.lives import RESOLVED, Did
from sandbox.world.desk.scenes import Life, Scene
from sandbox.world.desk.staff import Agent
from sandbox.world.dice import Dice

FIRST_ENTRY_ID = 21060000000
IDS_PER_TICKET = 64
WEEKS_OF_WORK = 120 * 60 + 30
"""Minutes of an entry far past a day: 120:30."""
MINUTE = timedelta(minutes=1)


class TimeEntry(NamedTuple):
    """One entry as it stands at a moment."""

    entry_id: int
    ticket_id: int
    agent: Agent
    minutes: int
    """Nothing while the timer runs: what it shows is written down when it stops."""
    is_billable: bool
    is_running: bool
    executed_at: datetime
    ended_at: datetime | None
    """From executed_at to here may be another time than the minutes, which are what counts."""
    created_at: datetime
    updated_at: datetime


class _Entry(NamedTuple):
    made: Scene
    minutes: int
    is_billable: bool
    is_timed: bool = False
    stopped_at: datetime | None = None


def time_entries(seed: int, life: Life, now: datetime) -> list[TimeEntry]:
    """All entries of a ticket as of a moment, the oldest first."""
    gone = {number for number, at in deleted_entries(seed, life) if at <= now}
    return [
        _as_of(entry, number, life, now)
        for number, entry in _numbered(seed, life)
        if entry.made.at <= now and number not in gone
    ]


def deleted_entries(seed: int, life: Life) -> Iterator[tuple[int, datetime]]:
    """The entries that somebody deletes one day, and when."""
    for number, entry in _numbered(seed, life):
        gone_at = _gone_at(seed, life, number, entry)
        if gone_at:
            yield number, gone_at


def _numbered(seed: int, life: Life) -> Iterator[tuple[int, _Entry]]:
    first = FIRST_ENTRY_ID + IDS_PER_TICKET * life.birth.ticket_id
    return enumerate(_entries(seed, life), first)


def _gone_at(seed: int, life: Life, entry_id: int, entry: _Entry) -> datetime | None:
    """Written on the wrong ticket: deleted together with a later step."""
    if entry.is_timed or not Dice(seed, "time-entry-gone", entry_id).chance(0.03):
        return None
    later = (s.at for s in life.scenes if s.at > entry.made.at and s.did is not Did.PURGE)
    return next(later, None)


def _as_of(entry: _Entry, entry_id: int, life: Life, now: datetime) -> TimeEntry:
    birth, at = life.birth, entry.made.at
    stopped_at = entry.stopped_at if entry.stopped_at and entry.stopped_at <= now else None
    is_running = entry.is_timed and stopped_at is None
    # Work that is written down afterwards was done before, but not before there was a ticket.
    began = at if entry.is_timed else max(birth.created_at, at - entry.minutes * MINUTE)
    return TimeEntry(
        entry_id=entry_id,
        ticket_id=birth.ticket_id,
        agent=entry.made.hand,
        minutes=0 if is_running else entry.minutes,
        is_billable=entry.is_billable,
        is_running=is_running,
        executed_at=began,
        ended_at=None if is_running else stopped_at or at,
        created_at=at,
        updated_at=stopped_at or at,
    )


def _entries(seed: int, life: Life) -> Iterator[_Entry]:
    dice, ticket_id = Dice(seed, "time-entries", life.birth.ticket_id), life.birth.ticket_id
    for number, scene in enumerate(life.scenes):
        if scene.did is Did.AGENT_REPLY and dice.chance(0.45):
            if dice.chance(0.3):
                yield _timed(dice, scene, life.scenes[number + 1 :])
            else:
                yield _noted(dice, scene, 12)
        elif scene.did is Did.MOVE and scene.agent and dice.chance(0.35):
            yield _noted(dice, scene, 20)
        elif scene.did is Did.STATUS and scene.value == RESOLVED:
            if dice.chance(0.7):
                yield _noted(dice, scene, 35)
            # Two in a thousand, of which even a small world has one.
            if ticket_id % 1009 in (7, 107):
                yield _Entry(scene, WEEKS_OF_WORK, is_billable=True)


def _noted(dice: Dice, scene: Scene, median: float) -> _Entry:
    return _Entry(scene, 1 + int(dice.lognormal(median, 0.8)), dice.chance(0.35))


def _timed(dice: Dice, scene: Scene, following: tuple[Scene, ...]) -> _Entry:
    """A timer runs until somebody touches the ticket again; a few are forgotten for ever.

    Most agents then correct what it shows, for it ran over lunch and night; the others do not.
    """
    billable, worked, corrects, forgets = (
        dice.chance(0.35),
        1 + int(dice.lognormal(40, 0.7)),
        dice.chance(0.85),
        dice.chance(0.05),
    )
    ends = [s.at for s in following if s.at > scene.at + MINUTE and s.did in (Did.STATUS, Did.MOVE)]
    if forgets or not ends:
        return _Entry(scene, 0, billable, is_timed=True)
    shown = (ends[0] - scene.at) // MINUTE
    return _Entry(scene, min(worked, shown) if corrects else shown, billable, True, ends[0])
