"""Reports: what the gates tell of an evening, when, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from sandbox.world.attendance.clock import Writer
from sandbox.world.attendance.counters import Report, row
from sandbox.world.attendance.dirt import BREAKS, GATE_KINDS, delay, spoil_report
from sandbox.world.attendance.evening import Evening
from sandbox.world.dice import Dice, Stream


class Reports:
    """All reports of an evening in the order in which they are made."""

    def __init__(self, seed: int, dirt: float, evening: Evening) -> None:
        self._seed = seed
        self._dirt = dirt
        self._writer = Writer()
        self._gates = evening.gates
        self._event_id = evening.event.event_id
        self.reports = evening.reports
        if dirt:
            self.reports = sorted(self._soil(evening.reports), key=itemgetter(0))

    def _soil(self, reports: list[Report]) -> Iterator[Report]:
        random = Stream(self._seed, "soiled-reports", self._event_id).random
        for told in reports:
            if random() >= self._dirt:
                yield told
                continue
            dice = Dice(self._seed, "dirt", self.gate_id(told), *told[:4])
            kind = GATE_KINDS.draw(dice)
            later = told._replace(reported_at=told.reported_at + delay(kind, dice))
            if kind == "late":
                yield later._replace(kind=kind)
            elif kind == "duplicate":
                yield told
                yield later._replace(kind=kind)
            elif kind in BREAKS and dice.chance(0.5):
                yield told._replace(kind=kind, resent_at=later.reported_at)
                yield later
            else:
                yield told._replace(kind=kind)

    def gate_id(self, told: Report) -> str:
        """The gate that a report is about, whatever it says itself."""
        return self._gates[told.gate].gate_id

    def read(self, told: Report) -> dict[str, Any]:
        """The report as it is served."""
        meant = row(self._event_id, self._gates[told.gate], told, self._writer)
        if told.kind is None:
            return meant
        return spoil_report(Dice(self._seed, "spoil", *map(str, told[:4])), meant, told.kind)
