"""What is wrong with some records of the other lists in the API: no schema lets them pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.world.dice import Dice

SHARE = 0.08
"""As of tickets, the broken ones are a small part of all dirt."""
EXPECTED = "dead_letter:schema"
SOME_SECOND = 1767225600
"""Where a time should stand."""
CASE = ("status", "created_at", "updated_at")
REQUIRED: dict[str, tuple[str, ...]] = {
    "problems": CASE,
    "changes": CASE,
    "releases": CASE,
    "assets": ("display_id",),
}
"""Fields that may be missing, by list. The others require nothing but their id."""
WRONG: dict[str, dict[str, Any]] = {
    "problems": {"status": "open", "updated_at": SOME_SECOND},
    "changes": {"status": "open", "updated_at": SOME_SECOND},
    "releases": {"status": "open", "updated_at": SOME_SECOND},
    "assets": {"display_id": "ASSET-7", "created_at": SOME_SECOND},
    "contracts": {"cost": "on request", "start_date": SOME_SECOND, "auto_renew": "yes"},
    "purchase_orders": {"total_cost": "on request", "currency": "USD"},
}
"""Values of a wrong type, by list and field."""


def record_dirt(seed: int, dirt: float, feed: str, record_id: int) -> str | None:
    """The kind of dirt on a record, for as long as it lives, or None."""
    dice = Dice(seed, "record-dirt", feed, record_id)
    if not dice.chance(dirt * SHARE):
        return None
    return "missing_field" if feed in REQUIRED and dice.chance(0.5) else "wrong_type"


def spoil(seed: int, feed: str, record: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The record as the API shows it."""
    dice = Dice(seed, "record-spoil", feed, record["id"])
    if kind == "missing_field":
        gone = dice.one_of(REQUIRED[feed])
        return {key: value for key, value in record.items() if key != gone}
    field = dice.one_of(tuple(WRONG[feed]))
    return {**record, field: WRONG[feed][field]}
