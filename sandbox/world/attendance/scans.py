"""Scans and stays: what happens to one person at the doors of one event."""

from __future__ import annotations

from sandbox.world.attendance.diary import Guest


class Scan:
    """One ticket held before one scanner: slots, for there are a third of a million of them."""

    mark = "s"
    """Sets the ids of scans apart from those of acts."""
    number: int
    is_offline: bool
    sent_at: int
    received_at: int
    """Known when the evening is over, see post.py."""
    __slots__ = (
        "arrived_at",
        "at",
        "direction",
        "gate",
        "is_offline",
        "is_override",
        "lane",
        "number",
        "received_at",
        "registration_id",
        "result",
        "sent_at",
        "service",
        "user",
    )

    def __init__(
        self,
        at: int,
        direction: str,
        user: int,
        registration_id: str | None,
        gate: int,
        lane: int,
        result: str = "ok",
        is_override: bool = False,
        arrived_at: int = 0,
        service: int = 0,
    ) -> None:
        self.at = at
        """When it was scanned, by the one true clock."""
        self.direction = direction
        """`in` or `out`."""
        self.user = user
        self.registration_id = registration_id
        self.gate = gate
        """Which of the venue's gates, counted from 0."""
        self.lane = lane
        self.result = result
        self.is_override = is_override
        self.arrived_at = arrived_at
        """When the person joined the queue."""
        self.service = service
        """How long the lane was taken, in milliseconds; 0 on the way out."""

    @property
    def is_admitted(self) -> bool:
        """Whether the person passes."""
        return self.is_override or self.result == "ok"


class Visit:
    """From one way in to the next way out, whoever noticed."""

    __slots__ = ("entered_at", "gate", "is_exit_missing", "left_at", "left_gate")

    def __init__(self, entered_at: int, gate: int) -> None:
        self.entered_at = entered_at
        self.gate = gate
        self.left_at = 0
        self.left_gate = gate
        self.is_exit_missing = False


class Stay:
    """All visits of one person to one event."""

    __slots__ = ("guest", "settled_at", "visits")

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.settled_at = 0
        """When the last ticket was shown on the first way in."""
        self.visits: list[Visit] = []
