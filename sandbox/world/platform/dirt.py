"""What is wrong with what the platform sends, and what a warehouse should make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from zlib import crc32

from sandbox.world.dice import Dice, Weighted
from sandbox.world.moments import SECOND

# Broken records are a twelfth of all dirt, as on the topic event-data.
KINDS = Weighted(
    ("duplicate", 46.0), ("schema_addition", 46.0), ("missing_field", 4.0), ("wrong_type", 4.0)
)
EXPECTED = {
    "duplicate": "deduplicated",
    "schema_addition": "lands",
    "missing_field": "dead_letter:schema",
    "wrong_type": "dead_letter:schema",
}
BREAKS = ("missing_field", "wrong_type")


class Sent(NamedTuple):
    """A record as it is sent: when, which of its kind, and what is wrong with it."""

    at: int
    name: str
    record: Any
    dirt: str | None = None
    resent: bool | None = None
    """Of a broken record: whether the good one follows."""

    def fields(self) -> Mapping[str, Any]:
        """The record's fields, spoilt if they are to be."""
        fields = dict(self.record.fields())
        if self.dirt == "schema_addition":
            fields["locale"] = "en-GB"
        elif self.dirt == "missing_field":
            del fields["updated_at"]
        elif self.dirt == "wrong_type":
            name = "visitors" if "visitors" in fields else "segment"
            fields[name] = [fields[name]]
        return fields


def soil(seed: int, dirt: float, name: str, record: Any, now: int) -> Iterator[Sent]:
    """What is sent for a record: as a rule, just itself."""
    if crc32(f"{seed}{name}".encode()) >= dirt * 2**32:
        yield Sent(record.at, name, record)
        return
    dice = Dice(seed, "platform-dirt", name)
    kind = KINDS.draw(dice)
    if kind not in BREAKS:
        yield Sent(record.at, name, record, kind)
        if kind == "duplicate":
            yield Sent(record.at, name, record)
        return
    resent_at = record.at + int(SECOND * dice.between(2, 90)) if dice.chance(0.5) else None
    resent = resent_at is not None and resent_at <= now
    yield Sent(record.at, name, record, kind, resent)
    if resent_at is not None and resent:
        yield Sent(resent_at, name, record._replace(at=resent_at))
