"""Attendance as the user app and the gates are asked for it: by time, page by page."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from heapq import merge
from threading import RLock
from typing import Any, NamedTuple

from sandbox.world.attendance.diary import Diary
from sandbox.world.attendance.evening import Evening
from sandbox.world.attendance.gates import Gate, all_gates
from sandbox.world.attendance.letters import Bag, Letter, Parcel
from sandbox.world.dice import Dice
from sandbox.world.happenings import Happenings, Story
from sandbox.world.moments import DAY, HOUR, MINUTE

EARLIEST = 2 * HOUR
"""How long before doors open the first message of an event may come."""
LATEST = 4 * DAY
"""How long after its programme the last message of an event may come."""
KEPT = 64
"""Evenings in memory: those of about a week."""
NUMBERS = 10_000_000
"""Numbers a day. The n-th message received on a UTC day has the number day * NUMBERS + n."""


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
    """All of attendance, told from the stories that are known; nothing of it stays in memory.

    A day's messages need the evenings that reach into it, which are some twenty at scale 1.
    """

    def __init__(self, seed: int, dirt: float, happenings: Happenings) -> None:
        self._seed = seed
        self._dirt = dirt
        self._happenings = happenings
        self._diary = Diary(seed, happenings)
        self._bags: OrderedDict[str, Bag] = OrderedDict()
        self._letters: OrderedDict[int, list[tuple[Letter, Bag]]] = OrderedDict()
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
            if since_ms < until_ms:
                yield from self._messages_of(day, since_ms, until_ms)

    def gate_minutes(self, since_ms: int, until_ms: int) -> Iterator[GateMinute]:
        """Reports made after `since_ms`, up to and including `until_ms`, in order."""
        until_ms = min(until_ms, self.told_until)
        since_ms = max(since_ms, self._happenings.opening)
        for day in range(since_ms // DAY, until_ms // DAY + 1):
            first = max(since_ms, day * DAY - 1)
            last = min(until_ms, day * DAY + DAY - 1)
            if first < last:
                yield from self._reports(first, last)

    def gates(self, now_ms: int) -> list[Gate]:
        """The gates of all venues. They are there from the first day on, whatever `now_ms`."""
        return list(all_gates(self._seed)) if now_ms >= self._happenings.opening else []

    def evenings(self, now_ms: int) -> Iterator[tuple[Evening, Bag]]:
        """Every event whose first arrival may have been by now, made anew and not kept."""
        for story in self._stories(0, min(now_ms, self.told_until)):
            evening = self._evening(story)
            yield evening, Bag(self._seed, self._dirt, evening)

    def _messages_of(self, day: int, since: int, until: int) -> Iterator[AppMessage]:
        letters = self._letters_of(day)
        outages = outages_of(self._seed, day)
        first = bisect_right(letters, since, key=_received_at)
        for number in range(first, len(letters)):
            letter, bag = letters[number]
            at = letter.received_at
            if at > until:
                break
            dropped = any(start <= at < end for start, end in outages)
            body, kind = bag.message(letter), bag.kind_of(letter)
            yield AppMessage(at, day * NUMBERS + number + 1, body, kind, dropped)

    def _letters_of(self, day: int) -> list[tuple[Letter, Bag]]:
        with self._lock:
            # A day that is not over yet lacks nothing: evenings are told to their end.
            if day not in self._letters:
                start, found = day * DAY, []
                for bag in self._bags_of(start, start + DAY):
                    low = bisect_right(bag.letters, start - 1, key=_at)
                    high = bisect_right(bag.letters, start + DAY - 1, key=_at)
                    found += [(letter, bag) for letter in bag.letters[low:high]]
                found.sort(key=lambda pair: pair[0][:3])
                self._letters[day] = found
                while len(self._letters) > 3:
                    self._letters.popitem(last=False)
            return self._letters[day]

    def _reports(self, since: int, until: int) -> Iterator[GateMinute]:
        with self._lock:
            bags = list(self._bags_of(since + 1, until + 1))
        streams = []
        for number, bag in enumerate(bags):
            low = bisect_right(bag.parcels, since, key=_reported_at)
            high = bisect_right(bag.parcels, until, key=_reported_at)
            streams.append([(*parcel[:2], number, parcel) for parcel in bag.parcels[low:high]])
        for at, _, number, parcel in merge(*streams):
            bag, minute = bags[number], parcel.report.minute
            yield GateMinute(
                at,
                bag.gate_id(parcel),
                minute.lane,
                minute.minute_at,
                bag.row(parcel),
                parcel.kind,
            )

    def _bags_of(self, since: int, until: int) -> Iterator[Bag]:
        """What is sent by all evenings that have something in [since, until)."""
        for story in self._stories(since, until):
            event_id = story.event.event_id
            bag = self._bags.get(event_id)
            if bag is None:
                bag = self._bags[event_id] = Bag(self._seed, self._dirt, self._evening(story))
                while len(self._bags) > KEPT:
                    self._bags.popitem(last=False)
            self._bags.move_to_end(event_id)
            yield bag

    def _stories(self, since: int, until: int) -> list[Story]:
        with self._lock:
            self._diary.advance(self.told_until)
            return [
                story
                for doors_at, ends_at, story in self._diary.evenings
                if doors_at - EARLIEST < until and since < ends_at + LATEST
            ]

    def _evening(self, story: Story) -> Evening:
        return Evening(self._seed, story, self._diary.guests(story.event.event_id))


def outages_of(seed: int, day: int) -> list[tuple[int, int]]:
    """When the live socket is down on a UTC day: for minutes, and once in a while for an hour."""
    dice = Dice(seed, "socket", day)
    outages = []
    for _ in range(1 + dice.below(3)):
        since = day * DAY + int(DAY * dice.random())
        minutes = dice.between(30, 70) if dice.chance(0.1) else dice.between(0.5, 9)
        outages.append((since, since + int(minutes * MINUTE)))
    return outages


def _at(letter: Letter) -> int:
    return letter.received_at


def _received_at(pair: tuple[Letter, Bag]) -> int:
    return pair[0].received_at


def _reported_at(parcel: Parcel) -> int:
    return parcel.reported_at
