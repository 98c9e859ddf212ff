"""The truth about SLAs: sla.jsonl, one line a ticket, metric and number of the response.

metric      first_response, resolution, or next_response (number 2 and on)
due_at      by the policy, the priority, the group and its calendar at the end: the response, the
            resolution, or as of now. Counted from the ticket's creation (from the question for a
            next response) on the group's calendar, or on the wall where the policy says so. For
            the resolution, time in which the clock stood still is added, on the same calendar, as
            soon as it runs again
outcome     met, breached: done by then, or not
            running, running_breached: not done yet. While the clock stands, nothing is breached
            that was not before
            excluded: `reason` is spam, deleted, merged; or unanswered, for a response that was
            not due yet when the ticket was resolved without it. One that was due is breached
breached_at the beginning of the breach that the outcome tells of; group_id and responder_id held
            the ticket then, or hold it at the end where nothing was breached
priority    at the end
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sandbox.truth.ticket import Told, Turn, turns
from sandbox.world.desk.business_time import advance
from sandbox.world.desk.calendars import Calendar
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.scenes import Life
from sandbox.world.desk.sla import Target, policy_for
from sandbox.world.desk.states import PAUSED, seconds_on
from sandbox.world.desk.stretches import State, Stretch

Row = Mapping[str, Any]


class Spell(NamedTuple):
    """A piece of a ticket's life in which the due dates did not move."""

    state: State
    starts_at: datetime
    ends_at: datetime | None
    breach_at: datetime
    """When it is overdue, by the time in which the clock has stood still before."""
    due_at: datetime
    """The same by the pauses that are over: what Freshservice says."""


def sla_rows(desk: Desk, told: Iterable[Told], now: datetime) -> Iterator[Row]:
    """The lines of sla.jsonl."""
    for ticket in told:
        for turn in turns(ticket.life, now) or [_no_turn(ticket.life)]:
            metric = "next_response" if turn.number > 1 else "first_response"
            yield _row(desk, ticket, metric, turn, now)
        # Resolved is what it is now: a ticket that was reopened is not done.
        done = _no_turn(ticket.life)._replace(replied_at=ticket.ticket.resolved_at)
        yield _row(desk, ticket, "resolution", done, now)


def _no_turn(life: Life) -> Turn:
    return Turn(1, life.birth.created_at, None, None, None)


def _row(desk: Desk, told: Told, metric: str, turn: Turn, now: datetime) -> Row:
    ticket, done_at = told.ticket, turn.replied_at
    end = done_at or turn.finished_at or now
    pausing = metric == "resolution"
    spells = list(_spells(desk, told, metric, turn, end))
    last = spells[-1]
    breached_at = _breach(spells, end, pausing)
    reason = _excluded(told) or (
        "unanswered" if not done_at and turn.finished_at and not breached_at else None
    )
    if reason:
        outcome, breached_at = "excluded", None
    elif done_at or turn.finished_at:
        outcome = "breached" if breached_at else "met"
    else:
        outcome = "running_breached" if breached_at else "running"
    holder = _at(told.stretches, breached_at or end)
    policy = policy_for(desk.policies, ticket.birth.topic.type, last.state.group_id)
    return {
        "ticket_id": ticket.ticket_id,
        "metric": metric,
        "number": turn.number,
        "sla_policy_id": policy.policy_id,
        "outcome": outcome,
        "reason": reason,
        "asked_at": turn.asked_at,
        "due_at": last.due_at,
        "done_at": done_at,
        "breached_at": breached_at,
        "priority": last.state.priority,
        "group_id": holder.group_id,
        "responder_id": holder.agent_id,
    }


def _excluded(told: Told) -> str | None:
    ticket = told.ticket
    if ticket.spam:
        return "spam"
    if ticket.deleted:
        return "deleted"
    return "merged" if ticket.merged_into else None


def _spells(desk: Desk, told: Told, metric: str, turn: Turn, end: datetime) -> Iterator[Spell]:
    """The life from the question to the end, with the due date that held in each piece."""
    paused: list[Stretch] = []
    over = 0
    reckoned: dict[tuple[object, ...], datetime] = {}
    for stretch in told.stretches:
        if stretch.starts_at > end:
            return
        if stretch.state.status not in PAUSED:
            over = len(paused)
        if not stretch.ends_at or stretch.ends_at > turn.asked_at:
            target, clock = _target(desk, told, stretch)
            for count in {over, len(paused)}:
                key = (target, clock, count)
                if key not in reckoned:
                    reckoned[key] = _due(metric, turn.asked_at, target, clock, paused[:count])
            yield Spell(
                stretch.state,
                max(stretch.starts_at, turn.asked_at),
                stretch.ends_at,
                reckoned[target, clock, len(paused)],
                reckoned[target, clock, over],
            )
        if metric == "resolution" and stretch.state.status in PAUSED:
            paused.append(stretch)


def _target(desk: Desk, told: Told, stretch: Stretch) -> tuple[Target, Calendar | None]:
    """What the policy asks for in a stretch, and the calendar that it counts on, if on any."""
    group, at = stretch.state.group, stretch.starts_at
    ticket_type = told.ticket.birth.topic.type
    policy = policy_for(desk.policies, ticket_type, stretch.state.group_id)
    target = policy.targets[stretch.state.priority]
    calendar = (group.calendar_at(at) if group else desk.default_calendar).known(at)
    return target, calendar if target.business_hours else None


def _due(
    metric: str,
    asked_at: datetime,
    target: Target,
    clock: Calendar | None,
    paused: list[Stretch],
) -> datetime:
    if metric == "first_response":
        return _later(clock, asked_at, target.respond_within)
    if metric == "next_response":
        return _later(clock, asked_at, target.next_respond_within)
    stood = sum(seconds_on(clock, one.starts_at, one.ends_at) for one in paused if one.ends_at)
    return _later(clock, asked_at, target.resolve_within + stood)


def _later(clock: Calendar | None, start: datetime, seconds: int) -> datetime:
    return advance(clock, start, seconds) if clock else start + timedelta(seconds=seconds)


def _breach(spells: list[Spell], end: datetime, pausing: bool) -> datetime | None:
    """When the breach began that lasts at the end, if one does."""
    since: datetime | None = None
    for state, starts_at, ends_at, breach_at, _ in spells:
        if pausing and state.is_done and starts_at < end:
            continue
        if breach_at < starts_at:
            since = since or starts_at
        elif pausing and state.status in PAUSED:
            since = None
        elif breach_at < min(ends_at or end, end):
            since = breach_at
        else:
            since = None
    return since


def _at(found: list[Stretch], at: datetime) -> State:
    """What the ticket was at an instant, with all that happened in its second."""
    return next(s.state for s in reversed(found) if s.starts_at <= at)
