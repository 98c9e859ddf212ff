"""The truth of tickets that takes a walk through their lives. One JSON object a line.

tickets.jsonl  beside the ticket as it stands, how long what took (`measures`): in seconds on
               the wall; `_holding_business_` by the calendar of whichever group held it, as the
               calendar was then; `_last_calendar_business_` all by the calendar of the group
               that holds it now. Null where it did not happen, and by the last calendar where
               nobody holds it. What nobody held is counted by the account's default calendar
    first_response      until the first public reply of an agent
    first_resolution    until it was first resolved or closed, even if it was reopened since
    full_resolution     until it was resolved for good; null while it is not
    net_resolution      the same, without the time in which the SLA's clock stood still
states.jsonl   one line a ticket and stretch in which nothing of its state changed
replies.jsonl  one line a question and its answer: number 1 is the ticket itself, the others the
               first message of the requester since an agent last replied. Without an answer
               replied_at is null; finished_at says when the ticket was resolved instead
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sandbox.world.desk.business_time import held_seconds
from sandbox.world.desk.calendars import Calendar
from sandbox.world.desk.lives import Did
from sandbox.world.desk.scenes import Life
from sandbox.world.desk.states import DONE, PAUSED, TicketState
from sandbox.world.desk.stretches import Stretch, stretches

Row = Mapping[str, Any]


class Told(NamedTuple):
    """A ticket as it stands, its life, and the life cut into stretches."""

    ticket: TicketState
    life: Life
    stretches: list[Stretch]


def tell(tickets: Iterable[TicketState], lives: Iterable[Life], now: datetime) -> list[Told]:
    """Every ticket with its stretches up to a moment."""
    return [
        Told(ticket, life, stretches(life, now))
        for ticket, life in zip(tickets, lives, strict=True)
    ]


def measures(told: Told, default: Calendar) -> dict[str, Any]:
    """What tickets.jsonl says of how long things took, and how often they happened."""
    ticket = told.ticket
    entries = list(_entries(told.stretches))
    ends = {
        "first_response": ticket.first_responded_at,
        "first_resolution": entries[0] if entries else None,
        "full_resolution": ticket.resolved_at,
        "net_resolution": ticket.resolved_at,
    }
    found: dict[str, Any] = {}
    for name, end in ends.items():
        parts = list(_parts(told.stretches, end, net=name == "net_resolution"))
        found |= _timed(name, told, parts, end, default)
    return found | {
        "is_merged": ticket.merged_into is not None,
        "merged_into": ticket.merged_into,
        "reopens": ticket.reopened,
        "reopened_at": list(_exits(told.stretches)),
        "replies": ticket.agent_replies,
        "agent_changes": sum(
            before.state.agent not in (None, after.state.agent)
            for before, after in zip(told.stretches, told.stretches[1:], strict=False)
        ),
        "group_changes": sum(
            before.state.group not in (None, after.state.group)
            for before, after in zip(told.stretches, told.stretches[1:], strict=False)
        ),
    }


Part = tuple[Stretch, datetime, datetime]


def _timed(
    name: str, told: Told, parts: list[Part], end: datetime | None, default: Calendar
) -> Row:
    last = told.ticket.group
    wall = int(sum((e - s).total_seconds() for _, s, e in parts))
    holding = sum(held_seconds(part.state.group, default, s, e) for part, s, e in parts)
    by_last = sum(held_seconds(last, default, s, e) for _, s, e in parts) if last else None
    return {
        f"{name}_seconds": wall if end else None,
        f"{name}_holding_business_seconds": holding if end else None,
        f"{name}_last_calendar_business_seconds": by_last if end else None,
    }


def _parts(found: list[Stretch], end: datetime | None, net: bool) -> Iterator[Part]:
    """The stretches up to an instant, the last one cut there."""
    for stretch in found:
        if end is None or stretch.starts_at >= end:
            return
        if not net or stretch.state.status not in (*PAUSED, *DONE):
            yield stretch, stretch.starts_at, min(stretch.ends_at or end, end)


def _entries(found: list[Stretch]) -> Iterator[datetime]:
    """When the ticket was resolved or closed after it was not."""
    done = False
    for stretch in found:
        if stretch.state.is_done and not done:
            yield stretch.starts_at
        done = stretch.state.is_done


def _exits(found: list[Stretch]) -> Iterator[datetime]:
    done = False
    for stretch in found:
        if done and not stretch.state.is_done:
            yield stretch.starts_at
        done = stretch.state.is_done


def state_rows(told: Iterable[Told]) -> Iterator[Row]:
    """The lines of states.jsonl."""
    for ticket in told:
        for number, state, starts_at, ends_at in ticket.stretches:
            yield {
                "ticket_id": ticket.ticket.ticket_id,
                "number": number,
                "status": state.status,
                "group_id": state.group_id,
                "responder_id": state.agent_id,
                "priority": state.priority,
                "deleted": state.deleted,
                "spam": state.spam,
                "starts_at": starts_at,
                "ends_at": ends_at,
            }


class Turn(NamedTuple):
    """A question and what became of it."""

    number: int
    asked_at: datetime
    replied_at: datetime | None
    agent_id: int | None
    finished_at: datetime | None
    """When the ticket was resolved or closed without an answer, if it was."""


def turns(life: Life, now: datetime) -> list[Turn]:
    """The turns of a ticket up to a moment; spam has none."""
    if life.birth.is_spam:
        return []
    found: list[Turn] = []
    turn: Turn | None = Turn(1, life.birth.created_at, None, None, None)
    for scene in life.scenes:
        if scene.at > now:
            break
        if scene.did is Did.AGENT_REPLY and turn:
            found.append(turn._replace(replied_at=scene.at, agent_id=scene.hand.agent_id))
            turn = None
        elif scene.did is Did.REQUESTER_REPLY and turn is None:
            turn = Turn(len(found) + 1, scene.at, None, None, None)
        elif scene.did is Did.STATUS and turn:
            done = scene.value in DONE
            turn = turn._replace(finished_at=(turn.finished_at or scene.at) if done else None)
    return [*found, turn] if turn else found


def reply_rows(told: Iterable[Told], now: datetime, default: Calendar) -> Iterator[Row]:
    """The lines of replies.jsonl."""
    for ticket in told:
        for turn in turns(ticket.life, now):
            parts = [
                (stretch, max(start, turn.asked_at), end)
                for stretch, start, end in _parts(ticket.stretches, turn.replied_at, net=False)
                if end > turn.asked_at
            ]
            holder = parts[-1][0].state.group if parts else None
            yield {
                "ticket_id": ticket.ticket.ticket_id,
                "number": turn.number,
                "asked_at": turn.asked_at,
                "replied_at": turn.replied_at,
                "finished_at": None if turn.replied_at else turn.finished_at,
                "agent_id": turn.agent_id,
                "group_id": holder and holder.group_id,
                **_timed("reply", ticket, parts, turn.replied_at, default),
            }
