"""A ticket's history as the API tells it: sentences, without ids, fields or old values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sandbox.freshservice.conversation_payload import SYSTEM_USER_ID
from sandbox.world.desk.births import Birth
from sandbox.world.desk.groups import Group
from sandbox.world.desk.lives import CLOSED, OPEN, PENDING, RESOLVED, WAITING_ON_VENDOR, Did
from sandbox.world.desk.scenes import Life, Scene
from sandbox.world.desk.sla import HIGH, LOW, MEDIUM, URGENT
from sandbox.world.desk.staff import Agent

STATUS_NAMES = {
    OPEN: "Open",
    PENDING: "Pending",
    RESOLVED: "Resolved",
    CLOSED: "Closed",
    WAITING_ON_VENDOR: "Waiting on Vendor",
}
PRIORITY_NAMES = {LOW: "Low", MEDIUM: "Medium", HIGH: "High", URGENT: "Urgent"}
DEEDS = {
    Did.SPAM: "marked this ticket as spam",
    Did.DELETE: "deleted this ticket",
    Did.RESTORE: "restored this ticket",
}
MERGES = {
    Did.MERGE: "merged this ticket into ticket {}",
    Did.ABSORB: "merged ticket {} into this ticket",
}
NOBODY = "None"
"""How a field that was emptied is told: set Agent as None."""
AT_ONCE = timedelta(seconds=30)
"""Who is found so soon after the ticket came, was found by a rule."""


class _Line(NamedTuple):
    at: datetime
    actor_id: int
    actor: str
    words: str
    rule: str | None = None
    """The name of the automation that did it, if no person did."""


def activity_payloads(life: Life, now: datetime) -> list[dict[str, Any]]:
    """The elements of /tickets/{id}/activities up to a moment, the oldest first."""
    return [_created(life.birth), *map(_payload, _lines(life, now))]


def count_activities(life: Life, now: datetime) -> int:
    """How many elements there are."""
    return 1 + sum(1 for _ in _lines(life, now))


def _lines(life: Life, now: datetime) -> Iterator[_Line]:
    yield from _dispatched(life.birth)
    found = (_line(life.birth, scene) for scene in life.scenes if scene.at <= now)
    yield from filter(None, found)


def _created(birth: Birth) -> dict[str, Any]:
    words = "created this ticket"
    if birth.author:
        author = birth.author
        first = _Line(birth.created_at, author.agent_id, author.person.full_name, words)
    else:
        first = _line_of_requester(birth, birth.created_at, words)
    priority = PRIORITY_NAMES[birth.priority]
    return {
        **_payload(first),
        "sub_contents": [
            f"set Status as {STATUS_NAMES[OPEN]}",
            f"set Priority as {priority}",
            f"set Type as {birth.topic.type}",
        ],
    }


def _dispatched(birth: Birth) -> Iterator[_Line]:
    if birth.group:
        yield _by_rule(birth.created_at, "Dispatch by category", f"set Group as {birth.group.name}")


def _payload(line: _Line) -> dict[str, Any]:
    by_rule = line.rule is not None
    return {
        "actor": {"id": line.actor_id, "name": line.actor},
        "content": f"executed {line.rule}" if by_rule else line.words,
        # An array, or where a rule did a single thing, the bare sentence.
        "sub_contents": line.words if by_rule else [],
        "created_at": line.at,
    }


def _line(birth: Birth, scene: Scene) -> _Line | None:
    value, at = scene.value, scene.at
    if isinstance(value, Agent):
        words = f"set Agent as {value.person.full_name}"
        if at - birth.created_at <= AT_ONCE:
            return _by_rule(at, "Round robin", words)
        return _by_hand(scene, words)
    if isinstance(value, Group):
        words = f"set Group as {value.name}"
        return (
            _by_hand(scene, words) if scene.group else _by_rule(at, "Dispatch after triage", words)
        )
    if scene.did is Did.ASSIGN:
        return _by_hand(scene, f"set Agent as {NOBODY}") if scene.agent else None
    if scene.did is Did.MOVE:
        return _by_hand(scene, f"set Group as {NOBODY}") if scene.group else None
    if scene.did in MERGES:
        return _by_hand(scene, MERGES[scene.did].format(value))
    if scene.did is Did.RAISE and value:
        return _by_hand(scene, f"set Priority as {PRIORITY_NAMES[value]}")
    if scene.did is Did.STATUS and value and value != scene.status:
        return _status_line(birth, scene, value)
    return _by_hand(scene, DEEDS[scene.did]) if scene.did in DEEDS else None


def _status_line(birth: Birth, scene: Scene, status: int) -> _Line:
    words = f"set Status as {STATUS_NAMES[status]}"
    if status == OPEN and scene.follows_requester:
        return _line_of_requester(birth, scene.at, words)
    if (scene.status, status) == (PENDING, OPEN):
        return _by_rule(scene.at, "Pending for a week", words)
    if status == CLOSED and (scene.at.hour, scene.at.minute, scene.at.second) == (2, 0, 0):
        return _by_rule(scene.at, "Close resolved tickets", words)
    return _by_hand(scene, words)


def _by_hand(scene: Scene, words: str) -> _Line:
    return _Line(scene.at, scene.hand.agent_id, scene.hand.person.full_name, words)


def _by_rule(at: datetime, rule: str, words: str) -> _Line:
    return _Line(at, SYSTEM_USER_ID, "System", words, rule)


def _line_of_requester(birth: Birth, at: datetime, words: str) -> _Line:
    who = birth.requester
    return _Line(at, who.requester_id, who.person.full_name, words)
