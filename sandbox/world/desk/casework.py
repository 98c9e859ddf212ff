"""Tasks and time entries of problems, changes and releases: written down in their turns."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.world.desk.cases import CHANGE, DAY, PROBLEM, RELEASE, Case, Turn
from sandbox.world.desk.tasks import COMPLETED, IN_PROGRESS, OPEN, Task
from sandbox.world.desk.time_entries import TimeEntry
from sandbox.world.dice import Dice

FIRST_IDS = {PROBLEM: 21160000000, CHANGE: 21161000000, RELEASE: 21162000000}
"""Where their ids begin: tasks and entries of tickets have others."""
IDS_PER_CASE = 16
TITLES = (
    "Collect the logs",
    "Write the rollback plan",
    "Tell the venues",
    "Test on the spare",
    "Update the documentation",
)


def case_tasks(seed: int, case: Case, now: datetime) -> list[Task]:
    """All tasks of a case as of a moment: made in one turn, completed in a later one."""
    dice = Dice(seed, "case-tasks", case.kind, case.case_id)
    first = FIRST_IDS[case.kind] + IDS_PER_CASE * case.case_id
    found = [
        _task(Dice(seed, "case-task", first + n), first + n, case, now)
        for n in range(dice.below(4))
    ]
    return [task for task in found if task]


def _task(dice: Dice, task_id: int, case: Case, now: datetime) -> Task | None:
    place = dice.below(max(1, len(case.turns) - 1))
    later = [turn for turn in case.turns[place + 1 :] if turn.at <= now]
    made: Turn = case.turns[place]
    is_done, has_agent, days = dice.chance(0.9), dice.chance(0.85), 1 + dice.below(10)
    if made.at > now:
        return None
    status, changed_at = OPEN, made.at
    if later:
        # Who takes it up in one turn has done it in the next.
        status, changed_at = IN_PROGRESS, later[0].at
    if len(later) > 1 and is_done:
        status, changed_at = COMPLETED, later[1].at
    return Task(
        task_id=task_id,
        ticket_id=case.case_id,
        agent=case.background.agent if has_agent else None,
        group=case.background.group,
        title=dice.one_of(TITLES),
        status=status,
        due_at=made.at + days * DAY,
        created_at=made.at,
        updated_at=changed_at,
        closed_at=changed_at if status == COMPLETED else None,
    )


def case_time_entries(seed: int, case: Case, now: datetime) -> list[TimeEntry]:
    """All time entries of a case as of a moment: after the first turn, every turn may bring one."""
    first = FIRST_IDS[case.kind] + IDS_PER_CASE * case.case_id
    found = []
    for number, turn in enumerate(case.turns[1:]):
        dice = Dice(seed, "case-time", first + number)
        if turn.at <= now and dice.chance(0.5):
            minutes = 5 + int(dice.lognormal(50, 0.8))
            began = max(case.created_at, turn.at - timedelta(minutes=minutes))
            found.append(
                TimeEntry(
                    entry_id=first + number,
                    ticket_id=case.case_id,
                    agent=case.background.agent,
                    minutes=minutes,
                    is_billable=dice.chance(0.2),
                    is_running=False,
                    executed_at=began,
                    ended_at=turn.at,
                    created_at=turn.at,
                    updated_at=turn.at,
                )
            )
    return found
