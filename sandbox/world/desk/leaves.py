"""When agents are away: nobody is given a ticket or answers one while on leave."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sandbox.world.dice import Dice

FIRST_DAY, LAST_DAY = -120, 720
"""Days around the start of the history for which there is a plan."""
EVERY = 60


class Leave(NamedTuple):
    """Whole days, by the clock of the agent's own group."""

    first_day: date
    last_day: date
    starts_at: datetime
    ends_at: datetime


def leaves(seed: int, agent_number: int, start: datetime, zone: ZoneInfo) -> tuple[Leave, ...]:
    """All leaves of an agent: in every two months perhaps one, of two days to two weeks."""
    dice = Dice(seed, "leaves", agent_number)
    found = []
    for offset in range(FIRST_DAY, LAST_DAY, EVERY):
        begins, length = offset + dice.below(EVERY - 15), 2 + dice.below(13)
        if dice.chance(0.5):
            first = (start + timedelta(days=begins)).date()
            found.append(_leave(first, first + timedelta(days=length - 1), zone))
    return tuple(found)


def _leave(first: date, last: date, zone: ZoneInfo) -> Leave:
    after = last + timedelta(days=1)
    return Leave(
        first,
        last,
        datetime.combine(first, time(), zone).astimezone(UTC),
        datetime.combine(after, time(), zone).astimezone(UTC),
    )
