"""Dirt on the lists: a few records come with a required field missing or a wrong type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sandbox.world.desk.desk import Desk
from sandbox.world.desk.record_dirt import spoil

T = TypeVar("T")


def soiled(
    desk: Desk, feed: str, show: Callable[[T], dict[str, Any]]
) -> Callable[[T], dict[str, Any]]:
    """What shows a record, dirt included."""

    def shown(thing: T) -> dict[str, Any]:
        record = show(thing)
        kind = desk.record_dirt(feed, record["id"])
        return spoil(desk.seed, feed, record, kind) if kind else record

    return shown
