"""Which statuses a ticket went through: what the API tells in prose only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sandbox.world.desk.groups import Group
from sandbox.world.desk.lives import OPEN, Did
from sandbox.world.desk.scenes import Life
from sandbox.world.desk.staff import Agent


class StatusChange(NamedTuple):
    """A change of status, and who held the ticket at that instant."""

    before: int | None
    """None at the ticket's birth."""
    after: int
    at: datetime
    group: Group | None
    agent: Agent | None


def status_history(life: Life, now: datetime) -> Iterator[StatusChange]:
    """The changes up to a moment. A step that sets the status it found is none."""
    yield StatusChange(None, OPEN, life.birth.created_at, life.birth.group, None)
    for scene in life.scenes:
        if scene.at > now:
            return
        if scene.did is Did.STATUS and isinstance(scene.value, int) and scene.value != scene.status:
            yield StatusChange(scene.status, scene.value, scene.at, scene.group, scene.agent)
