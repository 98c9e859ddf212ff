"""Problems, changes and releases as the API writes them."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any

from sandbox.freshservice.asset_payload import linked_asset_payload
from sandbox.world.desk.business_time import business_seconds
from sandbox.world.desk.cases import Case
from sandbox.world.desk.changes import (
    APPROVAL,
    CLOSED,
    PENDING_RELEASE,
    PENDING_REVIEW,
    PLANNING,
    Change,
)
from sandbox.world.desk.problems import Problem
from sandbox.world.desk.releases import COMPLETED, IN_PROGRESS, INCOMPLETE, Release


def problem_payload(now: datetime, problem: Problem) -> dict[str, Any]:
    """An element of /problems."""
    known = problem.is_known_error(now)
    return {
        **_case(now, problem),
        "requester_id": problem.background.requester.requester_id,
        "impact": problem.background.impact,
        "due_by": problem.due_at,
        "known_error": known,
        "associated_change": problem.change_id(now),
        "analysis_fields": {
            "problem_cause": _analysis("A worn part") if known else None,
            "problem_symptom": _analysis(problem.background.topic.subject),
            "problem_impact": None,
        },
    }


def change_payload(now: datetime, change: Change, includes: tuple[str, ...] = ()) -> dict[str, Any]:
    """An element of /changes. Whether it failed is a field that this account made for itself."""
    done_at = change.done_at(now)
    shown = {
        **_case(now, change),
        "requester_id": change.background.requester.requester_id,
        "impact": change.background.impact,
        "risk": change.risk,
        "change_type": change.change_type,
        "approval_status": change.approval_status(now),
        "planned_start_date": change.planned_start,
        "planned_end_date": change.planned_end,
        "change_window_id": None,
        "maintenance_window": {},
        "blackout_window": {},
        "impacted_services": [],
        "planning_fields": {},
        "custom_fields": {
            "closure_code": change.shown_result(now),
            "actual_start": change.work_began_at if done_at else None,
            "actual_end": done_at,
        },
    }
    if "stats" in includes:
        shown["stats"] = _stats(now, change)
    return shown


def _stats(now: datetime, change: Change) -> dict[str, Any]:
    closed_at = change.entered_at(CLOSED, now)
    calendar = change.background.group.calendar
    waited = business_seconds(calendar, change.created_at, closed_at) if closed_at else None
    return {
        "created_at": change.created_at,
        "updated_at": change.updated_at(now),
        "closed_at": closed_at,
        "planning_at": change.entered_at(PLANNING, now),
        "assigned_at": change.created_at,
        "approval_at": change.entered_at(APPROVAL, now),
        "pending_release_at": change.entered_at(PENDING_RELEASE, now),
        "pending_review_at": change.entered_at(PENDING_REVIEW, now),
        "resolution_time_by_bhrs": waited,
    }


def release_payload(now: datetime, release: Release) -> dict[str, Any]:
    """An element of /releases."""
    ended_at = release.entered_at(COMPLETED, now) or release.entered_at(INCOMPLETE, now)
    return {
        **_case(now, release),
        "release_type": release.release_type,
        "planned_start_date": release.planned_start,
        "planned_end_date": release.planned_end,
        "work_start_date": release.entered_at(IN_PROGRESS, now),
        "work_end_date": ended_at,
        "associated_change_ids": [change.case_id for change in release.changes],
        "planning_fields": {},
    }


def linked_case_payload(now: datetime, case: Case) -> dict[str, Any]:
    """A problem or a change in the view of a ticket."""
    return {
        "id": case.case_id,
        "subject": case.background.topic.subject,
        "status": case.status(now),
        "created_at": case.created_at,
        "updated_at": case.updated_at(now),
    }


def _case(now: datetime, case: Case) -> dict[str, Any]:
    about = case.background
    topic, asker = about.topic, about.requester.person.full_name
    text = f"{topic.subject}. Reported by {asker}, taken up by {about.agent.person.full_name}."
    return {
        "id": case.case_id,
        "agent_id": about.agent.agent_id,
        "group_id": about.group.group_id,
        "department_id": about.requester.department[0],
        "subject": topic.subject,
        "description": f"<div>{escape(text)}</div>",
        "description_text": text,
        "priority": about.priority,
        "status": case.status(now),
        "category": topic.category,
        "sub_category": topic.sub_category,
        "item_category": topic.item_category,
        "assets": [linked_asset_payload(asset) for asset in about.assets],
        "custom_fields": {},
        "deleted": case.is_deleted(now),
        "workspace_id": 1,
        "created_at": case.created_at,
        "updated_at": case.updated_at(now),
    }


def _analysis(text: str) -> dict[str, Any]:
    return {"description": f"<div>{text}</div>", "description_text": text, "attachments": []}
