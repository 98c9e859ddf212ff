"""Where the API tells less, or something else, than what happened. None of it is dirt."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.world.dice import Dice


class Quirks(NamedTuple):
    """How the statistics of one ticket deviate, as recorded from real accounts."""

    hides_assignment: bool
    """first_assigned_at and assigned_at are null although an agent holds it."""
    hides_resolution: bool
    """resolved_at is null although the ticket is resolved or closed."""
    keeps_resolution_time: bool
    """resolution_time_in_secs stays as it was after the ticket is reopened, instead of 0."""
    counts_nothing_as_null: bool
    """Counts of replies are null instead of 0 while there are none."""


def quirks(seed: int, ticket_id: int) -> Quirks:
    """The quirks of a ticket, the same at any dirt rate."""
    dice = Dice(seed, "quirks", ticket_id)
    return Quirks(dice.chance(0.3), dice.chance(0.02), dice.chance(0.5), dice.chance(0.25))
