"""What is asked for in a service request: items of the catalogue, until they are delivered."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sandbox.world.desk.lives import CLOSED, RESOLVED, Did
from sandbox.world.desk.scenes import Life
from sandbox.world.desk.topics import SERVICE_REQUEST
from sandbox.world.dice import Dice

FIRST_ITEM_ID = 21090000000
IDS_PER_TICKET = 4
REQUESTED, CANCELLED, FULFILLED = 1, 3, 4


class CatalogueItem(NamedTuple):
    """What can be ordered."""

    service_item_id: int
    name: str
    cost: float
    delivery_hours: int
    is_loaned: bool


CATALOGUE = tuple(
    CatalogueItem(21000610001 + number, *item)
    for number, item in enumerate(
        (
            ("Monitor 27 inch", 289.0, 72, False),
            ("Drawing tool licence", 39.9, 8, False),
            ("Loan laptop", 0.0, 24, True),
            ("Access badge", 5.5, 16, False),
            ("Starter kit", 1450.0, 120, False),
            ("Shared folder", 0.0, 8, False),
        )
    )
)


class RequestedItem(NamedTuple):
    """One item of a request as it stands at a moment."""

    item_id: int
    ticket_id: int
    item: CatalogueItem
    quantity: int
    stage: int
    is_parent: bool
    created_at: datetime
    updated_at: datetime


def requested_items(seed: int, life: Life, now: datetime) -> list[RequestedItem]:
    """The items of a service request; other tickets have none."""
    birth = life.birth
    if birth.topic.type != SERVICE_REQUEST or birth.is_spam:
        return []
    dice = Dice(seed, "requested-items", birth.ticket_id)
    count, is_delivered = 1 + (dice.random() < 0.2), dice.chance(0.9)
    first = FIRST_ITEM_ID + IDS_PER_TICKET * birth.ticket_id
    done = next(
        (
            scene
            for scene in life.scenes
            if scene.did is Did.STATUS and scene.value in (RESOLVED, CLOSED) and scene.at <= now
        ),
        None,
    )
    ends_as = FULFILLED if is_delivered else CANCELLED
    return [
        RequestedItem(
            item_id=first + number,
            ticket_id=birth.ticket_id,
            item=dice.one_of(CATALOGUE),
            quantity=1 + int(dice.random() ** 4 * 5),
            stage=ends_as if done else REQUESTED,
            is_parent=number == 0,
            created_at=birth.created_at,
            updated_at=done.at if done else birth.created_at,
        )
        for number in range(count)
    ]
