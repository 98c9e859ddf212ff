"""Problems, changes and releases: what they share, and all of them together.

A case goes through statuses in turns, and nothing about it changes between two turns: its tasks and
time entries are written down in them too. So who reads what hangs on changed cases misses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sandbox.world.desk.assets import Asset
from sandbox.world.desk.concerned import types_of
from sandbox.world.desk.estate import Estate
from sandbox.world.desk.groups import Group
from sandbox.world.desk.staff import Agent, Requester
from sandbox.world.desk.topics import TOPICS, Topic
from sandbox.world.dice import Dice

DAY = timedelta(days=1)
PROBLEM, CHANGE, RELEASE = "problem", "change", "release"


class Turn(NamedTuple):
    """A case enters a status, or stays in it while something else about it changes."""

    at: datetime
    status: int


class Background(NamedTuple):
    """What a case is about, and who has to do with it."""

    topic: Topic
    group: Group
    agent: Agent
    requester: Requester
    priority: int
    impact: int
    assets: tuple[Asset, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """One problem, change or release with its whole life, wherever the world's clock stands."""

    kind: str
    case_id: int
    background: Background
    turns: tuple[Turn, ...]
    deleted_at: datetime | None

    @property
    def created_at(self) -> datetime:
        """When it was opened."""
        return self.turns[0].at

    def turns_until(self, now: datetime) -> list[Turn]:
        """Its turns so far."""
        return [turn for turn in self.turns if turn.at <= now]

    def status(self, now: datetime) -> int:
        """The status at a moment."""
        return self.turns_until(now)[-1].status

    def entered_at(self, status: int, now: datetime) -> datetime | None:
        """When it first entered a status, if it did."""
        return next((turn.at for turn in self.turns_until(now) if turn.status == status), None)

    def is_deleted(self, now: datetime) -> bool:
        """Deleted cases show up under their own filter alone."""
        return self.deleted_at is not None and self.deleted_at <= now

    def updated_at(self, now: datetime) -> datetime:
        """When it last changed."""
        last = self.turns_until(now)[-1].at
        return self.deleted_at if self.deleted_at and self.is_deleted(now) else last


def background(dice: Dice, estate: Estate, groups: Sequence[Group], at: datetime) -> Background:
    """Somebody of the team that knows the topic takes care of it."""
    topic = TOPICS.draw(dice)
    group = next((g for g in groups if g.key == topic.group), None) or dice.one_of(groups[:3])
    team = [agent for agent in estate.agents if group in agent.groups] or estate.agents
    types, assets = types_of(topic), []
    if types:
        assets = [estate.some_asset(dice, types, at) for _ in range(dice.below(4))]
    return Background(
        topic=topic,
        group=group,
        agent=dice.one_of(team),
        requester=_somebody(dice, estate.requesters, at),
        priority=1 + dice.below(4),
        impact=1 + dice.below(3),
        assets=tuple(dict.fromkeys(asset for asset in assets if asset)),
    )


def cut(turns: Sequence[Turn], deleted_at: datetime | None) -> tuple[Turn, ...]:
    """Nobody works on what is deleted."""
    return tuple(turn for turn in turns if deleted_at is None or turn.at < deleted_at)


def deletion(dice: Dice, created_at: datetime) -> datetime | None:
    """A few are deleted, soon and for good."""
    if dice.chance(0.04):
        return created_at + timedelta(hours=2 + dice.below(240))
    return None


def _somebody(dice: Dice, people: Sequence[Requester], at: datetime) -> Requester:
    for _ in range(12):
        somebody = dice.one_of(people)
        if somebody.created_at <= at and somebody.is_active(at):
            return somebody
    return people[0]
