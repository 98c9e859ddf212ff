"""People, groups, calendars and policies as the API writes them."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from sandbox.world.desk.calendars import MIDNIGHT, Calendar
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.groups import Group
from sandbox.world.desk.sla import Policy
from sandbox.world.desk.staff import Agent, Requester

SETUP = timedelta(days=400)
"""How long before the start of the history the account was configured."""
LAST_MINUTE = time(23, 59)


def requester_payload(somebody: Requester, now: datetime) -> dict[str, Any]:
    """An element of /requesters."""
    who, (department_id, department) = somebody.person, somebody.department
    return {
        "id": somebody.requester_id,
        "is_agent": somebody.is_agent(now),
        "first_name": who.first_name,
        "last_name": who.last_name,
        "job_title": somebody.job_title,
        "primary_email": somebody.email,
        "secondary_emails": [],
        "work_phone_number": who.phone,
        "mobile_phone_number": None,
        "department_ids": [department_id],
        "department_names": department,
        "active": somebody.is_active(now),
        "vip_user": somebody.is_vip,
        "has_logged_in": not somebody.is_vip,
        "address": None,
        "reporting_manager_id": None,
        "location_id": None,
        "location_name": None,
        "time_zone": somebody.region.rails_zone,
        "time_format": "12h",
        "language": somebody.region.language,
        "external_id": who.user_id if somebody.is_vip else None,
        "background_information": None,
        "can_see_all_tickets_from_associated_departments": False,
        "can_see_all_changes_from_associated_departments": False,
        "custom_fields": {},
        "created_at": somebody.created_at,
        "updated_at": somebody.updated_at(now),
    }


def agent_payload(agent: Agent, now: datetime) -> dict[str, Any]:
    """An element of /agents."""
    who, member_of = agent.person, [group.group_id for group in agent.groups]
    return {
        "id": agent.agent_id,
        "first_name": who.first_name,
        "last_name": who.last_name,
        "email": agent.email,
        "job_title": "Occasional helper" if agent.is_occasional else "Agent",
        "occasional": agent.is_occasional,
        "active": agent.is_active(now),
        "vip_user": False,
        "auto_assign_tickets": True,
        "auto_assign_status_changed_at": None,
        "work_phone_number": who.phone,
        "mobile_phone_number": None,
        "department_ids": [],
        "location_id": None,
        "reporting_manager_id": None,
        "address": None,
        "background_information": None,
        "time_zone": agent.groups[0].calendar.rails_zone,
        "time_format": "24h",
        "language": "en",
        "has_logged_in": True,
        "last_login_at": None,
        "last_active_at": None,
        "member_of": member_of,
        "observer_of": [],
        "member_of_pending_approval": [],
        "observer_of_pending_approval": [],
        "roles": [{"role_id": 21000020601, "assignment_scope": "entire_helpdesk", "groups": []}],
        "scoreboard_points": None,
        "scoreboard_level_id": 21000024001,
        "signature": None,
        "custom_fields": {},
        "created_at": agent.created_at,
        "updated_at": agent.updated_at(now),
    }


def agent_as_requester_payload(agent: Agent, now: datetime) -> dict[str, Any]:
    """An agent in /requesters?include_agents=true: the same id under the other key for the mail."""
    shown = agent_payload(agent, now)
    return {
        "id": shown["id"],
        "is_agent": True,
        "first_name": shown["first_name"],
        "last_name": shown["last_name"],
        "primary_email": shown["email"],
        "secondary_emails": [],
        "active": shown["active"],
        "vip_user": False,
        "time_zone": shown["time_zone"],
        "created_at": shown["created_at"],
        "updated_at": shown["updated_at"],
    }


def group_payload(desk: Desk, now: datetime, group: Group) -> dict[str, Any]:
    """An element of /groups. A null business_hours_id stands for the default calendar."""
    team = [agent for agent in desk.agents(now) if group in agent.groups]
    members = [agent.agent_id for agent in team if agent.is_active(now)]
    return {
        "id": group.group_id,
        "name": group.name,
        "description": group.description,
        "escalate_to": None,
        "unassigned_for": group.unassigned_for,
        "business_hours_id": group.business_hours_id(now),
        "auto_ticket_assign": False,
        "restricted": False,
        "approval_required": False,
        "ocs_schedule_id": None,
        "workspace_id": 1,
        "agent_ids": members,
        "members": members,
        "observers": [],
        "leaders": members[:1],
        "members_pending_approval": [],
        "observers_pending_approval": [],
        "leaders_pending_approval": [],
        "created_at": desk.opening - SETUP,
        "updated_at": group.changed_at if group.has_changed(now) else desk.opening - SETUP,
    }


def business_hours_payload(opening: datetime, now: datetime, latest: Calendar) -> dict[str, Any]:
    """An element of /business_hours: days off are missing, yearly holidays have no year."""
    calendar = latest.known(now)
    holidays = {
        **{f"--{m:02d}-{d:02d}": name for (m, d), name in calendar.yearly_holidays.items()},
        **{day.isoformat(): name for day, name in calendar.dated_holidays.items()},
    }
    return {
        "id": calendar.calendar_id,
        "name": calendar.name,
        "description": f"Business hours {calendar.name}",
        "is_default": calendar.is_default,
        "time_zone": calendar.rails_zone,
        "service_desk_hours": {
            day: {"beginning_of_workday": _clock(opens), "end_of_workday": _end(closes)}
            for day, (opens, closes) in calendar.hours.items()
        },
        "list_of_holidays": [
            {"holiday_date": day, "holiday_name": name} for day, name in sorted(holidays.items())
        ],
        "created_at": opening - SETUP,
        "updated_at": calendar.edited_at or opening - SETUP,
    }


def sla_policy_payload(policy: Policy, opening: datetime) -> dict[str, Any]:
    """An element of /sla_policies; the targets are seconds."""
    applicable_to: dict[str, Any] = {}
    if policy.group_id:
        applicable_to["group_id"] = [policy.group_id]
    if policy.ticket_type:
        applicable_to["ticket_type"] = [policy.ticket_type]
    return {
        "id": policy.policy_id,
        "name": policy.name,
        "position": policy.position,
        "is_default": policy.is_default,
        "active": policy.active,
        "deleted": policy.deleted,
        "description": None,
        "sla_targets": [
            {
                "priority": priority,
                "escalation_enabled": True,
                "respond_within": target.respond_within,
                "next_respond_within": target.next_respond_within,
                "resolve_within": target.resolve_within,
                "business_hours": target.business_hours,
            }
            for priority, target in policy.targets.items()
        ],
        "applicable_to": applicable_to or None,
        "escalation": {"response": None, "resolution": None},
        "created_at": opening - SETUP,
        "updated_at": opening - SETUP,
    }


def _clock(moment: time) -> str:
    """A time of day as Rails prints it: 8:30 am."""
    return f"{moment.hour % 12 or 12}:{moment.minute:02d} {'am' if moment.hour < 12 else 'pm'}"


def _end(closes: time) -> str:
    """A day that ends at midnight is shown as ending in its last minute."""
    return _clock(LAST_MINUTE if closes == MIDNIGHT else closes)
