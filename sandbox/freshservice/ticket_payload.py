"""A ticket as the API writes it, in the list, in the view and in its statistics."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.freshservice.ticket_text import TicketText
from sandbox.world.desk.births import EMAIL
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.dirt import spoil
from sandbox.world.desk.quirks import quirks
from sandbox.world.desk.staff import Requester
from sandbox.world.desk.states import TicketState
from sandbox.world.dice import Dice
from sandbox.world.people import person

MAILBOX = "support@desk.example.com"
EMAIL_CONFIG_ID = 21000051201
LIST_INCLUDES = ("requester", "stats", "tags", "requested_for", "department")


def list_item(
    desk: Desk,
    now: datetime,
    ticket: TicketState,
    includes: tuple[str, ...] = (),
    with_custom_fields: bool = True,
) -> dict[str, Any]:
    """An element of the list, dirt included."""
    return shown(desk, ticket_payload(desk, now, ticket, includes, with_custom_fields))


def shown(desk: Desk, ticket: dict[str, Any]) -> dict[str, Any]:
    """The ticket with its dirt."""
    dirt = desk.dirt(ticket["id"])
    return spoil(desk.seed, ticket, dirt) if dirt else ticket


def ticket_payload(
    desk: Desk,
    now: datetime,
    ticket: TicketState,
    includes: tuple[str, ...],
    with_custom_fields: bool,
) -> dict[str, Any]:
    """What the list and the view have in common."""
    birth, topic = ticket.birth, ticket.birth.topic
    text = TicketText(desk.seed, birth)
    respond_by, resolve_by = ticket.due(desk.policies, desk.default_calendar)
    copies = _copies(desk, ticket)
    shown: dict[str, Any] = {
        "id": birth.ticket_id,
        "subject": text.subject,
        "description": text.html,
        "description_text": text.plain,
        "status": ticket.status,
        "priority": ticket.priority,
        "source": birth.source,
        "type": topic.type,
        "requester_id": birth.requester.requester_id,
        "requested_for_id": birth.requested_for and birth.requested_for.requester_id,
        "responder_id": ticket.agent and ticket.agent.agent_id,
        "group_id": ticket.group and ticket.group.group_id,
        "department_id": birth.requester.department[0],
        "category": topic.category,
        "sub_category": topic.sub_category,
        "item_category": topic.item_category,
        "due_by": resolve_by,
        "fr_due_by": respond_by,
        "is_escalated": (ticket.resolved_at or now) > resolve_by,
        "fr_escalated": (ticket.first_responded_at or now) > respond_by,
        "spam": ticket.spam,
        "deleted": ticket.deleted,
        "email_config_id": EMAIL_CONFIG_ID if birth.source == EMAIL else None,
        "cc_emails": copies,
        "fwd_emails": [],
        "reply_cc_emails": copies,
        "to_emails": [MAILBOX] if birth.source == EMAIL else None,
        "custom_fields": {"venue": None, "cost_center": birth.requester.department[1]},
        "workspace_id": birth.workspace_id,
        "created_at": birth.created_at,
        "updated_at": ticket.updated_at,
    }
    if not with_custom_fields:
        # Over all workspaces at once the API answers with the fields that all of them share.
        shown["custom_fields"] = {}
    for name in includes:
        shown[name] = _included(desk, ticket, name)
    return shown


def _included(desk: Desk, ticket: TicketState, name: str) -> Any:
    if name == "stats":
        return stats(desk.seed, ticket)
    if name == "tags":
        return tags(ticket)
    if name == "requester":
        return _person(ticket.birth.requester)
    if name == "requested_for":
        return _person(ticket.birth.requested_for or ticket.birth.requester)
    department_id, department = ticket.birth.requester.department
    return {"id": department_id, "name": department}


def stats(seed: int, ticket: TicketState) -> dict[str, Any]:
    """The statistics as the API gives them, which is not always as it was."""
    birth, quirk = ticket.birth, quirks(seed, ticket.ticket_id)
    nothing = None if quirk.counts_nothing_as_null else 0
    assigned = not quirk.hides_assignment
    return {
        "created_at": birth.created_at,
        "updated_at": ticket.updated_at,
        "ticket_id": birth.internal_id,
        "opened_at": birth.created_at if not ticket.reopened else ticket.status_updated_at,
        "group_escalated": False,
        "inbound_count": ticket.requester_replies or nothing,
        "outbound_count": ticket.agent_replies or nothing,
        "status_updated_at": ticket.status_updated_at,
        "pending_since": ticket.pending_since,
        "resolved_at": shown_resolved_at(seed, ticket),
        "closed_at": ticket.closed_at,
        "first_assigned_at": ticket.first_assigned_at if assigned else None,
        "assigned_at": ticket.assigned_at if assigned else None,
        "agent_responded_at": ticket.agent_responded_at,
        "requester_responded_at": ticket.requester_responded_at,
        "first_responded_at": ticket.first_responded_at,
        "first_resp_time_in_secs": _seconds_until(ticket, ticket.first_responded_at),
        "resolution_time_in_secs": _resolution_seconds(ticket, quirk.keeps_resolution_time),
    }


def shown_resolved_at(seed: int, ticket: TicketState) -> datetime | None:
    """When the ticket was resolved, as far as the API tells."""
    hidden = quirks(seed, ticket.ticket_id).hides_resolution
    return None if hidden else ticket.resolved_at


def _resolution_seconds(ticket: TicketState, keeps: bool) -> int:
    resolved_at = ticket.last_resolved_at if keeps else ticket.resolved_at
    return _seconds_until(ticket, resolved_at) or 0


def _seconds_until(ticket: TicketState, moment: datetime | None) -> int | None:
    return int((moment - ticket.birth.created_at).total_seconds()) if moment else None


def _person(somebody: Requester) -> dict[str, Any]:
    return {
        "id": somebody.requester_id,
        "name": somebody.person.full_name,
        "email": somebody.email,
        "mobile": None,
        "phone": somebody.person.phone,
    }


def tags(ticket: TicketState) -> list[str]:
    """What the ticket is labelled with."""
    return ["vip"] if ticket.birth.requester.is_vip else []


def _copies(desk: Desk, ticket: TicketState) -> list[str]:
    dice = Dice(desk.seed, "ticket-copies", ticket.ticket_id)
    if not dice.chance(0.1):
        return []
    return [person(desk.seed, dice.below(5000)).email for _ in range(1 + dice.below(2))]
