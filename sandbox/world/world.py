"""One world: the event side, the service desk and the moment at which its clock stands at first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sandbox.world.attendance import Attendance
from sandbox.world.desk.desk import Desk
from sandbox.world.happenings import Happenings
from sandbox.world.moments import moment
from sandbox.world.platform import Platform
from sandbox.world.topic import Record, Topic


@dataclass(frozen=True)
class Parameters:
    """What a world follows from."""

    seed: int
    scale: float
    start: date
    days: int
    dirt: float


class World:
    """Everything there is. Nothing is generated before it is asked for."""

    def __init__(self, seed: int, scale: float, start: date, days: int, dirt: float) -> None:
        self.parameters = Parameters(seed, scale, start, days, dirt)
        self.opening = datetime.combine(start, time(), UTC)
        self.end_of_history = self.opening + timedelta(days=days)
        """Where the clock stands until somebody moves it."""
        self.happenings = Happenings(seed, scale, start, days)
        self.topic = Topic(seed, dirt, self.happenings)
        self.attendance = Attendance(seed, dirt, self.happenings)
        self.platform = Platform(seed, dirt, self.happenings)
        self.desk = Desk(seed, scale, start, days, dirt)

    def event_records(self, until: datetime | None = None) -> Iterator[Record]:
        """Every record of the topic event-data up to a moment, in the order of publishing."""
        self.topic.advance(moment(until or self.end_of_history))
        return self.topic.all_records()
