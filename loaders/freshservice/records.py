"""Freshservice's records: their doors, and the rows that they become."""

import hashlib
from collections import Counter
from typing import Any, NamedTuple

import dlt
import orjson
import pyarrow as pa

from loaders.batch import Batch, Report
from loaders.door import Door, Record, RefusedError, read_schema, source_time
from loaders.freshservice.private import PERSONS, PRIVATE, REWRITES
from loaders.freshservice.window import updated_at
from loaders.privacy import Privacy

SOURCE = "freshservice"
_PAYLOAD = [
    ("record_id", pa.int64()),
    ("source_at", pa.timestamp("ms", "UTC")),
    ("payload", pa.string()),
]
COLUMNS = pa.schema([("source", pa.string()), *_PAYLOAD])
CHILD_COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("parent_type", pa.string()),
        ("parent_id", pa.int64()),
        *_PAYLOAD,
    ]
)
# Feed, which is also the end of the raw table's name -> definition in the schema.
ENTITIES = {
    "tickets": "ticket",
    "ticket_views": "ticket",
    "activities": "activity",
    "conversations": "conversation",
    "time_entries": "time_entry",
    "tasks": "task",
    "csat_responses": "csat_response",
    "requested_items": "requested_item",
    "requesters": "requester",
    "agents": "agent",
    "groups": "group",
    "departments": "department",
    "locations": "location",
    "business_hours": "business_hours",
    "sla_policies": "sla_policy",
    "problems": "problem",
    "changes": "change",
    "releases": "release",
    "assets": "asset",
    "asset_types": "asset_type",
    "products": "product",
    "vendors": "vendor",
    "contracts": "contract",
    "purchase_orders": "purchase_order",
    "applications": "application",
    "application_users": "application_user",
    "application_installations": "application_installation",
    "application_licenses": "application_license",
}
CHILDREN = {
    "activities",
    "conversations",
    "time_entries",
    "tasks",
    "csat_responses",
    "requested_items",
    "application_users",
    "application_installations",
    "application_licenses",
}
_SCHEMAS = read_schema("freshservice_schema.json")


class Parent(NamedTuple):
    """What a record hangs on: its kind, for example `ticket`, and its id."""

    type: str
    id: int


def door(entity: str, privacy: Privacy) -> Door:
    """Return the door of one entity of the schema, for example `ticket`."""
    known = frozenset(_SCHEMAS["$defs"][entity]["properties"])
    public: list[str] = dlt.config.get(f"sources.{SOURCE}.public_custom_fields") or []
    return Door(
        {**_SCHEMAS, "$ref": f"#/$defs/{entity}"},
        PRIVATE.get(entity, {}),
        lambda record: [("", record, known)],
        privacy,
        {"custom_fields": frozenset(public)},
        PERSONS.get(entity, ""),
        *([REWRITES[entity]] if entity in REWRITES else []),
    )


def columns_of(feed: str) -> pa.Schema:
    """Return the columns of a feed's raw table that the loader fills."""
    return CHILD_COLUMNS if feed in CHILDREN else COLUMNS


def row(record: Record, payload: str, parent: Parent | None = None) -> tuple[Any, ...]:
    """Return a record that passed the door as a row of `COLUMNS`, or of `CHILD_COLUMNS`."""
    changed = record.get("updated_at") or (parent and record.get("created_at"))
    at = source_time(changed, "updated_at") if changed else None
    known = record["id"] if "id" in record else content_id(payload, 1)
    return SOURCE, *(parent or ()), known, at, payload


class Taker:
    """Take the records of one feed through its door into batches."""

    def __init__(self, feed: str, report: Report, privacy: Privacy) -> None:
        self.feed = feed
        self.report = report
        self._privacy = privacy
        self._gate = door(ENTITIES[feed], privacy)
        report.new_fields = self._gate.new_fields

    def batch(self) -> Batch:
        """Return an empty batch of the feed."""
        return Batch(self.report, f"{SOURCE}__{self.feed}", columns_of(self.feed), self._privacy)

    def take(
        self, records: list[Any], batch: Batch, parent: Parent | None = None
    ) -> tuple[int, ...]:
        """Add the records to a batch and return the ids that the list showed, ascending.

        A record that is refused was shown all the same.
        """
        if self.feed not in CHILDREN:
            parent = None
        shown: list[int] = []
        seen: Counter[str] = Counter()
        for record in records:
            known = record.get("id") if isinstance(record, dict) else None
            try:
                if not isinstance(record, dict):
                    raise RefusedError("not_object", f"a JSON {type(record).__name__}")
                sent = orjson.dumps(record)
                payload = self._gate.admit(record)
                if known is None:  # only an activity may be without one
                    seen[payload] += 1
                    known = record["id"] = content_id(payload, seen[payload])
                batch.add(row(record, payload, parent))
            except RefusedError as refused:
                at = updated_at(record)
                batch.refuse(self._position(known, parent), refused, sent, at)
            if isinstance(known, int):
                shown.append(known)
        return tuple(sorted(set(shown)))

    def _position(self, known: Any, parent: Parent | None) -> str:
        return (
            f"{parent.type}/{parent.id}/{self.feed}/{known}" if parent else f"{self.feed}/{known}"
        )


def content_id(payload: str, ordinal: int) -> int:
    """Return an id for the n-th record of that very content in its list."""
    digest = hashlib.sha256(f"{ordinal}:{payload}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def parent_of(position: str) -> Parent | None:
    """Return the parent that the position of a dead letter names."""
    parts = position.split("/")
    return Parent(parts[0], int(parts[1])) if len(parts) == 4 else None
