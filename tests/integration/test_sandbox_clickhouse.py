"""The sandbox's ClickHouse: who may do what, over both protocols, and the wheel it comes from."""

from importlib.metadata import version

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_driver import Client as NativeClient
from clickhouse_driver.errors import ServerException

from sandbox.clickhouse import CHDB_CORE
from sandbox.settings import DATABASES, Settings, password
from tests.sandboxes import Sandbox, ask

DEAD_LETTERS = """
create table if not exists raw.dead_letters (
    dead_letter_id String, source String, feed String, position String, reason String,
    detail String, source_at Nullable(DateTime64(3)), payload_sealed String, status String,
    _dlt_load_id String, landed_at DateTime64(6) default now64(6)
) engine = ReplacingMergeTree(landed_at) order by dead_letter_id
"""

MAY = [
    ("loader", "insert into raw.records values (1)"),
    ("loader", "select * from raw.records"),
    ("loader", "alter table raw.records add column if not exists b UInt8"),
    ("loader", "select * from INFORMATION_SCHEMA.COLUMNS where table_schema = 'raw'"),
    ("transformer", "select * from raw.records"),
    ("transformer", "select dead_letter_id, reason, status, landed_at from raw.dead_letters"),
    ("transformer", "create database if not exists quality"),
    ("transformer", "create table if not exists staging.s (a Int8) engine = MergeTree order by a"),
    ("transformer", "delete from marts.facts where a = 0"),
    ("transformer", "drop view if exists realtime.missing"),
    ("transformer", "select count() from system.processes where query like '%dbt%'"),
    ("reader", "select count(), now() from marts.facts"),
    ("reader", "select * from marts.facts settings max_threads = 1"),
    ("reader", "select name from system.tables"),
    ("operator", "select payload_sealed from raw.dead_letters"),
    ("operator", "system flush logs"),
    ("operator", "select count() from system.query_log"),
    ("monitor", "select source, reason, status from raw.dead_letters final"),
    ("monitor", "select total_rows from system.tables where database = 'raw'"),
    ("monitor", "select free_space from system.disks"),
    ("eraser", "alter table raw.records delete where a = 1"),
    ("eraser", "alter table raw.records update b = 0 where a = 1"),
    ("eraser", "alter table marts.facts apply deleted mask"),
    ("ci", "create database if not exists ci_42"),
    ("ci", "create table if not exists ci_42.facts engine = Memory as select * from marts.facts"),
    ("ci", "select reason from raw.dead_letters"),
    ("ci", "drop database ci_42"),
]

MAY_NOT = [
    ("loader", "select * from marts.facts"),
    ("loader", "create table marts.m (a Int8) engine = MergeTree order by a"),
    ("loader", "drop table raw.records"),
    ("loader", "truncate table raw.records"),
    ("loader", "alter table raw.records delete where 1"),
    ("loader", "select * from system.query_log"),
    ("loader", "select * from system.processes"),
    ("loader", "select * from file('/etc/hosts', 'LineAsString')"),
    ("transformer", "select payload_sealed from raw.dead_letters"),
    ("transformer", "select detail from raw.dead_letters"),
    ("transformer", "select * from raw.dead_letters"),
    ("transformer", "insert into raw.records values (1)"),
    ("transformer", "create database other"),
    ("transformer", "select * from system.query_log"),
    ("transformer", "select user from system.processes"),
    ("transformer", "select * from file('/etc/hosts', 'LineAsString')"),
    ("reader", "select * from raw.records"),
    ("reader", "select * from staging.s"),
    ("reader", "select * from system.query_log"),
    ("reader", "insert into marts.facts values (1)"),
    ("reader", "set readonly = 0"),
    ("reader", "select * from url('http://127.0.0.1/', 'LineAsString')"),
    ("operator", "select * from raw.records"),
    ("operator", "select * from marts.facts"),
    ("monitor", "select * from raw.records"),
    ("monitor", "select payload_sealed from raw.dead_letters"),
    ("monitor", "select * from marts.facts"),
    ("monitor", "select * from system.query_log"),
    ("operator", "alter table marts.facts delete where a = 1"),
    ("eraser", "drop table marts.facts"),
    ("eraser", "truncate table raw.records"),
    ("eraser", "insert into marts.facts values (1)"),
    ("eraser", "select * from system.query_log"),
    ("ci", "insert into marts.facts values (1)"),
    ("ci", "delete from marts.facts where a = 0"),
    ("ci", "drop table marts.facts"),
    ("ci", "create table staging.c (a Int8) engine = Memory"),
    ("ci", "create database other"),
    ("ci", "select payload_sealed from raw.dead_letters"),
    ("ci", "create view ci_42.v definer = transformer sql security definer as select 1"),
]


@pytest.fixture(scope="module")
def server(sandbox: Sandbox) -> Settings:
    table = "create table if not exists {} (a Int8) engine = MergeTree order by a"
    ask(sandbox.settings, "loader", table.format("raw.records"))
    ask(sandbox.settings, "loader", DEAD_LETTERS)
    ask(sandbox.settings, "transformer", table.format("marts.facts"))
    return sandbox.settings


@pytest.mark.parametrize(("user", "statement"), MAY)
def test_a_user_may(server: Settings, user: str, statement: str) -> None:
    ask(server, user, statement)


@pytest.mark.parametrize(("user", "statement"), MAY_NOT)
def test_a_user_may_not(server: Settings, user: str, statement: str) -> None:
    with pytest.raises(ClickHouseError, match=r"ACCESS_DENIED|READONLY"):
        ask(server, user, statement)


def test_the_databases_are_there_before_anyone_connects(server: Settings) -> None:
    seen = {row[0] for row in ask(server, "transformer", "show databases")}
    assert set(DATABASES) <= seen


def test_the_native_port_takes_the_same_logins(server: Settings) -> None:
    client = NativeClient(
        server.host, server.clickhouse_tcp_port, user="loader", password=password("loader")
    )
    assert client.execute("select currentUser()") == [("loader",)]
    client.disconnect()


@pytest.mark.parametrize("user", ["loader", "nobody"])
def test_a_wrong_login_is_told_as_such(server: Settings, user: str) -> None:
    with pytest.raises(ClickHouseError, match="AUTHENTICATION_FAILED"):
        ask(server, user, "select 1", secret="wrong")


def test_nobody_is_the_default_user_over_http(server: Settings) -> None:
    with pytest.raises(ClickHouseError, match="USER_SESSION_LIMIT_EXCEEDED"):
        ask(server, "default", "select 1", secret="")


def test_nobody_is_the_default_user_over_the_native_port(server: Settings) -> None:
    client = NativeClient(
        server.host, server.clickhouse_tcp_port, settings={"max_sessions_for_user": 9}
    )
    with pytest.raises(ServerException, match="overflown session count 1"):
        client.execute("select 1")


def test_readers_queries_ask_for_the_query_cache(server: Settings) -> None:
    sql = "select getSetting('use_query_cache'), getSetting('query_cache_ttl')"
    assert ask(server, "reader", sql) == [(True, 3600)]


def test_the_wheel_is_the_one_whose_private_entry_was_tried() -> None:
    assert version("chdb-core") == CHDB_CORE, (
        f"sandbox/clickhouse.py starts ClickHouse through a private entry of chdb-core "
        f"{CHDB_CORE}. With another version, run the tests of the sandbox; if they pass, set "
        "CHDB_CORE there and the pin in pyproject.toml."
    )
