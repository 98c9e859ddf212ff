"""The post: when a device sends what it knows, and when the server has it.

Most is there within a second or two. A scanner without network keeps its scans and sends them one
after the other when it is back; a phone in a pocket without network sends hours later.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.world.attendance.phones import Act
from sandbox.world.attendance.scans import Scan
from sandbox.world.attendance.spells import Spell, spell_of
from sandbox.world.dice import Dice, Stream
from sandbox.world.moments import HOUR, MINUTE, SECOND

REPLAY_STEP = 40
"""Milliseconds between two scans of a replay."""
SLOWEST = 2 * SECOND
AT_REST = 0.015
"""Share of what is done in the app that waits for a network."""


def post_scans(seed: int, event_id: str, scans: Iterable[Scan], spells: list[Spell]) -> None:
    """Say of each scan when it was sent and received."""
    dice = Stream(seed, "post-scans", event_id)
    random = dice.random
    replayed = dict.fromkeys(spells, 0)
    for number, scan in enumerate(scans):
        scan.number = number
        spell = spell_of(spells, scan.gate, scan.lane, scan.at) if spells else None
        scan.is_offline = spell is not None
        if spell:
            replayed[spell] += 1
            scan.sent_at = spell.back_at + SECOND + REPLAY_STEP * replayed[spell]
        else:
            scan.sent_at = scan.at + 60 + int(300 * random())
        scan.received_at = scan.sent_at + 40 + int(SLOWEST * random() ** 5)


def post_acts(seed: int, event_id: str, acts: Iterable[Act]) -> None:
    """Say of each act when it was sent and received."""
    dice = Stream(seed, "post-acts", event_id)
    for act in acts:
        wait = (
            dice.between(8 * MINUTE, 9 * HOUR) if dice.random() < AT_REST else 500 * dice.random()
        )
        act.sent_at = act.at + 80 + int(wait)
        act.received_at = act.sent_at + latency(dice)


def latency(dice: Dice) -> int:
    """Milliseconds between a device and the server: most far below the slowest."""
    return 40 + int(SLOWEST * dice.random() ** 5)
