"""The live lane: frames of the WebSocket, landed within a second.

What was read and has not landed when the process dies is not asked for here again: it shows as a
gap, and the next run over REST reads it.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Any

import dlt
from clickhouse_connect.driver.client import Client
from dlt.common.configuration import with_config
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from loaders.batch import Batch, Report
from loaders.errors import GatehouseError
from loaders.landing import Server, ddl, land, open_pipeline
from loaders.privacy import Privacy
from loaders.user_app.api import CREDENTIALS, Api
from loaders.user_app.records import FEED, SOURCE, TABLE, Place, Taker

TRIES = 3
_TOKEN_EXPIRED = 4401
_ABNORMAL = 1006
_REFUSED = (1008, 4403)
_LONGEST_FRAME = 32 * 2**20
_LONGEST_PAUSE = 60.0
_STEADY_SECONDS = 30.0
# A server that does not say goodbye is left: whoever ends us waits ten seconds in all.
_CLOSE_SECONDS = 2.0


@with_config(sections=("sources", SOURCE, "stream"))
def listen(
    reports: Callable[[str], Report],
    seconds: float,
    landed: Callable[[Batch, float], None] = lambda _batch, _seconds: None,
    is_over: Callable[[], bool] = lambda: False,
    base_url: str = dlt.config.value,
    client_id: str = dlt.secrets.value,
    client_secret: str = dlt.secrets.value,
    batch_rows: int = dlt.config.value,
    flush_seconds: float = dlt.config.value,
) -> None:
    """Land what the socket sends for so long.

    Parameters
    ----------
    reports
        Gives the report of the messages, to be filled in.
    seconds
        When to end.
    landed
        Told of every batch that is durable, and of the seconds that it took.
    is_over
        Asked once per `flush_seconds` whether to end earlier.

    Raises
    ------
    GatehouseError
        When the app refuses us, three connections in a row came to nothing, or ClickHouse cannot
        go on. What was read until then has landed, unless it is ClickHouse.
    """
    report = reports(FEED)
    report.group = "socket"
    with open_pipeline(f"{SOURCE}_stream", [ddl(SOURCE)]) as pipeline:

        def land_batch(batch: Batch) -> None:
            began = time.monotonic()
            land(pipeline, messages(batch))
            landed(batch, time.monotonic() - began)

        with Server.from_env().connect() as client:
            since = _newest(client)
        stream = Stream(Api(base_url, client_id, client_secret), since)
        taker = Taker(report, Privacy.from_env(), "websocket")
        drain = Drain(stream, taker, land_batch, batch_rows, flush_seconds)
        asyncio.run(drain.run(seconds, is_over))


@dlt.resource(name="stream", write_disposition="append")
def messages(batch: Batch) -> Iterator[Any]:
    """Yield a batch."""
    yield from batch.items()


class Stream:
    """The socket's frames, over as many connections as it takes.

    Attributes
    ----------
    since
        Number of the newest message that we have; a new connection begins behind it.
    """

    def __init__(self, api: Api, since: int | None) -> None:
        self._api = api
        self.since = since
        self._failures = 0
        self._wants_new_token = False

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Yield frames for ever.

        Raises
        ------
        GatehouseError
            When the app refuses us, or three connections in a row came to nothing.
        """
        while True:
            opened = time.monotonic()
            pause = 0.0
            try:
                async with self._connect(await self._token()) as socket:
                    while True:
                        frame = await socket.recv(decode=False)
                        self._failures = 0
                        yield frame
            except ConnectionClosed as closed:
                reason = f"close code {self._closed(closed)}"
            except InvalidStatus as refused:
                reason = f"status {refused.response.status_code}"
                pause = self._turned_away(refused)
            except (OSError, TimeoutError, WebSocketException) as error:
                reason = type(error).__name__
            if time.monotonic() - opened > _STEADY_SECONDS:
                self._failures = 0
            self._failures += 1
            if self._failures > TRIES:
                raise GatehouseError(
                    f"The socket {self._url} came to nothing {TRIES} times ({reason}).",
                    "The load over REST brings what it missed.",
                )
            await asyncio.sleep(max(pause, self._backoff()))

    @property
    def _url(self) -> str:
        return f"ws{self._api.base_url.removeprefix('http')}/v2/stream"

    def _connect(self, token: str) -> connect:
        query = "" if self.since is None else f"?since={self.since}"
        return connect(
            self._url + query,
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            max_size=_LONGEST_FRAME,
            close_timeout=_CLOSE_SECONDS,
        )

    async def _token(self) -> str:
        renewed, self._wants_new_token = self._wants_new_token, False
        return await asyncio.to_thread(self._api.token, renewed=renewed)

    def _closed(self, closed: ConnectionClosed) -> int:
        code = closed.rcvd.code if closed.rcvd else _ABNORMAL
        self._wants_new_token = code == _TOKEN_EXPIRED
        if code in _REFUSED:
            raise GatehouseError(
                f"The socket {self._url} was closed with code {code}.", f"Check {CREDENTIALS}."
            )
        return code

    def _turned_away(self, refused: InvalidStatus) -> float:
        """Return how long to wait at least."""
        response = refused.response
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._wants_new_token = True
        elif response.status_code < 500 and response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            raise GatehouseError(
                f"The socket {self._url} was answered with status {response.status_code}.",
                f"Check SOURCES__USER_APP__BASE_URL, {CREDENTIALS}.",
            )
        with suppress(ValueError):
            return min(_LONGEST_PAUSE, float(response.headers.get("Retry-After", "")))
        return 0.0

    def _backoff(self) -> float:
        """At once where messages came until now, and then twice as long every time."""
        if self._failures == 1:
            return random.uniform(0, 0.5)
        return min(_LONGEST_PAUSE, 2.0 ** (self._failures - 2)) + random.uniform(0, 0.5)


class Drain:
    """Lands frames in batches: as soon as one is full, or has waited long enough.

    One batch lands while the next one fills; when that is full too, the socket is not read, and the
    server sees it.
    """

    def __init__(
        self,
        stream: Stream,
        taker: Taker,
        land: Callable[[Batch], None],
        batch_rows: int,
        flush_seconds: float,
    ) -> None:
        self._stream = stream
        self._taker = taker
        self._land = land
        self._batch_rows = batch_rows
        self._flush_seconds = flush_seconds
        self._rows = 0
        self._batch = taker.batch()
        self._full = asyncio.Event()
        self._room = asyncio.Event()

    async def run(self, seconds: float, is_over: Callable[[], bool] = lambda: False) -> None:
        """Read and land for so long, or until it is over; what was read by then lands."""
        reading = asyncio.create_task(self._read())
        ends = time.monotonic() + seconds
        try:
            while not reading.done() and not is_over() and (left := ends - time.monotonic()) > 0:
                await self._until_due(reading, min(left, self._flush_seconds))
                await self._flush()
        finally:
            reading.cancel()
            [outcome] = await asyncio.gather(reading, return_exceptions=True)
            await self._flush()
        if isinstance(outcome, Exception):
            raise outcome

    async def _read(self) -> None:
        async with aclosing(self._stream.frames()) as frames:
            async for frame in frames:
                self._take(frame)
                if self._rows >= self._batch_rows:
                    self._full.set()
                    await self._room.wait()

    def _take(self, frame: bytes) -> None:
        place: Place | None = self._taker.take(frame, self._batch)
        if place:
            self._stream.since = max(place.seq, self._stream.since or 0)
            self._batch.oldest = min(place.received_at, self._batch.oldest or place.received_at)
        self._rows += 1

    async def _until_due(self, reading: asyncio.Task[None], seconds: float) -> None:
        full = asyncio.create_task(self._full.wait())
        await asyncio.wait({reading, full}, timeout=seconds, return_when="FIRST_COMPLETED")
        full.cancel()

    async def _flush(self) -> None:
        batch, self._batch, self._rows = self._batch, self._taker.batch(), 0
        self._full.clear()
        self._room.set()
        self._room.clear()
        if not batch.empty:
            await asyncio.to_thread(self._land, batch)


def _newest(client: Client) -> int | None:
    """Return the number of the newest message in raw."""
    [[rows, newest]] = client.query(f"select count(), max(seq) from raw.{TABLE}").result_rows  # noqa: S608
    return newest if rows else None
