"""What is wrong with some tickets in the API, and what a warehouse should make of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

from sandbox.world.dice import Dice, Weighted

# Records that no schema can pass are rare, as on the event side, and for the same reason.
KINDS = Weighted(
    ("missing_priority", 44.0),
    ("missing_category", 48.0),
    ("missing_field", 4.0),
    ("wrong_type", 4.0),
)
EXPECTED = {
    "missing_priority": "defaulted",
    "missing_category": "defaulted",
    "missing_field": "dead_letter:schema",
    "wrong_type": "dead_letter:schema",
}
REQUIRED = ("status", "requester_id", "created_at", "updated_at")


def ticket_dirt(seed: int, dirt: float, ticket_id: int) -> str | None:
    """The kind of dirt on a ticket, for as long as it lives, or None."""
    dice = Dice(seed, "ticket-dirt", ticket_id)
    return KINDS.draw(dice) if dice.chance(dirt) else None


def spoil(seed: int, ticket: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The ticket as the API shows it."""
    dice = Dice(seed, "ticket-spoil", ticket["id"])
    if kind in ("missing_priority", "missing_category"):
        return _drop(dice, ticket, kind.removeprefix("missing_"))
    if kind == "missing_field":
        gone = dice.one_of(REQUIRED)
        return {key: value for key, value in ticket.items() if key != gone}
    field = dice.one_of(REQUIRED)
    wrong = 1767225600 if field.endswith("_at") else "unknown"
    return {**ticket, field: wrong}


def _drop(dice: Dice, ticket: Mapping[str, Any], field: str) -> dict[str, Any]:
    """A value that is missing is null in half of the cases, and absent in the others."""
    if dice.chance(0.5):
        return {**ticket, field: None}
    return {key: value for key, value in ticket.items() if key != field}


# A child that cannot be read is as rare as a ticket that cannot.
BROKEN_CHILDREN = 0.08
CHILD_REQUIRED = {
    "activities": ("content", "created_at"),
    "conversations": ("id", "created_at"),
    "time_entries": ("id", "time_spent"),
    "tasks": ("id", "status"),
    "requested_items": ("id",),
    "csat_response": ("id", "created_at"),
}
WRONG = {"id": "unknown", "status": "unknown", "created_at": 1767225600}


def child_dirt(seed: int, dirt: float, feed: str, child: int | str) -> str | None:
    """What is wrong with a child of a ticket, for as long as it lives, or None."""
    # A checksum is die enough to tell which are touched; a die for each takes seconds.
    if crc32(f"{seed}/{feed}/{child}".encode()) >= dirt * BROKEN_CHILDREN * 2**32:
        return None
    return Dice(seed, "child-dirt", feed, child).one_of(("missing_field", "wrong_type"))


def spoil_child(
    seed: int, feed: str, child: int | str, payload: Mapping[str, Any], kind: str
) -> dict[str, Any]:
    """The child as the API shows it: no client can make anything of it."""
    field = Dice(seed, "child-spoil", feed, child).one_of(CHILD_REQUIRED[feed])
    if kind == "missing_field":
        return {key: value for key, value in payload.items() if key != field}
    return {**payload, field: WRONG.get(field, 42)}
