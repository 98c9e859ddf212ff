"""Spells: times in which a gate or a single scanner has no network and keeps what it scans."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.world.dice import Dice
from sandbox.world.moments import HOUR, MINUTE


class Spell(NamedTuple):
    """One time without network."""

    gate: int
    lane: int | None
    """None where the whole gate is cut off."""
    since: int
    until: int
    back_at: int
    """When all that was kept is sent: at the end of the spell, or only after hours."""


def spells_of(
    seed: int, event_id: str, lanes: list[int], doors_at: int, ends_at: int
) -> list[Spell]:
    """The spells of one event: none at most, one gate here, one scanner there."""
    dice = Dice(seed, "spells", event_id)
    spells = []
    if dice.chance(0.16):
        since = doors_at + int((ends_at - doors_at) * dice.random() ** 2)
        until = since + int(dice.between(15, 120) * MINUTE)
        late = int(dice.between(3, 14) * HOUR) if dice.chance(0.3) else 0
        spells.append(Spell(dice.below(len(lanes)), None, since, until, until + late))
    if dice.chance(0.2):
        since = doors_at + int((ends_at - doors_at) * dice.random() ** 2)
        until = since + int(dice.between(10, 45) * MINUTE)
        late = int(dice.between(1, 6) * HOUR) if dice.chance(0.2) else 0
        gate = dice.below(min(2, len(lanes)))
        spells.append(Spell(gate, 1 + dice.below(lanes[gate]), since, until, until + late))
    return spells


def spell_of(spells: list[Spell], gate: int, lane: int, at: int) -> Spell | None:
    """The spell that a scan or a whole minute falls into."""
    for spell in spells:
        if spell.gate == gate and spell.lane in (None, lane) and spell.since <= at < spell.until:
            return spell
    return None
