"""Letters: what of an evening reaches the server, when, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from operator import attrgetter
from typing import Any

from sandbox.world.attendance.clock import Writer
from sandbox.world.attendance.dirt import (
    BREAKS,
    DELAYS,
    KINDS,
    delay,
    skew,
    spoil_message,
)
from sandbox.world.attendance.evening import Evening
from sandbox.world.attendance.gates import place
from sandbox.world.attendance.phones import Act, phone_of
from sandbox.world.attendance.post import latency
from sandbox.world.attendance.scans import Scan
from sandbox.world.dice import Dice, Stream
from sandbox.world.moments import HOUR

AHEAD = 9 * HOUR
"""By how much a time in the future is wrong: a zone that was written down twice."""
Item = Scan | Act


class Letter:
    """A message that does not simply arrive as it was meant."""

    __slots__ = ("item", "kind", "received_at", "resent_at", "sent_at")

    def __init__(
        self,
        received_at: int,
        sent_at: int,
        item: Item,
        kind: str | None,
        resent_at: int | None = None,
    ) -> None:
        self.received_at = received_at
        self.sent_at = sent_at
        self.item = item
        self.kind = kind
        """What is wrong with it; None for a good message that follows a broken one."""
        self.resent_at = resent_at
        """Of a broken message: when the good one follows. If never, it is lost."""


class Letters:
    """All messages of an evening in the order of receipt; rendered when somebody reads them."""

    def __init__(self, seed: int, dirt: float, evening: Evening) -> None:
        self._seed = seed
        self._dirt = dirt
        self._evening = evening
        self._event_id = evening.event.event_id
        self._zone: tzinfo = evening.event.venue.zone
        self._place = place(seed, evening.event.venue)
        self._scanners = [
            [gate.scanner(lane) for lane in range(gate.lanes + 1)] for gate in evening.gates
        ]
        self._whereabouts = [
            {"lat": gate.latitude, "lon": gate.longitude, "zone": gate.zone}
            for gate in evening.gates
        ]
        self._writer = Writer(self._zone)
        self._writers: dict[tzinfo, Writer] = {}
        acts, _ = evening.app
        meant: Iterable[Item] = (*evening.scans, *acts)
        self._skews = self._wrong_clocks(acts) if dirt else {}
        self.letters: list[Item | Letter] = list(self._soil(meant) if dirt else meant)
        self.letters.sort(key=attrgetter("received_at"))

    def _soil(self, items: Iterable[Item]) -> Iterator[Item | Letter]:
        """The letters that each message leaves: as a rule, just itself."""
        random = Stream(self._seed, "soiled", self._event_id).random
        for item in items:
            if random() >= self._dirt:
                yield item
                continue
            dice = Dice(self._seed, "dirt", self.name(item))
            kind = KINDS.draw(dice)
            later = item.sent_at + delay(kind, dice)
            received_at = later + latency(dice)
            if kind in DELAYS:
                yield Letter(received_at, later, item, kind)
            elif kind in BREAKS:
                resent_at = received_at if dice.chance(0.5) else None
                yield Letter(item.received_at, item.sent_at, item, kind, resent_at)
                if resent_at:
                    yield Letter(received_at, later, item, None)
            elif kind in ("duplicate", "unknown_type"):
                yield item
                yield Letter(received_at, later, item, kind)
            else:
                yield Letter(item.received_at, item.sent_at, item, kind)

    def name(self, item: Item) -> str:
        """The id of a message; one that is sent again keeps it."""
        return f"{self._event_id}.{item.mark}{item.number}"

    def kind_of(self, letter: Item | Letter) -> str | None:
        """What is wrong with a message, its device's clock included."""
        item, kind = (letter.item, letter.kind) if isinstance(letter, Letter) else (letter, None)
        return kind or ("clock_skew" if self._skew(item) else None)

    def read(self, letter: Item | Letter) -> tuple[dict[str, Any], str | None]:
        """The message as it arrives, and what is wrong with it, its device's clock included."""
        item, kind = (letter.item, letter.kind) if isinstance(letter, Letter) else (letter, None)
        off = self._skew(item)
        ahead = AHEAD if kind == "future_time" else 0
        if isinstance(item, Scan):
            message = self._scan(item, off + ahead, letter.sent_at + off)
        else:
            message = self._act(item, off + ahead, letter.sent_at + off)
        if kind is None:
            return message, "clock_skew" if off else None
        return spoil_message(self._seed, message, kind), kind

    def _wrong_clocks(self, acts: list[Act]) -> dict[tuple[int, int], int]:
        """By how much the clocks of scanners (gate, lane) and phones (-1, user) are wrong."""
        gates = self._evening.gates
        devices = [(n, lane + 1) for n, gate in enumerate(gates) for lane in range(gate.lanes)]
        devices += sorted({(-1, act.user) for act in acts})
        found = ((one, skew(self._seed, self._dirt, self._event_id, *one)) for one in devices)
        return {device: off for device, off in found if off}

    def _skew(self, item: Item) -> int:
        if not self._skews:
            return 0
        device = (item.gate, item.lane) if isinstance(item, Scan) else (-1, item.user)
        return self._skews.get(device, 0)

    def _scan(self, scan: Scan, off: int, sent_at: int) -> dict[str, Any]:
        gate = scan.gate
        return {
            "message_id": f"{self._event_id}.s{scan.number}",
            "type": "check_in" if scan.direction == "in" else "check_out",
            "user_id": f"usr-{scan.user:08d}",
            "event_id": self._event_id,
            "gate_id": self._evening.gates[gate].gate_id,
            "timestamp": self._writer.write(scan.at + off),
            "sent_at": self._writer.write(sent_at),
            "device_info": self._scanners[gate][scan.lane],
            "location": self._whereabouts[gate],
            "properties": {
                "result": scan.result,
                "lane": scan.lane,
                "registration_id": scan.registration_id,
                "is_override": scan.is_override,
                "is_offline": scan.is_offline,
                "nonce": f"{(scan.at * 2654435761 + scan.number * 40503) & 0xFFFFFFFF:08x}",
            },
        }

    def _act(self, act: Act, off: int, sent_at: int) -> dict[str, Any]:
        phone = phone_of(self._seed, act.user)
        writer = self._writer
        if phone.home:
            writer = self._writers.setdefault(phone.home, Writer(phone.home))
        message = {
            "message_id": f"{self._event_id}.a{act.number}",
            "type": act.type,
            "user_id": f"usr-{act.user:08d}",
            "event_id": self._event_id,
            "timestamp": writer.write(act.at + off + phone.clock),
            "sent_at": writer.write(sent_at + phone.clock),
            "device_info": phone.info,
            "location": self._near(act.user),
            "properties": act.properties,
        }
        if act.session_id:
            message["session_id"] = act.session_id
        return message

    def _near(self, user: int) -> dict[str, Any]:
        """Near the venue; a phone that may not say where it is says zero."""
        if user % 50 == 7:
            return {"lat": 0.0, "lon": 0.0}
        latitude, longitude = self._place
        step = user % 200 / 100_000
        return {"lat": round(latitude + step, 5), "lon": round(longitude - step, 5), "zone": None}
