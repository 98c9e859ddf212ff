"""The truth of what hangs on tickets, line by line: conversations, hours, answers, statuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sandbox.freshservice.activity_payload import count_activities
from sandbox.freshservice.children import activity_key
from sandbox.world.desk.conversations import conversations, ever_said
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.requested_items import requested_items
from sandbox.world.desk.scenes import Life
from sandbox.world.desk.staff import Agent
from sandbox.world.desk.status_history import status_history
from sandbox.world.desk.surveys import survey
from sandbox.world.desk.tasks import tasks
from sandbox.world.desk.time_entries import deleted_entries, time_entries

Row = Mapping[str, Any]


def conversation_rows(seed: int, lives: Iterable[Life], now: datetime) -> Iterator[Row]:
    """The truth about conversations."""
    for life in lives:
        for said in conversations(seed, life, now):
            yield {
                "ticket_id": said.ticket_id,
                "id": said.conversation_id,
                "kind": said.kind.value,
                "at": said.at,
            }


def time_entry_rows(seed: int, lives: Iterable[Life], now: datetime) -> Iterator[Row]:
    """The truth about time entries."""
    for life in lives:
        for entry in time_entries(seed, life, now):
            yield {
                "ticket_id": entry.ticket_id,
                "id": entry.entry_id,
                "seconds": entry.minutes * 60,
                "agent_id": entry.agent.agent_id,
                "executed_at": entry.executed_at,
                "billable": entry.is_billable,
                "timer_running": entry.is_running,
            }


def survey_rows(seed: int, lives: Iterable[Life], now: datetime) -> Iterator[Row]:
    """The truth about answers to the survey."""
    for life in lives:
        answer = survey(seed, life, now)
        if answer:
            yield {
                "ticket_id": answer.ticket_id,
                "acquired": answer.acquired,
                "total": answer.total,
                "at": answer.at,
                "first_acquired": answer.first_acquired,
                "changed_at": answer.changed_at,
                "resolved_at": answer.asked.at,
                "group_id": answer.asked.group and answer.asked.group.group_id,
                "responder_id": answer.asked.agent and answer.asked.agent.agent_id,
            }


def task_rows(seed: int, lives: Iterable[Life], now: datetime) -> Iterator[Row]:
    """The truth about tasks on tickets."""
    for life in lives:
        for task in tasks(seed, life, now):
            yield {
                "ticket_id": task.ticket_id,
                "id": task.task_id,
                "status": task.status,
                "agent_id": task.agent and task.agent.agent_id,
                "group_id": task.group and task.group.group_id,
                "due_at": task.due_at,
                "created_at": task.created_at,
                "closed_at": task.closed_at,
            }


def requested_item_rows(seed: int, lives: Iterable[Life], now: datetime) -> Iterator[Row]:
    """The truth about items that service requests ask for."""
    for life in lives:
        for item in requested_items(seed, life, now):
            yield {
                "ticket_id": item.ticket_id,
                "id": item.item_id,
                "service_item_id": item.item.service_item_id,
                "quantity": item.quantity,
                "cost": item.item.cost,
                "stage": item.stage,
            }


def status_rows(lives: Iterable[Life], now: datetime) -> Iterator[Row]:
    """The truth about the statuses that tickets went through, and who held them then."""
    for life in lives:
        for change in status_history(life, now):
            yield {
                "ticket_id": life.birth.ticket_id,
                "from": change.before,
                "to": change.after,
                "at": change.at,
                "group_id": change.group and change.group.group_id,
                "responder_id": change.agent and change.agent.agent_id,
            }


def leave_rows(agents: Iterable[Agent], now: datetime) -> Iterator[Row]:
    """The truth about the leaves of agents that have begun: whole days, by their group's clock."""
    for agent in agents:
        for leave in agent.leaves:
            if leave.starts_at <= now:
                yield {
                    "agent_id": agent.agent_id,
                    "first_day": leave.first_day,
                    "last_day": leave.last_day,
                    "starts_at": leave.starts_at,
                    "ends_at": leave.ends_at,
                }


def gone_rows(desk: Desk, lives: Iterable[Life], now: datetime) -> Iterator[Row]:
    """The truth about what the API does not have any more, and tells nobody of.

    Conversations and time entries go together with a later step of their ticket. What hung on a
    ticket that is gone is gone with it, and not told again.
    """
    for ticket_id, gone_at in desk.purged(now):
        yield {"feed": "tickets", "ticket_id": ticket_id, "id": ticket_id, "gone_at": gone_at}
    for requester_id, gone_at in desk.forgotten(now):
        yield {"feed": "requesters", "ticket_id": None, "id": requester_id, "gone_at": gone_at}
    for life in lives:
        ticket_id = life.birth.ticket_id
        found = [
            ("conversations", said.conversation_id, said.gone_at)
            for said in ever_said(desk.seed, life)
        ]
        found += [("time_entries", *entry) for entry in deleted_entries(desk.seed, life)]
        for feed, number, at in found:
            if at and at <= now:
                yield {"feed": feed, "ticket_id": ticket_id, "id": number, "gone_at": at}


def child_dirt_rows(desk: Desk, lives: Iterable[Life], now: datetime) -> Iterator[Row]:
    """The truth about what is wrong with things that hang on tickets.

    An activity has no id: it is the number-th of its ticket, from 0 on.
    """
    for life in lives:
        for feed, child in _children(desk, life, now):
            kind = desk.child_dirt(feed, child)
            if kind:
                yield {
                    "source": "freshservice",
                    "feed": feed,
                    "kind": kind,
                    "where": {"ticket_id": life.birth.ticket_id, "id": child},
                    "message_id": None,
                    "expected": "dead_letter:schema",
                    "resent": None,
                }


def _children(desk: Desk, life: Life, now: datetime) -> Iterator[tuple[str, int | str]]:
    seed, ticket_id = desk.seed, life.birth.ticket_id
    for number in range(count_activities(life, now)):
        yield "activities", activity_key(ticket_id, number)
    yield from (("conversations", one.conversation_id) for one in conversations(seed, life, now))
    yield from (("time_entries", entry.entry_id) for entry in time_entries(seed, life, now))
    yield from (("tasks", task.task_id) for task in tasks(seed, life, now))
    yield from (("requested_items", item.item_id) for item in requested_items(seed, life, now))
    answered = survey(seed, life, now)
    if answered:
        yield "csat_response", answered.survey_id
