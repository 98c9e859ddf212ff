"""The server's log of messages, told by the world a day at a time and written as it is sent."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, Protocol

import orjson

from sandbox.world.moments import DAY, instant, moment

KEPT_DAYS = 3
"""Days that are kept written: pages are read in order, and sockets stay on the last."""


class Told(Protocol):
    """What the log needs to know of a message of the world."""

    @property
    def received_at(self) -> int:
        """When the server took it."""

    @property
    def seq(self) -> int:
        """Its number: ascending, and within a day without holes."""

    @property
    def body(self) -> Any:
        """The message; bytes where a phone sent no JSON."""

    @property
    def dropped(self) -> bool:
        """Whether a socket loses it."""


class Teller(Protocol):
    """The part of the world that tells messages."""

    @property
    def told_until(self) -> int:
        """No message after this moment can be told yet."""

    def app_messages(self, since_ms: int, until_ms: int) -> Iterable[Told]:
        """Messages received after a moment, up to and including another, in order."""


class Entry(NamedTuple):
    """A message as it is sent. Entries sort as they were received."""

    received_at: int
    seq: int
    line: bytes
    dropped: bool


class Log:
    """What was received up to now.

    Parameters
    ----------
    teller
        Tells the messages.
    now
        The world's clock.
    opening
        The first moment of the world.
    """

    def __init__(self, teller: Teller, now: Callable[[], datetime], opening: datetime) -> None:
        self._teller = teller
        self._now = now
        self._first_day = moment(opening) // DAY
        self._days: OrderedDict[int, tuple[int, list[Entry]]] = OrderedDict()
        """Days with the moment up to which they are told."""

    @property
    def now(self) -> int:
        """The world's present."""
        return moment(self._now())

    def page(self, after: tuple[int, int], until: int, limit: int) -> list[Entry]:
        """The next entries behind a (received_at, seq) and before a moment."""
        return list(islice(self.entries(after, until), limit))

    def entries(self, after: tuple[int, int], until: int) -> Iterator[Entry]:
        """All entries behind a (received_at, seq), before a moment and not in the future."""
        until = min(until, self.now + 1)
        for day in range(max(after[0] // DAY, self._first_day), -(-until // DAY)):
            entries = self._day(day)
            start = bisect_left(entries, (after[0], after[1] + 1))
            stop = bisect_left(entries, (until,))
            yield from islice(entries, start, stop)

    def _day(self, day: int) -> list[Entry]:
        end = min((day + 1) * DAY - 1, self._teller.told_until)
        told_until, entries = self._days.get(day, (-1, []))
        if told_until < end:
            told = self._teller.app_messages(day * DAY - 1, end)
            entries = [Entry(it.received_at, it.seq, _line(it), it.dropped) for it in told]
            self._days[day] = end, entries
            while len(self._days) > KEPT_DAYS:
                self._days.popitem(last=False)
        self._days.move_to_end(day)
        return entries


def _line(told: Told) -> bytes:
    at = instant(told.received_at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = told.body if isinstance(told.body, bytes) else orjson.dumps(told.body)
    return b'{"seq":%d,"received_at":"%b","message":%b}' % (told.seq, at.encode(), body)
