"""The files of the truth: one JSON object a line, one file per kind, each replaced whole."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from sandbox.freshservice.ticket_payload import shown_resolved_at
from sandbox.truth.attendance import FILES, attendance_rows
from sandbox.truth.backlog import backlog_rows
from sandbox.truth.desk import (
    child_dirt_rows,
    conversation_rows,
    gone_rows,
    leave_rows,
    requested_item_rows,
    status_rows,
    survey_rows,
    task_rows,
    time_entry_rows,
)
from sandbox.truth.estate import estate_files
from sandbox.truth.itil import dirt_rows, itil_files
from sandbox.truth.platform import platform_files
from sandbox.truth.sla import sla_rows
from sandbox.truth.ticket import Told, measures, reply_rows, state_rows, tell
from sandbox.world import World
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.dirt import EXPECTED
from sandbox.world.desk.states import TicketState
from sandbox.world.happenings import Story
from sandbox.world.moments import instant, moment
from sandbox.world.people import person
from sandbox.world.registrations import Registration

OPTION = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
Row = Mapping[str, Any]


def write_truth(world: World, now: datetime, folder: Path) -> None:
    """Write every file as of a moment. The world's topic must have come to the same moment."""
    stories, now_ms = _in_order(world.happenings.stories), moment(now)
    _write(folder / "events.jsonl", _events(stories, now_ms))
    _write(folder / "sessions.jsonl", _sessions(stories, now_ms))
    _write(folder / "registrations.jsonl", _registrations(stories, now_ms))
    dirt = _write_together(folder, FILES, attendance_rows(world, now_ms))
    tickets = world.desk.tickets(now)
    _write(folder / "tickets_by_hour.jsonl", _tickets_by_hour(world.desk, tickets))
    # Told anew for every truth: at scale 1 that takes 2 s and 20 MB, which are given back.
    seed, lives = world.desk.seed, list(world.desk.lives(now))
    desk_dirt = chain(child_dirt_rows(world.desk, lives, now), dirt_rows(world.desk, now))
    dirt += world.platform.dirt(now_ms)
    _write(folder / "dirt.jsonl", chain(_dirt(world, tickets), desk_dirt, dirt))
    _write(folder / "gone.jsonl", gone_rows(world.desk, lives, now))
    _write(folder / "conversations.jsonl", conversation_rows(seed, lives, now))
    _write(folder / "time_entries.jsonl", time_entry_rows(seed, lives, now))
    _write(folder / "csat.jsonl", survey_rows(seed, lives, now))
    _write(folder / "tasks.jsonl", task_rows(seed, lives, now))
    _write(folder / "requested_items.jsonl", requested_item_rows(seed, lives, now))
    _write(folder / "status_history.jsonl", status_rows(lives, now))
    told, default = tell(tickets, lives, now), world.desk.default_calendar
    _write(folder / "tickets.jsonl", (_ticket(world.desk, ticket) for ticket in told))
    _write(folder / "states.jsonl", state_rows(told))
    _write(folder / "replies.jsonl", reply_rows(told, now, default))
    _write(folder / "sla.jsonl", sla_rows(world.desk, told, now))
    _write(folder / "backlog.jsonl", backlog_rows(told, now))
    _write(folder / "agent_leaves.jsonl", leave_rows(world.desk.agents(now), now))
    for name, rows in (
        *estate_files(world.desk.estate, now),
        *itil_files(world.desk, now),
        *platform_files(world, now_ms),
    ):
        _write(folder / f"{name}.jsonl", rows)


def _in_order(stories: Iterable[Story]) -> list[Story]:
    """By id, whatever steps the clock made."""
    return sorted(stories, key=lambda story: story.event.event_id)


def _events(stories: Iterable[Story], now: int) -> Iterator[Row]:
    for story in stories:
        event, done = story.event, [c for c in story.event.changes if c.at <= now]
        if done:
            state = done[-1].state
            yield {
                "event_id": event.event_id,
                "organization_id": event.organization_id,
                "venue_id": event.venue.venue_id,
                "name": event.title,
                "category": event.format.category,
                "timezone": event.venue.timezone,
                "status": state.status,
                "doors_open_at": instant(state.doors_open_at),
                "starts_at": instant(state.starts_at),
                "ends_at": instant(state.ends_at),
                "capacity": state.capacity,
                "announced_at": instant(event.announced_at),
                "n_messages": len(done),
            }


def _sessions(stories: Iterable[Story], now: int) -> Iterator[Row]:
    for story in stories:
        for session in story.sessions:
            done = [change for change in session.changes if change.at <= now]
            if done:
                state = done[-1].state
                yield {
                    "session_id": session.session_id,
                    "event_id": session.event.event_id,
                    "title": session.title,
                    "status": state.status,
                    "zone": state.zone,
                    "starts_at": instant(state.starts_at),
                    "ends_at": instant(state.ends_at),
                    "capacity": session.capacity,
                    "n_messages": len(done),
                }


def _registrations(stories: Iterable[Story], now: int) -> Iterator[Row]:
    for story in stories:
        for registration in story.registrations:
            if registration.changes[0].at <= now:
                yield _registration(registration, now)


def _registration(registration: Registration, now: int) -> Row:
    done = [change for change in registration.changes if change.at <= now]
    state = done[-1].state
    confirmed = [change.at for change in done if change.state.status == "confirmed"]
    cancelled = done[-1].at if state.status == "cancelled" else None
    return {
        "registration_id": registration.registration_id,
        "event_id": registration.event.event_id,
        "user_id": person(registration.seed, state.user).user_id,
        "status": state.status,
        "ticket_type": state.ticket_type,
        "channel": registration.channel,
        "price_minor": state.price_minor,
        "currency": registration.event.venue.currency,
        "registered_at": instant(done[0].at),
        "confirmed_at": instant(confirmed[0]) if confirmed else None,
        "cancelled_at": instant(cancelled) if cancelled else None,
        "n_messages": len(done),
    }


def _ticket(desk: Desk, told: Told) -> Row:
    ticket, birth = told.ticket, told.ticket.birth
    dirt = desk.dirt(ticket.ticket_id)
    found = measures(told, desk.default_calendar)
    calendar, answered_at = ticket.calendar(desk.default_calendar), ticket.first_responded_at
    return {
        "ticket_id": birth.ticket_id,
        "status": ticket.status,
        "priority": None if dirt == "missing_priority" else ticket.priority,
        "category": None if dirt == "missing_category" else birth.topic.category,
        "type": birth.topic.type,
        "workspace_id": birth.workspace_id,
        "group_id": ticket.group and ticket.group.group_id,
        "responder_id": ticket.agent and ticket.agent.agent_id,
        "requester_id": birth.requester.requester_id,
        "created_at": birth.created_at,
        "updated_at": ticket.updated_at,
        "first_responded_at": answered_at,
        "resolved_at": ticket.resolved_at,
        "resolved_at_shown": shown_resolved_at(desk.seed, ticket),
        "closed_at": ticket.closed_at,
        "deleted": ticket.deleted,
        "spam": ticket.spam,
        "calendar_id": calendar.calendar_id,
        # As the calendar of the group that holds it now has it.
        "first_response_business_seconds": found["first_response_last_calendar_business_seconds"],
        **found,
    }


def _tickets_by_hour(desk: Desk, tickets: Iterable[TicketState]) -> Iterator[Row]:
    """Tickets neither deleted, spam nor merged; resolutions as far as the API shows them."""
    created: Counter[datetime] = Counter()
    resolved: Counter[datetime] = Counter()
    refused_created: Counter[datetime] = Counter()
    refused_resolved: Counter[datetime] = Counter()
    for ticket in tickets:
        if ticket.deleted or ticket.spam or ticket.merged_into is not None:
            continue
        refused = EXPECTED.get(desk.dirt(ticket.ticket_id) or "", "").startswith("dead_letter")
        created_hour = _hour(ticket.birth.created_at)
        created[created_hour] += 1
        refused_created[created_hour] += refused
        resolved_at = shown_resolved_at(desk.seed, ticket)
        if resolved_at:
            resolved[_hour(resolved_at)] += 1
            refused_resolved[_hour(resolved_at)] += refused
    for hour in sorted({*created, *resolved}):
        yield {
            "hour": hour,
            "created": created[hour],
            "resolved": resolved[hour],
            "created_refused": refused_created[hour],
            "resolved_refused": refused_resolved[hour],
        }


def _dirt(world: World, tickets: Iterable[TicketState]) -> Iterator[Row]:
    yield from world.topic.dirt()
    for ticket in tickets:
        kind = world.desk.dirt(ticket.ticket_id)
        if kind:
            yield {
                "source": "freshservice",
                "feed": "tickets",
                "kind": kind,
                "where": {"ticket_id": ticket.ticket_id},
                "message_id": None,
                "expected": EXPECTED[kind],
                "resent": None,
            }


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0)


def _write_together(
    folder: Path, names: Iterable[str], told: Iterable[tuple[str, Iterable[Row]]]
) -> list[Row]:
    """Several files from one telling, each put in place in one step. Returns all other rows."""
    folder.mkdir(parents=True, exist_ok=True)
    others: list[Row] = []
    with ExitStack() as stack:
        files, drafts = {}, {}
        for name in names:
            handle, drafts[name] = tempfile.mkstemp(dir=folder, prefix=f".{name}.jsonl.")
            files[name] = stack.enter_context(os.fdopen(handle, "wb"))
        for name, rows in told:
            if name in files:
                files[name].writelines(orjson.dumps(row, option=OPTION) for row in rows)
            else:
                others += rows
    for name, draft in drafts.items():
        Path(draft).replace(folder / f"{name}.jsonl")
    return others


def _write(path: Path, rows: Iterable[Row]) -> None:
    """Write beside the file and put it in place in one step: a reader sees the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.writelines(orjson.dumps(row, option=OPTION) for row in rows)
    Path(draft).replace(path)
