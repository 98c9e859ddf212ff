"""One run over REST: what raw lacks, gap by gap, and then what is new."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import dlt
from dlt.common.configuration import with_config

from loaders.batch import MAX_BYTES, Batch, Report, Tell
from loaders.door import source_time
from loaders.landing import Server, ddl, land, open_pipeline
from loaders.privacy import Privacy
from loaders.user_app.api import Api
from loaders.user_app.gaps import BEGINNING, Gap, missing
from loaders.user_app.records import FEED, SOURCE, Place, Taker

_MILLISECOND = timedelta(milliseconds=1)


@dlt.resource(name=FEED, write_disposition="append")
def messages(batch: Batch, cursor: Place) -> Iterator[Any]:
    """Yield a batch; the cursor moves with its load package."""
    state = dlt.current.resource_state()
    state["seq"], state["received_at"] = cursor.seq, cursor.received_at.isoformat()
    yield from batch.items()


@with_config(sections=("sources", SOURCE))
def load(
    reports: Callable[[str], Report],
    progress: Tell,
    base_url: str = dlt.config.value,
    client_id: str = dlt.secrets.value,
    client_secret: str = dlt.secrets.value,
    page_size: int = dlt.config.value,
    batch_rows: int = dlt.config.value,
    flush_seconds: float = dlt.config.value,
    overlap_seconds: int = dlt.config.value,
) -> None:
    """Land what raw does not have.

    Parameters
    ----------
    reports
        Gives the report of the messages, to be filled in.
    progress
        Told how far the run is.

    Raises
    ------
    GatehouseError
        When the API or ClickHouse cannot go on. What was read until then has landed.
    """
    report = reports(FEED)
    taker = Taker(report, Privacy.from_env(), "rest")
    api = Api(base_url, client_id, client_secret)
    with open_pipeline(SOURCE, [ddl(SOURCE)]) as pipeline:
        cursor = _cursor(pipeline)
        with Server.from_env().connect() as client:
            gaps = missing(client, cursor, timedelta(seconds=overlap_seconds))
        package = _Package(pipeline, taker, cursor)
        try:
            for gap in gaps:
                package.reach(gap.after)
                for page in api.pages(gap.after.received_at, _end(gap), page_size):
                    package.add(page, gap)
                    if package.is_due(batch_rows, flush_seconds):
                        package.land()
                    progress(report.read, 0, FEED)
                package.reach(gap.before)
        finally:
            package.land()


class _Package:
    """Messages on their way into one load package, and how far the reading is with them."""

    def __init__(self, pipeline: dlt.Pipeline, taker: Taker, cursor: Place) -> None:
        self._pipeline = pipeline
        self._taker = taker
        self._cursor = self._landed = cursor
        self._begin()

    def _begin(self) -> None:
        self._batch = self._taker.batch()
        self._rows = self._bytes = 0
        self._began = time.monotonic()

    def is_due(self, rows: int, seconds: float) -> bool:
        """Whether it is large or old enough to land."""
        is_large = self._rows >= rows or self._bytes >= MAX_BYTES
        return is_large or time.monotonic() - self._began >= seconds

    def add(self, page: list[bytes], gap: Gap) -> None:
        """Add what a page shows of a gap."""
        for line in page:
            self.reach(self._taker.take(line, self._batch, gap.holds))
            self._bytes += len(line)
        self._rows += len(page)

    def reach(self, place: Place | None) -> None:
        """Note that everything up to a message was read or is there."""
        if place:
            self._cursor = max(self._cursor, place)

    def land(self) -> None:
        """Land what was added, if anything was. It is tried once, whatever comes of it."""
        batch, cursor = self._batch, self._cursor
        if batch.empty and cursor == self._landed:
            return
        self._landed = cursor
        self._begin()
        land(self._pipeline, messages(batch, cursor))


def _end(gap: Gap) -> datetime | None:
    return gap.before.received_at + _MILLISECOND if gap.before else None


def _cursor(pipeline: dlt.Pipeline) -> Place:
    sources = pipeline.state.get("sources", {})
    state = sources.get(pipeline.default_schema_name or "", {}).get("resources", {}).get(FEED)
    if not state:
        return BEGINNING
    return Place(state["seq"], source_time(state["received_at"], "cursor"))
