"""An evening: everything that happens at one event, as it really was."""

from __future__ import annotations

from functools import cached_property

from sandbox.world.attendance.counters import Report, count, report
from sandbox.world.attendance.diary import Guest
from sandbox.world.attendance.doors import Doors
from sandbox.world.attendance.gates import gates_of
from sandbox.world.attendance.habits import HABITS
from sandbox.world.attendance.phones import Act, Hour, Sitting, use_app
from sandbox.world.attendance.post import post_acts, post_scans
from sandbox.world.attendance.spells import spells_of
from sandbox.world.dice import Dice
from sandbox.world.events import EventState
from sandbox.world.happenings import Story
from sandbox.world.moments import MINUTE

LONGEST_OVERRUN = 35 * MINUTE


class Evening:
    """One event from the first arrival to the last thing that anybody does about it."""

    def __init__(self, seed: int, story: Story, guests: list[Guest]) -> None:
        self._seed = seed
        event = story.event
        self.event = event
        self.state: EventState = event.changes[-1].state
        self.gates = gates_of(seed, event.venue)
        self.hours = _hours(seed, story)
        self.over_at = _over_at(seed, self)
        doors = Doors(seed, event, self.gates, guests, self.over_at)
        self.stays, self.scans = doors.stays, doors.scans
        lanes, state = [gate.lanes for gate in self.gates], self.state
        self.spells = spells_of(seed, event.event_id, lanes, state.doors_open_at, state.ends_at)
        post_scans(seed, event.event_id, self.scans, self.spells)

    @cached_property
    def app(self) -> tuple[list[Act], list[Sitting]]:
        """What visitors do in the app, and the sessions they sit in. The gates need none of it."""
        event = self.event
        habits = HABITS[event.format.category]
        acts, sittings = use_app(self.stays, self.hours, habits, self._seed, event.event_id)
        post_acts(self._seed, event.event_id, acts)
        return acts, sittings

    @cached_property
    def reports(self) -> list[Report]:
        """What the gates tell of it. The phones need none of it."""
        return report(self._seed, self.event.event_id, count(self.scans), self.spells)


def _hours(seed: int, story: Story) -> list[Hour]:
    """The sessions as they take place: a third overrun, some are over early."""
    hours = []
    for session in story.sessions:
        state = session.changes[-1].state
        if state.status != "cancelled":
            dice = Dice(seed, "overrun", session.session_id)
            mood = dice.random()
            over = dice.between(3, 20) if mood < 0.33 else dice.between(-4, 1)
            length = state.ends_at - state.starts_at
            ends_at = state.starts_at + max(length // 2, length + int(over * MINUTE))
            hours.append(Hour(session.session_id, state.starts_at, ends_at))
    return hours


def _over_at(seed: int, evening: Evening) -> int:
    """When the event is really over, whatever the programme says."""
    dice = Dice(seed, "over", evening.event.event_id)
    over_at = evening.state.ends_at + int(dice.between(-6, 4) * MINUTE)
    if dice.chance(0.25):
        over_at += int(dice.between(5, 30) * MINUTE)
    last = max((hour.ends_at for hour in evening.hours), default=over_at)
    return min(max(over_at, last), evening.state.ends_at + LONGEST_OVERRUN)
