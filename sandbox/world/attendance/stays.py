"""Stays: the attempts to get in, then breaks, then the way out, with or without a scan."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.world.attendance.diary import Guest
from sandbox.world.attendance.habits import Habits, departure
from sandbox.world.attendance.scans import Stay, Visit
from sandbox.world.dice import Dice
from sandbox.world.moments import MINUTE, SECOND

SHORTEST = 3 * MINUTE
LAST_OUT = 80 * MINUTE
"""After the event is over; then the house is locked."""


class Attempt(NamedTuple):
    """One try at a scanner."""

    after: int
    """How long after the attempt before it, or after the arrival."""
    gate: int
    result: str
    is_override: bool
    registration_id: str | None


def attempts(guest: Guest, dice: Dice, home: int, gates: int, is_free: bool) -> list[Attempt]:
    """What happens at the scanners until a guest is in, or gives up; and what follows at once."""
    ticket = guest.registration.registration_id if guest.registration else None
    if guest.is_revoked:
        return [Attempt(0, home, "revoked", False, ticket)]
    if ticket is None:
        if is_free:
            return [Attempt(0, home, "ok", False, None)]
        return [Attempt(0, home, "invalid", True, None)]
    mood = dice.random()
    if mood < 0.955:
        # Nearly everybody: the ticket is scanned, and that is it.
        tries = [Attempt(0, home, "ok", False, ticket)]
    elif mood < 0.966 and gates > 1:
        wrong, walk = (home + 1) % gates, int(dice.between(2, 5) * MINUTE)
        tries = [Attempt(0, wrong, "wrong_gate", False, ticket)]
        tries.append(Attempt(walk, home, "ok", False, ticket))
    elif mood < 0.971 and gates > 1:
        tries = [Attempt(0, (home + 1) % gates, "wrong_gate", True, ticket)]
    elif mood < 0.982:
        tries = [Attempt(0, home, "invalid", False, ticket)]
        tries.append(Attempt(int(dice.between(15, 60) * SECOND), home, "ok", False, ticket))
    elif mood < 0.987:
        tries = [Attempt(0, home, "invalid", True, ticket)]
    else:
        # Somebody tries a copy of the ticket while its holder is inside.
        copied = int(dice.between(5 * SECOND, 15 * MINUTE))
        tries = [Attempt(0, home, "ok", False, ticket)]
        tries.append(Attempt(copied, dice.below(gates), "duplicate", False, ticket))
    if guest.second:
        shown = int(dice.between(6, 20) * SECOND)
        tries.append(Attempt(shown, home, "ok", False, guest.second.registration_id))
    return tries


def live(stay: Stay, dice: Dice, habits: Habits, over_at: int, gates: int) -> None:
    """Fill in the visits of a stay whose first way in is known."""
    first = stay.visits[0]
    leaves_at = departure(habits, dice, first.entered_at, over_at)
    leaves_at = min(leaves_at, stay.guest.leave_by or leaves_at, over_at + LAST_OUT)
    leaves_at = max(leaves_at, stay.settled_at + SHORTEST)
    mood = dice.random()
    if mood < habits.steps_out:
        _step_out(stay, dice, int(dice.between(40 * SECOND, 290 * SECOND)), leaves_at, gates)
    elif mood < habits.steps_out + habits.takes_break:
        _step_out(stay, dice, int(dice.between(6, 70) * MINUTE), leaves_at, gates)
    last = stay.visits[-1]
    last.left_at = leaves_at
    hurry = 0.4 if stay.guest.leave_by else 0.0
    last.is_exit_missing = dice.chance(habits.slips_out + hurry)
    last.left_gate = _way_out(dice, last.gate, gates)


def _step_out(stay: Stay, dice: Dice, gap: int, leaves_at: int, gates: int) -> None:
    """Leave some time before the end and come back, if there is time enough for it."""
    visit = stay.visits[-1]
    room = leaves_at - stay.settled_at - gap - 25 * MINUTE
    if room <= 0:
        return
    visit.left_at = stay.settled_at + 15 * MINUTE + int(room * dice.random())
    visit.is_exit_missing = dice.chance(0.12)
    visit.left_gate = _way_out(dice, visit.gate, gates)
    stay.visits.append(Visit(visit.left_at + gap, visit.left_gate))


def _way_out(dice: Dice, gate: int, gates: int) -> int:
    """Most leave where they came in."""
    return gate if dice.random() < 0.65 else dice.below(gates)
