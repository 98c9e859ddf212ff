"""The user app's messages at the door, and its two lanes against the stand-in."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import loaders.user_app.socket
from loaders import event_management
from loaders.batch import Batch, Report
from loaders.errors import GatehouseError
from loaders.privacy import Privacy
from loaders.user_app.api import Api
from loaders.user_app.gaps import Gap
from loaders.user_app.records import FEED, SOURCE, Place, Taker
from loaders.user_app.socket import Drain, Stream
from tests.user_app import CLIENT, START, Phones, serving, view

PRIVACY = Privacy("k1:a-secret-for-this-test-only")
SCAN = {
    "result": "ok",
    "lane": 2,
    "registration_id": "reg-1",
    "is_override": False,
    "is_offline": False,
    "nonce": "n",
}


NESTED: Any = json.loads("[" * 80 + "]" * 80)


def taker(channel: str = "rest") -> Taker:
    return Taker(Report(SOURCE, FEED), PRIVACY, channel)


def envelope(body: Any, **changes: Any) -> bytes:
    return json.dumps(
        {"seq": 7, "received_at": "2026-03-01T00:00:05.000Z", "message": body, **changes}
    ).encode()


def outcome(data: bytes) -> str:
    """Why a message was refused; empty if it landed."""
    batch = (taking := taker()).batch()
    taking.take(data, batch)
    return batch.letters[0].reason if batch.letters else ""


def act(kind: str, properties: dict[str, Any], **changes: Any) -> bytes:
    return envelope(view(1, type=kind, properties=properties, **changes))


@pytest.mark.parametrize(
    "data",
    [
        act("check_in", SCAN, gate_id="ven-1-g1"),
        act("check_out", {**SCAN, "registration_id": None}, gate_id="ven-1-g1"),
        act("session_join", {}, session_id="ses-1"),
        act("session_leave", {}, session_id="ses-1", gate_id=None),
        act("view", {"page": "agenda"}),
        act("poll_answer", {"poll_id": "p", "option": "b"}),
        act("question", {"text": "Why?"}),
        act("rating", {"score": 5}),
        act("view", {"page": "agenda", "theme": "dark"}, locale="ko-KR"),
        envelope(view(1, location=None)),
        envelope(view(1, timestamp="99999-01-01T00:00:00Z")),
        envelope(view(1, sent_at="01.03.2026 7pm")),
        envelope(view(1, properties={"page": "a\u0000b", "deep": NESTED})),
        envelope(view(1, properties={"page": "a", "big": 2**70})),
    ],
)
def test_a_message_that_keeps_to_the_schema_lands(data: bytes) -> None:
    assert outcome(data) == ""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (act("check_in", SCAN), "schema"),
        (act("check_in", {**SCAN, "result": "maybe"}, gate_id="g"), "schema"),
        (act("check_in", {**SCAN, "lane": 2**70}, gate_id="g"), "schema"),
        (act("session_join", {}), "schema"),
        (act("rating", {"score": 6}), "schema"),
        (act("question", {}), "schema"),
        (envelope(view(1, location="hall")), "schema"),
        (envelope(view(1, timestamp=1767225600)), "schema"),
        (envelope({k: v for k, v in view(1).items() if k != "type"}), "schema"),
        (act("badge_print", {}), "unknown_type"),
        (envelope("hello"), "not_object"),
        (envelope(view(1), seq=2**70), "schema"),
        (envelope(view(1), received_at="soon"), "schema"),
        (b"[1]", "not_object"),
        (b"<xml/>", "not_json"),
        (envelope(view(1)).replace(b"agenda", b"caf\xe9"), "not_utf8"),
        (envelope(view(1)).replace(b"agenda", b"\\ud800"), "not_json"),
        (envelope(view(1)).replace(b'"agenda"', b"[" * 5000 + b"]" * 5000), "not_json"),
    ],
)
def test_one_that_does_not_is_a_dead_letter_with_its_reason(data: bytes, reason: str) -> None:
    assert outcome(data) == reason


def test_a_dead_letter_is_the_same_whichever_lane_refused_it() -> None:
    letters = []
    for channel in ("rest", "websocket"):
        batch = (taking := taker(channel)).batch()
        taking.take(act("rating", {"score": 9}), batch)
        letters += batch.letters
    assert letters[0].dead_letter_id == letters[1].dead_letter_id
    assert (letters[0].position, letters[0].source_at) == (
        "7",
        datetime(2026, 3, 1, 0, 0, 5, tzinfo=UTC),
    )


def test_no_identifier_passes_and_a_person_is_one_in_both_sources() -> None:
    asked = act("question", {"text": "I am Ada, call +49 30 1234567"}, user_id="usr-00000042")
    batch = (taking := taker()).batch()
    taking.take(asked, batch)
    [row] = batch._rows
    payload = row[-1]
    for identifier in ("usr-0", "Ada", "+49", "dev-1"):
        assert identifier not in payload
    registration = {
        "message_id": "m",
        "type": "registration.created",
        "occurred_at": "2026-01-01T00:00:00Z",
        "schema_version": 1,
        "data": {
            "registration_id": "r",
            "event_id": "e",
            "user_id": "usr-00000042",
            "ticket_type": "vip",
            "status": "confirmed",
            "registered_at": "2026-01-01T00:00:00Z",
        },
    }
    known = orjson.loads(event_management.door(PRIVACY).admit(registration))["data"]["user_id"]
    assert orjson.loads(payload)["user_id"] == known


@given(st.lists(st.integers(0, 30), min_size=2, max_size=10, unique=True), st.integers(0, 30))
def test_every_number_is_in_raw_or_in_exactly_one_gap(numbers: list[int], wanted: int) -> None:
    there = [Place(number, START) for number in sorted({-1, *numbers})]
    gaps = [Gap(one, other) for one, other in zip(there, [*there[1:], None], strict=True)]
    holding = [gap for gap in gaps if gap.holds(Place(wanted, START))]
    assert len(holding) == (wanted not in numbers)


@pytest.fixture
def phones(monkeypatch: pytest.MonkeyPatch) -> Iterator[Phones]:
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setattr("loaders.rest._JITTER_SECONDS", 0)
    with serving(Phones()) as made:
        yield made


def api(phones: Phones, secret: str = CLIENT[1]) -> Api:
    return Api(phones.url, CLIENT[0], secret)


def seqs(lines: list[bytes]) -> list[int]:
    return [orjson.loads(line)["seq"] for line in lines]


def read(phones: Phones, limit: int = 3, since: datetime = START) -> list[int]:
    return [seq for page in api(phones).pages(since, None, limit) for seq in seqs(page)]


def test_pages_show_everything_once_however_many_share_a_millisecond(phones: Phones) -> None:
    for number in range(10):
        phones.send(view(number), dropped=number % 2 == 0)
        phones.move(timedelta(seconds=-1 if number % 5 else 0))
    phones.move(timedelta(seconds=9))
    for limit in (1, 3, 10):
        assert read(phones, limit) == list(range(10))
    assert read(phones, since=START + timedelta(seconds=2)) == list(range(1, 10))


def test_pages_end_at_midnight_of_no_day(phones: Phones) -> None:
    for number in range(6):
        phones.send(view(number))
        phones.move(timedelta(hours=9))
    assert read(phones, 2) == list(range(6))


def test_a_token_that_expires_between_two_pages_is_renewed(phones: Phones) -> None:
    for number in range(6):
        phones.send(view(number))
    found = []
    for page in api(phones).pages(START, None, 2):
        found += seqs(page)
        phones.backend.revoke_tokens()
    assert found == list(range(6))


def test_a_refused_client_is_told_which_variables_to_check(phones: Phones) -> None:
    with pytest.raises(GatehouseError, match="SOURCES__USER_APP__CLIENT_ID") as error:
        next(api(phones, "a-wrong-secret").pages(START, None, 2))
    assert "a-wrong-secret" not in str(error.value)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_two_refusals_are_tried_again_and_three_are_an_error(phones: Phones, status: int) -> None:
    phones.send(view(0))
    phones.stage(path_prefix="/user-app/v2", status=status, times=2)
    assert read(phones) == [0]
    phones.stage(path_prefix="/user-app/v2", status=status, times=3)
    with pytest.raises(GatehouseError, match=f"status {status}"):
        read(phones)


def test_a_rate_limit_is_waited_out(phones: Phones) -> None:
    for number in range(6):
        phones.send(view(number))
    phones.backend.calls, phones.backend.window_seconds = 2, 1.0
    began = time.monotonic()
    assert read(phones, 2) == list(range(6))
    assert time.monotonic() - began >= 0.9


def test_an_answer_that_is_no_page_is_an_error(phones: Phones) -> None:
    phones.stage(path_prefix="/user-app/v2", status=200, body="<html>busy</html>")
    with pytest.raises(GatehouseError, match="something else than lines"):
        read(phones)


class Heard:
    """A socket that is heard for a while, and what landed."""

    def __init__(self, phones: Phones, since: int | None = None, rows: int = 4) -> None:
        self.batches: list[Batch] = []
        stream = Stream(api(phones), since)
        self.drain = Drain(stream, taker("websocket"), self.batches.append, rows, 0.1)

    def for_seconds(self, seconds: float) -> list[int]:
        asyncio.run(self.drain.run(seconds))
        return self.seqs

    @property
    def seqs(self) -> list[int]:
        return [row[7] for batch in self.batches for row in batch._rows]

    def until(self, is_done: Callable[[], bool]) -> list[int]:
        """Hear until something holds, 10 s at most."""

        async def run() -> None:
            running = asyncio.create_task(self.drain.run(10))
            while not running.done() and not is_done():
                await asyncio.sleep(0.05)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(run())
        return self.seqs


def test_the_socket_sends_its_buffer_without_what_it_lost_and_then_what_happens(
    phones: Phones,
) -> None:
    for number in range(4):
        phones.send(view(number), dropped=number == 2)
        phones.move(timedelta(minutes=25))
    heard = Heard(phones)

    def go_on() -> bool:
        if len(heard.seqs) == 1 and len(phones.told) == 4:
            phones.send(view(4))
            phones.send(view(5), dropped=True)
            phones.send(view(6))
        return len(heard.seqs) == 3

    # The buffer holds an hour: 0 and 1 are out of it, and 2 was lost.
    assert heard.until(go_on) == [3, 4, 6]


@pytest.mark.parametrize("code", [1006, 1011, 1012, 1013, 4401])
def test_a_socket_that_closes_is_opened_again_where_it_ended(phones: Phones, code: int) -> None:
    for number in range(12):
        phones.send(view(number))
    phones.stage(path_prefix="/user-app/v2/stream", closes_with=code, frames=5, times=2)
    heard = Heard(phones)
    assert heard.until(lambda: len(heard.seqs) >= 12) == list(range(12))
    assert max(len(batch._rows) for batch in heard.batches) <= 4


def test_a_socket_outlives_its_token(phones: Phones) -> None:
    phones.backend.token_seconds = 0.5
    heard = Heard(phones)

    def go_on() -> bool:
        if len(phones.told) < 20:
            phones.send(view(len(phones.told)))
        return len(heard.seqs) == 20

    assert heard.until(go_on) == list(range(20))
    assert len(phones.backend._tokens) >= 1


def test_a_socket_that_never_sends_anything_is_given_up(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stream, "_backoff", lambda _self: 0.0)
    phones.stage(path_prefix="/user-app/v2/stream", closes_with=1011, times=99)
    with pytest.raises(GatehouseError, match=r"3 times \(close code 1011\)"):
        Heard(phones).for_seconds(5)
    phones.faults.clear()
    phones.stage(path_prefix="/user-app/v2/stream", status=503, times=99)
    with pytest.raises(GatehouseError, match=r"3 times \(status 503\)"):
        Heard(phones).for_seconds(5)


def test_a_refusal_ends_it_at_once_and_what_was_heard_lands(phones: Phones) -> None:
    phones.send(view(0))
    phones.stage(path_prefix="/user-app/v2/stream", closes_with=1008, frames=1)
    heard = Heard(phones)
    with pytest.raises(GatehouseError, match="closed with code 1008"):
        heard.for_seconds(5)
    assert heard.seqs == [0]


def test_a_busy_socket_says_how_long_to_wait(phones: Phones) -> None:
    phones.send(view(0))
    phones.stage(
        path_prefix="/user-app/v2/stream", status=429, headers={"Retry-After": "1"}, times=1
    )
    began, heard = time.monotonic(), Heard(phones)
    assert heard.until(lambda: bool(heard.seqs)) == [0]
    assert time.monotonic() - began >= 1


def test_a_server_that_stops_closes_its_sockets_as_a_restart(phones: Phones) -> None:
    headers = {"Authorization": f"Bearer {api(phones).token()}"}
    url = phones.url.replace("http", "ws", 1) + "/v2/stream"
    with connect(url, additional_headers=headers) as client:
        phones.stop()
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


def test_a_server_that_does_not_say_goodbye_is_left(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders.user_app.socket, "_CLOSE_SECONDS", 0.2)
    phones.send(view(0))
    heard, hung_at = Heard(phones), 0.0

    def hang() -> bool:
        nonlocal hung_at
        if heard.seqs:
            phones.hang(5)
            hung_at = time.monotonic()
        return bool(heard.seqs)

    assert heard.until(hang) == [0]
    assert time.monotonic() - hung_at < 3


def test_a_silent_socket_lands_nothing(phones: Phones) -> None:
    phones.send(view(0))
    assert Heard(phones, since=0).for_seconds(0.3) == []


def test_a_frame_that_is_no_text_is_a_dead_letter(phones: Phones) -> None:
    phones.send(orjson.dumps(view(0)).replace(b"agenda", b"caf\xe9"))
    phones.send(view(1))
    heard = Heard(phones)
    heard.until(lambda: bool(heard.seqs))
    assert [letter.reason for batch in heard.batches for letter in batch.letters] == ["not_utf8"]
