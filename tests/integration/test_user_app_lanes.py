"""The user app's two lanes into one table: what the socket loses, the run over REST finds."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from loaders import dead_letters, replay, user_app
from loaders.batch import Report
from loaders.errors import GatehouseError
from loaders.landing import Server
from loaders.user_app import records, run
from sandbox import clickhouse_config
from tests.integration.identifiers import found_in, identifiers
from tests.sandboxes import Sandbox, free_port
from tests.user_app import CLIENT, START, Phones, serving, view

AGES = itertools.count(1)


@pytest.fixture(scope="module")
def server(
    new_sandbox: Callable[..., Sandbox], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """A ClickHouse server alone, whose loader may also say when its disk is full."""
    grants = tmp_path_factory.mktemp("grants") / "grants.sql"
    more = "grant alter settings on raw.* to loader;"
    grants.write_text(clickhouse_config.GRANTS.read_text() + more)
    made = new_sandbox()
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.clickhouse"],
        env={**os.environ, **made.env, "GATEHOUSE_SANDBOX_GRANTS": str(grants)},
    )
    yield made
    process.terminate()
    process.wait(30)


@pytest.fixture
def phones(server: Sandbox, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Phones]:
    """An app that begins long after that of the last test, whose rows stay in raw."""
    age = next(AGES)
    with serving(Phones(age * 1000, START + timedelta(days=age))) as made:
        for name, value in {
            **server.env,
            "GATEHOUSE_STATE": str(tmp_path),
            "RUNTIME__REQUEST_BACKOFF_FACTOR": "0",
            "SOURCES__USER_APP__BASE_URL": made.url,
            "SOURCES__USER_APP__CLIENT_ID": CLIENT[0],
            "SOURCES__USER_APP__CLIENT_SECRET": CLIENT[1],
            "SOURCES__USER_APP__STREAM__FLUSH_SECONDS": "0.2",
        }.items():
            monkeypatch.setenv(name, value)
        _wait_for_server()
        yield made


def _wait_for_server() -> None:
    for _ in range(120):
        try:
            with Server.from_env().connect():
                return
        except GatehouseError:
            time.sleep(0.5)


def load(over: Callable[..., None] = user_app.load, last: Any = lambda *_: None) -> Report:
    reports: list[Report] = []

    def report(feed: str) -> Report:
        reports.append(Report(user_app.SOURCE, feed))
        return reports[-1]

    over(report, last)
    return reports[0]


def landed(phones: Phones, what: str = "seq") -> list[Any]:
    """A column of what landed of this app, copies and all."""
    with Server.from_env().connect() as client:
        rows = client.query(
            f"select {what} from raw.user_app__events where seq >= {phones.first} order by seq"
        )
    return [row[0] for row in rows.result_rows]


def numbers(phones: Phones, *numbers: int) -> list[int]:
    return [phones.first + number for number in numbers]


def test_what_the_socket_lost_is_read_over_rest_and_nothing_else(phones: Phones) -> None:
    lost = {3, 4, 11, 25, 26, 27, 39}
    for number in range(10):
        phones.send(view(number), dropped=number in lost)
    # Cut off in the middle, and closed because the token ended.
    phones.stage(path_prefix="/user-app/v2/stream", closes_with=1006, frames=3)
    phones.stage(path_prefix="/user-app/v2/stream", closes_with=4401, frames=3)

    def go_on() -> None:
        for number in range(10, 40):
            time.sleep(0.05)
            phones.send(view(number), dropped=number in lost)
            if number == 20:
                phones.backend.revoke_tokens()

    busy = threading.Thread(target=go_on)
    busy.start()
    heard = load(user_app.listen, 6)
    busy.join()
    assert landed(phones) == numbers(phones, *sorted(set(range(40)) - lost))
    assert heard.landed == 40 - len(lost)

    repaired = load()

    assert repaired.landed == len(lost)
    assert sorted(landed(phones)) == numbers(phones, *range(40))
    ways = {"websocket": 40 - len(lost), "rest": len(lost)}
    assert {way: landed(phones, "channel").count(way) for way in ways} == ways
    assert load().read == 0


def test_the_socket_goes_on_where_rest_ended(phones: Phones) -> None:
    for number in range(6):
        phones.send(view(number))
    load()
    # Sent again by the phone: another number, the same id.
    phones.send(view(5))
    live = threading.Timer(1, phones.send, [view(6)])
    live.start()
    load(user_app.listen, 3)
    live.join()
    assert len(landed(phones)) == 8
    assert len(set(landed(phones, "message_id"))) == 7
    assert load().read == 0


def test_a_load_that_is_killed_anywhere_loses_and_doubles_nothing(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        phones.send(view(number))
    monkeypatch.setenv("SOURCES__USER_APP__BATCH_ROWS", "6")
    monkeypatch.setenv("SOURCES__USER_APP__PAGE_SIZE", "4")
    real, dice = run.land, random.Random(5)

    class KilledError(Exception):
        pass

    def land(pipeline: Any, data: Any) -> None:
        before, after = dice.random() < 0.3, dice.random() < 0.3
        if before:
            raise KilledError
        real(pipeline, data)
        if after:
            raise KilledError

    monkeypatch.setattr(run, "land", land)
    kills = 0
    while True:
        try:
            load()
            break
        except KilledError:
            kills += 1
    assert kills > 2
    monkeypatch.setattr(run, "land", real)
    load()
    assert landed(phones) == numbers(phones, *range(40))


def send_until_it_lands(phones: Phones, sent: int) -> int:
    """Send until raw has more than before; return how many were sent in all."""
    before, until = len(landed(phones)), time.monotonic() + 60
    while len(landed(phones)) == before:
        assert time.monotonic() < until
        phones.send(view(sent))
        sent += 1
        time.sleep(0.05)
    return sent


def assert_nothing_is_lost(phones: Phones, sent: int) -> None:
    # A package that a kill left lands when the socket is heard again, beside what REST repaired.
    load()
    load(user_app.listen, 1.5)
    assert sorted(set(landed(phones))) == numbers(phones, *range(sent))
    assert len(set(landed(phones, "(seq, payload)"))) == sent
    assert load().read == 0


def test_a_socket_that_is_killed_as_frames_land_loses_nothing(phones: Phones) -> None:
    sent, dice = 0, random.Random(3)
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-m", "loaders.cli", "load", "user_app", "--listen", "60", "--json"],
            stdout=subprocess.DEVNULL,
        ) as listener:
            sent = send_until_it_lands(phones, sent)
            time.sleep(dice.uniform(0, 0.3))
            assert listener.poll() is None
            listener.kill()
    assert_nothing_is_lost(phones, sent)


def test_a_stream_whose_worker_is_killed_hears_the_socket_again(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, sent, dice = free_port(), 0, random.Random(4)
    monkeypatch.setenv("GATEHOUSE_STREAM_PORT", str(port))
    with subprocess.Popen(
        [sys.executable, "-m", "loaders.cli", "stream", "user_app"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as stream:
        for _ in range(3):
            sent = send_until_it_lands(phones, sent)
            time.sleep(dice.uniform(0, 0.3))
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
                os.kill(json.load(answer)["processes"]["user_app_1"], signal.SIGKILL)
        sent = send_until_it_lands(phones, sent)
        stream.terminate()
        assert stream.wait(20) == 0
    assert_nothing_is_lost(phones, sent)


def test_a_disk_that_is_full_loses_nothing(phones: Phones) -> None:
    def keep_free(many_bytes: int) -> None:
        setting = f"min_free_disk_bytes_to_perform_insert = {many_bytes}"
        with Server.from_env().connect() as client:
            client.command(f"alter table raw.user_app__events modify setting {setting}")

    for number in range(5):
        phones.send(view(number))
    load()
    keep_free(2**60)
    for number in range(5, 12):
        phones.send(view(number))
    command = [sys.executable, "-m", "loaders.cli", "load", "user_app"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1
    assert "enough free space" in " ".join(said.split())
    assert "the next load resumes" in " ".join(said.split())
    assert landed(phones) == numbers(phones, *range(5))
    keep_free(0)
    assert_nothing_is_lost(phones, 12)


def test_a_message_that_the_server_shows_late_is_found(phones: Phones) -> None:
    for number in range(8):
        phones.send(view(number))
    hidden = phones.told.pop(4)
    load()
    assert landed(phones) == numbers(phones, 0, 1, 2, 3, 5, 6, 7)
    phones.told.insert(4, hidden)
    phones.move(timedelta(seconds=1))
    assert load().landed == 1
    assert landed(phones) == numbers(phones, *range(8))


def test_a_refused_message_is_one_dead_letter_of_both_lanes_and_lands_when_it_is_replayed(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    phones.send(view(0))
    phones.send(view(1, locale="ko-KR"))
    phones.send(view(2))
    with monkeypatch.context() as too_strict:
        schema = {**records._SCHEMA, "not": {"required": ["locale"]}}
        too_strict.setattr(records, "_SCHEMA", schema)
        heard = load(user_app.listen, 1.5)
        again = load()
    assert (heard.refused["schema"], again.read) == (1, 0)
    with Server.from_env("operator").connect() as client:
        letters = dead_letters.find(client, source=user_app.SOURCE)
    assert [letter.position for letter in letters] == [str(phones.first + 1)]

    [replayed] = replay.replay(letters)

    assert replayed.landed == 1
    assert landed(phones) == numbers(phones, 0, 1, 2)
    assert landed(phones, "channel")[1] == "replay"
    assert load().read == 0


def test_what_cannot_be_read_at_all_stops_nobody(phones: Phones) -> None:
    phones.send(view(0))
    phones.send(b'{"message_id": nope, "user_id": "usr-00000042"')
    phones.send(orjson.dumps(view(2)).replace(b"agenda", b"caf\xe9"))
    phones.send(view(3, properties={"page": "\u0000", "nested": [[[[]]]]}))
    report = load()
    assert report.refused == {"not_json": 1, "not_utf8": 1}
    assert landed(phones) == numbers(phones, 0, 3)
    assert load().landed == 0


def test_nobody_is_in_what_either_lane_left_behind(server: Sandbox, phones: Phones) -> None:
    person = {"user_id": "usr-00000777", "properties": {"text": "call me: +1-555-123-4567"}}
    phones.send(view(0, type="question", **person))
    phones.send(b'{"user_id": "usr-00000777')
    load(user_app.listen, 1.5)
    phones.send(view(2, type="question", **person))
    load()
    assert len(landed(phones)) == 2
    left = [path for path in Path(os.environ["GATEHOUSE_STATE"]).rglob("*") if path.is_file()]
    assert len(left) > 5
    said = {str(path): path.read_bytes().decode(errors="replace") for path in left}
    assert {path for path, text in said.items() if identifiers(text, set())} == set()
    # Of all tests of this module, with the server's own tables, files and logs.
    assert found_in(server, set()) == {}
