"""Attendance as the user app and the gates are asked for it: by time, page by page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from operator import itemgetter
from threading import RLock
from typing import Any, Generic, NamedTuple, TypeVar

from sandbox.world.attendance.diary import Diary
from sandbox.world.attendance.evening import Evening
from sandbox.world.attendance.gates import Gate, all_gates
from sandbox.world.attendance.letters import Item, Letter, Letters
from sandbox.world.attendance.reports import Reports
from sandbox.world.dice import Dice
from sandbox.world.happenings import Happenings, Story
from sandbox.world.moments import DAY, HOUR, MINUTE

EARLIEST = 2 * HOUR
"""How long before doors open the first message of an event may come."""
LATEST = 3 * DAY + 6 * HOUR
"""How long after its programme the last message of an event may come."""
KEPT = 64
"""Evenings in memory: those of about ten days."""
NUMBERS = 10_000_000
"""Numbers a day. The n-th message received on a UTC day has the number day * NUMBERS + n."""


Arrival = tuple[int, int, Item | Letter, Letters]
"""When a letter was received, the place of its event among the day's, the letter, all of them."""
T = TypeVar("T")


class AppMessage(NamedTuple):
    """One message of the user app as the server received it."""

    received_at: int
    seq: int
    body: dict[str, Any]
    dirt: str | None
    """What is wrong with it, see dirt.py."""
    dropped: bool
    """Lost from the live socket: only who asks again later finds it."""


class GateMinute(NamedTuple):
    """What a gate reports of one lane and minute; a later report of the same replaces it."""

    reported_at: int
    gate_id: str
    lane: int
    minute_at: int
    body: dict[str, Any]
    dirt: str | None


class Attendance:
    """All of attendance, told from the stories that are known; hardly any of it stays in memory.

    A day's messages need the evenings that reach into it, which are some twenty at scale 1.
    """

    def __init__(self, seed: int, dirt: float, happenings: Happenings) -> None:
        self._seed = seed
        self._dirt = dirt
        self._happenings = happenings
        self._diary = Diary(seed, happenings)
        self._letters = Shelf(lambda story: Letters(seed, dirt, self._evening(story)))
        self._reports = Shelf(lambda story: Reports(seed, dirt, self._evening(story)))
        self._days: OrderedDict[int, list[Arrival]] = OrderedDict()
        self._lock = RLock()

    @property
    def told_until(self) -> int:
        """No message after this moment can be told yet: the stories are not known any further."""
        return self._happenings.told_until

    def app_messages(self, since_ms: int, until_ms: int) -> Iterator[AppMessage]:
        """Messages received after `since_ms`, up to and including `until_ms`, in order."""
        until_ms = min(until_ms, self.told_until)
        since_ms = max(since_ms, self._happenings.opening)
        for day in range(since_ms // DAY, until_ms // DAY + 1):
            arrivals, dropped = self._arrivals(day), set[int]()
            for start, end in outages_of(self._seed, day):
                first = bisect_left(arrivals, start, key=itemgetter(0))
                dropped.update(range(first, bisect_left(arrivals, end, key=itemgetter(0))))
            for number in range(bisect_right(arrivals, since_ms, key=itemgetter(0)), len(arrivals)):
                at, _, letter, letters = arrivals[number]
                if at > until_ms:
                    break
                body, kind = letters.read(letter)
                is_lost = number in dropped
                yield AppMessage(at, day * NUMBERS + number + 1, body, kind, is_lost)

    def gate_minutes(self, since_ms: int, until_ms: int) -> Iterator[GateMinute]:
        """Reports made after `since_ms`, up to and including `until_ms`, in order."""
        until_ms = min(until_ms, self.told_until)
        since_ms = max(since_ms, self._happenings.opening)
        for day in range(since_ms // DAY, until_ms // DAY + 1):
            after, last = max(since_ms, day * DAY - 1), min(until_ms, day * DAY + DAY - 1)
            if after < last:
                yield from self._reports_of(after, last)

    def gates(self, now_ms: int) -> list[Gate]:
        """The gates of all venues, which are there from the first day on."""
        return list(all_gates(self._seed)) if now_ms >= self._happenings.opening else []

    def evenings(self, now_ms: int) -> list[Callable[[], Evening]]:
        """Every event whose first arrival may have been by now, to be made one by one."""
        stories = self._stories(0, min(now_ms, self.told_until))
        return [partial(self._evening, story) for story in stories]

    def _arrivals(self, day: int) -> list[Arrival]:
        """All letters of a day. It may not be over yet: evenings are told to their end."""
        with self._lock:
            if day not in self._days:
                found: list[Arrival] = []
                start, stories = day * DAY, self._stories(day * DAY, day * DAY + DAY)
                for order, letters in enumerate(self._letters.take(stories)):
                    low = bisect_right(letters.letters, start - 1, key=_at)
                    high = bisect_right(letters.letters, start + DAY - 1, key=_at)
                    here = letters.letters[low:high]
                    found += [(letter.received_at, order, letter, letters) for letter in here]
                found.sort(key=itemgetter(0, 1))
                if not self._diary.is_open:
                    return found
                self._days[day] = found
                while len(self._days) > 3:
                    self._days.popitem(last=False)
            return self._days[day]

    def _reports_of(self, after: int, last: int) -> Iterator[GateMinute]:
        with self._lock:
            shelf = self._reports.take(self._stories(after + 1, last + 1))
        found = []
        for order, reports in enumerate(shelf):
            low = bisect_right(reports.reports, after, key=itemgetter(0))
            high = bisect_right(reports.reports, last, key=itemgetter(0))
            found += [(told[0], order, told, reports) for told in reports.reports[low:high]]
        found.sort(key=itemgetter(0, 1))
        for at, _, told, reports in found:
            gate_id, minute_at = reports.gate_id(told), told.minute_at
            yield GateMinute(at, gate_id, told.lane, minute_at, reports.read(told), told.kind)

    def _stories(self, since: int, until: int) -> list[Story]:
        """The events of which anything may be told in [since, until), by the opening of doors."""
        with self._lock:
            self._diary.advance(self.told_until)
            return [
                story
                for doors_at, ends_at, story in self._diary.evenings
                if doors_at - EARLIEST < until and since < ends_at + LATEST
            ]

    def _evening(self, story: Story) -> Evening:
        return Evening(self._seed, story, self._diary.guests(story.event.event_id))


class Shelf(Generic[T]):
    """What was made of the evenings that were asked for last."""

    def __init__(self, make: Callable[[Story], T]) -> None:
        self._make = make
        self._kept: OrderedDict[str, T] = OrderedDict()

    def take(self, stories: list[Story]) -> list[T]:
        """What belongs to some stories, made where it is not there."""
        taken = []
        for story in stories:
            event_id = story.event.event_id
            if event_id not in self._kept:
                self._kept[event_id] = self._make(story)
            self._kept.move_to_end(event_id)
            taken.append(self._kept[event_id])
        while len(self._kept) > max(KEPT, len(taken)):
            self._kept.popitem(last=False)
        return taken


def outages_of(seed: int, day: int) -> list[tuple[int, int]]:
    """When the live socket is down on a UTC day: for minutes, and once in a while for an hour."""
    dice = Dice(seed, "socket", day)
    outages = []
    for _ in range(1 + dice.below(3)):
        since = day * DAY + int(DAY * dice.random())
        minutes = dice.between(30, 70) if dice.chance(0.1) else dice.between(0.5, 9)
        outages.append((since, since + int(minutes * MINUTE)))
    return outages


def _at(letter: Item | Letter) -> int:
    return letter.received_at
