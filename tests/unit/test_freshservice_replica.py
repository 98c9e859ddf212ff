"""Reading a SQL replica: every row that changed, whatever it holds, as the record the API sends."""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
)

from loaders.errors import GatehouseError
from loaders.freshservice_replica import record_of
from loaders.sql_tables import Database, open_database

START = datetime(2026, 1, 1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{tmp_path / 'replica.db'}")
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def make(connection: Connection, name: str, columns: dict[str, Any], rows: list[Any]) -> None:
    # SQLAlchemy quotes what needs it: the names below would break any statement made of text.
    table = Table(name, MetaData(), *(Column(key, kind) for key, kind in columns.items()))
    table.create(connection)
    connection.execute(table.insert(), [dict(zip(columns, row, strict=True)) for row in rows])
    connection.commit()


def at(second: int | None) -> datetime | None:
    return None if second is None else START + timedelta(seconds=second)


def read(connection: Connection, since: datetime, rows: int) -> list[int]:
    pages = Database(connection, None).changed_since("tickets", since, rows)
    return [row["id"] for page, _ in pages for row in page]


# id, updated_at, created_at: many share a second, some were never updated, one tells nothing.
ROWS = [(n, at(n // 3) if n % 4 else None, at(n // 3)) for n in range(1, 20)] + [(20, None, None)]


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 50])
def test_every_row_is_read_once_in_the_order_of_its_change(
    connection: Connection, rows: int
) -> None:
    times = {"id": Integer, "updated_at": DateTime, "created_at": DateTime}
    make(connection, "tickets", times, ROWS[::-1])
    assert read(connection, EPOCH, rows) == list(range(1, 21))
    changed = [n for n in range(1, 20) if n // 3 >= 4]
    assert read(connection, START.replace(tzinfo=UTC) + timedelta(seconds=4), rows) == [
        *changed,
        20,
    ]


def test_a_table_without_times_is_read_whole(connection: Connection) -> None:
    make(connection, "tickets", {"id": Integer, "name": Text}, [(2, "b"), (1, "a")])
    assert read(connection, datetime.now(UTC), 1) == [1, 2]


def test_names_and_values_are_never_taken_for_sql(connection: Connection) -> None:
    nasty = "x'; drop table tickets; --"
    make(
        connection,
        "tickets",
        {"id": Integer, 'order" by': Text, "parent_type": Text, "parent_id": Integer},
        [(1, nasty, nasty, 7), (2, "y", "ticket", 7)],
    )
    database = Database(connection, None)
    found = database.children("tickets", nasty, [7, 8])
    assert [[row['order" by'] for row in rows] for rows in found.values()] == [[nasty], []]
    assert read(connection, EPOCH, 1) == [1, 2]


def test_an_error_shows_neither_password_nor_value(tmp_path: Path) -> None:
    url = "mysql+pymysql://reader:s3cret@127.0.0.1:1/desk"
    with pytest.raises(GatehouseError) as told, open_database(url, None):
        pass
    assert "127.0.0.1:1/desk" in str(told.value)
    assert "s3cret" not in str(told.value)
    with pytest.raises(GatehouseError, match="ArgumentError"), open_database("s3cret", None):
        pass


ID = {"id": 1}


@pytest.mark.parametrize(
    ("feed", "row", "record"),
    [
        ("tickets", {"spam": 0, "priority": 1}, {"spam": False, "priority": 1}),
        ("tickets", {"due_by": datetime(2026, 3, 1, 9, 30)}, {"due_by": "2026-03-01T09:30:00Z"}),
        ("tickets", {"stats": '{"closed_at": null}'}, {"stats": {"closed_at": None}}),
        ("tickets", {"stats": {"closed_at": None}}, {"stats": {"closed_at": None}}),
        ("tickets", {"stats": "{nope"}, {"stats": "{nope"}),
        ("tickets", {"subject": "[1]"}, {"subject": "[1]"}),
        ("tickets", {"status": None, "priority": None}, {"priority": None}),
        ("tickets", {"invented": 7, "other": None}, {"invented": 7, "other": None}),
        ("tickets", {"subject": b"caf\xc3\xa9"}, {"subject": "café"}),
        ("purchase_orders", {"total_cost": Decimal("10.50")}, {"total_cost": 10.5}),
        ("assets", {"end_of_life": date(2029, 1, 1)}, {"end_of_life": "2029-01-01"}),
        ("tasks", {"parent_type": "ticket", "parent_id": 4, "title": "t"}, {"title": "t"}),
        ("activities", {"sub_contents": '["a"]'}, {"sub_contents": ["a"]}),
        ("activities", {"sub_contents": "[a"}, {"sub_contents": "[a"}),
    ],
)  # fmt: skip
def test_a_row_becomes_the_record_of_the_api(
    feed: str, row: dict[str, Any], record: dict[str, Any]
) -> None:
    row_of_database: Any = ID | row
    found = record_of(feed, row_of_database)
    if feed != "activities":  # the API gives them no id, so the number of the row is none
        assert found.pop("id") == 1
    assert {name: found[name] for name in found if name != "updated_at"} == record
    assert found.get("updated_at") is None


def test_a_row_that_was_never_updated_changed_when_it_was_made() -> None:
    row: Any = {"id": 1, "created_at": datetime(2026, 1, 1), "updated_at": None}
    assert record_of("tickets", row)["updated_at"] == "2026-01-01T00:00:00Z"


def test_ids_of_a_parent_come_in_order(connection: Connection) -> None:
    columns = {"id": Integer, "parent_type": Text, "parent_id": Integer, "created_at": DateTime}
    rows = [(n, kind, n % 2, START) for n, kind in itertools.product((3, 1, 2), ("ticket",))]
    make(connection, "tasks", columns, rows)
    database = Database(connection, None)
    found = database.children("tasks", "ticket", [1, 0, 5])
    assert {parent: [row["id"] for row in rows] for parent, rows in found.items()} == {
        1: [1, 3], 0: [2], 5: [],
    }  # fmt: skip
    moment = START.replace(tzinfo=UTC)
    assert database.parents_changed_since("tasks", "ticket", moment) == {0: moment, 1: moment}
    assert database.parents_changed_since("tasks", "problem", moment) == {}
    assert database.parents_changed_since("tasks", "ticket", datetime.now(UTC)) == {}
