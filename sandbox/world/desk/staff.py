"""Who writes tickets and who answers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sandbox.world.desk.groups import GROUPS, Group
from sandbox.world.desk.leaves import Leave, leaves
from sandbox.world.desk.regions import REGIONS, Region
from sandbox.world.dice import Dice
from sandbox.world.people import Person, person

FIRST_REQUESTER_ID, FIRST_AGENT_ID = 21001200001, 21000900001
STAFF_NUMBERS = 10_000_000
"""Numbers of people who work here and attend nothing begin here."""
AGENT_NUMBERS = 20_000_000
DEPARTMENTS = tuple(
    (21000310001 + n, name)
    for n, name in enumerate(
        ("Operations", "Marketing", "Sales", "Finance", "Engineering", "People", "Legal", "Venues")
    )
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Member:
    """Somebody with an account at the desk, who came one day and may leave on another."""

    person: Person
    created_at: datetime
    left_at: datetime | None

    def is_active(self, now: datetime) -> bool:
        """Deactivated accounts stay in the lists, with active = false."""
        return self.left_at is None or self.left_at > now

    def updated_at(self, now: datetime) -> datetime:
        """When the account last changed."""
        return self.created_at if self.left_at is None or self.left_at > now else self.left_at


@dataclass(frozen=True, eq=False, kw_only=True)
class Requester(Member):
    """Somebody who writes tickets. Two in five also attend events under the same address."""

    requester_id: int
    email: str | None
    region: Region
    department: tuple[int, str]
    job_title: str
    is_vip: bool
    forgotten_at: datetime | None = None
    """When they had themselves forgotten: no list has them from then on."""
    agent_since: datetime | None = None
    """Some become agents one day, and keep their id in both lists."""

    def is_forgotten(self, now: datetime) -> bool:
        """Whether nothing but their id on tickets is left of them."""
        return self.forgotten_at is not None and self.forgotten_at <= now

    def is_agent(self, now: datetime) -> bool:
        """Whether they answer tickets too."""
        return self.agent_since is not None and self.agent_since <= now

    def updated_at(self, now: datetime) -> datetime:
        """When the account last changed."""
        last = super().updated_at(now)
        return max(last, self.agent_since) if self.agent_since and self.is_agent(now) else last


@dataclass(frozen=True, eq=False, kw_only=True)
class Agent(Member):
    """Somebody who answers tickets, in one group or two."""

    agent_id: int
    email: str
    groups: tuple[Group, ...]
    is_occasional: bool
    leaves: tuple[Leave, ...]

    def is_present(self, now: datetime) -> bool:
        """Works here and is not on leave: who is not, is given no ticket and answers none."""
        here = self.created_at <= now and self.is_active(now)
        return here and not any(leave.starts_at <= now < leave.ends_at for leave in self.leaves)


def requester(seed: int, number: int, start: datetime) -> Requester:
    """The number-th requester; some come after the start, some leave. The first is always there."""
    dice = Dice(seed, "requester", number)
    attends = number % 5 < 2
    founder = number == 0
    who = person(seed, number if attends else STAFF_NUMBERS + number)
    newcomer, leaves = not founder and dice.chance(0.12), not founder and dice.chance(0.06)
    email = who.email.title() if number % 7 == 3 else who.email
    return Requester(
        requester_id=FIRST_REQUESTER_ID + 2 * number,
        person=who,
        email=None if dice.chance(0.01) else email,
        region=_region(dice),
        department=dice.one_of(DEPARTMENTS),
        job_title=dice.one_of(("Manager", "Analyst", "Engineer", "Coordinator", "Clerk", "Lead")),
        is_vip=dice.chance(0.03),
        created_at=_some_second(dice, start, 0, 80)
        if newcomer
        else _some_second(dice, start, -900, -1),
        left_at=_some_second(dice, start, 81, 260) if leaves else None,
        forgotten_at=_some_second(dice, start, 5, 120) if number % 97 == 41 else None,
    )


def agents(seed: int, count: int, start: datetime, groups: dict[str, Group]) -> tuple[Agent, ...]:
    """All agents: every group has at least two, the rest are spread by the groups' shares."""
    seats = [key for key, *_, share, _ in GROUPS for _ in range(share)]
    keys = [key for key, *_ in GROUPS] * 2
    keys += [seats[n * 7 % len(seats)] for n in range(max(0, count - len(keys)))]
    return tuple(
        _agent(seed, number, start, groups[key], groups) for number, key in enumerate(keys)
    )


def promote(
    seed: int, people: Sequence[Requester], team: Sequence[Agent], start: datetime
) -> tuple[tuple[Requester, ...], tuple[Agent, ...]]:
    """Everybody, now that every eighteenth agent is somebody who wrote tickets before."""
    requesters, staff = list(people), list(team)
    for number in range(18, len(staff), 18):
        dice = Dice(seed, "promotion", number)
        since = _some_second(dice, start, -60, 40)
        first = dice.below(len(requesters))
        place = next(
            place
            for place in (*range(first, len(requesters)), *range(first))
            if _may_be_promoted(requesters[place], since)
        )
        somebody = requesters[place]
        requesters[place] = replace(somebody, agent_since=since)
        staff[number] = replace(
            staff[number],
            agent_id=somebody.requester_id,
            person=somebody.person,
            created_at=since,
            left_at=None,
        )
    return tuple(requesters), tuple(staff)


def _may_be_promoted(somebody: Requester, at: datetime) -> bool:
    stays = somebody.left_at is None and somebody.forgotten_at is None
    return stays and somebody.created_at < at and somebody.agent_since is None


def _agent(seed: int, number: int, start: datetime, home: Group, groups: dict[str, Group]) -> Agent:
    dice = Dice(seed, "agent", number)
    who = person(seed, AGENT_NUMBERS + number)
    member_of = [home]
    if dice.chance(0.2):
        second = groups[dice.one_of(GROUPS)[0]]
        member_of += [second] if second is not home else []
    stays = number < 2 * len(GROUPS) or not dice.chance(0.08)
    return Agent(
        agent_id=FIRST_AGENT_ID + 3 * number,
        person=who,
        email=who.email.split("@")[0] + "@desk.example.com",
        groups=tuple(member_of),
        is_occasional=dice.chance(0.07),
        leaves=leaves(seed, number, start, home.calendar.zone) if number >= len(GROUPS) else (),
        created_at=_some_second(dice, start, -1200, -1),
        left_at=None if stays else _some_second(dice, start, 20, 160),
    )


def _region(dice: Dice) -> Region:
    point = dice.random()
    for region in REGIONS:
        point -= region.share
        if point < 0:
            return region
    return REGIONS[0]


def _some_second(dice: Dice, start: datetime, first_day: int, last_day: int) -> datetime:
    return start + timedelta(seconds=int(dice.between(first_day * 86400, last_day * 86400)))
