"""Events: what, where and when, and what changes about them after they were announced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sandbox.world.changes import Change
from sandbox.world.dice import Dice
from sandbox.world.formats import ALL_NIGHT, FORMATS, Format
from sandbox.world.moments import DAY, HOUR, MINUTE, SECOND, instant, moment
from sandbox.world.venues import VENUES, Venue

DOORS_BEFORE = HOUR
SHORTEST_LEAD, LONGEST_LEAD = 10 * DAY, 38 * DAY
NOON = time(12)


class EventState(NamedTuple):
    """What can change about an event."""

    status: str
    starts_at: int
    ends_at: int
    capacity: int
    reason: str | None = None

    @property
    def doors_open_at(self) -> int:
        """Doors move with the start."""
        return self.starts_at - DOORS_BEFORE


@dataclass(slots=True)
class Event:
    """An event and its life."""

    event_id: str
    organization_id: str
    venue: Venue
    format: Format
    title: str
    announced_at: int
    starts_at: int
    ends_at: int
    utc_offset: int
    price_minor: int
    changes: list[Change] = field(default_factory=list)
    cancelled_at: int | None = None
    kind: str = "event"

    @property
    def name(self) -> str:
        """See Thing."""
        return self.event_id

    @property
    def key(self) -> str:
        """See Thing."""
        return self.event_id

    def data(self, change: Change) -> Mapping[str, Any]:
        """See Thing."""
        state: EventState = change.state
        if change.verb == "cancelled":
            return {"event_id": self.event_id, "reason": state.reason}
        return {
            "event_id": self.event_id,
            "organization_id": self.organization_id,
            "venue_id": self.venue.venue_id,
            "name": self.title,
            "category": self.format.category,
            "timezone": self.venue.timezone,
            "doors_open_at": instant(state.doors_open_at, self.venue.zone),
            "starts_at": instant(state.starts_at, self.venue.zone),
            "ends_at": instant(state.ends_at, self.venue.zone),
            "capacity": state.capacity,
        }


def plan_event(seed: int, day: date, number: int, opening: int) -> Event:
    """The number-th event of all, on a given day: where and when it is, not yet how many come."""
    event_id = f"evt-{day:%Y%m%d}-{number}"
    dice = Dice(seed, "event", event_id)
    return _plan(dice, event_id, dice.one_of(VENUES), FORMATS.draw(dice), day, opening)


def plan_clock_change_night(seed: int, day: date, opening: int) -> Event | None:
    """The event that runs all night while the clocks change, if they do at any venue that night."""
    for venue in VENUES:
        before = datetime.combine(day, NOON, venue.zone).utcoffset()
        after = datetime.combine(day + timedelta(days=1), NOON, venue.zone).utcoffset()
        if before != after:
            event_id = f"evt-{day:%Y%m%d}-night"
            return _plan(Dice(seed, "event", event_id), event_id, venue, ALL_NIGHT, day, opening)
    return None


def _plan(dice: Dice, event_id: str, venue: Venue, kind: Format, day: date, opening: int) -> Event:
    start = datetime.combine(day, time(dice.one_of(kind.start_hours)), venue.zone)
    starts_at = moment(start)
    hours = kind.hours[0] + dice.below(kind.hours[1] - kind.hours[0] + 1)
    announced_at = starts_at - int(dice.between(SHORTEST_LEAD, LONGEST_LEAD))
    if announced_at < opening:
        # The platform opened with these events already on sale elsewhere: all come in at once.
        announced_at = opening + int(dice.between(5 * MINUTE, 90 * MINUTE))
    price = 100 * round(kind.price_cents * dice.between(0.006, 0.016) * venue.price_factor)
    return Event(
        event_id=event_id,
        organization_id=f"org-{1 + dice.below(14):02d}",
        venue=venue,
        format=kind,
        title=f"{dice.one_of(kind.titles)} {venue.name.split()[0]} {day.year}",
        announced_at=announced_at,
        starts_at=starts_at,
        ends_at=starts_at + hours * HOUR,
        utc_offset=int((start.utcoffset() or timedelta()).total_seconds()) * SECOND,
        price_minor=price,
    )


def live_event(seed: int, event: Event, capacity: int) -> None:
    """Give the event its life: created, perhaps moved or enlarged, perhaps called off."""
    dice = Dice(seed, "event-life", event.event_id)
    state = EventState("scheduled", event.starts_at, event.ends_at, capacity)
    event.changes.append(Change(event, 0, event.announced_at, "created", state))
    sale = event.starts_at - event.announced_at
    if dice.chance(0.22):
        at = event.announced_at + int(sale * dice.between(0.1, 0.6))
        if dice.chance(0.5):
            later = dice.one_of((30, 60)) * MINUTE
            state = state._replace(starts_at=state.starts_at + later, ends_at=state.ends_at + later)
        else:
            state = state._replace(capacity=round(capacity * 1.1))
        event.changes.append(Change(event, 1, at, "updated", state))
    if event.format is not ALL_NIGHT and dice.chance(0.03):
        at = event.announced_at + int(sale * dice.between(0.7, 0.95))
        reason = dice.one_of(("artist ill", "low demand", "weather", "permit withdrawn"))
        state = state._replace(status="cancelled", reason=reason)
        event.cancelled_at = at
        event.changes.append(Change(event, len(event.changes), at, "cancelled", state))
