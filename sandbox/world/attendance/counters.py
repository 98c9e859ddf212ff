"""Counters: what the gates themselves count, minute by minute, and when they report it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from statistics import median_low
from typing import Any, NamedTuple

from sandbox.world.attendance.gates import Gate
from sandbox.world.attendance.scans import Scan
from sandbox.world.attendance.spells import Spell, spell_of
from sandbox.world.dice import Dice
from sandbox.world.moments import MINUTE, SECOND, instant

REASONS = ("duplicate", "invalid", "wrong_gate", "revoked")
SLOT = 5
"""Minutes for which a lane stays open at least."""


class Minute(NamedTuple):
    """What one lane of one gate did in one minute."""

    gate: int
    lane: int
    minute_at: int
    entries: int
    exits: int
    rejects: tuple[int, ...]
    overrides: int
    waiting: int
    service: int | None
    """Median of the minute, in milliseconds; None without entries."""


class Report(NamedTuple):
    """A minute as the gate tells it at some moment: later reports of it replace earlier ones."""

    reported_at: int
    minute: Minute
    status: str


def count(scans: Iterable[Scan]) -> list[Minute]:
    """The minutes of all lanes, those without a scan included while the lane is open."""
    found: defaultdict[tuple[int, int, int], list[Scan]] = defaultdict(list)
    waiting: defaultdict[tuple[int, int, int], int] = defaultdict(int)
    slots: set[tuple[int, int, int]] = set()
    for scan in scans:
        minute = scan.at // MINUTE
        found[scan.gate, scan.lane, minute].append(scan)
        slots.add((scan.gate, scan.lane, minute // SLOT))
        for full in range(scan.arrived_at // MINUTE, minute) if scan.arrived_at else ():
            waiting[scan.gate, scan.lane, full] += 1
            slots.add((scan.gate, scan.lane, full // SLOT))
    return [
        _minute(gate, lane, minute, found.get((gate, lane, minute), ()), waiting)
        for gate, lane, slot in sorted(slots)
        for minute in range(slot * SLOT, slot * SLOT + SLOT)
    ]


def _minute(
    gate: int,
    lane: int,
    minute: int,
    scans: Iterable[Scan],
    waiting: dict[tuple[int, int, int], int],
) -> Minute:
    entries = exits = overrides = 0
    rejects, service = [0, 0, 0, 0], []
    for scan in scans:
        if scan.direction == "out":
            exits += 1
        elif scan.is_override or scan.result == "ok":
            entries += 1
            overrides += scan.is_override
            service.append(scan.service)
        else:
            rejects[REASONS.index(scan.result)] += 1
    return Minute(
        gate,
        lane,
        minute * MINUTE,
        entries,
        exits,
        tuple(rejects),
        overrides,
        waiting.get((gate, lane, minute), 0),
        median_low(service) if service else None,
    )


def report(seed: int, event_id: str, minutes: list[Minute], spells: list[Spell]) -> list[Report]:
    """When the minutes are told: soon, or late, or wrong at first and corrected after a while."""
    dice = Dice(seed, "reports", event_id)
    reports: list[Report] = []
    for minute in minutes:
        at = minute.minute_at + MINUTE + int(dice.between(2 * SECOND, 25 * SECOND))
        spell = spell_of(spells, minute.gate, minute.lane, minute.minute_at)
        if spell and spell.lane is None:
            # The whole gate is cut off: it keeps counting and tells when it is back.
            reports.append(Report(max(at, spell.back_at + 20 * SECOND), minute, "offline"))
        elif spell and spell.back_at > at:
            # The lane's scanner is: the gate knows nothing of what it scans until it is back.
            blind = Minute(*minute[:3], 0, 0, (0, 0, 0, 0), 0, 0, None)
            reports.append(Report(at, blind, "degraded"))
            reports.append(Report(spell.back_at + 40 * SECOND, minute, "online"))
        elif dice.random() < 0.004 and minute.entries:
            first = minute._replace(entries=minute.entries - 1)
            reports.append(Report(at, first, "online"))
            reports.append(Report(at + int(dice.between(4, 90) * MINUTE), minute, "online"))
        else:
            reports.append(Report(at, minute, "online"))
    reports.sort(key=lambda told: (told.reported_at, told.minute))
    return reports


def body(event_id: str, gate: Gate, told: Report) -> dict[str, Any]:
    """A report as the gate writes it."""
    minute = told.minute
    row: dict[str, Any] = {
        "gate_id": gate.gate_id,
        "event_id": event_id,
        "lane": minute.lane,
        "minute_at": instant(minute.minute_at).isoformat().replace("+00:00", "Z"),
        "reported_at": instant(told.reported_at).isoformat(timespec="milliseconds")[:-6] + "Z",
        "entries": minute.entries,
        "exits": minute.exits,
        "rejects": dict(zip(REASONS, minute.rejects, strict=True)),
        "manual_overrides": minute.overrides,
        "status": told.status,
        "firmware": gate.firmware,
    }
    if gate.counts_queue:
        row["queue_length"] = minute.waiting
    if gate.times_service and minute.service is not None:
        row["service_seconds_p50"] = round(minute.service / SECOND, 2)
    return row
