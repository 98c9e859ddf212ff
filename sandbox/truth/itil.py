"""The truth of problems, changes and releases, and of what tickets are linked to, line by line.

    problems.jsonl           problem_id, status, known_error, change_id, asset_ids, ticket_ids,
                             closed_at, deleted, ...
    changes.jsonl            change_id, status, change_type, result, approval_status, planned_end,
                             done_at, overran, closed_at, deleted, ...; overran: done after the
                             planned end; result is null until the change is closed
    releases.jsonl           release_id, status, change_ids, began_at, ended_at, deleted
    ticket_assets.jsonl      ticket_id, asset_id, display_id: from the ticket's first second on
    case_tasks.jsonl         parent_type, parent_id, id, status, closed_at
    case_time_entries.jsonl  parent_type, parent_id, id, seconds, agent_id, executed_at, billable

Statuses are the numbers of the API. Lines of deleted problems, changes and releases are flagged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sandbox.world.desk.births import Birth
from sandbox.world.desk.cases import Case
from sandbox.world.desk.casework import case_tasks, case_time_entries
from sandbox.world.desk.changes import CLOSED as CHANGE_CLOSED
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.itil import Itil
from sandbox.world.desk.links import Links, links_of
from sandbox.world.desk.problems import CLOSED
from sandbox.world.desk.record_dirt import EXPECTED
from sandbox.world.desk.releases import COMPLETED, IN_PROGRESS, INCOMPLETE

Row = Mapping[str, Any]
Linked = list[tuple[int, Links]]


def itil_files(desk: Desk, now: datetime) -> Iterator[tuple[str, Iterator[Row]]]:
    """The files, by name."""
    itil = desk.itil
    links = linked(itil, (ticket.birth for ticket in desk.tickets(now)))
    yield "problems", problem_rows(itil, links, now)
    yield "changes", change_rows(itil, now)
    yield "releases", release_rows(itil, now)
    yield "ticket_assets", ticket_asset_rows(links)
    yield "case_tasks", case_task_rows(itil, now)
    yield "case_time_entries", case_time_entry_rows(itil, now)


def dirt_rows(desk: Desk, now: datetime) -> Iterator[Row]:
    """What is wrong with records of all lists but the tickets', as `dirt.jsonl` tells it."""
    listed = {
        "assets": [asset.asset_id for asset in desk.estate.assets(now) if not asset.is_gone(now)],
        "contracts": [contract.contract_id for contract in desk.estate.contracts(now)],
        "purchase_orders": [order.order_id for order in desk.estate.orders(now)],
        "problems": [problem.case_id for problem in desk.itil.problems(now)],
        "changes": [change.case_id for change in desk.itil.changes(now)],
        "releases": [release.case_id for release in desk.itil.releases(now)],
    }
    for feed, ids in listed.items():
        for record_id in ids:
            kind = desk.record_dirt(feed, record_id)
            if kind:
                yield {
                    "source": "freshservice",
                    "feed": feed,
                    "kind": kind,
                    "where": {"id": record_id},
                    "message_id": None,
                    "expected": EXPECTED,
                    "resent": None,
                }


def linked(itil: Itil, births: Iterable[Birth]) -> Linked:
    """The links of tickets, found once for all files."""
    return [(birth.ticket_id, links_of(itil, birth)) for birth in births]


def problem_rows(itil: Itil, links: Linked, now: datetime) -> Iterator[Row]:
    """The truth about problems."""
    tickets: dict[int, list[int]] = defaultdict(list)
    for ticket_id, its_links in links:
        if its_links.problem:
            tickets[its_links.problem.case_id].append(ticket_id)
    for problem in itil.problems(now):
        yield {
            "problem_id": problem.case_id,
            **_shared(problem, now),
            "known_error": problem.is_known_error(now),
            "change_id": problem.change_id(now),
            "ticket_ids": tickets[problem.case_id],
            "due_at": problem.due_at,
            "closed_at": problem.entered_at(CLOSED, now),
        }


def change_rows(itil: Itil, now: datetime) -> Iterator[Row]:
    """The truth about changes."""
    for change in itil.changes(now):
        yield {
            "change_id": change.case_id,
            **_shared(change, now),
            "change_type": change.change_type,
            "risk": change.risk,
            "approval_status": change.approval_status(now),
            "planned_start": change.planned_start,
            "planned_end": change.planned_end,
            "done_at": change.done_at(now),
            "overran": change.overran(now),
            "result": change.shown_result(now),
            "closed_at": change.entered_at(CHANGE_CLOSED, now),
        }


def release_rows(itil: Itil, now: datetime) -> Iterator[Row]:
    """The truth about releases."""
    for release in itil.releases(now):
        ended_at = release.entered_at(COMPLETED, now) or release.entered_at(INCOMPLETE, now)
        yield {
            "release_id": release.case_id,
            **_shared(release, now),
            "change_ids": [change.case_id for change in release.changes],
            "planned_end": release.planned_end,
            "began_at": release.entered_at(IN_PROGRESS, now),
            "ended_at": ended_at,
        }


def ticket_asset_rows(links: Linked) -> Iterator[Row]:
    """The truth about the assets on tickets."""
    for ticket_id, its_links in links:
        for asset in its_links.assets:
            yield {
                "ticket_id": ticket_id,
                "asset_id": asset.asset_id,
                "display_id": asset.display_id,
            }


def case_task_rows(itil: Itil, now: datetime) -> Iterator[Row]:
    """The truth about tasks of problems, changes and releases."""
    for case in _cases(itil, now):
        for task in case_tasks(itil.estate.seed, case, now):
            yield {
                "parent_type": case.kind,
                "parent_id": case.case_id,
                "id": task.task_id,
                "status": task.status,
                "closed_at": task.closed_at,
            }


def case_time_entry_rows(itil: Itil, now: datetime) -> Iterator[Row]:
    """The truth about time spent on problems, changes and releases."""
    for case in _cases(itil, now):
        for entry in case_time_entries(itil.estate.seed, case, now):
            yield {
                "parent_type": case.kind,
                "parent_id": case.case_id,
                "id": entry.entry_id,
                "seconds": entry.minutes * 60,
                "agent_id": entry.agent.agent_id,
                "executed_at": entry.executed_at,
                "billable": entry.is_billable,
            }


def _cases(itil: Itil, now: datetime) -> Iterator[Case]:
    yield from itil.problems(now)
    yield from itil.changes(now)
    yield from itil.releases(now)


def _shared(case: Case, now: datetime) -> Row:
    return {
        "status": case.status(now),
        "priority": case.background.priority,
        "category": case.background.topic.category,
        "group_id": case.background.group.group_id,
        "agent_id": case.background.agent.agent_id,
        "asset_ids": [asset.asset_id for asset in case.background.assets],
        "deleted": case.is_deleted(now),
        "created_at": case.created_at,
        "updated_at": case.updated_at(now),
    }
