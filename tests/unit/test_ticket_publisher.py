"""Publishing tickets: none is left out whenever a run dies, and an idle run publishes nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka.errors import KafkaTimeoutError

from loaders import ticket_publisher
from loaders.batch import Report
from loaders.errors import GatehouseError
from loaders.ticket_publisher import State, event

START = datetime(2026, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(seconds=600)
Ticket = dict[str, Any]


def ticket(number: int, minute: int, born: int | None = None, **fields: Any) -> Ticket:
    def at(minute: int) -> str:
        return (START + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")

    made = minute if born is None else born
    return {"id": number, "created_at": at(made), "updated_at": at(minute), **fields}


class FakeReader:
    """Gives the tickets of a filter since the cursor, as `Tickets` does; the desk is shared."""

    desk: dict[str, list[Ticket]]

    def __init__(self, _api: Any, since: datetime, overlap: timedelta, **params: Any) -> None:
        found = self.desk.get(params.get("filter", ""), [])
        self._left = [t for t in found if _at(t) >= since - overlap]
        self.cursor = since
        self.error: GatehouseError | None = None
        self.done = False

    def read(self, rows: int) -> Iterator[Ticket]:
        batch, self._left = self._left[:rows], self._left[rows:]
        self.cursor = max([self.cursor, *map(_at, batch)])
        self.done = not self._left
        yield from batch


def _at(found: Ticket) -> datetime:
    return datetime.fromisoformat(found["updated_at"])


class Future:
    def get(self, timeout: float) -> None:
        assert timeout == 0


class FakeProducer:
    """Keeps what it is sent; without acknowledgement from the n-th flush on."""

    def __init__(self, dies_at: int = 1000) -> None:
        self.sent: list[tuple[str, Ticket]] = []
        self._flushes_left = dies_at

    def send(self, topic: str, key: bytes, value: bytes) -> Future:
        assert topic == "ticket-events"
        self.sent.append((key.decode(), orjson.loads(value)))
        return Future()

    def flush(self, timeout: float) -> None:
        assert timeout
        self._flushes_left -= 1
        if self._flushes_left <= 0:
            raise KafkaTimeoutError


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Ticket]]:
    desk: dict[str, list[Ticket]] = {}
    monkeypatch.setattr(FakeReader, "desk", desk, raising=False)
    monkeypatch.setattr(ticket_publisher, "Tickets", FakeReader)
    monkeypatch.setattr(ticket_publisher.Api, "page", answer_at_start)
    return desk


def answer_at_start(api: Any, *_: Any) -> None:
    """Answer from a source whose clock is at START: no answer, no clock of the source's."""
    api.now = START


def run(folder: Path, producer: FakeProducer, look_back_hours: int = 24) -> Report:
    report, any_producer = Report("ticket_events", "ticket-events"), producer
    fake: Any = any_producer
    ticket_publisher._Publisher(
        report,
        fake,
        "ticket-events",
        State(folder / "state.json"),
        base_url="http://nowhere",
        api_key="none",
        page_size=100,
        overlap_seconds=int(OVERLAP.total_seconds()),
        workspace_id=0,
    ).publish(batch_rows=3, look_back_hours=look_back_hours)
    return report


def test_an_idle_run_publishes_nothing(desk: dict[str, list[Ticket]], tmp_path: Path) -> None:
    desk[""] = [ticket(n, n) for n in range(1, 40)]
    desk["spam"] = [ticket(99, 5, spam=True)]
    assert run(tmp_path, FakeProducer()).landed == 40
    again = run(tmp_path, FakeProducer())
    assert (again.read, again.landed) == (12, 0)  # the overlap before the cursor, and nothing else


@pytest.mark.parametrize("dies_at", range(1, 9))
def test_a_run_that_dies_is_made_up_for(
    desk: dict[str, list[Ticket]], tmp_path: Path, dies_at: int
) -> None:
    desk[""] = [ticket(n, n) for n in range(1, 20)]
    first, second = FakeProducer(dies_at), FakeProducer()
    if dies_at <= 7:
        with pytest.raises(KafkaTimeoutError):
            run(tmp_path, first)
    else:
        run(tmp_path, first)
    run(tmp_path, second)
    acknowledged = first.sent[: 3 * (dies_at - 1)]
    published = [key for key, _ in (*acknowledged, *second.sent)]
    assert sorted(set(published), key=int) == [str(n) for n in range(1, 20)]
    assert len(published) == 19  # what was acknowledged is not published again


def test_every_filter_begins_where_the_first_run_looked_back_to(
    desk: dict[str, list[Ticket]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk[""] = [ticket(n, n) for n in range(1, 9)]
    desk["spam"] = [ticket(98, -30, spam=True), ticket(99, -90, spam=True)]
    with pytest.raises(KafkaTimeoutError):
        run(tmp_path, FakeProducer(dies_at=2), look_back_hours=1)
    # The next run comes a day later.
    monkeypatch.setattr(
        ticket_publisher.Api, "page", lambda api, *_: setattr(api, "now", START + timedelta(days=1))
    )
    run(tmp_path, second := FakeProducer(), look_back_hours=1)
    assert [key for key, _ in second.sent] == ["4", "5", "6", "7", "8", "98"]


def test_what_changes_is_published_again_under_the_same_key(
    desk: dict[str, list[Ticket]], tmp_path: Path
) -> None:
    desk[""] = [ticket(1, 1), ticket(2, 2)]
    run(tmp_path, FakeProducer())
    desk[""] = [ticket(2, 2), ticket(1, 3, born=1), ticket(3, 4, born=3)]
    desk["deleted"] = [ticket(4, 5, born=1, deleted=True)]
    producer = FakeProducer()
    run(tmp_path, producer)
    told = [(key, message["event_type"]) for key, message in producer.sent]
    assert told == [("1", "ticket.updated"), ("3", "ticket.created"), ("4", "ticket.deleted")]
    assert producer.sent[0][1] == {
        "event_type": "ticket.updated",
        "timestamp": "2026-01-01T00:03:00Z",
        "data": desk[""][1],
    }


@pytest.mark.parametrize("sent", [None, 7, "ticket", [], {}, {"id": 1}, {"id": 1, "created_at": 5}])
def test_whatever_the_api_sends_is_published_for_the_door_to_refuse(sent: Any) -> None:
    _, message = event(sent, START)
    assert message["data"] == sent
