"""A ticket's life told in scenes: each step with what it found, and the hand that took it.

Everything that hangs on a ticket (conversations, time entries, surveys, history) is read off its
scenes, so none of it can contradict the ticket, and none of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sandbox.world.desk.births import Birth
from sandbox.world.desk.groups import Group
from sandbox.world.desk.lives import OPEN, Did, Roster, Step
from sandbox.world.desk.staff import Agent
from sandbox.world.dice import Dice


class Scene(NamedTuple):
    """One step. Status, group and agent are those that it found, before it changed them."""

    at: datetime
    did: Did
    value: Agent | Group | int | None
    status: int
    group: Group | None
    agent: Agent | None
    hand: Agent
    """Who did it, if an agent did: the holder, or somebody of the group where there is none."""
    follows_requester: bool
    """Whether the requester's answer brought it about, in the same second."""


class Life(NamedTuple):
    """A ticket from its first second to its last, wherever the world's clock stands."""

    birth: Birth
    scenes: tuple[Scene, ...]


def life_of(seed: int, birth: Birth, steps: tuple[Step, ...], roster: Roster) -> Life:
    """The scenes of a ticket's steps."""
    return Life(birth, tuple(_scenes(seed, birth, steps, roster)))


def _scenes(seed: int, birth: Birth, steps: tuple[Step, ...], roster: Roster) -> Iterator[Scene]:
    status, group, agent = OPEN, birth.group, None
    answered_at: datetime | None = None
    for number, (at, did, value) in enumerate(steps):
        holder = value if isinstance(value, Agent) else agent
        if holder is None or not holder.is_present(at):
            dice = Dice(seed, "hand", birth.ticket_id, number)
            holder = _stand_in(dice, at, group, roster, birth.requester.requester_id)
        yield Scene(at, did, value, status, group, agent, holder, answered_at == at)
        if did is Did.STATUS and isinstance(value, int):
            status = value
        elif did is Did.MOVE:
            group = value if isinstance(value, Group) else None
        elif did is Did.ASSIGN:
            agent = value if isinstance(value, Agent) else None
        elif did is Did.REQUESTER_REPLY:
            answered_at = at


def _stand_in(
    dice: Dice, at: datetime, group: Group | None, roster: Roster, author_id: int
) -> Agent:
    """Some agent who is at work. The first of every group never leaves and takes no leave."""
    team = roster[group or dice.one_of(tuple(roster))]
    return dice.one_of([a for a in team if a.is_present(at) and a.agent_id != author_id])
