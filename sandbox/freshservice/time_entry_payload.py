"""A time entry as the API writes it."""

from __future__ import annotations

from typing import Any

from sandbox.world.desk.time_entries import TimeEntry
from sandbox.world.dice import Dice

NOTES = ("Called {}", "Remote session with {}", "On the spot", "Replaced the part", "")


def time_entry_payload(seed: int, entry: TimeEntry) -> dict[str, Any]:
    """An element of /tickets/{id}/time_entries."""
    hours, minutes = divmod(entry.minutes, 60)
    note = Dice(seed, "time-entry-note", entry.entry_id).one_of(NOTES)
    return {
        "id": entry.entry_id,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
        "start_time": entry.executed_at,
        "end_time": entry.ended_at,
        "timer_running": entry.is_running,
        "billable": entry.is_billable,
        "time_spent": f"{hours:02d}:{minutes:02d}",
        "executed_at": entry.executed_at,
        "task_id": None,
        "note": note.format(entry.agent.person.full_name),
        "agent_id": entry.agent.agent_id,
        "custom_fields": {},
    }
