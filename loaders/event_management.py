"""S-Attend's event management: the Kafka topic `event-data`.

```
event-data (events, sessions, registrations, venues) -> raw.event_management__event_data
                                        refused records -> raw.dead_letters and topic dlq-analytics
```

A message carries the whole state of its entity, or the keys of one that is called off. They land
one row per record, whatever the type: the types share an envelope, and their order in the topic
means something. message_id says which records are one message.
"""

from datetime import datetime
from typing import Any

import pyarrow as pa

from loaders.door import Door, Record, read_schema, source_time
from loaders.landing import ddl
from loaders.privacy import Privacy, email, phone, text, verbatim
from loaders.topic import Feed, Position

SOURCE = "event_management"
TABLE = "event_management__event_data"
COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("topic", pa.string()),
        ("partition", pa.uint16()),
        ("offset", pa.uint64()),
        ("message_id", pa.string()),
        ("type", pa.string()),
        ("schema_version", pa.uint16()),
        ("source_at", pa.timestamp("ms", "UTC")),
        ("published_at", pa.timestamp("ms", "UTC")),
        ("payload", pa.string()),
    ]
)
PRIVATE = {
    "data.user_id": verbatim,
    "data.email": email,
    "data.full_name": text,
    "data.phone": phone,
}
PERSON = "data.user_id"
_SCHEMA = read_schema("event_data_schema.json")
_ENVELOPE = frozenset(_SCHEMA["properties"])


def _fields_by_type() -> dict[str, frozenset[str]]:
    known = {}
    for rule in _SCHEMA["allOf"]:
        definition = rule["then"]["properties"]["data"]["$ref"].rpartition("/")[2]
        names = frozenset(_SCHEMA["$defs"][definition]["properties"])
        condition = rule["if"]["properties"]["type"]
        for type_ in condition.get("enum", [condition.get("const")]):
            known[type_] = names
    return known


_KNOWN = _fields_by_type()


def _known_fields(record: Record) -> list[tuple[str, Record, frozenset[str]]]:
    return [("", record, _ENVELOPE), ("data.", record["data"], _KNOWN[record["type"]])]


def door(privacy: Privacy) -> Door:
    """Return the door of the topic's messages."""
    return Door(_SCHEMA, PRIVATE, _known_fields, privacy, person=PERSON)


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
    return (
        SOURCE,
        *position,
        record["message_id"],
        record["type"],
        record["schema_version"],
        source_time(record["occurred_at"], "occurred_at"),
        published_at,
        payload,
    )


EVENT_DATA = Feed(SOURCE, "event-data", TABLE, COLUMNS, ddl(SOURCE), door, row)
