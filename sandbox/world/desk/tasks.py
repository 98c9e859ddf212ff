"""Small jobs that agents write down on a ticket: to be done before it can be resolved.

A task is made, taken up and completed together with a step of the ticket: as with conversations,
the ticket's updated_at never lies before a change of its tasks.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sandbox.world.desk.groups import Group
from sandbox.world.desk.lives import DAY, RESOLVED, Did
from sandbox.world.desk.scenes import Life, Scene
from sandbox.world.desk.staff import Agent
from sandbox.world.dice import Dice

FIRST_TASK_ID = 21080000000
IDS_PER_TICKET = 8
OPEN, IN_PROGRESS, COMPLETED = 1, 2, 3
TITLES = (
    "Call the requester back",
    "Order the part",
    "Update the documentation",
    "Test after the change",
    "Ask facilities for access",
)
TAKES_UP = (Did.AGENT_REPLY, Did.STATUS, Did.MOVE)


class Task(NamedTuple):
    """A task as it stands at a moment."""

    task_id: int
    ticket_id: int
    agent: Agent | None
    group: Group | None
    title: str
    status: int
    due_at: datetime
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None


def tasks(seed: int, life: Life, now: datetime) -> list[Task]:
    """All tasks of a ticket as of a moment, the oldest first."""
    dice, ticket_id = Dice(seed, "tasks", life.birth.ticket_id), life.birth.ticket_id
    if life.birth.is_spam or not dice.chance(0.12):
        return []
    first = FIRST_TASK_ID + IDS_PER_TICKET * ticket_id
    made = [n for n, scene in enumerate(life.scenes) if scene.did is Did.ASSIGN and scene.value]
    return [
        _as_of(Dice(seed, "task", first + number), first + number, life, place, now)
        for number, place in enumerate(made[: 1 + dice.below(2)] * (1 + dice.below(2)))
        if life.scenes[place].at <= now
    ]


def _as_of(dice: Dice, task_id: int, life: Life, place: int, now: datetime) -> Task:
    scene, following = life.scenes[place], life.scenes[place + 1 :]
    is_taken, is_done = dice.chance(0.85), dice.chance(0.9)
    taken = _first(following, TAKES_UP, now) if is_taken else None
    # Whoever resolves the ticket ticks its tasks off, unless they are forgotten for ever.
    done = _resolution(following, now) if is_done else None
    last = done or taken
    return Task(
        task_id=task_id,
        ticket_id=life.birth.ticket_id,
        agent=scene.value if isinstance(scene.value, Agent) and dice.chance(0.9) else None,
        group=scene.group,
        title=dice.one_of(TITLES),
        status=COMPLETED if done else IN_PROGRESS if taken else OPEN,
        due_at=scene.at + timedelta(seconds=int(dice.between(DAY / 4, 3 * DAY))),
        created_at=scene.at,
        updated_at=last.at if last else scene.at,
        closed_at=done.at if done else None,
    )


def _first(scenes: tuple[Scene, ...], kinds: tuple[Did, ...], now: datetime) -> Scene | None:
    return next((scene for scene in scenes if scene.did in kinds and scene.at <= now), None)


def _resolution(scenes: tuple[Scene, ...], now: datetime) -> Scene | None:
    found = (s for s in scenes if s.did is Did.STATUS and s.value == RESOLVED and s.at <= now)
    return next(found, None)
