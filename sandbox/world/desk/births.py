"""How a ticket comes into the world: who writes it, when, about what, and where it lands first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sandbox.world.desk.groups import Group
from sandbox.world.desk.regions import Region, region_at
from sandbox.world.desk.sla import HIGH, LOW, MEDIUM, URGENT
from sandbox.world.desk.staff import Agent, Requester
from sandbox.world.desk.topics import TOPICS, Topic
from sandbox.world.dice import Dice, Weighted

# 1 e-mail, 2 portal, 3 phone, 4 chat, 9 walk-up, 10 Slack, 14 alert, 15 Teams; 16 is undocumented.
SOURCES = Weighted(
    (1, 38.0), (2, 32.0), (3, 11.0), (4, 5.0), (9, 2.0), (10, 4.0), (14, 3.0), (15, 4.0), (16, 1.0)
)
EMAIL, PORTAL, PHONE, WALK_UP, ALERT = 1, 2, 3, 9, 14
PRIMARY_WORKSPACE, FACILITIES_WORKSPACE = 1, 2
INTERNAL_ID_BASE = 21003800000


@dataclass(frozen=True, slots=True)
class Birth:
    """What is fixed about a ticket from its first second."""

    ticket_id: int
    created_at: datetime
    requester: Requester
    requested_for: Requester | None
    author: Agent | None
    """The agent who wrote it down for the requester; None: the requester wrote it."""
    region: Region
    topic: Topic
    source: int
    priority: int
    urgency: int
    impact: int
    group: Group | None
    is_spam: bool

    @property
    def internal_id(self) -> int:
        """The id that statistics carry in `ticket_id`, which is not the ticket's id at all."""
        return INTERNAL_ID_BASE + 17 * self.ticket_id

    @property
    def workspace_id(self) -> int:
        """The workspace; lists show the primary one alone unless they are asked for another."""
        facilities = self.topic.category == "Facilities"
        return FACILITIES_WORKSPACE if facilities else PRIMARY_WORKSPACE


def birth(
    seed: int,
    number: int,
    created_at: datetime,
    people: Sequence[Requester],
    agents: Sequence[Agent],
    groups: dict[str, Group],
) -> Birth:
    """The number-th ticket of all."""
    dice = Dice(seed, "ticket", number)
    region, topic, source = region_at(dice, created_at), TOPICS.draw(dice), SOURCES.draw(dice)
    is_spam = source == EMAIL and dice.chance(0.045)
    unrouted = is_spam or dice.chance(0.03)
    priority = _priority(dice, topic)
    requester = _somebody(dice, people, created_at)
    by_agent = source in (PHONE, WALK_UP) and dice.chance(0.8)
    return Birth(
        ticket_id=number + 1,
        created_at=created_at,
        requester=requester,
        requested_for=_somebody(dice, people, created_at) if dice.chance(0.08) else None,
        author=_on_duty(dice, agents, created_at) if by_agent else None,
        region=region,
        topic=topic,
        source=source,
        priority=priority,
        urgency=min(3, max(1, priority - 1 + dice.below(2))),
        impact=min(3, max(1, priority - dice.below(2))),
        group=None if unrouted else groups[topic.group or region.key],
        is_spam=is_spam,
    )


def _priority(dice: Dice, topic: Topic) -> int:
    point = dice.random() / topic.urgency
    if point < 0.035:
        return URGENT
    if point < 0.17:
        return HIGH
    return MEDIUM if point < 0.62 else LOW


def _on_duty(dice: Dice, agents: Sequence[Agent], moment: datetime) -> Agent:
    """Some agent who is at work; the first of all always is."""
    found = dice.one_of(agents)
    return found if found.created_at <= moment and found.is_present(moment) else agents[0]


def _somebody(dice: Dice, people: Sequence[Requester], moment: datetime) -> Requester:
    """A few people write most of the tickets; nobody does before coming or after leaving."""
    for _ in range(6):
        somebody = people[int(len(people) * dice.random() ** 1.8)]
        here = somebody.is_active(moment) and not somebody.is_forgotten(moment)
        if somebody.created_at <= moment and here:
            return somebody
    return people[0]
