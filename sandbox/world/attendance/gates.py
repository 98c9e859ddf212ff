"""Gates: the doors of each venue, in zones, with lanes and the scanners that stand at them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sandbox.world.dice import Dice
from sandbox.world.venues import VENUES, Venue

ZONES = ("North", "South", "East", "West", "Main Entrance", "Garden")
FIRMWARE = ("4.2.0", "4.2.1", "4.3.0")
SCANNERS = (("Android", "11", "Zebra TC52"), ("Android", "10", "Honeywell CT60"))
SCANNER_APP = "3.8.2"


@dataclass(frozen=True, slots=True)
class Gate:
    """A door of a venue. An event uses the gates of its venue, the first one always."""

    gate_id: str
    venue_id: str
    zone: str
    lanes: int
    firmware: str
    counts_queue: bool
    """Whether a camera counts who waits."""
    times_service: bool
    """Whether its turnstiles time how long a person takes."""
    latitude: float
    longitude: float

    def scanner(self, lane: int) -> dict[str, str]:
        """The device that scans at one of its lanes."""
        os, os_version, model = SCANNERS[(lane + len(self.zone)) % len(SCANNERS)]
        return {
            "os": os,
            "os_version": os_version,
            "model": model,
            "app_version": SCANNER_APP,
            "device_id": f"scn-{self.gate_id[4:]}-{lane}",
        }


@cache
def gates_of(seed: int, venue: Venue) -> tuple[Gate, ...]:
    """The gates of a venue: two to six, more of them and wider ones where it is large."""
    dice = Dice(seed, "gates", venue.venue_id)
    count = min(6, 2 + venue.capacity // 6000 + dice.below(2))
    first = dice.below(len(ZONES))
    latitude, longitude = place(seed, venue)
    return tuple(
        Gate(
            gate_id=f"{venue.venue_id}-g{number + 1}",
            venue_id=venue.venue_id,
            zone=ZONES[(first + number) % len(ZONES)],
            lanes=max(2 if number == 0 else 1, min(4, 1 + dice.below(2 + venue.capacity // 6000))),
            firmware=dice.one_of(FIRMWARE),
            counts_queue=dice.chance(0.6),
            times_service=dice.chance(0.75),
            latitude=round(latitude + dice.between(-0.001, 0.001), 5),
            longitude=round(longitude + dice.between(-0.001, 0.001), 5),
        )
        for number in range(count)
    )


@cache
def place(seed: int, venue: Venue) -> tuple[float, float]:
    """Where a venue stands: somewhere on the globe, always the same spot."""
    dice = Dice(seed, "place", venue.venue_id)
    return dice.between(-38.0, 58.0), dice.between(-120.0, 150.0)


def all_gates(seed: int) -> tuple[Gate, ...]:
    """The gates of all venues."""
    return tuple(gate for venue in VENUES for gate in gates_of(seed, venue))
