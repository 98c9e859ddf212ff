"""Sessions: what happens inside an event, when and in which zone of the venue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from sandbox.world.changes import Change
from sandbox.world.dice import Dice
from sandbox.world.events import Event
from sandbox.world.moments import MINUTE, instant

TOPICS = (
    "Opening",
    "Keynote",
    "Panel",
    "Deep Dive",
    "Lightning Talks",
    "Main Act",
    "Support Act",
    "Guided Tour",
    "Masterclass",
    "Meet & Greet",
    "Award Ceremony",
    "Closing",
)
TWO_TRACKS = 6
"""As many sessions do not take place one after the other."""
ZONES = ("Main Hall", "Hall A", "Hall B", "Studio", "Terrace", None)


class SessionState(NamedTuple):
    """What can change about a session."""

    status: str
    starts_at: int
    ends_at: int
    zone: str | None
    reason: str | None = None


@dataclass(slots=True)
class Session:
    """One item of an event's programme."""

    session_id: str
    event: Event
    title: str
    capacity: int | None
    changes: list[Change] = field(default_factory=list)
    kind: str = "session"

    @property
    def name(self) -> str:
        """See Thing."""
        return self.session_id

    @property
    def key(self) -> str:
        """See Thing."""
        return self.event.event_id

    def data(self, change: Change) -> Mapping[str, Any]:
        """See Thing."""
        state: SessionState = change.state
        keys = {"session_id": self.session_id, "event_id": self.event.event_id}
        if change.verb == "cancelled":
            return {**keys, "reason": state.reason}
        return {
            **keys,
            "title": self.title,
            "zone": state.zone,
            "starts_at": instant(state.starts_at, self.event.venue.zone),
            "ends_at": instant(state.ends_at, self.event.venue.zone),
            "capacity": self.capacity,
        }


def plan_sessions(seed: int, event: Event, capacity: int) -> list[Session]:
    """The programme. Long ones run two sessions at a time, the others one after the other."""
    low, high = event.format.sessions
    count = low + Dice(seed, "programme", event.event_id).below(high - low + 1)
    return [_plan(seed, event, number, count, capacity) for number in range(count)]


def _plan(seed: int, event: Event, number: int, count: int, capacity: int) -> Session:
    session_id = f"{event.event_id}-s{number + 1:02d}"
    dice = Dice(seed, "session", session_id)
    session = Session(
        session_id=session_id,
        event=event,
        title=f"{dice.one_of(TOPICS)} {number + 1}",
        capacity=max(5, round(capacity * dice.between(0.2, 1.0))) if dice.chance(0.8) else None,
    )
    tracks = 2 if count >= TWO_TRACKS else 1
    slot = (event.ends_at - event.starts_at) // -(-count // tracks)
    starts_at = event.starts_at + slot * (number // tracks)
    ends_at = starts_at + slot - min(slot // 10, 15 * MINUTE)
    state = SessionState(
        "scheduled", _whole_minute(starts_at), _whole_minute(ends_at), dice.one_of(ZONES)
    )
    sale = event.starts_at - event.announced_at
    at = event.announced_at + int(sale * dice.between(0.001, 0.02))
    session.changes.append(Change(session, 0, at, "created", state))
    steps: list[tuple[int, str, dict[str, Any]]] = []
    if dice.chance(0.12):
        at = event.announced_at + int(sale * dice.between(0.1, 0.8))
        steps.append((at, "updated", {"zone": dice.one_of(ZONES)}))
    if dice.chance(0.02):
        at = event.announced_at + int(sale * dice.between(0.85, 0.99))
        steps.append((at, "cancelled", {"status": "cancelled", "reason": "speaker unavailable"}))
    for change in event.changes[1:]:
        later = change.state.starts_at - event.starts_at
        if change.verb == "updated" and later:
            # The programme moves with the event.
            times = {"starts_at": state.starts_at + later, "ends_at": state.ends_at + later}
            at = change.at + int(dice.between(0.2, 5) * MINUTE)
            steps.append((at, "updated", times))
    for at, verb, what in sorted(steps, key=itemgetter(0)):
        state = state._replace(**what)
        session.changes.append(Change(session, len(session.changes), at, verb, state))
    return session


def _whole_minute(moment: int) -> int:
    return moment // MINUTE * MINUTE
