"""The publisher of ticket events: Freshservice itself has no webhook that says what changed.

```
/tickets (+stats; also filter=deleted, filter=spam)  -> topic ticket-events
```

Tickets are read as the poll reads them (`freshservice/window.py`), since a cursor of its own,
and published whole as the API sent them: key = ticket id, so that the versions of a ticket
stay in order, gzip, acknowledged by all replicas. The cursor moves only after that, so a version
may be published twice, by a run that was killed, and is never left out. Staging counts it once.

The overlap before the cursor is read again on every run; the state keeps which versions it showed,
so that an idle run publishes nothing.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dlt
import orjson
from dlt.common.configuration import with_config
from filelock import FileLock, Timeout
from kafka import KafkaProducer
from kafka.errors import KafkaError

from loaders.batch import Report
from loaders.door import Record
from loaders.errors import GatehouseError
from loaders.freshservice import TICKET_FILTERS
from loaders.freshservice.api import Api
from loaders.freshservice.budget import Budget
from loaders.freshservice.window import Tickets, instant, updated_at
from loaders.ticket_events import SOURCE
from loaders.topic import Connection

_PATIENCE_SECONDS = 30
Version = tuple[str, str]


def publish(report: Report) -> None:
    """Publish what changed since the last run.

    Parameters
    ----------
    report
        Is filled in: `landed` counts what the broker acknowledged.

    Raises
    ------
    GatehouseError
        When the API or the broker cannot go on; the next run resumes.
    """
    connection = Connection.of(SOURCE)
    with _state() as state, _producer(connection) as producer:
        _Publisher(report, producer, connection.topic, state).publish()


class State:
    """How far every filter was published, in a file that a kill cannot damage."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.feeds: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def save(self) -> None:
        """Write the file anew, and let it take the old one's place in one step."""
        fresh = self._path.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump(self.feeds, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


class _Publisher:
    """One run: the configuration, the API, the broker."""

    @with_config(sections=("sources", "freshservice"))
    def __init__(
        self,
        report: Report,
        producer: KafkaProducer,
        topic: str,
        state: State,
        base_url: str = dlt.config.value,
        api_key: str = dlt.secrets.value,
        page_size: int = dlt.config.value,
        overlap_seconds: int = dlt.config.value,
        workspace_id: int = dlt.config.value,
        share_for_others: float = dlt.config.value,
        window_seconds: float = dlt.config.value,
    ) -> None:
        self._report = report
        self._producer = producer
        self._topic = topic
        self._state = state
        self._api = Api(base_url, api_key, page_size, Budget(share_for_others, window_seconds))
        self._overlap = timedelta(seconds=overlap_seconds)
        self._workspace_id = workspace_id

    @with_config(sections=("sources", SOURCE))
    def publish(
        self, batch_rows: int = dlt.config.value, look_back_hours: int = dlt.config.value
    ) -> None:
        feeds = self._state.feeds
        if missing := set(TICKET_FILTERS) - feeds.keys():
            self._api.page("groups")  # for what time it is at the source
            first = instant(self._api.now - timedelta(hours=look_back_hours))
            # All begin there, also those that a run which is killed does not come to.
            feeds |= {name: {"cursor": first, "since": first, "recent": []} for name in missing}
        for ticket_filter in TICKET_FILTERS:
            self._publish_feed(ticket_filter, feeds[ticket_filter], batch_rows)

    def _publish_feed(self, ticket_filter: str, feed: dict[str, Any], batch_rows: int) -> None:
        since = datetime.fromisoformat(feed["cursor"])
        params = {"filter": ticket_filter} if ticket_filter else {}
        reader = Tickets(
            self._api,
            since,
            self._overlap,
            workspace_id=self._workspace_id,
            include="stats",
            **params,
        )
        known: set[Version] = {(ticket_id, at) for ticket_id, at in feed["recent"]}
        seen: dict[Version, datetime | None] = {}
        # What was born since the last whole run is news, even if it has changed since.
        born_after = datetime.fromisoformat(feed["since"])
        while not reader.done:
            events = []
            for ticket in reader.read(batch_rows):
                seen[version := _version(ticket)] = updated_at(ticket)
                self._report.read += 1
                if version not in known:
                    events.append(event(ticket, born_after if not ticket_filter else None))
            self._send(events)
            window = reader.cursor - self._overlap
            recent = {v for v, at in seen.items() if at is None or at >= window}
            done = reader.done and reader.error is None
            fresh = {
                "cursor": instant(reader.cursor),
                "since": instant(reader.cursor) if done else feed["since"],
                "recent": sorted(map(list, recent if done else recent | known)),
            }
            if fresh != feed:
                feed.update(fresh)
                self._state.save()
        if reader.error:
            raise reader.error

    def _send(self, events: list[tuple[str, Record]]) -> None:
        sent = [
            self._producer.send(self._topic, key=key.encode(), value=orjson.dumps(value))
            for key, value in events
        ]
        if sent:
            self._producer.flush(timeout=_PATIENCE_SECONDS)
        for future in sent:
            future.get(timeout=0)
        self._report.landed += len(sent)


def event(ticket: Any, born_after: datetime | None) -> tuple[str, Record]:
    """Return the key and the message that tell of a ticket, whatever the API sent for one."""
    ticket_id, changed_at = _version(ticket)
    fields = ticket if isinstance(ticket, dict) else {}
    if fields.get("deleted") is True:
        kind = "ticket.deleted"
    elif fields.get("created_at") == changed_at or _is_born_after(fields, born_after):
        kind = "ticket.created"
    else:
        kind = "ticket.updated"
    return ticket_id, {"event_type": kind, "timestamp": changed_at, "data": ticket}


def _is_born_after(ticket: Record, moment: datetime | None) -> bool:
    try:
        return moment is not None and datetime.fromisoformat(ticket["created_at"]) > moment
    except (KeyError, TypeError, ValueError):
        return False


def _version(ticket: Any) -> Version:
    fields = ticket if isinstance(ticket, dict) else {}
    return str(fields.get("id")), str(fields.get("updated_at"))


@contextmanager
def _state() -> Iterator[State]:
    folder = Path(os.environ.get("GATEHOUSE_STATE", ".gatehouse")).absolute() / "publisher"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{SOURCE}.lock", timeout=0):
            yield State(folder / f"{SOURCE}.json")
    except Timeout:
        raise GatehouseError(
            f"Another process publishes {SOURCE} with the state in {folder}.",
            "Wait for it, or give this one a GATEHOUSE_STATE of its own.",
        ) from None


@contextmanager
def _producer(connection: Connection) -> Iterator[KafkaProducer]:
    producer = None
    try:
        producer = KafkaProducer(
            **connection.client,
            acks="all",
            compression_type="gzip",
            linger_ms=50,
            max_request_size=32 * 2**20,
            max_block_ms=_PATIENCE_SECONDS * 1000,
            delivery_timeout_ms=_PATIENCE_SECONDS * 1000,
            request_timeout_ms=_PATIENCE_SECONDS * 500,
        )
        yield producer
    except KafkaError as error:
        raise connection.failed(SOURCE, error) from error
    finally:
        if producer:
            # Without a timeout it would wait for a broker that may not come back.
            producer.close(timeout=1)
