"""Tables of a SQL database, read by what changed.

Values are bound and identifiers quoted by SQLAlchemy: no statement is put together from text.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    MetaData,
    RowMapping,
    Table,
    and_,
    create_engine,
    func,
    inspect,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.exc import SQLAlchemyError

from loaders.errors import GatehouseError

Row = RowMapping
CHANGED_AT = "_changed_at"


@contextmanager
def open_database(url: str, schema: str | None) -> Iterator["Database"]:
    """Connect. Every statement sees what is committed by then: no transaction is held.

    Raises
    ------
    GatehouseError
        When the URL is none, the database refuses, or a statement fails. Never shows a value.
    """
    where = "The replica"
    try:
        engine = create_engine(url, hide_parameters=True, isolation_level="AUTOCOMMIT")
        where = f"The replica {engine.url.render_as_string(hide_password=True)}"
        with engine.connect() as connection:
            if engine.dialect.name in ("mysql", "mariadb"):
                connection.execute(text("set time_zone = '+00:00'"))
            yield Database(connection, schema)
        engine.dispose()
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise GatehouseError(
            f"{where} failed: {type(error).__name__}.",
            "Check SOURCES__FRESHSERVICE_REPLICA__URL, its driver and its user's rights; "
            "the next load resumes where this one stopped.",
        ) from error


class Database:
    """The tables and views of a schema. Each has `id`; a child also parent_type and parent_id."""

    def __init__(self, connection: Connection, schema: str | None) -> None:
        self._connection = connection
        self._metadata = MetaData(schema=schema)
        inspector = inspect(connection)
        self._names = {*inspector.get_table_names(schema), *inspector.get_view_names(schema)}
        self.now: datetime = _utc(connection.execute(select(func.now())).scalar_one())

    def has(self, name: str) -> bool:
        """Return whether there is such a table or view."""
        return name in self._names

    def changed_since(
        self, name: str, since: datetime, rows: int
    ) -> Iterator[tuple[list[Row], datetime | None]]:
        """Yield what changed at or after an instant, oldest change first, and up to when.

        A row was changed at `updated_at`, or `created_at` where that is null. Rows that tell
        neither are read on every run, and so are tables without such columns.
        """
        table = self._table(name)
        changed = _changed(table)
        untimed: ColumnElement[bool] = true()
        if changed is not None:
            since = since if _is_aware(changed) else since.replace(tzinfo=None)
            order = [changed.label(CHANGED_AT), table.c.id]
            for page in self._pages(table, changed >= since, order, rows):
                yield page, _utc(page[-1][CHANGED_AT])
            untimed = changed.is_(None)
        for page in self._pages(table, untimed, [table.c.id], rows):
            yield page, None

    def changed_at(self, name: str, ids: Iterable[int]) -> dict[int, datetime]:
        """Return when rows were changed, of those that there are and that tell."""
        table = self._table(name)
        changed = _changed(table)
        if changed is None:
            return {}
        found: Any = self._connection.execute(
            select(table.c.id, changed).where(table.c.id.in_(ids), changed.is_not(None))
        )
        return {row_id: _utc(at) for row_id, at in found}

    def parents_changed_since(
        self, name: str, parent_type: str, since: datetime
    ) -> dict[int, datetime]:
        """Return the parents whose children changed at or after an instant, and when.

        In a table without parents each row is its own.
        """
        table = self._table(name)
        changed = _changed(table)
        if changed is None:
            return {}
        parent, is_wanted = _parent(table, parent_type)
        since = since if _is_aware(changed) else since.replace(tzinfo=None)
        found: Any = self._connection.execute(
            select(parent, func.max(changed)).where(is_wanted, changed >= since).group_by(parent)
        )
        return {parent_id: _utc(at) for parent_id, at in found}

    def children(self, name: str, parent_type: str, ids: Sequence[int]) -> dict[int, list[Row]]:
        """Return the rows of parents, by parent."""
        table = self._table(name)
        parent, is_wanted = _parent(table, parent_type)
        found: dict[int, list[Row]] = {parent_id: [] for parent_id in ids}
        wanted = select(table).where(is_wanted, parent.in_(ids)).order_by(parent, table.c.id)
        for row in self._connection.execute(wanted).mappings():
            found[row[parent.name]].append(row)
        return found

    def ids(self, name: str) -> tuple[int, ...]:
        """Return the ids of all rows, ascending."""
        key = self._table(name).c.id
        return tuple(self._connection.execute(select(key).order_by(key)).scalars())

    def _pages(
        self, table: Table, wanted: ColumnElement[bool], order: list[Any], rows: int
    ) -> Iterator[list[Row]]:
        last: list[Any] | None = None
        extra = [column for column in order if column.name == CHANGED_AT]
        while True:
            where = wanted if last is None else and_(wanted, _after(order, last))
            statement = select(table, *extra).where(where).order_by(*order).limit(rows)
            page: list[Row] = list(self._connection.execute(statement).mappings())
            if page:
                yield page
            if len(page) < rows:
                return
            last = [page[-1][column.name] for column in order]

    def _table(self, name: str) -> Table:
        known = self._metadata.tables.get(name)
        return (
            Table(name, self._metadata, autoload_with=self._connection) if known is None else known
        )


def _changed(table: Table) -> ColumnElement[Any] | None:
    times = [table.c[name] for name in ("updated_at", "created_at") if name in table.c]
    # A column that is never null is asked for by itself: its index serves.
    if len(times) == 2 and times[0].nullable:
        return func.coalesce(*times)
    return times[0] if times else None


def _parent(table: Table, parent_type: str) -> tuple[ColumnElement[int], ColumnElement[bool]]:
    """Return the column that names a row's parent, and which rows are of that kind."""
    if "parent_type" in table.c:
        return table.c.parent_id, table.c.parent_type == parent_type
    return table.c.id, true()


def _after(order: list[Any], last: list[Any]) -> ColumnElement[bool]:
    (column, *columns), (value, *values) = order, last
    column = getattr(column, "element", column)  # of a label, what it names
    if not columns:
        return column > value  # type: ignore[no-any-return]
    return or_(column > value, and_(column == value, _after(columns, values)))


def _is_aware(column: ColumnElement[Any]) -> bool:
    return bool(getattr(column.type, "timezone", False))


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
