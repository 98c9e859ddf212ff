"""A replica on a real MariaDB gives the very records that one on SQLite gives."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from loaders.freshservice.children import FEEDS
from loaders.freshservice.records import ENTITIES
from loaders.freshservice_replica import record_of
from loaders.sql_tables import open_database
from sandbox.replica import write_replica
from sandbox.world import World
from tests.sandboxes import free_port

pytestmark = [
    pytest.mark.mariadb,
    pytest.mark.skipif(
        shutil.which("mariadbd") is None,
        reason="needs a MariaDB server: apt-get install mariadb-server",
    ),
]
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own on loopback, with a folder of its own; the URL of an empty database."""
    home, port = tmp_path_factory.mktemp("mariadb"), free_port()
    user = f"--user={'root' if os.geteuid() == 0 else os.environ.get('USER', '')}"
    own = ["--no-defaults", f"--datadir={home / 'data'}", user]
    install = ["mariadb-install-db", *own, "--auth-root-authentication-method=normal"]
    subprocess.run(install, check=True, capture_output=True)
    server = subprocess.Popen(
        ["mariadbd", *own, f"--port={port}", "--bind-address=127.0.0.1",
         f"--socket={home / 'socket'}", f"--pid-file={home / 'pid'}",
         # A server whose sessions are not in UTC: what TIMESTAMP columns would give depends on it.
         "--default-time-zone=+05:30"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        engine = create_engine(f"mysql+pymysql://root@127.0.0.1:{port}/")
        _wait_for(engine)
        with engine.begin() as connection:
            connection.execute(text("create database desk character set utf8mb4"))
        engine.dispose()
        yield f"mysql+pymysql://root@127.0.0.1:{port}/desk"
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(engine: Engine) -> None:
    for _ in range(300):
        try:
            engine.connect().close()
            return
        except OperationalError:
            time.sleep(0.1)
    raise AssertionError("MariaDB does not answer")


def everything(url: str) -> dict[str, Any]:
    """Every record of a replica, and every child by its parent, as they go to the door."""
    found: dict[str, Any] = {}
    with open_database(url, None) as database:
        for feed in filter(database.has, ENTITIES):
            pages = database.changed_since(feed, EVER, rows=17)
            found[feed] = [record_of(feed, row) for page, _ in pages for row in page]
        for parent_type, feeds in FEEDS.items():
            for feed in filter(database.has, feeds):
                parents = database.parents_changed_since(feed, parent_type, EVER)
                rows = database.children(feed, parent_type, sorted(parents))
                found[f"{parent_type} {feed}"] = (
                    parents,
                    {
                        parent: [record_of(feed, row) for row in hung]
                        for parent, hung in rows.items()
                    },
                )
    return found


def test_both_databases_give_the_same_records(mariadb: str, tmp_path: Path) -> None:
    desk = World(seed=5, scale=0.02, start=date(2026, 3, 1), days=10, dirt=0.05)
    sqlite = f"sqlite:///{tmp_path / 'replica.db'}"
    for url in (sqlite, mariadb):
        write_replica(desk, desk.end_of_history, url)
    expected, found = everything(sqlite), everything(mariadb)
    assert found.keys() == expected.keys()
    for feed, records in expected.items():
        assert found[feed] == records, feed
    assert len(expected["tickets"]) > 30


def test_what_changes_is_read_again_in_the_session_of_any_time_zone(mariadb: str) -> None:
    engine = create_engine(mariadb)
    with engine.begin() as connection:
        connection.execute(text("drop table if exists tickets"))
        connection.execute(
            text("create table tickets (id bigint primary key, updated_at timestamp(6) null,"
                 " created_at timestamp(6) null)")
        )  # fmt: skip
        connection.execute(text("set time_zone = '+00:00'"))
        connection.execute(
            text("insert into tickets values (1, '2026-03-01 10:00:00', '2026-03-01 09:00:00'),"
                 " (2, null, '2026-03-01 10:00:00.5'), (3, '2026-03-01 08:00:00', null)")
        )  # fmt: skip
    engine.dispose()
    since = datetime(2026, 3, 1, 10, tzinfo=UTC)
    with open_database(mariadb, None) as database:
        [(page, changed_at)] = database.changed_since("tickets", since, rows=10)
        assert [row["id"] for row in page] == [1, 2]
        assert changed_at == since + timedelta(seconds=0.5)
        assert abs(database.now - datetime.now(UTC)) < timedelta(minutes=1)
