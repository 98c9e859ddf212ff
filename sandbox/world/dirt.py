"""What goes wrong between a producer and the topic, and what a warehouse should make of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import orjson

from sandbox.world.changes import Change
from sandbox.world.dice import Dice, Weighted
from sandbox.world.moments import DAY, SECOND

# Broken records are a twelfth of all dirt, so that the default rate of 1% leaves the share of valid
# records above the 99.9% that accuracy asks for, while a test may ask for a filthier world.
KINDS = Weighted(
    ("duplicate", 38.0),
    ("late", 25.0),
    ("out_of_order", 16.0),
    ("schema_addition", 12.5),
    ("missing_field", 1.5),
    ("wrong_type", 1.5),
    ("not_json", 1.2),
    ("not_utf8", 1.0),
    ("null_value", 1.1),
    ("not_object", 1.0),
    ("unknown_type", 1.2),
)
EXPECTED = {
    "duplicate": "deduplicated",
    "late": "lands",
    "out_of_order": "lands",
    "schema_addition": "lands",
    "missing_field": "dead_letter:schema",
    "wrong_type": "dead_letter:schema",
    "not_json": "dead_letter:not_json",
    "not_utf8": "dead_letter:not_utf8",
    "null_value": "dead_letter:null_value",
    "not_object": "dead_letter:not_object",
    "unknown_type": "dead_letter:unknown_type",
}
BREAKS = {"missing_field", "wrong_type", "not_json", "not_utf8", "null_value", "not_object"}
REQUIRED = {
    "venue": ("venue_id", "name", "timezone"),
    "event": ("event_id", "venue_id", "starts_at", "ends_at", "capacity"),
    "session": ("session_id", "event_id", "title", "starts_at"),
    "registration": ("registration_id", "event_id", "user_id", "ticket_type", "status"),
}
OPTION = orjson.OPT_UTC_Z


class Sent:
    """A record that did not simply go out when its change happened."""

    __slots__ = ("at", "change", "kind", "resent_at")

    def __init__(
        self, at: int, change: Change, kind: str | None, resent_at: int | None = None
    ) -> None:
        self.at = at
        self.change = change
        self.kind = kind
        """What is wrong with it; None for a good message that is sent again after a broken one."""
        self.resent_at = resent_at
        """Of a broken record: when the good message follows. If never, it is lost."""


def soil(seed: int, dirt: float, change: Change) -> Iterator[Change | Sent]:
    """The record or records that a change leaves on the topic: as a rule, just itself."""
    # A checksum is die enough to tell which messages are touched; a die for each takes seconds.
    if crc32(f"{seed}{change.message_id}".encode()) >= dirt * 2**32:
        yield change
        return
    dice = Dice(seed, "dirt", change.message_id)
    kind = KINDS.draw(dice)
    if kind in BREAKS:
        resent_at = change.at + _seconds(dice, 2, 90) if dice.chance(0.5) else None
        yield Sent(change.at, change, kind, resent_at)
        if resent_at:
            yield Sent(resent_at, change, None)
    elif kind in ("duplicate", "unknown_type"):
        yield change
        yield Sent(change.at + _seconds(dice, 1, 600), change, kind)
    elif kind == "late":
        yield Sent(change.at + _seconds(dice, 120, 172_800), change, kind)
    elif kind == "out_of_order":
        yield Sent(_overtaken(change) or change.at + _seconds(dice, 60, 900), change, kind)
    else:
        yield Sent(change.at, change, kind)


def spoil(seed: int, change: Change, kind: str) -> bytes | None:
    """What stands on the topic in place of the message."""
    dice = Dice(seed, "spoil", change.message_id)
    message = change.message()
    if kind == "null_value":
        return None
    if kind == "not_object":
        return dice.one_of((b"[]", b'"registration.created"', b"42", b"null", b"true"))
    if kind == "unknown_type":
        return orjson.dumps(_of_unknown_type(message, dice), option=OPTION)
    if kind == "schema_addition":
        data = {**message["data"], "locale": dice.one_of(("en-US", "de-DE", "ko-KR"))}
        return orjson.dumps({**message, "schema_version": 2, "data": data}, option=OPTION)
    if kind == "missing_field":
        return orjson.dumps(_without_a_field(message, change, dice), option=OPTION)
    if kind == "wrong_type":
        return orjson.dumps(_with_a_wrong_type(message, change, dice), option=OPTION)
    value = orjson.dumps(message, option=OPTION)
    if kind == "not_json":
        return value[: len(value) * 2 // 3] if dice.chance(0.7) else b"<xml/>"
    if kind == "not_utf8":
        # What a producer writes that takes Latin-1 for UTF-8.
        return value.replace(b'"type"', b'"note":"caf\xe9","type"', 1)
    return value


def _overtaken(change: Change) -> int | None:
    """Right after the next change of the same thing, if that is soon: the update comes first."""
    following = change.thing.changes
    if change.number + 1 < len(following):
        after = following[change.number + 1].at + SECOND
        if after - change.at < 2 * DAY:
            return after
    return None


def _of_unknown_type(message: dict[str, Any], dice: Dice) -> dict[str, Any]:
    kind = dice.one_of(("registration.badge_printed", "event.rated", "session.streamed"))
    return {**message, "message_id": f"{message['message_id']}.x", "type": kind}


def _without_a_field(message: dict[str, Any], change: Change, dice: Dice) -> dict[str, Any]:
    field = dice.one_of(("message_id", "occurred_at", "data.id", "data.id"))
    if field == "data.id":
        gone = REQUIRED[change.thing.kind][0]
        return {**message, "data": {k: v for k, v in message["data"].items() if k != gone}}
    return {k: v for k, v in message.items() if k != field}


def _with_a_wrong_type(message: dict[str, Any], change: Change, dice: Dice) -> dict[str, Any]:
    field = dice.one_of(("schema_version", "occurred_at", "data", "data.id"))
    if field == "schema_version":
        return {**message, field: "one"}
    if field == "occurred_at":
        return {**message, field: change.at // SECOND}
    if field == "data":
        return {**message, field: str(message["data"])}
    key = REQUIRED[change.thing.kind][0]
    return {**message, "data": {**message["data"], key: 12345}}


def _seconds(dice: Dice, low: float, high: float) -> int:
    return int(SECOND * dice.between(low, high))
