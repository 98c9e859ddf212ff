"""Counters: what the gates themselves count, minute by minute, and when they report it."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, NamedTuple

from sandbox.world.attendance.clock import Writer
from sandbox.world.attendance.gates import Gate
from sandbox.world.attendance.scans import Scan
from sandbox.world.attendance.spells import Spell, spell_of
from sandbox.world.dice import Stream
from sandbox.world.moments import MINUTE, SECOND

REASONS = ("duplicate", "invalid", "wrong_gate", "revoked")
SLOT = 5
"""Minutes for which a lane stays open at least."""
CORRECTED = 0.004
"""Share of minutes with entries that are first reported with one too few."""


class Counts(NamedTuple):
    """What one lane of one gate did in one minute."""

    entries: int = 0
    """People let in, by ticket or by staff."""
    exits: int = 0
    duplicate: int = 0
    invalid: int = 0
    wrong_gate: int = 0
    revoked: int = 0
    overrides: int = 0
    waiting: int = 0
    """People in the queue when the minute ended."""
    service: int | None = None
    """Median time that a person took, in milliseconds; None without entries."""


Minute = tuple[int, int, int, Counts]
"""Gate, lane, minute and what they did."""
NOTHING = Counts()


class Report(NamedTuple):
    """A minute as the gate tells it at some moment: a later report of it replaces this one."""

    reported_at: int
    gate: int
    lane: int
    minute_at: int
    counts: Counts
    status: str
    kind: str | None = None
    """What is wrong with it, see dirt.py."""
    resent_at: int | None = None
    """Of a broken report: when the good one follows. If never, it is lost."""


def count(scans: Iterable[Scan]) -> list[Minute]:
    """The minutes of all lanes, those without a scan included while the lane is open."""
    passed: dict[tuple[int, int, int], list[Scan]] = {}
    waiting: dict[tuple[int, int, int], int] = {}
    for scan in scans:
        minute = scan.at // MINUTE
        key = (scan.gate, scan.lane, minute)
        if key in passed:
            passed[key].append(scan)
        else:
            passed[key] = [scan]
        if scan.service:
            for full in range(scan.arrived_at // MINUTE, minute):
                key = (scan.gate, scan.lane, full)
                waiting[key] = waiting.get(key, 0) + 1
    slots = {(gate, lane, minute // SLOT) for gate, lane, minute in (*passed, *waiting)}
    minutes: list[Minute] = []
    for gate, lane, slot in sorted(slots):
        for minute in range(slot * SLOT, slot * SLOT + SLOT):
            key = (gate, lane, minute)
            here, queue = passed.get(key), waiting.get(key, 0)
            counts = _counts(here or (), queue) if here or queue else NOTHING
            minutes.append((gate, lane, minute * MINUTE, counts))
    return minutes


def _counts(scans: Iterable[Scan], waiting: int) -> Counts:
    exits = overrides = 0
    service: list[int] = []
    rejects = [0, 0, 0, 0]
    for scan in scans:
        if scan.direction == "out":
            exits += 1
        elif scan.result == "ok" or scan.is_override:
            overrides += scan.is_override
            service.append(scan.service)
        else:
            rejects[REASONS.index(scan.result)] += 1
    service.sort()
    median = service[(len(service) - 1) // 2] if service else None
    duplicate, invalid, wrong_gate, revoked = rejects
    return Counts(
        len(service), exits, duplicate, invalid, wrong_gate, revoked, overrides, waiting, median
    )


def report(seed: int, event_id: str, minutes: list[Minute], spells: list[Spell]) -> list[Report]:
    """When the minutes are told: soon, or late, or wrong at first and corrected after a while."""
    dice = Stream(seed, "reports", event_id)
    random, reports = dice.random, list[Report]()
    for gate, lane, minute_at, counts in minutes:
        at = minute_at + MINUTE + int((2 + 23 * random()) * SECOND)
        spell = spell_of(spells, gate, lane, minute_at) if spells else None
        if spell is None and counts is NOTHING:
            reports.append(Report(at, gate, lane, minute_at, NOTHING, "online"))
        elif spell and spell.lane is None:
            # The whole gate is cut off: it keeps counting and tells when it is back.
            at = max(at, spell.back_at + 20 * SECOND)
            reports.append(Report(at, gate, lane, minute_at, counts, "offline"))
        elif spell and spell.back_at > at:
            # The lane's scanner is: the gate knows nothing of what it scans until it is back.
            reports.append(Report(at, gate, lane, minute_at, NOTHING, "degraded"))
            at = spell.back_at + 40 * SECOND
            reports.append(Report(at, gate, lane, minute_at, counts, "online"))
        else:
            if counts.entries and random() < CORRECTED:
                fewer = counts._replace(entries=counts.entries - 1)
                reports.append(Report(at, gate, lane, minute_at, fewer, "online"))
                at += int(dice.between(4, 90) * MINUTE)
            reports.append(Report(at, gate, lane, minute_at, counts, "online"))
    reports.sort(key=itemgetter(0))
    return reports


def row(event_id: str, gate: Gate, told: Report, writer: Writer) -> dict[str, Any]:
    """A report as the gate writes it."""
    counts = told.counts
    written: dict[str, Any] = {
        "gate_id": gate.gate_id,
        "event_id": event_id,
        "lane": told.lane,
        "minute_at": writer.write(told.minute_at),
        "reported_at": writer.write(told.reported_at),
        "entries": counts.entries,
        "exits": counts.exits,
        "rejects": {
            "duplicate": counts.duplicate,
            "invalid": counts.invalid,
            "wrong_gate": counts.wrong_gate,
            "revoked": counts.revoked,
        },
        "manual_overrides": counts.overrides,
        "status": told.status,
        "firmware": gate.firmware,
    }
    if gate.counts_queue:
        written["queue_length"] = counts.waiting
    if gate.times_service and counts.service is not None:
        written["service_seconds_p50"] = round(counts.service / SECOND, 2)
    return written
