"""What is said on a ticket: replies, notes among agents, and what nobody wrote at all.

Each is written together with a step of the ticket, so the ticket's updated_at never lies before
one of its conversations: who reads the conversations of changed tickets misses none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from sandbox.world.desk.births import EMAIL, PORTAL
from sandbox.world.desk.lives import OPEN, PENDING, RESOLVED, WAITING_ON_VENDOR, Did
from sandbox.world.desk.scenes import Life, Scene
from sandbox.world.desk.staff import Agent
from sandbox.world.dice import Dice

FIRST_CONVERSATION_ID = 21050000000
IDS_PER_TICKET = 64
"""More than any ticket has, so that no id waits for another ticket. Ids do not follow time."""


class Kind(Enum):
    """Who speaks to whom."""

    REPLY = "reply"
    NOTE = "note"
    REQUESTER = "requester"
    AUTOMATION = "automation"


class Occasion(Enum):
    """What a conversation is about, for those who find the words."""

    RECEIVED = "received"
    ANSWERED = "answered"
    TAKEN = "taken"
    HANDED_OVER = "handed over"
    RAISED = "raised"
    AT_THE_VENDOR = "at the vendor"
    REMINDED = "reminded"
    RESOLVED = "resolved"


NOTES = {Did.ASSIGN: (0.15, Occasion.TAKEN), Did.RAISE: (0.3, Occasion.RAISED)}


class Conversation(NamedTuple):
    """One conversation of a ticket."""

    conversation_id: int
    ticket_id: int
    kind: Kind
    occasion: Occasion
    at: datetime
    agent: Agent | None
    """Who wrote it; None is the requester or the automation, by its kind."""
    gone_at: datetime | None = None
    """When somebody deleted it, together with a later step of the ticket."""


Said = tuple[datetime, Kind, Occasion, Agent | None]


def conversations(seed: int, life: Life, now: datetime) -> list[Conversation]:
    """All conversations of a ticket at a moment, the oldest first."""
    return [
        one
        for one in ever_said(seed, life)
        if one.at <= now and not (one.gone_at and one.gone_at <= now)
    ]


def ever_said(seed: int, life: Life) -> list[Conversation]:
    """All that is ever said on a ticket, also what is deleted in the end."""
    ticket_id = life.birth.ticket_id
    first = FIRST_CONVERSATION_ID + IDS_PER_TICKET * ticket_id
    return [
        Conversation(
            first + number,
            ticket_id,
            kind,
            occasion,
            at,
            agent,
            _gone_at(seed, life, first + number, at) if kind is Kind.NOTE else None,
        )
        for number, (at, kind, occasion, agent) in enumerate(_said(seed, life))
    ]


def _gone_at(seed: int, life: Life, conversation_id: int, at: datetime) -> datetime | None:
    """Now and then somebody regrets a note; what the requester has read stays."""
    if not Dice(seed, "conversation-gone", conversation_id).chance(0.04):
        return None
    return next((s.at for s in life.scenes if s.at > at and s.did is not Did.PURGE), None)


def _said(seed: int, life: Life) -> Iterator[Said]:
    birth = life.birth
    if birth.is_spam:
        return
    dice = Dice(seed, "conversations", birth.ticket_id)
    by_mail = birth.source in (EMAIL, PORTAL)
    if by_mail:
        yield birth.created_at, Kind.AUTOMATION, Occasion.RECEIVED, None
    for scene in life.scenes:
        if scene.did is Did.AGENT_REPLY:
            yield scene.at, Kind.REPLY, Occasion.ANSWERED, scene.hand
        elif scene.did is Did.REQUESTER_REPLY:
            yield scene.at, Kind.REQUESTER, Occasion.ANSWERED, None
        elif scene.did is Did.STATUS:
            yield from _said_of_status(dice, scene, by_mail)
        elif scene.did is Did.MOVE and scene.group and dice.chance(0.6):
            yield scene.at, Kind.NOTE, Occasion.HANDED_OVER, scene.hand
        elif scene.did in NOTES and scene.value:
            share, occasion = NOTES[scene.did]
            if dice.chance(share):
                yield scene.at, Kind.NOTE, occasion, scene.hand


def _said_of_status(dice: Dice, scene: Scene, by_mail: bool) -> Iterator[Said]:
    if scene.value == WAITING_ON_VENDOR and dice.chance(0.8):
        yield scene.at, Kind.NOTE, Occasion.AT_THE_VENDOR, scene.hand
    elif scene.value == RESOLVED and by_mail:
        yield scene.at, Kind.AUTOMATION, Occasion.RESOLVED, None
    elif (scene.status, scene.value) == (PENDING, OPEN) and not scene.follows_requester:
        yield scene.at, Kind.AUTOMATION, Occasion.REMINDED, None
