"""What happens to a ticket, step by step, from its creation to the end of its life."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from sandbox.world.desk.births import Birth
from sandbox.world.desk.business_time import advance
from sandbox.world.desk.calendars import Calendar
from sandbox.world.desk.groups import Group
from sandbox.world.desk.sla import HIGH, LOW, MEDIUM, URGENT
from sandbox.world.desk.staff import Agent
from sandbox.world.dice import Dice

OPEN, PENDING, RESOLVED, CLOSED, WAITING_ON_VENDOR = 2, 3, 4, 5, 7
MINUTE, HOUR, DAY = 60, 3600, 86400
FIRST_RESPONSE = {URGENT: 10 * MINUTE, HIGH: 45 * MINUTE, MEDIUM: 2 * HOUR, LOW: 5 * HOUR}
WORK = {URGENT: 1.5 * HOUR, HIGH: 4 * HOUR, MEDIUM: 9 * HOUR, LOW: 20 * HOUR}
"""Median business time to the first response, and from there to the resolution."""
AUTO_CLOSE = timedelta(days=5)
BIN = timedelta(days=30)
"""How long the bin keeps what is in it, where it is emptied at all."""
Roster = dict[Group, tuple[Agent, ...]]


class Did(Enum):
    """The kinds of steps."""

    ASSIGN = "assign"
    MOVE = "move"
    RAISE = "raise"
    STATUS = "status"
    AGENT_REPLY = "agent reply"
    REQUESTER_REPLY = "requester reply"
    DELETE = "delete"
    RESTORE = "restore"
    SPAM = "spam"
    MERGE = "merge"
    ABSORB = "absorb"
    PURGE = "purge"
    """The other end of a merge: the value of both is the number of the other ticket."""


class Step(NamedTuple):
    """One step; the value is an agent, a group, a priority or a status, by what was done.

    No agent and no group is the step that takes the ticket away from whoever held it.
    """

    at: datetime
    did: Did
    value: Agent | Group | int | None = None


def live(seed: int, birth: Birth, roster: Roster, fallback: Calendar) -> tuple[Step, ...]:
    """All steps of a ticket in order of time, whether the world's clock has come there or not."""
    life = _Life(Dice(seed, "life", birth.ticket_id), birth, roster, fallback)
    if birth.is_spam:
        life.note(life.soon(20 * MINUTE), Did.SPAM)
    elif life.dice.chance(0.03):
        life.be_forgotten()
    else:
        life.be_worked_on()
    life.steps.sort(key=lambda step: step.at)
    if not birth.is_spam and life.dice.chance(0.012):
        life.be_deleted()
    return _until_purged(seed, birth.ticket_id, life.steps)


def _until_purged(seed: int, ticket_id: int, steps: list[Step]) -> tuple[Step, ...]:
    """Some tickets are gone for good one day, from the bin or from the desk, and tell nobody."""
    dice = Dice(seed, "purge", ticket_id)
    binned = steps and steps[-1].did is Did.DELETE
    if steps and dice.chance(0.3 if binned else 0.002):
        wait = BIN if binned else timedelta(seconds=int(dice.between(3 * DAY, 60 * DAY)))
        gone = steps[-1 if binned else 0].at + wait
        return (*(step for step in steps if step.at < gone), Step(gone, Did.PURGE))
    return tuple(steps)


class _Life:
    """A ticket on its way: the time it has come to, and who holds it."""

    def __init__(self, dice: Dice, birth: Birth, roster: Roster, fallback: Calendar) -> None:
        self.dice = dice
        self.birth = birth
        self.roster = roster
        self.group = birth.group
        self.calendar = birth.group.calendar if birth.group else fallback
        self.priority = birth.priority
        self.now = birth.created_at
        self.steps: list[Step] = []

    def note(self, at: datetime, did: Did, value: Agent | Group | int | None = None) -> None:
        self.now = max(self.now, at)
        self.steps.append(Step(self.now, did, value))

    def soon(self, median: float, sigma: float = 0.9) -> datetime:
        """Some time later by the clock on the wall."""
        return self.now + timedelta(seconds=1 + int(self.dice.lognormal(median, sigma)))

    def at_work(self, median: float, sigma: float = 0.9) -> datetime:
        """Some business time later."""
        return advance(self.calendar, self.now, 1 + self.dice.lognormal(median, sigma))

    def be_forgotten(self) -> None:
        """Nobody takes it; some are swept up weeks later."""
        if self.dice.chance(0.6):
            self.note(self.soon(15 * DAY, 0.4), Did.STATUS, CLOSED)

    def be_worked_on(self) -> None:
        created_at = self.now
        self.be_assigned()
        self.be_answered(created_at)
        if self.priority < URGENT and self.dice.chance(0.06):
            self.priority += 1
            self.note(self.at_work(HOUR), Did.RAISE, self.priority)
        if self.group and self.dice.chance(0.13):
            self.be_moved()
            # Some go from hand to hand: up to three groups, and as many calendars.
            for _ in range(2):
                if self.dice.chance(0.3):
                    self.be_moved()
        if self.group and self.dice.chance(0.02):
            self.be_dropped()
        if self.dice.chance(0.34):
            self.wait_for_requester()
        if self.dice.chance(0.05):
            self.note(self.at_work(HOUR), Did.STATUS, WAITING_ON_VENDOR)
            self.note(self.soon(3 * DAY, 0.5), Did.STATUS, OPEN)
        self.note(self.at_work(WORK[self.priority]), Did.STATUS, RESOLVED)
        again = 0.055
        while self.dice.chance(again):
            self.be_reopened()
            again = 0.3
        self.be_closed()

    def be_assigned(self) -> None:
        """To a group if it has none, and to one of its agents; a few stay with the group."""
        if self.group is None:
            self.move_to(self.dice.one_of(tuple(self.roster)), self.soon(25 * MINUTE))
        if not self.dice.chance(0.05):
            at = self.soon(2, 0.3) if self.dice.chance(0.45) else self.at_work(8 * MINUTE)
            self.give_to_someone(at)

    def be_answered(self, created_at: datetime) -> None:
        if self.dice.chance(0.05):
            return
        wait = self.dice.lognormal(FIRST_RESPONSE[self.priority], 0.95)
        if self.birth.author and self.dice.chance(0.3):
            # Who wrote it down for the requester answers while they are still on the phone.
            self.note(self.now + timedelta(seconds=60 + self.dice.below(180)), Did.AGENT_REPLY)
            return
        if self.dice.chance(0.07):
            # Somebody answers at night or on a holiday: zero business seconds for some of them.
            at = created_at + timedelta(seconds=60 + int(wait))
        else:
            at = advance(self.calendar, created_at, 1 + wait)
        self.note(max(at, self.now + timedelta(seconds=30)), Did.AGENT_REPLY)

    def be_moved(self) -> None:
        """The first line hands it to those who know; their calendar may be another one."""
        others = [group for group in self.roster if group is not self.group]
        self.move_to(self.dice.one_of(others), self.at_work(2 * HOUR))
        self.give_to_someone(self.at_work(20 * MINUTE))

    def be_dropped(self) -> None:
        """Its agent gives it back, or its group does; somebody takes it up again."""
        if self.dice.chance(0.6):
            self.note(self.at_work(HOUR), Did.ASSIGN)
        else:
            self.note(self.at_work(HOUR), Did.ASSIGN)
            self.note(self.now, Did.MOVE)
            self.move_to(self.dice.one_of(tuple(self.roster)), self.soon(6 * HOUR))
        self.give_to_someone(self.at_work(HOUR))

    def move_to(self, group: Group, at: datetime) -> None:
        self.group, self.calendar = group, group.calendar
        self.note(at, Did.MOVE, group)

    def give_to_someone(self, at: datetime) -> None:
        """To an agent of the group who is at work, and did not write the ticket."""
        team, author = self.roster[self.group] if self.group else (), self.birth.requester
        present = [a for a in team if a.is_present(at) and a.agent_id != author.requester_id]
        if present:
            self.note(at, Did.ASSIGN, self.dice.one_of(present))

    def wait_for_requester(self) -> None:
        self.note(self.at_work(40 * MINUTE), Did.AGENT_REPLY)
        self.note(self.now, Did.STATUS, PENDING)
        if self.dice.chance(0.88):
            self.note(self.soon(14 * HOUR, 1.0), Did.REQUESTER_REPLY)
            self.note(self.now, Did.STATUS, OPEN)
        else:
            self.note(self.now + timedelta(days=7), Did.STATUS, OPEN)

    def be_reopened(self) -> None:
        self.note(self.soon(1.2 * DAY, 0.6), Did.REQUESTER_REPLY)
        self.note(self.now, Did.STATUS, OPEN)
        if self.dice.chance(0.5):
            self.note(self.at_work(2 * HOUR), Did.AGENT_REPLY)
        self.note(self.at_work(WORK[self.priority]), Did.STATUS, RESOLVED)

    def be_closed(self) -> None:
        """By hand, or with all others by the nightly job, which stamps one second on all."""
        if self.dice.chance(0.12):
            self.note(self.soon(3 * HOUR), Did.STATUS, CLOSED)
            return
        night = (self.now + AUTO_CLOSE).replace(hour=2, minute=0, second=0)
        self.note(night + timedelta(days=1), Did.STATUS, CLOSED)

    def be_deleted(self) -> None:
        """Into the bin in its first two weeks, and perhaps out again; nobody works on it there."""
        gone = self.birth.created_at + timedelta(seconds=int(self.dice.between(60, 14 * DAY)))
        before = [step for step in self.steps if step.at < gone]
        self.steps, after = [*before, Step(gone, Did.DELETE)], self.steps[len(before) :]
        if self.dice.chance(0.35):
            back = gone + timedelta(seconds=90 + self.dice.below(DAY))
            self.steps.append(Step(back, Did.RESTORE))
            self.steps += [step for step in after if step.at > back]
