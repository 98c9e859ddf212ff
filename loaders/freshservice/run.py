"""One run: the tickets of every filter, the weekly sweep of their ids, the lists, the children."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import dlt
from dlt.common.configuration import with_config

from loaders.batch import Batch, Report, Tell
from loaders.door import source_time
from loaders.errors import FeedError
from loaders.freshservice import children, keys, sweeps
from loaders.freshservice.api import Api, StatusError, deadline
from loaders.freshservice.budget import Budget
from loaders.freshservice.due import Due, due
from loaders.freshservice.lists import GROUPS, PARAMS, PARTS, SINCE, WHOLE, read_whole
from loaders.freshservice.records import CHILDREN, ENTITIES, SOURCE, Taker
from loaders.freshservice.sweeps import ACCOUNT, Sweep
from loaders.freshservice.window import EPOCH, Tickets, instant
from loaders.landing import Server, ddl, land, open_pipeline
from loaders.privacy import Privacy

TICKET_FILTERS = ("", "deleted", "spam")


@dlt.resource(name="tickets", write_disposition="append")
def tickets(batch: Batch, feed: str, cursor: str) -> Iterator[Any]:
    """Yield a batch of tickets; the feed's cursor moves with its load package."""
    dlt.current.resource_state()[feed] = cursor
    yield from batch.items()


@dlt.resource(name="lists", write_disposition="append")
def lists(
    batches: list[Batch], swept: list[Sweep], cursors: dict[str, str] | None = None
) -> Iterator[Any]:
    """Yield lists that were read, the whole ones with their sweeps.

    Only a few have a cursor: the API cannot say what changed in the others.
    """
    dlt.current.resource_state().update(cursors or {})
    for batch in batches:
        yield from batch.items()
    yield from sweeps.items(swept)


def load(reports: Callable[[str], Report], progress: Tell) -> None:
    """Land everything that changed.

    Parameters
    ----------
    reports
        Gives the report of a feed, to be filled in.
    progress
        Told how far the run is.

    Raises
    ------
    GatehouseError
        When the whole source cannot go on. What ends one feed alone is in its report.
    """
    run = _Run(reports, progress)
    with open_pipeline(SOURCE, raw_tables()) as pipeline:
        for ticket_filter in TICKET_FILTERS:
            run.load_tickets(pipeline, ticket_filter)
        run.sweep_tickets(pipeline)
        run.load_lists(pipeline)
        run.load_children(pipeline)


def raw_tables() -> list[str]:
    """Return the statements that make the raw tables: models read them all, full or empty."""
    return [
        *(table_of(feed) for feed in ENTITIES),
        ddl(f"{SOURCE}_sweeps"),
        ddl(f"{SOURCE}_unanswered"),
        ddl("ticket_events"),
    ]


def table_of(feed: str) -> str:
    """Return the statement that makes the raw table of a feed."""
    kind = f"{SOURCE}_children" if feed in CHILDREN else SOURCE
    return ddl(kind, table=f"{SOURCE}__{feed}")


class _Run:
    """The configuration, the keys, the client."""

    @with_config(sections=("sources", SOURCE))
    def __init__(
        self,
        reports: Callable[[str], Report],
        progress: Tell,
        base_url: str = dlt.config.value,
        api_key: str = dlt.secrets.value,
        page_size: int = dlt.config.value,
        batch_rows: int = dlt.config.value,
        flush_seconds: float = dlt.config.value,
        overlap_seconds: int = dlt.config.value,
        workspace_id: int = dlt.config.value,
        share_for_others: float = dlt.config.value,
        window_seconds: float = dlt.config.value,
        workers: int = dlt.config.value,
        children_seconds: float = dlt.config.value,
        children_since_days: int = dlt.config.value,
        survey_days: list[int] = dlt.config.value,
        large_list_seconds: float = dlt.config.value,
        sweep_days: float = dlt.config.value,
    ) -> None:
        self._reports = reports
        self._progress = progress
        self._privacy = Privacy.from_env()
        self._api = Api(base_url, api_key, page_size, Budget(share_for_others, window_seconds))
        self._batch_rows = batch_rows
        self._flush_seconds = flush_seconds
        self._overlap = timedelta(seconds=overlap_seconds)
        self._workspace_id = workspace_id
        self._workers = workers
        self._children_seconds = children_seconds
        self._horizon = timedelta(days=children_since_days) if children_since_days else None
        self._survey_days = survey_days
        self._page_size = page_size
        self._large_list_pause = timedelta(seconds=large_list_seconds)
        self._sweep_days = sweep_days

    def load_lists(self, pipeline: dlt.Pipeline) -> None:
        """Land the lists beside the tickets, as one package: a package costs half a second."""
        with Server.from_env().connect() as client:
            before = sweeps.previous(client)
        batches, swept, cursors = [], [], {}
        for group, feed in ((group, feed) for group, feeds in GROUPS.items() for feed in feeds):
            last = before.get(feed)
            since = self._since(pipeline, feed, last)
            if since is None:
                continue
            with self._feed(feed, group) as taker:
                # What changed since is no list of what should be there.
                known = frozenset(last.record_ids if last else ())
                params = {"updated_since": instant(since)} if feed in SINCE else {}
                read = read_whole(
                    self._api,
                    feed,
                    None if feed in SINCE else known,
                    PARTS.get(feed, WHOLE),
                    **PARAMS.get(feed, {}),
                    **params,
                )
                batches.append(batch := taker.batch())
                ids = taker.take(read.records, batch)
                if feed in SINCE:
                    cursors[feed] = instant(read.at)
                if since == EPOCH:
                    swept.append(Sweep(feed, ACCOUNT, None, ids, read.at))
                self._progress(len(ids), 0, feed)
        land(pipeline, lists(batches, swept, cursors))

    def _since(self, pipeline: dlt.Pipeline, feed: str, last: Sweep | None) -> datetime | None:
        """From when on a list is to be read: from the beginning, a while ago, or not now (None)."""
        if last is None or self._is_sweep_due(last):
            return EPOCH
        if feed in SINCE:
            return max(EPOCH, _cursor(pipeline, "lists", feed) - self._overlap)
        # A list of many pages costs as many calls.
        is_large = len(last.record_ids) > self._page_size
        was_lately = timedelta() <= self._api.now - last.read_at < self._large_list_pause
        return None if is_large and was_lately else EPOCH

    def _is_sweep_due(self, last: Sweep) -> bool:
        return self._api.now - last.read_at >= timedelta(days=self._sweep_days)

    def load_tickets(self, pipeline: dlt.Pipeline, ticket_filter: str) -> None:
        """Land the tickets of a filter that changed since its cursor.

        Deleted tickets and spam appear only under their filters, so each is a feed of its own.
        """
        feed = f"tickets?filter={ticket_filter}" if ticket_filter else "tickets"
        params = {"filter": ticket_filter} if ticket_filter else {}
        with self._feed(feed, "tickets") as taker:
            reader = Tickets(
                self._api,
                _cursor(pipeline, "tickets", feed),
                self._overlap,
                workspace_id=self._workspace_id,
                include="stats",
                **params,
            )
            while not reader.done:
                batch = taker.batch()
                taker.take(list(reader.read(self._batch_rows)), batch)
                if not batch.empty:
                    land(pipeline, tickets(batch, feed, instant(reader.cursor)))
                self._progress(taker.report.read, 0, feed)
            if reader.error:
                raise reader.error

    def sweep_tickets(self, pipeline: dlt.Pipeline) -> None:
        """Land the ids of all tickets, once a week."""
        with Server.from_env().connect() as client:
            last = sweeps.previous(client).get(keys.FEED)
            if last and not self._is_sweep_due(last):
                return
            known = keys.known_keys(client)
        with self._feed("tickets?keys", "ticket ids") as taker:
            swept, gone = keys.read_keys(self._api, known, self._workspace_id)
            taker.report.read = len(swept.record_ids)
            taker.report.note = f"shows {len(gone):,} tickets gone" if gone else ""
            land(pipeline, lists([], [swept]))

    def load_children(self, pipeline: dlt.Pipeline) -> None:
        """Land the children of what changed, as far as the time allows."""
        with Server.from_env().connect() as client:
            todo = self._due(client)
        began, until = time.monotonic(), deadline(self._children_seconds)
        feeds = dict.fromkeys(feed for names in children.FEEDS.values() for feed in names)
        takers = {feed: Taker(feed, self._reports(feed), self._privacy) for feed in feeds}
        waiting = Counter(wanted.feed for wanted in todo)
        todo = [wanted for wanted in todo if not wanted.rests]
        package = _Package(takers)
        lacking: set[tuple[str, str]] = set()
        done = 0
        try:
            for answer in children.read_all(self._api, todo, self._workers, until):
                if answer.is_not_in_plan:
                    lacking.add((answer.due.parent.type, answer.due.feed))
                else:
                    package.add(answer)
                waiting[answer.due.feed] -= answer.status == 200
                done += 1
                self._progress(done, len(todo), "children")
                if package.rows >= self._batch_rows or package.age >= self._flush_seconds:
                    land(pipeline, package.resource())
                    package = _Package(takers)
        finally:
            if package.rows:
                land(pipeline, package.resource())
            for wanted in todo:
                waiting[wanted.feed] -= (wanted.parent.type, wanted.feed) in lacking
            for feed in {feed for _, feed in lacking}:
                kinds = ", ".join(sorted(kind for kind, name in lacking if name == feed))
                takers[feed].report.note = f"of {kinds}: not in the account's plan"
            for feed, taker in takers.items():
                taker.report.group = "children"
                taker.report.waiting = waiting[feed]
                taker.report.seconds = (time.monotonic() - began) / len(takers)

    def _due(self, client: Any) -> list[Due]:
        found = []
        for parent_type, feeds in children.FEEDS.items():
            found += due(
                client, parent_type, feeds, self._api.now, self._horizon, self._survey_days
            )
        return found

    @contextmanager
    def _feed(self, feed: str, group: str) -> Iterator[Taker]:
        """Report on a feed; what ends it alone is told there and ends nothing else."""
        report = self._reports(feed)
        report.group = group
        began = time.monotonic()
        try:
            yield Taker(feed.partition("?")[0], report, self._privacy)
        except StatusError as error:
            if error.is_not_in_plan:
                report.note = "not in the account's plan"
            else:
                report.error = str(error)
        except FeedError as error:
            report.error = str(error)
        finally:
            report.seconds = time.monotonic() - began


class _Package:
    """Children on their way into one load package, with their sweeps."""

    def __init__(self, takers: dict[str, Taker]) -> None:
        self._takers = takers
        self._batches = {feed: taker.batch() for feed, taker in takers.items()}
        self._swept: list[Sweep] = []
        self._unanswered: list[tuple[Any, ...]] = []
        self._began = time.monotonic()
        self.rows = 0

    @property
    def age(self) -> float:
        """Seconds since it was begun."""
        return time.monotonic() - self._began

    def add(self, answer: children.Answer) -> None:
        """Add what a list showed, or that it was asked for in vain."""
        feed, parent, changed_at, tries, _ = answer.due
        if answer.error is None:
            ids = self._takers[feed].take(answer.records, self._batches[feed], parent)
            self._swept.append(Sweep(feed, parent, changed_at, ids, answer.at))
        else:
            self._unanswered.append(
                (SOURCE, feed, *parent, changed_at, answer.status, tries + 1, answer.at)
            )
        self.rows += 1 + len(answer.records)

    def resource(self) -> Any:
        """Return what to land."""
        return children.children(list(self._batches.values()), self._swept, self._unanswered)


def _cursor(pipeline: dlt.Pipeline, resource: str, feed: str) -> datetime:
    sources = pipeline.state.get("sources", {})
    state = sources.get(pipeline.default_schema_name or "", {}).get("resources", {})
    text = state.get(resource, {}).get(feed)
    return source_time(text, "cursor") if text else EPOCH
