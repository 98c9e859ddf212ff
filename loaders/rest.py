"""REST lists that tell when each record was last reported: read since a cursor, landed.

The API sorts by that instant, so the cursor moves with every batch, in the load package that holds
it, and a run that ends early is gone on with: up to the earliest instant of the last page, as one
record may be dated wrongly but not a whole page. A run that reads to the end moves it to when it
began, by the source's clock. Every run begins a while before the cursor: a record may be shown a
little later than it is dated. What comes twice for it lands twice and counts once.

Paging, tokens and tries are dlt's own. An answer of another shape is an error, as dlt would take it
for an empty last page.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

import dlt
import orjson
import pyarrow as pa
from dlt.sources.helpers.requests import Client, RequestException
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from requests import HTTPError, PreparedRequest, Response
from requests.auth import AuthBase
from tenacity import wait_random

from loaders.batch import Batch, Report, Tell
from loaders.door import Door, Record, RefusedError, source_time
from loaders.errors import FeedError, GatehouseError
from loaders.landing import land
from loaders.privacy import Privacy

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JITTER_SECONDS = 0.5


@dataclass(frozen=True)
class Feed:
    """A list and how its records become rows.

    Attributes
    ----------
    name, path
        The list as reports call it, and below the API's base URL.
    table, columns, statement
        The raw table, the columns that the loader fills, and the DDL.
    door
        Makes the door of its records.
    row
        Makes a row of a record that passed, and what the door made of it.
    key
        The fields that name a record in a dead letter.
    private_key
        Those of them that identify a person.
    reported_at
        The field by which the list is sorted and asked for; empty for a list that is read whole.
    since
        The parameter that asks for it.
    keeps_past
        Whether the list goes on showing what was reported anew since.
    """

    name: str
    path: str
    table: str
    columns: pa.Schema
    statement: str
    door: Callable[[Privacy], Door]
    row: Callable[[Record, str], tuple[Any, ...]]
    key: tuple[str, ...]
    private_key: frozenset[str] = frozenset()
    reported_at: str = ""
    since: str = ""
    keeps_past: bool = False


class Page(NamedTuple):
    """A page of a list, and what time it was at the source when it was read."""

    records: list[Any]
    as_of: datetime


class Token(OAuth2ClientCredentials):
    """OAuth2 client credentials whose token is renewed when the API refuses it before its time."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request."""
        request = super().__call__(request)
        request.register_hook("response", self._renew)
        return request

    def _renew(self, response: Response, **options: Any) -> Response:
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return response
        _ = response.content  # frees the connection
        self.obtain_token()
        request = response.request.copy()
        request.headers["Authorization"] = f"Bearer {self.access_token}"
        # By the adapter, which calls no hooks: refused again it is an error.
        again: Response = response.connection.send(request, **options)
        again.history.append(response)
        again.request = request
        return again


class Api:
    """An API's lists, page by page.

    Parameters
    ----------
    source
        Names the source and its section `sources.<source>` of the configuration in errors.
    base_url
        For example `https://gates.example.com/gate`.
    auth
        Signs the requests.
    page_size
        Records of a page.
    """

    def __init__(self, source: str, base_url: str, auth: AuthBase, page_size: int) -> None:
        self._source = source
        self._page_size = page_size
        self._client = RESTClient(
            base_url,
            auth=auth,
            paginator=JSONResponseCursorPaginator("next_cursor", "cursor"),
            data_selector="data",
            session=session(),
        )

    def pages(self, path: str, **params: str) -> Iterator[Page]:
        """Yield the pages of a list.

        Raises
        ------
        GatehouseError
            When the API refuses, stays away for three tries, or answers something else.
        """
        asked = {"page_size": self._page_size, **params}
        hooks: Any = {"response": [self._check]}
        try:
            for page in self._client.paginate(path, params=asked, hooks=hooks):
                yield Page(page, source_time(page.response.json()["as_of"], "as_of"))
        except HTTPError as error:
            raise self._refused(error.response) from None
        except RequestException as error:
            raise GatehouseError(
                f"{self._source} at {self._client.base_url} does not answer "
                f"({type(error).__name__}).",
                f"Check {self._variable('BASE_URL')}; the next load resumes where this stopped.",
            ) from None

    def _check(self, response: Response, **_options: Any) -> None:
        """Raise what is tried again as dlt wants it, and everything else that is no page."""
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise HTTPError(response=response)
        try:
            body = _parsed(response.content)
            # dlt reads the body three times more, by a reader that is five times slower.
            response.json = lambda **_options: body  # type: ignore[method-assign]
            is_page = isinstance(body["data"], list) and "next_cursor" in body
            source_time(body["as_of"], "as_of")
        except (ValueError, KeyError, TypeError, RefusedError, RecursionError):
            is_page = False
        if not is_page:
            raise FeedError(
                f"{self._source} answered {_where(response)} without data, next_cursor and as_of.",
                "The next load asks for this page again.",
            )

    def _refused(self, response: Response) -> GatehouseError:
        status = response.status_code
        problem = f"{self._source} answered {_where(response)} with status {status}."
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return GatehouseError(problem, f"Check {self._variable('*')}.")
        return FeedError(problem, "The next load resumes where this one stopped.")

    def _variable(self, name: str) -> str:
        return f"SOURCES__{self._source.upper()}__{name}"


def session() -> Any:
    """Return a session that tries three times, 1 s and then 2 s apart or as the API says."""
    client = Client(raise_for_status=False)
    client.configure()
    made = client.session
    made.send.retry.wait += wait_random(0, _JITTER_SECONDS)  # type: ignore[attr-defined]
    return made


@dlt.resource(name="lists", write_disposition="append")
def lists(batch: Batch, cursors: dict[str, str]) -> Iterator[Any]:
    """Yield a batch; the feed's cursor moves with its load package."""
    dlt.current.resource_state().update(cursors)
    yield from batch.items()


class Reader:
    """Reads the feeds of a source into its pipeline."""

    def __init__(
        self,
        api: Api,
        pipeline: dlt.Pipeline,
        progress: Tell,
        batch_rows: int,
        flush_seconds: float,
        overlap_seconds: int,
    ) -> None:
        self._api = api
        self._pipeline = pipeline
        self._progress = progress
        self._batch_rows = batch_rows
        self._flush_seconds = flush_seconds
        self._overlap = timedelta(seconds=overlap_seconds)
        self._privacy = Privacy.from_env()

    def load(self, feed: Feed, report: Report) -> None:
        """Land what was reported since the feed's cursor, or the whole list if it has none.

        Raises
        ------
        GatehouseError
            When the whole source cannot go on. What ends this feed alone is in the report.
        """
        gate = feed.door(self._privacy)
        report.new_fields = gate.new_fields
        cursor, began = self._cursor(feed), EPOCH
        asked = {feed.since: instant(max(EPOCH, cursor - self._overlap))} if feed.since else {}
        batch = self._batch(feed, report)
        rows, opened = 0, time.monotonic()
        try:
            for page in self._api.pages(feed.path, **asked):
                for record in page.records:
                    self._take(feed, gate, record, batch)
                    rows += 1
                cursor = max(cursor, _earliest(feed, page))
                began = began if began > EPOCH else page.as_of
                if rows >= self._batch_rows or time.monotonic() - opened >= self._flush_seconds:
                    land(self._pipeline, lists(batch, _moved(feed, cursor)))
                    batch, rows, opened = self._batch(feed, report), 0, time.monotonic()
                self._progress(report.read, 0, feed.name)
            cursor = max(cursor, began)
        except FeedError as error:
            report.error = str(error)
        finally:
            # What came before an error is good, and the cursor says how far it reaches.
            if not batch.empty:
                land(self._pipeline, lists(batch, _moved(feed, cursor)))

    def _batch(self, feed: Feed, report: Report) -> Batch:
        return Batch(report, feed.table, feed.columns, self._privacy)

    def _take(self, feed: Feed, gate: Door, record: Any, batch: Batch) -> None:
        sent, is_sound = written(record)
        try:
            if not is_sound or not isinstance(record, dict):
                record = gate.parse(sent)
            payload = gate.admit(record)
            batch.add(feed.row(record, payload))
        except RefusedError as refused:
            record = _parsed(sent)
            at = _instant_of(record, feed.reported_at)
            batch.refuse(self._position(feed, record), refused, sent, at)

    def _position(self, feed: Feed, record: Any) -> str:
        """Name a record as far as it can be named, its people by a lasting pseudonym."""
        fields = record if isinstance(record, dict) else {}
        values = []
        for name in feed.key:
            value = fields.get(name)
            if value and name in feed.private_key:
                value = self._privacy.lasting(str(value))
            values.append(str(value)[:100])
        return "/".join([feed.name, *values])

    def _cursor(self, feed: Feed) -> datetime:
        sources = self._pipeline.state.get("sources", {})
        state = sources.get(self._pipeline.default_schema_name or "", {}).get("resources", {})
        text = state.get("lists", {}).get(feed.name)
        return source_time(text, "cursor") if text else EPOCH


def written(record: Any) -> tuple[bytes, bool]:
    """Return a record as JSON, and whether orjson could have read it.

    It takes no number past 64 bits and no half of a surrogate pair.
    """
    try:
        return orjson.dumps(record), True
    except TypeError:
        return json.dumps(record).encode(), False


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:  # it is one record of a page that is spoilt, as a rule
        return json.loads(text)


def _moved(feed: Feed, cursor: datetime) -> dict[str, str]:
    return {feed.name: instant(cursor)} if feed.since else {}


def _earliest(feed: Feed, page: Page) -> datetime:
    times = [at for record in page.records if (at := _instant_of(record, feed.reported_at))]
    return min(min(times, default=EPOCH), page.as_of)


def _instant_of(record: Any, field: str) -> datetime | None:
    try:
        return datetime.fromisoformat(record[field]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def instant(at: datetime) -> str:
    """Write an instant as the APIs do."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _where(response: Response) -> str:
    return (response.url or "").partition("?")[0]
