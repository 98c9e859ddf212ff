"""The truth of what hangs on tickets, line by line: conversations, hours, answers, statuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sandbox.world.desk.conversations import conversations
from sandbox.world.desk.scenes import Life
from sandbox.world.desk.staff import Agent
from sandbox.world.desk.status_history import status_history
from sandbox.world.desk.surveys import survey
from sandbox.world.desk.time_entries import time_entries

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
