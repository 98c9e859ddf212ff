"""What goes wrong between a device or a gate and the server, and what to make of it."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from sandbox.world.dice import Dice, Weighted
from sandbox.world.moments import DAY, HOUR, MINUTE, SECOND

# As on the topic, broken messages are a twelfth of all dirt: 1% of it leaves accuracy above 99.9%.
KINDS = Weighted(
    ("duplicate", 36.0),
    ("late", 24.0),
    ("out_of_order", 14.0),
    ("schema_addition", 12.0),
    ("unreadable_time", 3.0),
    ("future_time", 3.0),
    ("missing_field", 3.0),
    ("wrong_type", 3.0),
    ("unknown_type", 2.0),
)
GATE_KINDS = Weighted(
    ("duplicate", 38.0),
    ("late", 30.0),
    ("schema_addition", 24.0),
    ("missing_field", 4.0),
    ("wrong_type", 4.0),
)
EXPECTED = {
    "duplicate": "deduplicated",
    "late": "lands",
    "out_of_order": "lands",
    "schema_addition": "lands",
    "clock_skew": "corrected",
    "unreadable_time": "server_time",
    "future_time": "server_time",
    "missing_field": "dead_letter:schema",
    "wrong_type": "dead_letter:schema",
    "unknown_type": "dead_letter:unknown_type",
}
DELAYS = {"late", "out_of_order"}
BREAKS = {"missing_field", "wrong_type"}
WRONG_FIELDS: tuple[dict[str, Any], ...] = (
    {"user_id": 12345},
    {"timestamp": 1767225600},
    {"event_id": None},
    {"location": "hall"},
)
WRONG_COUNTS: tuple[dict[str, Any], ...] = (
    {"entries": "many"},
    {"lane": "left"},
    {"minute_at": 0},
    {"rejects": []},
)
SKEWED = 0.3
"""Devices with a wrong clock at an event, as a share of the dirt rate."""
LATEST = 2 * DAY


def skew(seed: int, dirt: float, event_id: str, *device: int) -> int:
    """What a device's clock is off by during an event: nothing, or minutes to hours."""
    # A checksum tells which; a die for each device takes seconds.
    if crc32(f"{seed}{event_id}{device}".encode()) >= dirt * SKEWED * 2**32:
        return 0
    dice = Dice(seed, "skew", event_id, *device)
    off = dice.between(4, 55) * MINUTE if dice.chance(0.6) else dice.between(1, 11) * HOUR
    return int(off) if dice.chance(0.5) else -int(off)


def delay(kind: str, dice: Dice) -> int:
    """How much later than meant a message is sent, or is sent once more."""
    if kind == "late":
        return int(dice.between(3 * MINUTE, LATEST))
    if kind == "out_of_order":
        return int(dice.between(60 * SECOND, 900 * SECOND))
    return int(dice.between(SECOND, 600 * SECOND))


def spoil_message(seed: int, message: dict[str, Any], kind: str) -> dict[str, Any]:
    """What arrives in place of a message of the app."""
    dice = Dice(seed, "spoil", message["message_id"])
    if kind == "missing_field":
        gone = dice.one_of(("message_id", "type", "user_id", "event_id", "timestamp", "sent_at"))
        return {key: value for key, value in message.items() if key != gone}
    if kind == "wrong_type":
        return message | dice.one_of(WRONG_FIELDS)
    if kind == "unknown_type":
        kind = dice.one_of(("badge_print", "wifi_login", "drink_order"))
        return {**message, "message_id": f"{message['message_id']}.x", "type": kind}
    if kind == "schema_addition":
        return {**message, "locale": dice.one_of(("en-US", "de-DE", "ko-KR"))}
    if kind == "unreadable_time":
        day = message["timestamp"][:10]
        wrong = dice.one_of((f"{day[8:]}.{day[5:7]}.{day[:4]} 7pm", "just now", f"{day}T25:61:00Z"))
        return {**message, dice.one_of(("timestamp", "sent_at")): wrong}
    return message


def spoil_report(dice: Dice, row: dict[str, Any], kind: str) -> dict[str, Any]:
    """What is served in place of a gate's minute."""
    if kind == "missing_field":
        gone = dice.one_of(("gate_id", "lane", "minute_at", "entries", "rejects"))
        return {key: value for key, value in row.items() if key != gone}
    if kind == "wrong_type":
        return row | dice.one_of(WRONG_COUNTS)
    if kind == "schema_addition":
        return {**row, "battery_percent": dice.below(101)}
    return row
