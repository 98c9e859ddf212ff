"""The service desk as a whole: its people, its rules, and every ticket at any moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from sandbox.world.desk.births import Birth, birth
from sandbox.world.desk.calendars import Calendar, calendars
from sandbox.world.desk.dirt import child_dirt, ticket_dirt
from sandbox.world.desk.estate import Estate
from sandbox.world.desk.groups import groups
from sandbox.world.desk.itil import Itil
from sandbox.world.desk.lives import Did, Roster, Step, live
from sandbox.world.desk.merges import absorb, merging
from sandbox.world.desk.record_dirt import record_dirt
from sandbox.world.desk.regions import intensity
from sandbox.world.desk.scenes import Life, life_of
from sandbox.world.desk.sla import policies
from sandbox.world.desk.staff import Agent, Requester, agents, promote, requester
from sandbox.world.desk.states import TicketState, state_at
from sandbox.world.tempo import Tempo

TICKETS_PER_DAY = 20_600 / 90
"""A little over 20,000 in 90 days, so that so many remain without spam and deleted ones."""
REQUESTERS = 3_000
AGENTS = 110


class Desk:
    """Tickets and all they refer to. Lives are told once and kept; states are folded on demand."""

    def __init__(self, seed: int, scale: float, start: date, days: int, dirt: float) -> None:
        self.seed = seed
        self._dirt = dirt
        self.opening = datetime.combine(start, time(), UTC)
        edited_at, changed_at = _edits(self.opening + timedelta(days=days))
        self.calendars = calendars(start, edited_at)
        self.default_calendar: Calendar = next(c for c in self.calendars if c.is_default)
        self.groups = groups(self.calendars, changed_at)
        self.policies = policies(self.groups)
        agent_count = max(20, round(AGENTS * scale**0.5))
        count = max(60, round(REQUESTERS * scale))
        self._requesters, self._agents = promote(
            seed,
            [requester(seed, number, self.opening) for number in range(count)],
            agents(seed, agent_count, self.opening, self.groups),
            self.opening,
        )
        self._roster: Roster = {
            group: tuple(agent for agent in self._agents if group in agent.groups)
            for group in self.groups.values()
        }
        self.estate = Estate(
            seed, scale, self.opening, self._requesters, self._agents, tuple(self.groups.values())
        )
        self.itil = Itil(self.estate, tuple(self.groups.values()))
        self._tempo = Tempo(
            self.opening,
            timedelta(hours=1),
            partial(intensity, seed),
            TICKETS_PER_DAY * days * scale,
            days * 24,
        )
        self._lives: list[tuple[Birth, tuple[Step, ...]]] = []
        self._lock = threading.Lock()
        self._states: tuple[datetime, list[TicketState]] = (self.opening, [])

    def agents(self, now: datetime) -> list[Agent]:
        """Everybody who answers tickets or did so once."""
        return [agent for agent in self._agents if agent.created_at <= now]

    def requesters(self, now: datetime) -> list[Requester]:
        """Everybody who may write tickets or once might."""
        return [
            somebody
            for somebody in self._requesters
            if somebody.created_at <= now and not somebody.is_forgotten(now)
        ]

    def forgotten(self, now: datetime) -> Iterator[tuple[int, datetime]]:
        """The requesters who had themselves forgotten by a moment, and since when."""
        for somebody in self._requesters:
            if somebody.forgotten_at and somebody.forgotten_at <= now:
                yield somebody.requester_id, somebody.forgotten_at

    def tickets(self, now: datetime) -> list[TicketState]:
        """Every ticket as it stands at a moment, deleted and spam too, by id."""
        with self._lock:
            at, states = self._states
            if at != now or not states:
                self._tell_until(now)
                folded = (state_at(*life, now) for life in self._lives)
                states = [state for state in folded if state and not state.gone]
                self._states = (now, states)
            return states

    def ticket(self, ticket_id: int, now: datetime) -> TicketState | None:
        """One ticket as it stands at a moment, or None if there is none yet."""
        with self._lock:
            self._tell_until(now)
        if not 1 <= ticket_id <= len(self._lives):
            return None
        state = state_at(*self._lives[ticket_id - 1], now)
        return None if state is None or state.gone else state

    def life(self, ticket_id: int, now: datetime) -> Life | None:
        """The whole life of a ticket that there is at a moment: what its children are read off."""
        with self._lock:
            self._tell_until(now)
        if not 1 <= ticket_id <= len(self._lives):
            return None
        born, steps = self._lives[ticket_id - 1]
        if born.created_at > now or _is_gone(steps, now):
            return None
        return life_of(self.seed, born, steps, self._roster)

    def lives(self, now: datetime) -> Iterator[Life]:
        """The lives of all tickets there are at a moment, by id, each told when it is asked for."""
        with self._lock:
            self._tell_until(now)
        for number in range(len(self._lives)):
            life = self.life(number + 1, now)
            if life:
                yield life

    def purged(self, now: datetime) -> Iterator[tuple[int, datetime]]:
        """The tickets that are gone for good by a moment, and since when."""
        for born, steps in self._lives:
            if born.created_at <= now and _is_gone(steps, now):
                yield born.ticket_id, steps[-1].at

    def dirt(self, ticket_id: int) -> str | None:
        """What is wrong with a ticket in the API, if anything."""
        return ticket_dirt(self.seed, self._dirt, ticket_id)

    def child_dirt(self, feed: str, child: int | str) -> str | None:
        """What is wrong with something that hangs on a ticket, if anything."""
        return child_dirt(self.seed, self._dirt, feed, child) if self._dirt else None

    def record_dirt(self, feed: str, record_id: int) -> str | None:
        """What is wrong with a record of another list, if anything."""
        return record_dirt(self.seed, self._dirt, feed, record_id)

    def _tell_until(self, now: datetime) -> None:
        while True:
            number = len(self._lives)
            created_at = self._created_at(number)
            if created_at > now:
                return
            born = birth(self.seed, number, created_at, self._requesters, self._agents, self.groups)
            steps = live(self.seed, born, self._roster, self.default_calendar)
            merge = merging(self.seed, born, steps, self._lives)
            if merge:
                steps, primary = merge.steps, merge.primary
                told = self._lives[primary.ticket_id - 1]
                self._lives[primary.ticket_id - 1] = (primary, absorb(told[1], merge))
            self._lives.append((born, steps))

    def _created_at(self, number: int) -> datetime:
        # Half of a place is left to chance: ids stay in the order of creation.
        jitter = (number * 0.7548776662466927 + self.seed * 0.31) % 1.0
        return self._tempo.at(number + jitter).replace(microsecond=0)


def _is_gone(steps: tuple[Step, ...], now: datetime) -> bool:
    return bool(steps) and steps[-1].did is Did.PURGE and steps[-1].at <= now


def _edits(end_of_history: datetime) -> tuple[datetime, datetime]:
    """When a calendar is edited and when a group is given another one: on two Sundays at noon.

    Both come after the history, so that whoever loads it has met what was before; and on Sundays,
    when no day of business is cut in two.
    """
    first = end_of_history + timedelta(days=1)
    sunday = first.replace(hour=12) + timedelta(days=(6 - first.weekday()) % 7)
    return sunday, sunday + timedelta(days=7)
