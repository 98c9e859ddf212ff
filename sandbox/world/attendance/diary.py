"""The diary: who comes to which event, for nobody is in two places at once."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.world.attendance.habits import HABITS, Habits
from sandbox.world.dice import Dice, Stream
from sandbox.world.happenings import Happenings, Story
from sandbox.world.moments import DAY, HOUR, MINUTE
from sandbox.world.registrations import Registration

AHEAD = 2 * DAY
"""How far guests are decided: what happens today may hang on where people want to be tomorrow."""
AFTERMATH = 2 * HOUR
"""How long after its programme an event may keep people: overrun and the way out."""
TRAVEL = 3 * HOUR
TRAVEL_IN_TOWN = HOUR
WORTH_IT = 90 * MINUTE
"""An event that has to be left earlier than this after its start is not visited at all."""
FIRST_PLANS = 2 * HOUR
"""The events that were on sale before the world opened are all known after this time."""


class Guest(NamedTuple):
    """Somebody who stands before the gate of an event at least once."""

    user: int
    registration: Registration | None
    """None for who has no ticket at all."""
    ready_at: int
    """Not before this: the ticket was bought or changed hands at that moment."""
    leave_by: int | None = None
    """Another event in town waits."""
    second: Registration | None = None
    """A second ticket of the same person, shown as well."""
    is_revoked: bool = False
    """The registration was cancelled: this one will not get in."""


class _Plan(NamedTuple):
    """What keeps a person busy."""

    event_id: str
    number: int
    town: str
    starts_at: int
    until: int


class Diary:
    """The guests of every event, decided event by event in the order in which doors open."""

    def __init__(self, seed: int, happenings: Happenings) -> None:
        self._seed = seed
        self._happenings = happenings
        self._plans: dict[int, _Plan] = {}
        self._guests: dict[str, list[Guest]] = {}
        self._last_in: dict[str, _Plan] = {}
        """The last event of each town."""
        self._told = 0
        self._ahead: list[tuple[int, str, Story]] = []
        """Stories whose guests are not decided yet, by the opening of their doors."""
        self.evenings: list[tuple[int, int, Story]] = []
        """Stories whose guests are decided: when doors open, when it is over, in that order."""

    def advance(self, now: int) -> None:
        """Decide for all events of the next two days.

        They are known: all are announced ten days ahead, or in the first two hours of the world.
        """
        if not self.is_open:
            return
        stories = self._happenings.stories
        for story in stories[self._told :]:
            state = story.event.changes[-1].state
            if state.status != "cancelled":
                self._ahead.append((state.doors_open_at, story.event.event_id, story))
        self._told = len(stories)
        self._ahead.sort(key=lambda entry: entry[:2])
        reached = 0
        for doors_at, event_id, story in self._ahead:
            if doors_at > now + AHEAD:
                break
            reached += 1
            self._guests[event_id] = []
            self._decide(story, self._guests[event_id])
            self.evenings.append((doors_at, story.event.changes[-1].state.ends_at, story))
        del self._ahead[:reached]

    @property
    def is_open(self) -> bool:
        """Whether anything is decided at all: not in the first two hours of the world."""
        return self._happenings.told_until - self._happenings.opening >= FIRST_PLANS

    def guests(self, event_id: str) -> list[Guest]:
        """Who comes."""
        return self._guests[event_id]

    def _decide(self, story: Story, guests: list[Guest]) -> None:
        event, state = story.event, story.event.changes[-1].state
        habits = HABITS[event.format.category]
        dear = event.price_minor / max(1, event.format.price_cents * event.venue.price_factor)
        no_show = habits.no_show * (1.35 - 0.35 * dear)
        town = event.venue.venue_id.rsplit("-", 1)[0]
        plan = _Plan(event.event_id, 0, town, state.starts_at, state.ends_at + AFTERMATH)
        doors_at, mine = state.doors_open_at, dict[int, int]()
        dice = Stream(self._seed, "comes", event.event_id)
        for registration in story.registrations:
            last = registration.changes[-1]
            status = last.state.status
            if status != "confirmed" and status != "cancelled":
                continue
            user, mood = last.state.user, dice.random()
            if status == "cancelled":
                if mood < 0.012:
                    guests.append(
                        Guest(user, registration, max(doors_at, last.at), None, None, True)
                    )
            elif user in mine:
                if mood < 0.5:
                    number = mine[user]
                    guests[number] = guests[number]._replace(second=registration)
            elif mood >= no_show * STEADY.get(last.state.ticket_type, 1.0) and self._is_free(
                user, plan, doors_at, dice
            ):
                mine[user] = len(guests)
                self._plans[user] = plan._replace(number=len(guests))
                guests.append(Guest(user, registration, last.at))
        self._walk_in(story, habits, plan, guests, mine)

    def _walk_in(
        self,
        story: Story,
        habits: Habits,
        plan: _Plan,
        guests: list[Guest],
        mine: dict[int, int],
    ) -> None:
        """People without a ticket; now and then so many that the house is more than full."""
        dice, users = Stream(self._seed, "walk-ups", plan.event_id), self._happenings.users
        count = round(len(guests) * habits.walk_ups * dice.between(0.4, 1.6) + dice.random())
        state = story.event.changes[-1].state
        room = state.capacity - len(guests)
        if dice.chance(0.12) and room < 0.25 * len(guests):
            count = max(count, round(room + 0.08 * state.capacity))
        next_door = self._next_door(plan, state.doors_open_at)
        for _ in range(count):
            user = dice.below(users) + users * dice.below(3)
            if next_door and dice.chance(0.7):
                user = dice.one_of(next_door)
            if user not in mine and self._is_free(user, plan, state.doors_open_at, dice):
                mine[user] = len(guests)
                self._plans[user] = plan._replace(number=len(guests))
                guests.append(Guest(user, None, 0))

    def _next_door(self, plan: _Plan, doors_at: int) -> list[int]:
        """Who is at another event in town that is under way: some come over without a ticket."""
        other = self._last_in.get(plan.town)
        self._last_in[plan.town] = plan
        if other and other.starts_at + WORTH_IT <= doors_at < other.until - AFTERMATH:
            return [
                guest.user for guest in self._guests[other.event_id] if guest.ready_at < doors_at
            ]
        return []

    def _is_free(self, user: int, plan: _Plan, doors_at: int, dice: Dice) -> bool:
        """Whether nothing else keeps the person, or it can be left early for this."""
        other = self._plans.get(user)
        if other is None:
            return True
        in_town = other.town == plan.town
        if other.until + (TRAVEL_IN_TOWN if in_town else TRAVEL) <= doors_at:
            return True
        if not in_town or doors_at - other.starts_at < WORTH_IT or not dice.chance(0.8):
            return False
        earlier = self._guests[other.event_id]
        earlier[other.number] = earlier[other.number]._replace(leave_by=doors_at - TRAVEL_IN_TOWN)
        return True


STEADY = {"vip": 0.6, "staff": 0.2, "speaker": 0.2}
"""How much less often than others they stay away."""
