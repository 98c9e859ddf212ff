"""Children: what Freshservice shows only under its parent, one call for each.

A few threads ask, the newest change first; what came lands in batches, each with its sweeps in the
same load package. A run that ends early, by a kill or because its time is up, has lost nothing:
what has no sweep is due in the next one.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from queue import SimpleQueue
from typing import Any, NamedTuple

import dlt
import pyarrow as pa

from loaders.batch import Batch
from loaders.errors import FeedError, GatehouseError
from loaders.freshservice import sweeps
from loaders.freshservice.api import Api, StatusError
from loaders.freshservice.budget import OutOfTimeError
from loaders.freshservice.due import PARENTS, Due
from loaders.freshservice.lists import read_whole
from loaders.freshservice.records import SOURCE
from loaders.freshservice.sweeps import Sweep

UNANSWERED = f"{SOURCE}__unanswered"
UNANSWERED_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("feed", pa.string()),
        ("parent_type", pa.string()),
        ("parent_id", pa.int64()),
        ("parent_at", pa.timestamp("ms", "UTC")),
        ("status", pa.uint16()),
        ("tries", pa.uint16()),
        ("asked_at", pa.timestamp("ms", "UTC")),
    ]
)
# Kind of the parent -> its feeds, in the order in which they are read.
FEEDS = {
    "ticket": (
        "activities",
        "conversations",
        "time_entries",
        "ticket_views",
        "csat_responses",
        "tasks",
        "requested_items",
    ),
    "problem": ("time_entries", "tasks"),
    "change": ("time_entries", "tasks"),
    "release": ("time_entries", "tasks"),
    "application": ("application_users", "application_installations", "application_licenses"),
}
# The last word of a list's path, where it is not the feed's name.
_WORDS = {
    "csat_responses": "csat_response",
    "application_users": "users",
    "application_installations": "installations",
    "application_licenses": "licenses",
}
_KEYS = {"application_users": "application_users"}
_AHEAD = 64
_TIRED = 50


class Answer(NamedTuple):
    """What became of a list that was due: its records, or why there are none."""

    due: Due
    records: list[Any]
    at: datetime
    status: int = 200
    error: FeedError | None = None

    @property
    def is_not_in_plan(self) -> bool:
        """Whether the account's plan lacks such lists."""
        return isinstance(self.error, StatusError) and self.error.is_not_in_plan


@dlt.resource(name="children", write_disposition="append")
def children(
    batches: list[Batch], swept: list[Sweep], unanswered: list[tuple[Any, ...]]
) -> Iterator[Any]:
    """Yield children of every kind. No cursor: their sweeps are in the package."""
    for batch in batches:
        yield from batch.items()
    yield from sweeps.items(swept)
    if unanswered:
        rows = [dict(zip(UNANSWERED_SCHEMA.names, row, strict=True)) for row in unanswered]
        table = pa.Table.from_pylist(rows, schema=UNANSWERED_SCHEMA)
        yield dlt.mark.with_table_name(table, UNANSWERED)


def read_all(api: Api, todo: list[Due], workers: int, until: float) -> Iterator[Answer]:
    """Ask for all that is due and yield the answers as they come.

    Ends early when the time is up; what the account's plan lacks is asked for once.

    Raises
    ------
    GatehouseError
        When the source cannot go on.
    """
    lacking: set[tuple[str, str]] = set()
    failed_in_a_row = flying = 0
    answers: SimpleQueue[Future[Answer]] = SimpleQueue()
    ahead = iter(todo)
    with ThreadPoolExecutor(workers, thread_name_prefix="freshservice") as pool:
        try:
            while True:
                while flying < workers * _AHEAD and (wanted := next(ahead, None)):
                    if (wanted.parent.type, wanted.feed) not in lacking:
                        pool.submit(_read, api, wanted, until).add_done_callback(answers.put)
                        flying += 1
                if not flying:
                    return
                answer = answers.get().result()
                flying -= 1
                if answer.is_not_in_plan:
                    lacking.add((answer.due.parent.type, answer.due.feed))
                if answer.status < 500:
                    failed_in_a_row = 0
                elif not answer.due.tries:  # what failed before may well fail again
                    failed_in_a_row += 1
                if failed_in_a_row == _TIRED and answer.error:
                    raise answer.error
                yield answer
        except OutOfTimeError:
            return
        except GatehouseError:
            api.stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _read(api: Api, wanted: Due, until: float) -> Answer:
    if time.monotonic() > until:
        raise OutOfTimeError
    feed, parent = wanted.feed, wanted.parent
    path = f"{PARENTS[parent.type]}/{parent.id}"
    try:
        if feed == "ticket_views":
            page = api.view(path, "ticket", tries=1, until=until, include="assets")
            return Answer(wanted, page.records, page.at)
        path += f"/{_WORDS.get(feed, feed)}"
        if feed == "csat_responses":
            page = api.view(path, "csat_response", tries=1, until=until)
            return Answer(wanted, page.records, page.at)
        key = _KEYS.get(feed, "")
        whole = read_whole(api, path, frozenset(), key=key, tries=1, until=until)
        return Answer(wanted, whole.records, whole.at)
    except StatusError as error:
        if error.status == 429:
            raise
        if error.status == 404 and feed == "csat_responses":
            return Answer(wanted, [], api.now)  # nobody answered: null here, 404 there
        return Answer(wanted, [], api.now, error.status, error)
    except FeedError as error:
        return Answer(wanted, [], api.now, 0, error)
