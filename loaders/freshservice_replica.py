"""The service desk's database: a SQL replica of what Freshservice's API shows.

```
tickets, requesters, ... rows changed since a cursor  -> raw.freshservice__<name>
conversations, ...       of the parents that changed  -> raw.freshservice__<name>
                        ids of whole tables, per day  -> raw.freshservice__sweeps
                                     refused records  -> raw.dead_letters
```

A table or view is named as its raw table ends, its columns as the API's fields; nested content is
JSON text, and a child names its parent in parent_type and parent_id. Which there are decides the
replica. A row becomes the record that the API would have sent and passes the same door, so nothing
downstream knows which of the two fed it.

Rows are read in the order of (updated_at, id), created_at standing in where a row was never
updated, from a while before the cursor on: a transaction may commit late. Children are read as the
API's: the whole list of every parent that changed, and here of those whose children did.
"""

from collections.abc import Callable, Container, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import dlt
import orjson
from dlt.common.configuration import with_config

from loaders import freshservice
from loaders.batch import Batch, Report, Tell
from loaders.door import Record, read_schema
from loaders.freshservice import sweeps
from loaders.freshservice.children import FEEDS
from loaders.freshservice.due import PARENTS, due
from loaders.freshservice.records import CHILDREN, ENTITIES, Parent, Taker
from loaders.freshservice.sweeps import ACCOUNT, Sweep
from loaders.freshservice.window import EPOCH
from loaders.landing import Server, land, open_pipeline
from loaders.privacy import Privacy
from loaders.sql_tables import CHANGED_AT, Database, Row, open_database

SOURCE = "freshservice_replica"
_PARENTS_AT_ONCE = 500
_HUNG_ON_PARENTS = {feed for feeds in FEEDS.values() for feed in feeds} | CHILDREN
_SCHEMAS = read_schema("freshservice_schema.json")


@dlt.resource(name="changed", write_disposition="append")
def changed(batches: list[Batch], cursors: dict[str, str], swept: list[Sweep]) -> Iterator[Any]:
    """Yield what changed and what whole tables showed; the cursors move with the load package."""
    dlt.current.resource_state().update(cursors)
    for batch in batches:
        yield from batch.items()
    yield from sweeps.items(swept)


@with_config(sections=("sources", SOURCE))
def load(
    reports: Callable[[str], Report],
    progress: Tell,
    url: str = dlt.secrets.value,
    schema: str | None = None,
    batch_rows: int = dlt.config.value,
    overlap_seconds: int = dlt.config.value,
    sweep_hours: int = dlt.config.value,
) -> None:
    """Land everything that changed.

    Parameters
    ----------
    reports
        Gives the report of a table, to be filled in.
    progress
        Told how far the run is.

    Raises
    ------
    GatehouseError
        When the database or ClickHouse cannot go on.
    """
    with (
        open_database(url, schema) as database,
        open_pipeline(SOURCE, freshservice.raw_tables()) as pipeline,
    ):
        overlap = timedelta(seconds=overlap_seconds)
        run = _Run(reports, progress, database, pipeline, batch_rows, overlap)
        run.load_tables(timedelta(hours=sweep_hours))
        run.load_children()


class _Run:
    """One run: what is on its way into the next load package, and where it comes from."""

    def __init__(
        self,
        reports: Callable[[str], Report],
        progress: Tell,
        database: Database,
        pipeline: dlt.Pipeline,
        batch_rows: int,
        overlap: timedelta,
    ) -> None:
        self._reports = reports
        self._progress = progress
        self._database = database
        self._pipeline = pipeline
        self._batch_rows = batch_rows
        self._overlap = overlap
        self._privacy = Privacy.from_env()
        self._takers: dict[str, Taker] = {}
        self._batches: dict[str, Batch] = {}
        self._cursors: dict[str, str] = {}
        self._swept: list[Sweep] = []
        self._rows = 0

    def load_tables(self, sweep_every: timedelta) -> None:
        """Land the rows that changed in tables that stand for themselves."""
        with Server.from_env().connect() as client:
            before = sweeps.previous(client)
        for feed in ENTITIES:
            if feed in _HUNG_ON_PARENTS or not self._database.has(feed):
                continue
            taker = self._taker(feed, "tables")
            since = self._since(feed)
            for rows, changed_at in self._database.changed_since(feed, since, self._batch_rows):
                self._take(taker, rows)
                self._move(feed, changed_at)
                self._land_full()
            last = before[feed].read_at if feed in before else EPOCH
            if self._database.now - last >= sweep_every:
                ids = self._database.ids(feed)
                self._swept.append(Sweep(feed, ACCOUNT, None, ids, self._database.now))
        self._land()

    def load_children(self) -> None:
        """Land the children of parents that changed, and of those whose children did."""
        moved: dict[str, datetime | None] = {}
        for parent_type, feeds in FEEDS.items():
            present = [feed for feed in feeds if self._database.has(feed)]
            todo = self._due(parent_type, present)
            for feed in present:
                extra, newest = self._touched(feed, parent_type, todo[feed])
                self._read_children(feed, parent_type, todo[feed] | extra)
                moved[feed] = max(filter(None, (newest, moved.get(feed))), default=None)
        # Until all have landed, a cursor tells whose children are to be read.
        self._land()
        for feed, newest in moved.items():
            self._move(feed, newest)
        self._land()

    def _due(self, parent_type: str, feeds: list[str]) -> dict[str, dict[int, datetime]]:
        """Return the parents to read by feed, and when they had changed."""
        todo: dict[str, dict[int, datetime]] = {feed: {} for feed in feeds}
        with Server.from_env().connect() as client:
            for one in due(client, parent_type, feeds, self._database.now, None, []):
                todo[one.feed][one.parent.id] = one.changed_at
        return todo

    def _touched(
        self, feed: str, parent_type: str, known: Container[int]
    ) -> tuple[dict[int, datetime], datetime | None]:
        """Return the other parents whose children changed, and when the last of these did."""
        touched = self._database.parents_changed_since(feed, parent_type, self._since(feed))
        extra = [parent_id for parent_id in touched if parent_id not in known]
        # Read before their children are: a change in between must not be taken for known.
        changed_at = self._database.changed_at(PARENTS[parent_type], extra)
        return changed_at, max(touched.values(), default=None)

    def _read_children(self, feed: str, parent_type: str, parents: dict[int, datetime]) -> None:
        taker = self._taker(feed, f"children of {PARENTS[parent_type]}")
        wanted = sorted(parents)
        for start in range(0, len(wanted), _PARENTS_AT_ONCE):
            some = wanted[start : start + _PARENTS_AT_ONCE]
            for parent_id, rows in self._database.children(feed, parent_type, some).items():
                parent = Parent(parent_type, parent_id)
                ids = self._take(taker, rows, parent)
                changed_at = parents[parent_id]
                self._swept.append(Sweep(feed, parent, changed_at, ids, self._database.now))
                self._rows += 1
            self._land_full()

    def _taker(self, feed: str, group: str) -> Taker:
        if feed not in self._takers:
            self._takers[feed] = Taker(feed, self._reports(feed), self._privacy)
            self._takers[feed].report.group = group
        return self._takers[feed]

    def _take(self, taker: Taker, rows: list[Row], parent: Parent | None = None) -> tuple[int, ...]:
        if taker.feed not in self._batches:
            self._batches[taker.feed] = taker.batch()
        self._rows += len(rows)
        self._progress(taker.report.read + len(rows), 0, taker.feed)
        records = [record_of(taker.feed, row) for row in rows]
        return taker.take(records, self._batches[taker.feed], parent)

    def _land_full(self) -> None:
        if self._rows >= self._batch_rows:
            self._land()

    def _land(self) -> None:
        if self._rows or self._cursors or self._swept:
            land(self._pipeline, changed(list(self._batches.values()), self._cursors, self._swept))
            self._batches, self._cursors, self._swept, self._rows = {}, {}, [], 0

    def _since(self, feed: str) -> datetime:
        known = self._known(feed)
        return known - self._overlap if known else EPOCH

    def _move(self, feed: str, changed_at: datetime | None) -> None:
        known = self._known(feed)
        if changed_at and (known is None or changed_at > known):
            self._cursors[feed] = changed_at.isoformat()

    def _known(self, feed: str) -> datetime | None:
        sources = self._pipeline.state.get("sources", {})
        state = sources.get(self._pipeline.default_schema_name or "", {}).get("resources", {})
        text = self._cursors.get(feed) or state.get("changed", {}).get(feed)
        return datetime.fromisoformat(text) if text else None


def record_of(feed: str, row: Row) -> Record:
    """Return a row as the record that the API would send."""
    fields = _FIELDS[feed]
    record = {
        str(name): value  # SQLAlchemy's names are a kind of str that orjson refuses
        for name, sent in row.items()
        if name not in _NOT_THE_RECORDS and (name != "id" or "id" in fields)
        if (value := _value(sent, fields.get(name, _ANYTHING))) is not None
        or "null" in fields.get(name, _ANYTHING)
    }
    if record.get("updated_at") is None and "updated_at" in record.keys() | fields.keys():
        record["updated_at"] = record.get("created_at")
    return record


def _value(value: Any, kinds: frozenset[str]) -> Any:
    """Return a column's value as JSON has it, by the kinds of JSON that the schema expects."""
    match value:
        case bytes():
            return _value(value.decode(errors="replace"), kinds)
        case str() if kinds & {"array", "object"} and value[:1] in "[{":
            try:
                return orjson.loads(value)
            except orjson.JSONDecodeError:
                return value  # for the door to refuse
        case int() | Decimal() if "boolean" in kinds and value in (0, 1):
            return bool(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            return at.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case None | str() | int() | float() | list() | dict():
            return value
    return str(value)


def _kinds(definition: Record) -> frozenset[str]:
    if reference := definition.get("$ref"):
        definition = _SCHEMAS["types"][reference.rpartition("/")[2]]
    kinds = definition.get("type", ())
    return frozenset([kinds] if isinstance(kinds, str) else kinds)


_NOT_THE_RECORDS = {"parent_type", "parent_id", CHANGED_AT}
_ANYTHING = frozenset({"null"})
_FIELDS = {
    feed: {name: _kinds(field) for name, field in _SCHEMAS["$defs"][entity]["properties"].items()}
    for feed, entity in ENTITIES.items()
}
