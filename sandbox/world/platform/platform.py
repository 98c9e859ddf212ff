"""What the platform has sent up to a moment, in the order in which it says that it changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from sandbox.world.happenings import Happenings
from sandbox.world.platform.dirt import EXPECTED, Sent, soil
from sandbox.world.platform.hours import Statement, hours, statements
from sandbox.world.platform.profiles import profiles


class Platform:
    """Hours and profiles. The happenings must have been told to the moment that is asked for.

    Kept is what was asked for last: an hour's worth of pages is asked for at one moment.
    """

    def __init__(self, seed: int, dirt: float, happenings: Happenings) -> None:
        self._seed = seed
        self._dirt = dirt
        self._happenings = happenings
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[int, list[Sent]]] = {}

    def analytics(self, now: int) -> list[Sent]:
        """Every statement of every hour, by when it was made."""
        return self._sent("analytics", now)

    def profiles(self, now: int) -> list[Sent]:
        """Everyone, by when their profile last changed."""
        return self._sent("profiles", now)

    def last_statements(self, now: int) -> Iterator[tuple[Statement, Statement, int]]:
        """Of every hour what was said last, what really was, and how often it was stated."""
        for hour in hours(self._happenings.stories, now).values():
            whole = list(statements(self._seed, hour, 2**62))
            said = [statement for statement in whole if statement.at <= now]
            if said:
                yield said[-1], whole[-1], len(said)

    def dirt(self, now: int) -> Iterator[dict[str, Any]]:
        """What is wrong with what was sent, as the truth tells it."""
        for feed in ("analytics", "profiles"):
            for sent in self._sent(feed, now):
                if sent.dirt:
                    fields = sent.record.fields()
                    where = {k: v for k, v in fields.items() if _is_key(k)}
                    yield {
                        "source": "integrated_platform",
                        "feed": feed,
                        "kind": sent.dirt,
                        "where": where,
                        "message_id": None,
                        "expected": EXPECTED[sent.dirt],
                        "resent": sent.resent,
                    }

    def _sent(self, feed: str, now: int) -> list[Sent]:
        with self._lock:
            if feed not in self._kept or self._kept[feed][0] != now:
                tell = self._statements if feed == "analytics" else self._profiles
                self._kept[feed] = now, sorted(tell(now), key=lambda sent: (sent.at, sent.name))
            return self._kept[feed][1]

    def _statements(self, now: int) -> Iterator[Sent]:
        for hour in hours(self._happenings.stories, now).values():
            for statement in statements(self._seed, hour, now):
                name = f"{'/'.join(map(str, hour.key))}/{statement.number}"
                yield from soil(self._seed, self._dirt, name, statement, now)

    def _profiles(self, now: int) -> Iterator[Sent]:
        for profile in profiles(self._seed, self._happenings.stories, now):
            name = f"{profile.number:08d}"
            yield from soil(self._seed, self._dirt, name, profile, now)


def _is_key(name: str) -> bool:
    return name == "channel" or name.endswith(("_id", "_at"))
