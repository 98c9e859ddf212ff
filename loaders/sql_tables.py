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

    def parents_changed_since(self, name: str, since: datetime) -> list[tuple[str, int, datetime]]:
        """Return the parents of children that changed at or after an instant, and when."""
        table = self._table(name)
        changed = _changed(table)
        if changed is None:
            return []
        since = since if _is_aware(changed) else since.replace(tzinfo=None)
        parent = (table.c.parent_type, table.c.parent_id)
        found: Any = self._connection.execute(
            select(*parent, func.max(changed)).where(changed >= since).group_by(*parent)
        )
        return [(kind, parent_id, _utc(at)) for kind, parent_id, at in found]

    def children(self, name: str, parent_type: str, ids: Sequence[int]) -> dict[int, list[Row]]:
        """Return the rows of parents, by parent; of a table without parents the rows themselves."""
        table = self._table(name)
        if "parent_id" in table.c:
            parent = table.c.parent_id
            wanted = and_(table.c.parent_type == parent_type, parent.in_(ids))
        else:
            parent = table.c.id
            wanted = parent.in_(ids)
        found: dict[int, list[Row]] = {parent_id: [] for parent_id in ids}
        rows = self._connection.execute(select(table).where(wanted).order_by(parent, table.c.id))
        for row in rows.mappings():
            found[row[parent.name]].append(row)
        return found

    def ids(self, name: str, flag: str) -> dict[str, tuple[int, ...]]:
        """Return the ids of all rows, ascending, those apart for which a flag is set.

        These are keyed by what tells them apart, the others by nothing.
        """
        table = self._table(name)
        every = select(table.c.id).order_by(table.c.id)
        if flag not in table.c:
            return {"": tuple(self._connection.execute(every).scalars())}
        wanted = {"": table.c[flag].is_not(true()), f"?{flag}=true": table.c[flag].is_(true())}
        return {
            suffix: tuple(self._connection.execute(every.where(where)).scalars())
            for suffix, where in wanted.items()
        }

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
