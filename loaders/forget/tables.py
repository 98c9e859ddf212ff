"""Where they may be: every table that keeps rows, and the columns that can hold a text."""

from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from loaders import event_management, freshservice, integrated_platform, user_app
from loaders.forget.worklist import WorkList
from loaders.freshservice.private import PERSONS

# In this order, because what says which accounts are one person's has to be there for a run that is
# repeated.
_DATABASES = ("failures", "marts", "realtime", "snapshots", "staging", "raw")
# Messages without a person stay; what they are about is built again by them alone.
REGISTRATIONS = "staging.stg_event_management__registrations"
# Of these columns the first that a table has says whom its row is about; any other only names them.
_ABOUT = ("user_key", "user_id", "record_id", "email_pseudonym", "device_id")
# Whom a row of raw is about, by the path at which the door looks for it.
_ABOUT_PAYLOAD = {
    event_management.TABLE: event_management.PERSON,
    user_app.TABLE: user_app.PERSON,
    integrated_platform.PROFILES.table: integrated_platform.PERSON,
    **{
        f"{freshservice.SOURCE}__{feed}": PERSONS[entity]
        for feed, entity in freshservice.ENTITIES.items()
        if entity in PERSONS
    },
}


class Column(NamedTuple):
    """A column that can hold a text."""

    name: str
    type: str
    in_key: bool


class Table(NamedTuple):
    """A table that keeps rows."""

    database: str
    name: str
    columns: list[Column]

    @property
    def path(self) -> str:
        """Its name in a statement."""
        return f"{self.database}.{self.name}"

    def is_about(self, todo: WorkList) -> str:
        """Return the condition of the rows that are about them."""
        names = {column.name for column in self.columns}
        about = next((name for name in _ABOUT if name in names), None)
        path = _ABOUT_PAYLOAD.get(self.name) if self.database == "raw" else None
        if self.path == "raw.dead_letters":
            return todo.has("dead_letter_id", "dead_letter")
        if self.path == "raw.pseudonym_links":
            linked = " or ".join(todo.has("first_pseudonym", k) for k in ("person", "device"))
            return f"({linked})"
        if path:
            return todo.has(json_text(path), "person")
        if about:
            kind = "device" if about == "device_id" else "person"
            return todo.has(f"ifNull({about}, '')", kind)
        return "false"

    @property
    def named_in(self) -> list[Column]:
        """The columns in which they may be named; what is sealed names nobody."""
        return [column for column in self.columns if column.name != "payload_sealed"]


def names_them(todo: WorkList, columns: list[Column]) -> str:
    """Return the condition that one of the columns names them."""
    found = [
        f"multiSearchAny(ifNull(toString(`{column.name}`), ''), {todo.needles})"
        for column in columns
    ]
    return f"({' or '.join(found)})"


def json_text(path: str) -> str:
    """Return the text at a path of a payload."""
    keys = ", ".join(f"'{key}'" for key in path.split("."))
    return f"JSONExtractString(payload, {keys})"


def tables(client: Client) -> list[Table]:
    """Return every table that keeps rows, the marts first."""
    found = client.query(
        """
        select
            database,
            table,
            groupArray((name, type, is_in_sorting_key + is_in_partition_key > 0))
        from system.columns
        where
            database in {databases:Array(String)}
            and type like '%String%'
            and type not like 'AggregateFunction%'
            and (database, table) in (
                select database, name from system.tables where engine like '%MergeTree'
            )
            and not (database = 'raw' and startsWith(table, 'forg'))
        group by database, table
        order by indexOf({databases:Array(String)}, database), table
        """,
        parameters={"databases": list(_DATABASES)},
    )
    return [
        Table(database, name, [Column(*column) for column in columns])
        for database, name, columns in found.result_rows
    ]
