"""Who writes tickets and who answers them."""

from __future__ import annotations

from dataclasses import dataclass
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
        return self.is_active(now) and not any(
            leave.starts_at <= now < leave.ends_at for leave in self.leaves
        )


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
    )


def agents(seed: int, count: int, start: datetime, groups: dict[str, Group]) -> tuple[Agent, ...]:
    """All agents: every group has at least two, the rest are spread by the groups' shares."""
    seats = [key for key, *_, share, _ in GROUPS for _ in range(share)]
    keys = [key for key, *_ in GROUPS] * 2
    keys += [seats[n * 7 % len(seats)] for n in range(max(0, count - len(keys)))]
    return tuple(
        _agent(seed, number, start, groups[key], groups) for number, key in enumerate(keys)
    )


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
