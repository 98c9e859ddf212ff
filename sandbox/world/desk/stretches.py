"""A ticket's life cut into stretches in which nothing of its state changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from sandbox.world.desk.groups import Group
from sandbox.world.desk.lives import OPEN, Did
from sandbox.world.desk.scenes import Life, Scene
from sandbox.world.desk.staff import Agent
from sandbox.world.desk.states import DONE


class State(NamedTuple):
    """What a stretch is made of."""

    status: int
    group: Group | None
    agent: Agent | None
    priority: int
    deleted: bool
    spam: bool

    @property
    def group_id(self) -> int | None:
        """The id of the group, if one holds it."""
        return self.group.group_id if self.group else None

    @property
    def agent_id(self) -> int | None:
        """The id of the agent, if one holds it."""
        return self.agent.agent_id if self.agent else None

    @property
    def is_done(self) -> bool:
        """Resolved or closed."""
        return self.status in DONE

    @property
    def is_in_backlog(self) -> bool:
        """Whether somebody has yet to do something about it."""
        return not (self.is_done or self.deleted or self.spam)

    def after(self, scene: Scene) -> State:
        """The state that a step leaves behind."""
        did, value = scene.did, scene.value
        if did is Did.STATUS and isinstance(value, int):
            return self._replace(status=value)
        if did is Did.RAISE and isinstance(value, int):
            return self._replace(priority=value)
        if did is Did.MOVE:
            return self._replace(group=value if isinstance(value, Group) else None)
        if did is Did.ASSIGN:
            return self._replace(agent=value if isinstance(value, Agent) else None)
        if did in (Did.DELETE, Did.RESTORE):
            return self._replace(deleted=did is Did.DELETE)
        return self._replace(spam=True) if did is Did.SPAM else self


class Stretch(NamedTuple):
    """One stretch; half-open, and without an end while it is so still."""

    number: int
    state: State
    starts_at: datetime
    ends_at: datetime | None


def stretches(life: Life, now: datetime) -> list[Stretch]:
    """The stretches up to a moment. What changes within a second is one change."""
    changes = list(_changes(life, now))
    ends = [*(at for at, _ in changes[1:]), None]
    return [
        Stretch(number, state, at, end)
        for number, ((at, state), end) in enumerate(zip(changes, ends, strict=True), 1)
    ]


def _changes(life: Life, now: datetime) -> Iterator[tuple[datetime, State]]:
    birth = life.birth
    state = State(OPEN, birth.group, None, birth.priority, deleted=False, spam=False)
    told: State | None = None
    at = birth.created_at
    for moment, scenes in groupby(life.scenes, key=lambda scene: scene.at):
        if moment > now:
            break
        if moment > at and state != told:
            yield at, state
            told = state
        for scene in scenes:
            state = state.after(scene)
        at = moment
    if state != told:
        yield at, state
