"""Kinds of events: how long, how big, how dear, and who comes."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.world.dice import Weighted


@dataclass(frozen=True, slots=True)
class Format:
    """What events of one kind have in common."""

    category: str
    titles: tuple[str, ...]
    start_hours: tuple[int, ...]
    hours: tuple[int, int]
    """Shortest and longest duration."""
    price_cents: int
    """What a general ticket costs in US cents; 0 is a free event."""
    sessions: tuple[int, int]
    ticket_types: Weighted[str]
    crowd: float
    """How many come, compared with the average event."""


def _types(general: float, vip: float, staff: float, speaker: float) -> Weighted[str]:
    return Weighted(("general", general), ("vip", vip), ("staff", staff), ("speaker", speaker))


FORMATS = Weighted(
    (
        Format(
            category="conference",
            titles=("Data & Dialogue", "Cloud Native Day", "Health Summit", "Future of Retail"),
            start_hours=(8, 9),
            hours=(8, 10),
            price_cents=29900,
            sessions=(6, 14),
            ticket_types=_types(82, 8, 5, 5),
            crowd=1.2,
        ),
        24.0,
    ),
    (
        Format(
            category="concert",
            titles=("Night of Strings", "The Quiet Hours", "Brass & Bass", "K-Wave Live"),
            start_hours=(19, 20, 21),
            hours=(3, 4),
            price_cents=6900,
            sessions=(1, 3),
            ticket_types=_types(89, 9, 2, 0),
            crowd=1.4,
        ),
        22.0,
    ),
    (
        Format(
            category="sports",
            titles=("City Derby", "Cup Quarter-Final", "Track Meet", "Winter Games"),
            start_hours=(14, 17, 19),
            hours=(3, 4),
            price_cents=4500,
            sessions=(1, 2),
            ticket_types=_types(90, 6, 4, 0),
            crowd=1.5,
        ),
        18.0,
    ),
    (
        Format(
            category="exhibition",
            titles=("Book Fair", "Makers' Hall", "Green Energy Expo", "Boat Show"),
            start_hours=(9, 10),
            hours=(8, 10),
            price_cents=2400,
            sessions=(3, 8),
            ticket_types=_types(90, 4, 4, 2),
            crowd=1.0,
        ),
        14.0,
    ),
    (
        Format(
            category="workshop",
            titles=("Hands-on Kubernetes", "Ceramics", "First Aid", "Negotiation Lab"),
            start_hours=(9, 13, 18),
            hours=(3, 6),
            price_cents=12900,
            sessions=(1, 4),
            ticket_types=_types(88, 2, 4, 6),
            crowd=0.25,
        ),
        12.0,
    ),
    (
        Format(
            category="community",
            titles=("Open House", "Town Hall", "Charity Run", "School Science Night"),
            start_hours=(10, 16, 18),
            hours=(2, 5),
            price_cents=0,
            sessions=(1, 4),
            ticket_types=_types(92, 0, 5, 3),
            crowd=0.6,
        ),
        10.0,
    ),
)

ALL_NIGHT = Format(
    category="festival",
    titles=("Night of the Changing Clocks",),
    start_hours=(21,),
    hours=(9, 9),
    price_cents=5400,
    sessions=(3, 6),
    ticket_types=_types(90, 6, 4, 0),
    crowd=0.8,
)
"""Takes place in the night in which the venue's clocks change, whenever there is such a night."""
