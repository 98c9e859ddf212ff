"""The event side as a whole: which events there are, and everything that happens to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import exp, sqrt
from statistics import NormalDist
from typing import Any

from sandbox.world.changes import Change
from sandbox.world.dice import Dice, spread
from sandbox.world.events import (
    LONGEST_LEAD,
    Event,
    live_event,
    plan_clock_change_night,
    plan_event,
)
from sandbox.world.moments import DAY, SECOND, moment
from sandbox.world.registrations import Registration
from sandbox.world.seats import sell
from sandbox.world.sessions import Session, plan_sessions
from sandbox.world.tempo import Tempo
from sandbox.world.venues import VENUES, Venue

EVENTS_PER_DAY = 5.4
CROWD = 615.0
"""Wishes for tickets per event: with the events per day, half a million messages in 90 days."""
USERS = 110_000
WEEKDAY_WEIGHTS = (0.6, 0.8, 0.9, 1.1, 1.4, 1.6, 1.0)


@dataclass(slots=True)
class Story:
    """An event with all that belongs to it."""

    event: Event
    sessions: list[Session]
    registrations: list[Registration]

    def changes(self) -> Iterator[Change]:
        """All that happens to any of it, thing by thing."""
        yield from self.event.changes
        for session in self.sessions:
            yield from session.changes
        for registration in self.registrations:
            yield from registration.changes


class VenueOpening:
    """A venue as the platform knows it: entered on the first day, corrected now and then."""

    kind = "venue"

    def __init__(self, seed: int, venue: Venue, number: int, opening: int) -> None:
        dice = Dice(seed, "venue", venue.venue_id)
        self.venue = venue
        at = opening + (2 + number) * SECOND
        self.changes = [Change(self, 0, at, "created", venue.capacity)]
        if dice.chance(0.4):
            at = opening + int(dice.between(1 * DAY, 80 * DAY))
            self.changes.append(Change(self, 1, at, "updated", round(venue.capacity * 1.05)))

    @property
    def name(self) -> str:
        """See Thing."""
        return self.venue.venue_id

    @property
    def key(self) -> str:
        """See Thing."""
        return self.venue.venue_id

    def data(self, change: Change) -> Mapping[str, Any]:
        """See Thing."""
        return {
            "venue_id": self.venue.venue_id,
            "name": self.venue.name,
            "timezone": self.venue.timezone,
            "country": self.venue.country,
            "capacity": change.state,
        }


class Happenings:
    """Tells the event side story by story, as far as the clock has come and never twice.

    Both the number of events and their size grow with the root of the scale, so that a small
    world still has enough events to show every kind.
    """

    def __init__(self, seed: int, scale: float, start: date, days: int) -> None:
        self._seed = seed
        self._start = start
        first_midnight = datetime.combine(start, time(), UTC)
        self.opening = moment(first_midnight)
        self._root = sqrt(scale)
        self.users = max(60, round(USERS * scale))
        self._tempo = Tempo(
            first_midnight,
            timedelta(days=1),
            lambda day: WEEKDAY_WEIGHTS[day.weekday()],
            EVENTS_PER_DAY * days * self._root,
            days,
        )
        self._planned_until = 1
        """Days whose events are planned. The first day has none: nobody could know of them."""
        self._secrets: list[Event] = []
        """Events that are planned but not announced yet."""
        self.stories: list[Story] = []
        self.told_until = 0
        """The moment up to which all stories are there."""
        self.venues = [
            VenueOpening(seed, venue, number, self.opening) for number, venue in enumerate(VENUES)
        ]

    def tell_until(self, now: int) -> list[Story]:
        """The stories that became known since the last call: all events announced by `now`.

        A story is told to its end; what lies behind the clock is for the reader to leave out.
        """
        last = max(1, (now + LONGEST_LEAD + DAY - self.opening) // DAY)
        for step in range(self._planned_until, last + 1):
            self._secrets += self._events_of(step)
        self._planned_until = max(self._planned_until, last + 1)
        new = [self._story(event) for event in self._secrets if event.announced_at <= now]
        self._secrets = [event for event in self._secrets if event.announced_at > now]
        self.stories += new
        self.told_until = max(self.told_until, now)
        return new

    def _events_of(self, step: int) -> Iterator[Event]:
        day = self._start + timedelta(days=step)
        for number in self._tempo.numbers_in(step):
            yield plan_event(self._seed, day, number, self.opening)
        night = plan_clock_change_night(self._seed, day, self.opening)
        if night:
            yield night

    def _story(self, event: Event) -> Story:
        dice = Dice(self._seed, "crowd", event.event_id)
        size = exp(0.8 * NormalDist().inv_cdf(0.02 + 0.96 * self._size_rank(event)) - 0.32)
        demand = max(4, round(CROWD * self._root * event.format.crowd * size))
        capacity = min(event.venue.capacity, max(10, round(demand / dice.between(0.7, 1.9), -1)))
        live_event(self._seed, event, int(capacity))
        sessions = plan_sessions(self._seed, event, int(capacity))
        registrations = sell(self._seed, event, demand, int(capacity), self.users)
        return Story(event, sessions, registrations)

    def _size_rank(self, event: Event) -> float:
        """Where the event stands between the smallest (0) and the largest (1)."""
        number = event.event_id.rsplit("-", 1)[1]
        return spread(int(number), self._seed * 0.137) if number.isdigit() else 0.6
