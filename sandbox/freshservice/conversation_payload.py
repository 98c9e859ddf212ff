"""A conversation as the API writes it."""

from __future__ import annotations

from html import escape
from typing import Any

from sandbox.freshservice.ticket_payload import MAILBOX
from sandbox.freshservice.ticket_text import EMOJI
from sandbox.world.desk.births import Birth
from sandbox.world.desk.conversations import Conversation, Kind, Occasion
from sandbox.world.desk.staff import FIRST_AGENT_ID
from sandbox.world.dice import Dice

SYSTEM_USER_ID = FIRST_AGENT_ID - 1
"""Who writes what nobody wrote. No list of people has it, which is how one tells."""
EMAIL_SOURCE, NOTE_SOURCE = 0, 2
WORDS = {
    Occasion.RECEIVED: ("We have received your request and will be with you shortly.",),
    Occasion.REMINDED: ("We have not heard from you for a week and look into it again.",),
    Occasion.RESOLVED: ("Your request has been resolved. Was it not? Just answer this mail.",),
    Occasion.TAKEN: ("I know this one, it is the driver.", "Called, nobody there.", "Mine."),
    Occasion.HANDED_OVER: ("Not ours, please take over.", "Needs somebody on the spot."),
    Occasion.RAISED: ("Others are hit too, raised it.", "The doors open soon, raised it."),
    Occasion.AT_THE_VENDOR: ("Case opened with the vendor.", "The vendor sends a part."),
}
REPLIES = (
    "Please restart it and tell us whether it comes back.",
    "Could you send a picture of the message?",
    "We replaced it. Bitte prüfen Sie es.",
)
ANSWERS = ("Still the same.", "Danke, geht wieder!", "Here is the picture.", "아직 안 됩니다.")


def conversation_payload(seed: int, birth: Birth, said: Conversation) -> dict[str, Any]:
    """An element of /tickets/{id}/conversations."""
    lines, requester = _lines(seed, birth, said), birth.requester
    incoming, private = said.kind is Kind.REQUESTER, said.kind is Kind.NOTE
    author = requester.requester_id if incoming else SYSTEM_USER_ID
    requesters_mail = [requester.email] if requester.email else []
    to_emails = [MAILBOX] if incoming else requesters_mail
    return {
        "id": said.conversation_id,
        "user_id": said.agent.agent_id if said.agent else author,
        "to_emails": [] if private else to_emails,
        "from_email": None if private else requester.email if incoming else MAILBOX,
        "cc_emails": [],
        "bcc_emails": [],
        "body": "<div>" + "<br>".join(escape(line) for line in lines) + "</div>",
        "body_text": " ".join(lines),
        "ticket_id": said.ticket_id,
        "incoming": incoming,
        "private": private,
        "source": NOTE_SOURCE if private else EMAIL_SOURCE,
        "support_email": None if private else MAILBOX,
        "attachments": [],
        "created_at": said.at,
        "updated_at": said.at,
    }


def _lines(seed: int, birth: Birth, said: Conversation) -> tuple[str, ...]:
    """Words with names, numbers and emoji in them."""
    dice, who = Dice(seed, "conversation-text", said.conversation_id), birth.requester.person
    emoji = f" {dice.one_of(EMOJI)}" if dice.chance(0.2) else ""
    if said.kind is Kind.REQUESTER:
        call = f"Call me: {who.phone}." if dice.chance(0.3) else "Thanks"
        return (dice.one_of(ANSWERS) + emoji, f"{call} {who.full_name}")
    if said.kind is Kind.AUTOMATION:
        return (f"Dear {who.full_name},", *WORDS[said.occasion], f"Ticket #{said.ticket_id}")
    signature = said.agent.person.full_name if said.agent else ""
    if said.kind is Kind.NOTE:
        return (dice.one_of(WORDS[said.occasion]) + emoji, signature)
    return (f"Hi {who.first_name},", dice.one_of(REPLIES) + emoji, signature)
