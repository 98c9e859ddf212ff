"""Freshservice: the REST API v2.

```
/tickets (+stats; also filter=deleted, filter=spam)  -> raw.freshservice__tickets
/requesters /agents /groups                          -> raw.freshservice__<name>
/business_hours /sla_policies                        -> raw.freshservice__<name>
                                     refused records -> raw.dead_letters
```

Tickets are read since a cursor, oldest change first. Every page asks anew for what changed since
the last ticket seen, instead of for page two: a ticket that changes while we read moves to the
end, and with page numbers the one behind it would slip through the edge. Deleted and spam tickets
appear only under their filters, so each filter is a feed with a cursor of its own.

The other lists have no "changed since" and are read whole on every run; a version that lands
again merges away in the raw table.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dlt
import orjson
import pyarrow as pa
import requests
from dlt.common.configuration import with_config
from dlt.sources.helpers.requests import Client as RetryingSession

from loaders.batch import Batch, Report
from loaders.door import Door, Record, RefusedError, read_schema, source_time
from loaders.errors import FeedError, GatehouseError
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
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def door(entity: str, privacy: Privacy) -> Door:
    """Return the door of one entity of the schema, for example `ticket`."""
    schema = _SCHEMAS["$defs"][entity]
    known = frozenset(schema["properties"])
    return Door(schema, PRIVATE.get(entity, {}), lambda record: [("", record, known)], privacy)


def row(record: Record, payload: str) -> tuple[Any, ...]:
    """Return a record that passed the door as a row of `COLUMNS`."""
    updated_at = record.get("updated_at")
    return (
        SOURCE,
        record["id"],
        source_time(updated_at, "updated_at") if updated_at else None,
        payload,
    )


class Api:
    """The API's lists, one page at a time.

    Parameters
    ----------
    base_url
        For example `https://acme.freshservice.com/api/v2`.
    api_key
        Sent as the user of HTTP Basic, as the vendor wants it.
    page_size
        Records of a page, at most 100.
    """

    def __init__(self, base_url: str, api_key: str, page_size: int) -> None:
        self._base_url = base_url.rstrip("/")
        # Three tries by .dlt/config.toml; honours Retry-After.
        self._session = RetryingSession().session
        self._auth = (api_key, "X")
        self._page_size = page_size

    def page(self, name: str, **params: Any) -> tuple[list[Any], bool]:
        """Return the records of a page, and whether the API says that another follows.

        Raises
        ------
        GatehouseError
            When the API refuses, stays away for three tries, or answers something else.
        """
        url = f"{self._base_url}/{name}"
        try:
            response = self._session.get(
                url, params={**params, "per_page": self._page_size}, auth=self._auth
            )
            records = response.json()[name]
        except requests.HTTPError as error:
            raise _refused(
                url, error.response.status_code if error.response is not None else 0
            ) from None
        except (requests.ConnectionError, requests.Timeout) as error:
            raise GatehouseError(
                f"Freshservice at {url} does not answer ({type(error).__name__}).",
                "Check SOURCES__FRESHSERVICE__BASE_URL; the next load resumes where this stopped.",
            ) from None
        except (ValueError, KeyError, TypeError):
            records = None
        if not isinstance(records, list):
            raise FeedError(
                f"Freshservice answered {url} without a list under '{name}'.",
                "What came before it has landed; the next load asks for this page again.",
            )
        return records, "next" in response.links


def _refused(url: str, status: int) -> GatehouseError:
    problem = f"Freshservice answered {url} with status {status}."
    if status == 401:
        return GatehouseError(problem, "Check SOURCES__FRESHSERVICE__API_KEY.")
    if status == 429:
        return GatehouseError(
            problem,
            "The account's rate limit is used up; the next load resumes where this stopped.",
        )
    if status == 403:
        return FeedError(problem, "Check the rights of the key's agent and the plan's features.")
    return FeedError(problem, "The next load resumes where this one stopped.")


class Tickets:
    """The tickets of one filter, changed since a cursor, oldest change first.

    Attributes
    ----------
    cursor
        `updated_at` up to which everything was read.
    error
        Why reading ended early. What was read until then is to be landed first.
    done
        Whether the end was reached.
    """

    def __init__(
        self, api: Api, ticket_filter: str, since: datetime, workspace_id: int, overlap: timedelta
    ) -> None:
        self._api = api
        self._params = {"workspace_id": workspace_id, "include": "stats"}
        if ticket_filter:
            self._params["filter"] = ticket_filter
        self._since = max(_EPOCH, since - overlap)
        self.cursor = since
        self._seen: set[tuple[Any, Any]] = set()
        self._number = 1
        self._falling = False
        self._next, self._ended = self._since, False
        self.error: GatehouseError | None = None
        self.done = False

    def read(self, rows: int) -> Iterator[Any]:
        """Yield up to about that many tickets, each version once."""
        while rows > 0 and not self.done:
            try:
                page, more = self._api.page(
                    "tickets",
                    updated_since=_instant(self._since),
                    order_by="updated_at",
                    order_type="asc",
                    page=self._number,
                    **self._params,
                )
                yield from (fresh := self._unseen(page))
                rows -= len(fresh)
                self._advance(page, more)
            except GatehouseError as error:
                self.error = error
                self.done = True

    def _unseen(self, page: list[Any]) -> list[Any]:
        fresh = []
        for ticket in page:
            version = _version(ticket)
            if version not in self._seen:
                self._seen.add(version)
                fresh.append(ticket)
        return fresh

    def _advance(self, page: list[Any], more: bool) -> None:
        times = [t for t in (_updated_at(ticket) for ticket in page) if t]
        if times != sorted(times):
            raise FeedError(
                "Freshservice did not sort tickets by updated_at, so the cursor cannot be trusted.",
                "Nothing is lost; report the account's API version.",
            )
        last = times[-1] if times else self._since
        if self._falling:
            self._number -= 1
        elif more and last <= self._since:
            self._number += 1  # a bulk edit: more tickets share one updated_at than fill a page
            return
        else:
            self._next, self._ended = last, not more
            self._number -= 1
        # On the way up, a ticket that changed let the ones behind it slip to a page already read;
        # on the way down they can only be read twice.
        self._falling = self._number > 0
        if not self._falling:
            self._since, self._number, self.done = self._next, 1, self._ended
            self.cursor = max(self.cursor, self._since)


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
    tables = [ddl(SOURCE, table=f"{SOURCE}__{name}") for name in ("tickets", *LISTS)]
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
            land(pipeline, tickets(batch, feed, _instant(reader.cursor)))
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
        batch.refuse(f"{name}/{known}", refused, orjson.dumps(record), _updated_at(record))


def _cursor(pipeline: dlt.Pipeline, feed: str) -> datetime:
    sources = pipeline.state.get("sources", {})
    state = sources.get(pipeline.default_schema_name or "", {}).get("resources", {})
    text = state.get("tickets", {}).get(feed)
    return source_time(text, "cursor") if text else _EPOCH


def _version(ticket: Any) -> tuple[Any, Any]:
    if isinstance(ticket, dict):
        return repr(ticket.get("id")), repr(ticket.get("updated_at"))
    return repr(ticket), None


def _updated_at(ticket: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(ticket["updated_at"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
