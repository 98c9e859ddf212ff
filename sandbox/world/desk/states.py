"""A ticket as it stands at a moment: the steps so far, folded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.world.desk.births import Birth
from sandbox.world.desk.business_time import advance, business_seconds
from sandbox.world.desk.calendars import Calendar
from sandbox.world.desk.groups import Group
from sandbox.world.desk.lives import CLOSED, OPEN, PENDING, RESOLVED, WAITING_ON_VENDOR, Did, Step
from sandbox.world.desk.sla import Policy, policy_for
from sandbox.world.desk.staff import Agent

DONE = (RESOLVED, CLOSED)
PAUSED = (PENDING, WAITING_ON_VENDOR)
"""Statuses that stop the clock of the SLA."""


@dataclass(slots=True)
class TicketState:
    """Everything about a ticket that changes, as of one moment: the truth, not yet the API."""

    birth: Birth
    group: Group | None
    priority: int
    updated_at: datetime
    status: int = OPEN
    agent: Agent | None = None
    deleted: bool = False
    spam: bool = False
    gone: bool = False
    """Deleted for good: the API knows nothing of it any more."""
    merged_into: int | None = None
    merged: list[int] = field(default_factory=list)
    """Other tickets that were merged into this one."""
    moved: bool = False
    reopened: int = 0
    agent_replies: int = 0
    requester_replies: int = 0
    first_assigned_at: datetime | None = None
    assigned_at: datetime | None = None
    first_responded_at: datetime | None = None
    agent_responded_at: datetime | None = None
    requester_responded_at: datetime | None = None
    status_updated_at: datetime | None = None
    pending_since: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    last_resolved_at: datetime | None = None
    """When it was last resolved, even if it was reopened since."""
    paused: list[tuple[datetime, datetime]] = field(default_factory=list)
    _paused_since: datetime | None = None

    @property
    def ticket_id(self) -> int:
        """The number that people know the ticket by."""
        return self.birth.ticket_id

    @property
    def is_done(self) -> bool:
        """Resolved or closed."""
        return self.status in DONE

    def calendar(self, default: Calendar) -> Calendar:
        """The calendar of the group that holds the ticket, as it was at the last change."""
        at = self.updated_at
        return (self.group.calendar_at(at) if self.group else default).known(at)

    def take(self, step: Step) -> None:
        """Take one more step."""
        self.updated_at = step.at
        value = step.value
        if step.did is Did.STATUS and isinstance(value, int):
            self._enter(value, step.at)
        elif step.did is Did.ASSIGN:
            self.agent = value if isinstance(value, Agent) else None
            self.first_assigned_at = self.first_assigned_at or step.at
            self.assigned_at = step.at if self.agent else None
        elif step.did is Did.MOVE:
            self.moved = self.moved or self.group is not None
            self.group = value if isinstance(value, Group) else None
        elif step.did is Did.MERGE and isinstance(value, int):
            self.merged_into = value
        elif step.did is Did.ABSORB and isinstance(value, int):
            self.merged.append(value)
        elif step.did is Did.RAISE and isinstance(value, int):
            self.priority = value
        elif step.did is Did.AGENT_REPLY:
            self.agent_replies += 1
            self.first_responded_at = self.first_responded_at or step.at
            self.agent_responded_at = step.at
        elif step.did is Did.REQUESTER_REPLY:
            self.requester_replies += 1
            self.requester_responded_at = step.at
        elif step.did is Did.SPAM:
            self.spam = True
        elif step.did is Did.PURGE:
            self.gone = True
        elif step.did in (Did.DELETE, Did.RESTORE):
            self.deleted = step.did is Did.DELETE

    def _enter(self, status: int, at: datetime) -> None:
        if status in PAUSED:
            self._paused_since = self._paused_since or at
        elif self._paused_since:
            self.paused.append((self._paused_since, at))
            self._paused_since = None
        self.pending_since = at if status == PENDING else None
        if status in DONE:
            self.resolved_at = self.last_resolved_at = self.resolved_at or at
            self.closed_at = at if status == CLOSED else None
        else:
            self.reopened += self.is_done
            self.resolved_at = self.closed_at = None
        self.status, self.status_updated_at = status, at

    def policy(self, policies: tuple[Policy, ...]) -> Policy:
        """The SLA policy in force."""
        group_id = self.group.group_id if self.group else None
        return policy_for(policies, self.birth.topic.type, group_id)

    def due(self, policies: tuple[Policy, ...], default: Calendar) -> tuple[datetime, datetime]:
        """When the first response and the resolution are due, by the present priority and group.

        Time in which the SLA clock stood still moves the resolution on, not the response.
        """
        target = self.policy(policies).targets[self.priority]
        clock = self.calendar(default) if target.business_hours else None
        created_at = self.birth.created_at
        pause = sum(seconds_on(clock, start, end) for start, end in self.paused)
        return (
            _later(clock, created_at, target.respond_within),
            _later(clock, created_at, target.resolve_within + pause),
        )


def state_at(birth: Birth, steps: tuple[Step, ...], now: datetime) -> TicketState | None:
    """The ticket at a moment, or None before it was written."""
    if birth.created_at > now:
        return None
    state = TicketState(birth, birth.group, birth.priority, birth.created_at)
    for step in steps:
        if step.at > now:
            break
        state.take(step)
    return state


def _later(clock: Calendar | None, start: datetime, seconds: int) -> datetime:
    return advance(clock, start, seconds) if clock else start + timedelta(seconds=seconds)


def seconds_on(clock: Calendar | None, start: datetime, end: datetime) -> int:
    """Seconds between two instants on a calendar, or on the wall."""
    return business_seconds(clock, start, end) if clock else int((end - start).total_seconds())
