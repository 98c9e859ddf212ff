"""Ticket events: the Kafka topic `ticket-events`, which `ticket_publisher.py` fills.

```
ticket-events (ticket created, updated, deleted) -> raw.freshservice__ticket_events
                                 refused records -> raw.dead_letters and topic dlq-analytics
```

What lands is the ticket, not the envelope: it passes the door of the tickets that are polled, and
of one version both lanes land the very same payload. Staging reads the two tables as one.
"""

from datetime import datetime
from typing import Any

import pyarrow as pa

from loaders import freshservice
from loaders.door import Door, Record, read_schema, source_time
from loaders.landing import ddl
from loaders.privacy import Privacy
from loaders.topic import Feed, Position

SOURCE = "ticket_events"
TABLE = "freshservice__ticket_events"
COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("topic", pa.string()),
        ("partition", pa.uint16()),
        ("offset", pa.uint64()),
        ("event_type", pa.string()),
        ("record_id", pa.int64()),
        ("source_at", pa.timestamp("ms", "UTC")),
        ("published_at", pa.timestamp("ms", "UTC")),
        ("payload", pa.string()),
    ]
)
_SCHEMA = read_schema("ticket_event_schema.json")
_ENVELOPE = frozenset(_SCHEMA["properties"])


class EventDoor(Door):
    """The door of the envelope; the ticket in it passes the door of tickets that are polled."""

    def __init__(self, privacy: Privacy) -> None:
        super().__init__(_SCHEMA, {}, lambda record: [("", record, _ENVELOPE)], privacy)
        self._tickets = freshservice.door("ticket", privacy)
        self._tickets.new_fields = self.new_fields

    def admit(self, record: Record) -> str:
        """Check a message and return its ticket as JSON to land."""
        is_whole = isinstance(record.get("data"), dict)
        super().admit({**record, "data": {}} if is_whole else record)
        return self._tickets.admit(record["data"])


def row(
    record: Record, payload: str, position: Position, published_at: datetime
) -> tuple[Any, ...]:
    """Return a message as a row of `COLUMNS`.

    Parameters
    ----------
    record, payload
        The message that passed the door, and what the door made of it.
    position
        Where it stands.
    published_at
        The broker's timestamp.
    """
    ticket = record["data"]
    return (
        SOURCE,
        *position,
        record["event_type"],
        ticket["id"],
        source_time(ticket["updated_at"], "data.updated_at"),
        published_at,
        payload,
    )


TICKET_EVENTS = Feed(SOURCE, "ticket-events", TABLE, COLUMNS, ddl(SOURCE), EventDoor, row)
