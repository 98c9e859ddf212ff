"""A SQL replica of the service desk: what its API shows, as tables.

    python -m sandbox.replica [URL]      a SQLite file in the sandbox's folder unless a URL is given

It asks the stand-in's API in this process, so the two agree whatever the API is. A table is named
as its list, a column as a field of the records; instants and flags have types of their own, nested
content is JSON text, and a child names its parent in parent_type and parent_id. Activities, which
the API gives without an id, get a row number. What does not fit its column's type (the API's dirt)
is null: no database would have taken it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import orjson
from aiohttp import encode_basic_auth
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    MetaData,
    Table,
    Text,
    create_engine,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from sandbox.freshservice import Account, api
from sandbox.settings import FRESHSERVICE_API_KEY, Settings
from sandbox.world import World

Record = dict[str, Any]
EVER = {"updated_since": "2000-01-01T00:00:00Z"}
STATS = EVER | {"include": "stats"}
# Table -> the walks that show all of it, and what it means to be shown by one.
Walk = tuple[dict[str, str], Record]
TABLES: dict[str, tuple[Walk, ...]] = {
    "tickets": tuple(
        (STATS | {"workspace_id": "0"} | wanted, {})
        for wanted in ({}, {"filter": "deleted"}, {"filter": "spam"})
    ),
    "problems": ((EVER, {"deleted": False}), (EVER | {"filter": "deleted"}, {"deleted": True})),
    "changes": ((STATS, {"deleted": False}), (STATS | {"filter": "deleted"}, {"deleted": True})),
    "releases": (({}, {"deleted": False}), ({"filter_name": "deleted"}, {"deleted": True})),
    "assets": (
        ({"include": "type_fields"}, {"trashed": False}),
        ({"include": "type_fields", "trashed": "true"}, {"trashed": True}),
    ),
    **dict.fromkeys(
        (
            "requesters", "agents", "groups", "departments", "locations", "business_hours",
            "sla_policies", "asset_types", "products", "vendors", "contracts", "purchase_orders",
            "applications",
        ),
        (({}, {}),),
    ),
}  # fmt: skip
# Of a table's rows: the word of the path, the key in the answer, and the table of the children.
WORK = (("tasks", "tasks", "tasks"), ("time_entries", "time_entries", "time_entries"))
CHILDREN = {
    "tickets": (
        *WORK,
        ("conversations", "conversations", "conversations"),
        ("activities", "activities", "activities"),
        ("requested_items", "requested_items", "requested_items"),
        ("csat_response", "csat_response", "csat_responses"),
    ),
    "problems": WORK,
    "changes": WORK,
    "releases": WORK,
    "applications": (
        ("users", "application_users", "application_users"),
        ("installations", "installations", "application_installations"),
        ("licenses", "licenses", "application_licenses"),
    ),
}


def write_replica(world: World, now: datetime, url: str) -> None:
    """Write all tables anew, as they stand at a moment."""
    tables = asyncio.run(_ask(world, now))
    engine = create_engine(url, hide_parameters=True)
    with engine.begin() as connection:
        for name, records in tables.items():
            table = _table(name, records)
            table.drop(connection, checkfirst=True)
            table.create(connection)
            rows = [{c.name: _fit(row.get(c.name), c.type) for c in table.c} for row in records]
            connection.execute(table.insert(), [_numbered(row, n) for n, row in enumerate(rows, 1)])
    engine.dispose()


async def _ask(world: World, now: datetime) -> dict[str, list[Record]]:
    account = Account(world.desk, lambda: now, FRESHSERVICE_API_KEY)
    headers = {"Authorization": encode_basic_auth(FRESHSERVICE_API_KEY, "X")}
    found: dict[str, list[Record]] = {}
    async with TestClient(TestServer(api(account)), headers=headers) as client:
        for table, walks in TABLES.items():
            shown = [
                says | row
                for params, says in walks
                async for row in _walk(client, table, table, params)
            ]
            found[table] = shown
            for word, key, child in CHILDREN.get(table, ()):
                hung = found.setdefault(child, [])
                for parent in {row["id"] for row in shown}:
                    of_whom = {"parent_type": table.removesuffix("s"), "parent_id": parent}
                    async for row in _walk(client, f"{table}/{parent}/{word}", key, {}):
                        hung.append(row | of_whom)
        found["ticket_views"] = [
            view
            for ticket in found["tickets"]
            async for view in _walk(
                client, f"tickets/{ticket['id']}", "ticket", {"include": "assets"}
            )
        ]
    return {name: records for name, records in found.items() if records}


async def _walk(
    client: TestClient[Any, Any], path: str, key: str, params: dict[str, str]
) -> AsyncIterator[Record]:
    """What a path shows on all its pages; nothing where it shows nothing."""
    page, more = 1, True
    while more:
        paged = {**params, "page": str(page), "per_page": "100"}
        async with client.get(f"/{path}", params=paged) as answer:
            shown = orjson.loads(await answer.read()).get(key) if answer.ok else None
            more, page = "next" in answer.links, page + 1
        for record in shown if isinstance(shown, list) else filter(None, [shown]):
            yield record


def _table(name: str, records: list[Record]) -> Table:
    """A table that holds the records, its types read off their values."""
    values: dict[str, list[Any]] = {}
    for record in records:
        for field, value in record.items():
            values.setdefault(field, []).append(value)
    columns = []
    for field in filter("id".__ne__, values):
        kind = _type(values[field])
        nullable = any(_fit(record.get(field), kind) is None for record in records)
        columns.append(Column(field, kind, nullable=nullable))
    key = Column("id", BigInteger(), primary_key=True, autoincrement=False)
    table = Table(name, MetaData(), key, *columns, mysql_charset="utf8mb4")
    for fields in (("updated_at", "id"), ("parent_type", "parent_id")):
        if all(field in values for field in fields if field != "id"):
            lengths = {"parent_type": 20} if "parent_type" in fields else {}
            Index(
                f"{name}_{fields[0]}", *(table.c[field] for field in fields), mysql_length=lengths
            )
    return table


def _type(values: list[Any]) -> TypeEngine[Any]:
    """The type of most values."""
    kinds = [_kind(value) for value in values if value is not None]
    kind = max(kinds, key=kinds.count, default=str)
    if kind is datetime:
        return DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
    if kind is int and float in kinds:
        kind = float
    plain: dict[type, TypeEngine[Any]] = {bool: Boolean(), int: BigInteger(), float: Float(53)}
    return plain.get(kind) or Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def _kind(value: Any) -> type:
    return datetime if _instant(value) else type(value)


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) < 20 or value[10] != "T":
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


def _fit(value: Any, wanted: TypeEngine[Any]) -> Any:
    if isinstance(wanted, DateTime):
        return _instant(value)
    if isinstance(wanted, Text):
        return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()
    if isinstance(wanted, Boolean):
        return value if isinstance(value, bool) else None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _numbered(row: Record, number: int) -> Record:
    return row if row["id"] is not None else row | {"id": number}


def main() -> int:
    """Write the replica of this sandbox's desk."""
    settings = Settings.from_env()
    world = World(settings.seed, settings.scale, settings.start, settings.days, settings.dirt)
    url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{settings.root / 'replica.db'}"
    write_replica(world, world.end_of_history, url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
