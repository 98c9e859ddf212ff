"""Letters: what of an evening reaches the server, when, and what is wrong with it."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Any, NamedTuple

from sandbox.world.attendance.counters import Report, body, report
from sandbox.world.attendance.dirt import (
    BREAKS,
    GATE_KINDS,
    KINDS,
    delay,
    skew,
    spoil_message,
    spoil_report,
    touches,
)
from sandbox.world.attendance.evening import Evening
from sandbox.world.attendance.gates import place
from sandbox.world.attendance.phones import Act, phone_of
from sandbox.world.attendance.post import latency
from sandbox.world.attendance.scans import Scan
from sandbox.world.dice import Dice
from sandbox.world.moments import HOUR, instant

AHEAD = 9 * HOUR
"""By how much a time in the future is wrong: a zone that was written down twice."""


class Letter(NamedTuple):
    """A message on its way: rendered only when somebody reads it."""

    received_at: int
    name: str
    """The message's id."""
    sent_at: int
    item: Scan | Act
    kind: str | None
    """What is wrong with it; None for a good message, and for one that follows a broken one."""
    resent_at: int | None = None
    """Of a broken message: when the good one follows. If never, it is lost."""


class Parcel(NamedTuple):
    """A report of a gate on its way."""

    reported_at: int
    name: str
    report: Report
    kind: str | None
    resent_at: int | None = None


class Bag:
    """All that an evening sends, in the order in which it is received."""

    def __init__(self, seed: int, dirt: float, evening: Evening) -> None:
        self._seed = seed
        self._dirt = dirt
        self._evening = evening
        self._zone: tzinfo = evening.event.venue.zone
        self._place = place(seed, evening.event.venue)
        self._skews: dict[str, int] = {}
        event_id = evening.event.event_id
        self.letters: list[Letter] = []
        for item, mark in ((evening.scans, "s"), (evening.acts, "a")):
            for one in item:
                self._send(f"{event_id}.{mark}{one.number}", one)
        self.letters.sort(key=lambda letter: letter[:2])
        self.parcels: list[Parcel] = []
        for told in report(seed, event_id, evening.minutes, evening.spells):
            self._report(told)
        self.parcels.sort(key=lambda parcel: parcel[:2])

    def _send(self, name: str, item: Scan | Act) -> None:
        letters = self.letters
        if not touches(self._seed, self._dirt, name):
            letters.append(Letter(item.received_at, name, item.sent_at, item, None))
            return
        dice = Dice(self._seed, "dirt", name)
        kind = KINDS.draw(dice)
        later = item.sent_at + delay(kind, dice)
        received = later + latency(dice)
        if kind in ("late", "out_of_order"):
            letters.append(Letter(received, name, later, item, kind))
        elif kind in BREAKS:
            resent_at = received if dice.chance(0.5) else None
            letters.append(Letter(item.received_at, name, item.sent_at, item, kind, resent_at))
            if resent_at:
                letters.append(Letter(received, name, later, item, None))
        elif kind in ("duplicate", "unknown_type"):
            letters.append(Letter(item.received_at, name, item.sent_at, item, None))
            letters.append(Letter(received, name, later, item, kind))
        else:
            letters.append(Letter(item.received_at, name, item.sent_at, item, kind))

    def _report(self, told: Report) -> None:
        minute = told.minute
        gate = self._evening.gates[minute.gate].gate_id
        name = f"{gate}/{minute.lane}/{minute.minute_at}/{told.reported_at}"
        if not touches(self._seed, self._dirt, name):
            self.parcels.append(Parcel(told.reported_at, name, told, None))
            return
        dice = Dice(self._seed, "dirt", name)
        kind = GATE_KINDS.draw(dice)
        later = told.reported_at + delay(kind, dice)
        resent_at = None
        if kind == "late":
            told = told._replace(reported_at=later)
        elif kind == "duplicate":
            self.parcels.append(Parcel(told.reported_at, name, told, None))
            told = told._replace(reported_at=later)
        elif kind in BREAKS and dice.chance(0.5):
            resent_at = later
            self.parcels.append(Parcel(later, name, told._replace(reported_at=later), None))
        self.parcels.append(Parcel(told.reported_at, name, told, kind, resent_at))

    def kind_of(self, letter: Letter) -> str | None:
        """What is wrong with a letter, its device's clock included."""
        if letter.kind is None and self._skew(letter.item):
            return "clock_skew"
        return letter.kind

    def message(self, letter: Letter) -> dict[str, Any]:
        """The message as it arrives."""
        item = letter.item
        meant = self._scan(letter, item) if isinstance(item, Scan) else self._act(letter, item)
        return spoil_message(self._seed, meant, letter.kind) if letter.kind else meant

    def row(self, parcel: Parcel) -> dict[str, Any]:
        """The gate's minute as it is served."""
        event_id = self._evening.event.event_id
        gate = self._evening.gates[parcel.report.minute.gate]
        row = body(event_id, gate, parcel.report)
        return spoil_report(self._seed, parcel.name, row, parcel.kind) if parcel.kind else row

    def gate_id(self, parcel: Parcel) -> str:
        """The gate that a report is about, whatever it says itself."""
        return self._evening.gates[parcel.report.minute.gate].gate_id

    def _skew(self, item: Scan | Act) -> int:
        if not self._dirt:
            return 0
        device = f"{item.gate}/{item.lane}" if isinstance(item, Scan) else f"usr/{item.user}"
        if device not in self._skews:
            event_id = self._evening.event.event_id
            self._skews[device] = skew(self._seed, self._dirt, event_id, device)
        return self._skews[device]

    def _scan(self, letter: Letter, scan: Scan) -> dict[str, Any]:
        gate, off = self._evening.gates[scan.gate], self._skew(scan)
        ahead = AHEAD if letter.kind == "future_time" else 0
        return {
            "message_id": letter.name,
            "type": "check_in" if scan.direction == "in" else "check_out",
            "user_id": f"usr-{scan.user:08d}",
            "event_id": self._evening.event.event_id,
            "gate_id": gate.gate_id,
            "timestamp": _written(scan.at + off + ahead, self._zone),
            "sent_at": _written(letter.sent_at + off, self._zone),
            "device_info": gate.scanner(scan.lane),
            "location": {"lat": gate.latitude, "lon": gate.longitude, "zone": gate.zone},
            "properties": {
                "result": scan.result,
                "lane": scan.lane,
                "registration_id": scan.registration_id,
                "is_override": scan.is_override,
                "is_offline": scan.is_offline,
                "nonce": f"{(scan.at * 2654435761 + scan.number * 40503) & 0xFFFFFFFF:08x}",
            },
        }

    def _act(self, letter: Letter, act: Act) -> dict[str, Any]:
        phone, off = phone_of(self._seed, act.user), self._skew(act)
        off += phone.clock
        zone = phone.home or self._zone
        ahead = AHEAD if letter.kind == "future_time" else 0
        message = {
            "message_id": letter.name,
            "type": act.type,
            "user_id": f"usr-{act.user:08d}",
            "event_id": self._evening.event.event_id,
            "timestamp": _written(act.at + off + ahead, zone),
            "sent_at": _written(letter.sent_at + off, zone),
            "device_info": phone.info,
            "location": self._whereabouts(act),
            "properties": act.properties,
        }
        if act.session_id:
            message["session_id"] = act.session_id
        return message

    def _whereabouts(self, act: Act) -> dict[str, Any]:
        """Near the venue; a phone that may not say where it is says zero."""
        if act.user % 50 == 7:
            return {"lat": 0.0, "lon": 0.0}
        latitude, longitude = self._place
        step = act.user % 200 / 100_000
        return {"lat": round(latitude + step, 5), "lon": round(longitude - step, 5), "zone": None}


def _written(moment: int, zone: tzinfo) -> str:
    text = instant(moment, zone).isoformat(timespec="milliseconds")
    return text if zone is not UTC else text[:-6] + "Z"
