"""Freshservice: the REST API v2.

```
/tickets (+stats; also filter=deleted, filter=spam)  -> raw.freshservice__tickets
/requesters /agents /groups                          -> raw.freshservice__<name>
/business_hours /sla_policies                        -> raw.freshservice__<name>
                                     refused records -> raw.dead_letters
```

Tickets are read since a cursor (`freshservice_api.py` says how). Deleted and spam tickets appear
only under their filters, so each filter is a feed with a cursor of its own.

The other lists have no "changed since" and are read whole on every run; a version that lands
again merges away in the raw table.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import dlt
import orjson
import pyarrow as pa
from dlt.common.configuration import with_config

from loaders.batch import Batch, Report
from loaders.door import Door, Record, RefusedError, read_schema, source_time
from loaders.errors import FeedError
from loaders.freshservice_api import EPOCH, Api, Tickets, instant, updated_at
from loaders.landing import ddl, land, open_pipeline
from loaders.privacy import Privacy, email, phone, verbatim

SOURCE = "freshservice"
COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("record_id", pa.int64()),
        ("source_at", pa.timestamp("ms", "UTC")),
        ("payload", pa.string()),
    ]
)

# Endpoint and list key -> definition in the schema.
LISTS = {
    "requesters": "requester",
    "agents": "agent",
    "groups": "group",
    "business_hours": "business_hours",
    "sla_policies": "sla_policy",
}
ENTITIES = {"tickets": "ticket", **LISTS}
# Nothing lands in these yet; the models read them all the same.
OTHER_LISTS = (
    "departments", "locations", "problems", "changes", "releases", "assets", "asset_types",
    "products", "vendors", "contracts", "purchase_orders", "applications", "ticket_views",
)  # fmt: skip
CHILDREN = (
    "activities", "conversations", "time_entries", "tasks", "csat_responses", "requested_items",
    "application_users", "application_installations",
)  # fmt: skip
TICKET_FILTERS = ("", "deleted", "spam")

_PERSON = {
    "first_name": verbatim,
    "last_name": verbatim,
    "email": email,
    "primary_email": email,
    "secondary_emails": email,
    "work_phone_number": phone,
    "mobile_phone_number": phone,
    "address": verbatim,
    "background_information": verbatim,
    "external_id": verbatim,
    "signature": verbatim,
    "custom_fields": verbatim,
}
# Free text is an identifier: people sign it. The numeric ids stay: they are the vendor's own
# surrogate keys and say nothing outside it.
PRIVATE = {
    "ticket": {
        "subject": verbatim,
        "description": verbatim,
        "description_text": verbatim,
        "resolution_notes": verbatim,
        "resolution_notes_html": verbatim,
        "cc_emails": email,
        "fwd_emails": email,
        "reply_cc_emails": email,
        "to_emails": email,
        "bcc_emails": email,
        "requester": email,
        "requested_for": email,
        "attachments": verbatim,
        "custom_fields": verbatim,
    },
    "requester": _PERSON,
    "agent": _PERSON,
}

_SCHEMAS = read_schema("freshservice_schema.json")


def door(entity: str, privacy: Privacy) -> Door:
    """Return the door of one entity of the schema, for example `ticket`."""
    schema = _SCHEMAS["$defs"][entity]
    known = frozenset(schema["properties"])
    return Door(schema, PRIVATE.get(entity, {}), lambda record: [("", record, known)], privacy)


def row(record: Record, payload: str) -> tuple[Any, ...]:
    """Return a record that passed the door as a row of `COLUMNS`."""
    changed = record.get("updated_at")
    return (
        SOURCE,
        record["id"],
        source_time(changed, "updated_at") if changed else None,
        payload,
    )


@dlt.resource(name="tickets", write_disposition="append")
def tickets(batch: Batch, feed: str, cursor: str) -> Iterator[Any]:
    """Yield a batch of tickets; the feed's cursor moves with its load package."""
    dlt.current.resource_state()[feed] = cursor
    yield from batch.items()


@dlt.resource(name="lists", write_disposition="append")
def lists(batches: list[Batch]) -> Iterator[Any]:
    """Yield the lists that were read whole. No cursor: the API cannot say what changed."""
    for batch in batches:
        yield from batch.items()


def raw_tables() -> list[str]:
    """Return the statements that make the source's raw tables."""
    return [
        *(ddl(SOURCE, table=f"{SOURCE}__{name}") for name in ("tickets", *LISTS, *OTHER_LISTS)),
        *(ddl(f"{SOURCE}_children", table=f"{SOURCE}__{name}") for name in CHILDREN),
        ddl(f"{SOURCE}_sweeps"),
        ddl("ticket_events"),
    ]


def load(reports: Callable[[str], Report], progress: Callable[[int, int], None]) -> None:
    """Land the lists, then the tickets of every filter, each by itself.

    Parameters
    ----------
    reports
        Gives the report of a feed, to be filled in.
    progress
        Called with (records read so far, 0: how many there will be is unknown).

    Raises
    ------
    GatehouseError
        When the whole source cannot go on. What ends one feed alone is in its report.
    """
    loader = _Loader(reports, progress)
    tables = raw_tables()
    with open_pipeline(SOURCE, tables) as pipeline:
        # One package: together they are small, and a package costs half a second.
        land(pipeline, lists([loader.read_list(name, entity) for name, entity in LISTS.items()]))
        for ticket_filter in TICKET_FILTERS:
            loader.load_tickets(pipeline, ticket_filter)


class _Loader:
    """One run: the configuration, the keys, the client."""

    @with_config(sections=("sources", SOURCE))
    def __init__(
        self,
        reports: Callable[[str], Report],
        progress: Callable[[int, int], None],
        base_url: str = dlt.config.value,
        api_key: str = dlt.secrets.value,
        page_size: int = dlt.config.value,
        batch_rows: int = dlt.config.value,
        overlap_seconds: int = dlt.config.value,
        workspace_id: int = dlt.config.value,
    ) -> None:
        self._reports = reports
        self._progress = progress
        self._privacy = Privacy.from_env()
        self._api = Api(base_url, api_key, page_size)
        self._batch_rows = batch_rows
        self._overlap = timedelta(seconds=overlap_seconds)
        self._workspace_id = workspace_id

    def read_list(self, name: str, entity: str) -> Batch:
        gate = door(entity, self._privacy)
        report = self._reports(name)
        report.new_fields = gate.new_fields
        batch = Batch(report, f"{SOURCE}__{name}", COLUMNS, self._privacy)
        number, more = 1, True
        try:
            while more:
                page, more = self._api.page(name, page=number)
                number += 1
                for record in page:
                    _take(record, gate, batch, name)
                self._progress(report.read, 0)
        except FeedError as error:
            report.error = str(error)
        return batch

    def load_tickets(self, pipeline: dlt.Pipeline, ticket_filter: str) -> None:
        feed = f"tickets?filter={ticket_filter}" if ticket_filter else "tickets"
        gate = door(ENTITIES["tickets"], self._privacy)
        report = self._reports(feed)
        report.new_fields = gate.new_fields
        since = _cursor(pipeline, feed)
        reader = Tickets(self._api, ticket_filter, since, self._workspace_id, self._overlap)
        while not reader.done:
            batch = Batch(report, f"{SOURCE}__tickets", COLUMNS, self._privacy)
            for ticket in reader.read(self._batch_rows):
                _take(ticket, gate, batch, "tickets")
            land(pipeline, tickets(batch, feed, instant(reader.cursor)))
            self._progress(report.read, 0)
        if isinstance(reader.error, FeedError):
            report.error = str(reader.error)
        elif reader.error:
            raise reader.error


def _take(record: Any, gate: Door, batch: Batch, name: str) -> None:
    try:
        if not isinstance(record, dict):
            raise RefusedError("not_object", f"a JSON {type(record).__name__}")
        batch.add(row(record, gate.admit(record)))
    except RefusedError as refused:
        known = record.get("id") if isinstance(record, dict) else None
        batch.refuse(f"{name}/{known}", refused, orjson.dumps(record), updated_at(record))


def _cursor(pipeline: dlt.Pipeline, feed: str) -> datetime:
    sources = pipeline.state.get("sources", {})
    state = sources.get(pipeline.default_schema_name or "", {}).get("resources", {})
    text = state.get("tickets", {}).get(feed)
    return source_time(text, "cursor") if text else EPOCH
