"""The answer of GET /tickets/{id}: the only place that names a ticket's policy and calendar."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.freshservice.conversation_payload import conversation_payload
from sandbox.freshservice.csat_payload import csat_payload
from sandbox.freshservice.links_payload import links_payload
from sandbox.freshservice.ticket_payload import LIST_INCLUDES, shown, tags, ticket_payload
from sandbox.world.desk.births import EMAIL
from sandbox.world.desk.business_time import is_open
from sandbox.world.desk.conversations import conversations
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.states import TicketState
from sandbox.world.desk.surveys import survey
from sandbox.world.desk.topics import SERVICE_REQUEST
from sandbox.world.dice import Dice

VIEW_INCLUDES = (
    *LIST_INCLUDES,
    "conversations",
    "problem",
    "assets",
    "change",
    "related_tickets",
    "feedback",
)
APPROVALS = {0: "Requested", 1: "Approved", 2: "Rejected", 4: "Not Requested"}
REQUESTED, APPROVED, REJECTED, NOT_REQUESTED = APPROVALS
SHOWN_CONVERSATIONS = 10
"""The view embeds the first ones only: all of them stand under the ticket's own list."""


def view(
    desk: Desk, now: datetime, ticket: TicketState, includes: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What the list has, and the fields that only stand here."""
    birth, calendar = ticket.birth, ticket.calendar(desk.default_calendar)
    notes = "Restarted and tested with the requester." if ticket.is_done else None
    approval = _approval(desk.seed, ticket)
    listed = tuple(name for name in includes if name in LIST_INCLUDES)
    whole = {
        **ticket_payload(desk, now, ticket, listed, with_custom_fields=True),
        "urgency": birth.urgency,
        "impact": birth.impact,
        "tags": tags(ticket),
        "attachments": _attachments(desk.seed, ticket),
        "bcc_emails": None,
        "sla_policy_id": ticket.policy(desk.policies).policy_id,
        "applied_business_hours": calendar.calendar_id,
        "created_within_business_hours": is_open(calendar, birth.created_at),
        "approval_status": approval,
        "approval_status_name": APPROVALS[approval],
        "resolution_notes": notes,
        "resolution_notes_html": notes and f"<div>{notes}</div>",
    }
    for name in includes:
        if name not in LIST_INCLUDES:
            whole[name] = _included(desk, now, ticket, name)
    return shown(desk, whole)


def _included(desk: Desk, now: datetime, ticket: TicketState, name: str) -> Any:
    if name == "related_tickets":
        return {"merged_into": ticket.merged_into, "merged": [*ticket.merged]}
    if name in ("assets", "problem", "change"):
        return links_payload(desk, ticket.birth, now)[name]
    life = desk.life(ticket.ticket_id, now)
    if life is None:
        return None
    if name == "conversations":
        said = conversations(desk.seed, life, now)[:SHOWN_CONVERSATIONS]
        return [conversation_payload(desk.seed, life.birth, one) for one in said]
    answered = survey(desk.seed, life, now)
    return answered and csat_payload(desk.seed, answered)


def _approval(seed: int, ticket: TicketState) -> int:
    """Some service requests need the approval of somebody's manager before they are done."""
    dice = Dice(seed, "approval", ticket.ticket_id)
    if ticket.birth.topic.type != SERVICE_REQUEST or not dice.chance(0.4):
        return NOT_REQUESTED
    if not ticket.is_done:
        return REQUESTED
    return APPROVED if dice.chance(0.95) else REJECTED


def _attachments(seed: int, ticket: TicketState) -> list[dict[str, Any]]:
    dice, birth = Dice(seed, "attachment", ticket.ticket_id), ticket.birth
    if birth.source != EMAIL or not dice.chance(0.12):
        return []
    who, number = birth.requester.person, 21100000000 + ticket.ticket_id
    name = f"{who.first_name}-screen.png"
    return [
        {
            "id": number,
            "name": name,
            "content_type": "image/png",
            "size": 20_000 + dice.below(900_000),
            "attachment_url": f"https://attachments.example.com/{number}/{name}",
            "created_at": birth.created_at,
            "updated_at": birth.created_at,
        }
    ]
