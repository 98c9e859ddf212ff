"""What happens to a thing of the event side: its changes, each of which becomes a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sandbox.world.moments import instant


class Thing(Protocol):
    """A venue, event, session or registration: whatever has a life that is told in messages."""

    changes: list[Change]

    @property
    def kind(self) -> str:
        """The first half of the message's type, for example `registration`."""

    @property
    def name(self) -> str:
        """The thing's own id, unique among all kinds."""

    @property
    def key(self) -> str:
        """The record key on the topic: messages with the same key keep their order."""

    def data(self, change: Change) -> Mapping[str, Any]:
        """The message's `data` after one of its changes."""


class Change:
    """One step in a thing's life: slots and no dataclass, for there are half a million of them."""

    __slots__ = ("at", "number", "state", "thing", "verb")

    def __init__(self, thing: Thing, number: int, at: int, verb: str, state: Any) -> None:
        self.thing = thing
        self.number = number
        self.at = at
        self.verb = verb
        self.state = state

    @property
    def message_id(self) -> str:
        """The identity of the message; a message that is sent again keeps it."""
        return f"{self.thing.name}.{self.number}"

    def message(self) -> dict[str, Any]:
        """The message as its producer means it, before anything goes wrong with it."""
        thing = self.thing
        return {
            "message_id": f"{thing.name}.{self.number}",
            "type": f"{thing.kind}.{self.verb}",
            "occurred_at": instant(self.at),
            "schema_version": 1,
            "data": thing.data(self),
        }
