"""Taking them out: rows about them are deleted, and what names them elsewhere is blanked.

Whatever is done here may be cut off by a kill and is then done again: a copy that is made in place
of a row is made once, and what follows from an erasure is done by every run, whoever erased.
"""

# ruff: noqa: S608  statements are put together of names that the server told and of our own words

from loaders.forget.tables import REGISTRATIONS, Column, Table, names_them
from loaders.forget.worklist import WorkList
from loaders.privacy import NOBODY

# What a view counted without saying of whom: an event's rows are counted anew, from what is left.
_COUNTED = {"gate_flow_minutes": "gate_flow_minutes_from_app"}
# A person's number in the bitmaps of rollups is not given to another: its row stays, without them.
_NUMBERED = "staging.int_users_numbered"


class Eraser:
    """Erase what is on the list.

    Parameters
    ----------
    todo
        The list.
    there
        The tables that there are.
    """

    def __init__(self, todo: WorkList, there: set[str]) -> None:
        self._todo = todo
        self._there = there

    def hits(self, table: Table) -> tuple[int, int]:
        """Return how many rows are to be deleted, and how many to be blanked."""
        about = table.is_about(self._todo)
        named = names_them(self._todo, table.named_in)
        counts = f"select countIf({about}), countIf(not {about} and {named}) from {table.path}"
        deleted, blanked = self._todo.rows(counts)[0]
        return deleted, blanked

    def erase(self, table: Table) -> tuple[int, int]:
        """Erase what the table holds now, and return what `hits` had."""
        deleted, blanked = self.hits(table)
        about = table.is_about(self._todo)
        if blanked:
            naming = [c for c in table.named_in if self._holds(table, about, c)]
            if any(column.in_key for column in naming):
                # A key cannot be changed in place.
                self._copy_blanked(table, about, naming)
                about = f"({about} or {names_them(self._todo, naming)})"
            else:
                self._blank_in_place(table, about, naming)
        if table.path == _NUMBERED and deleted:
            self._copy_without_name(table, about)
        if deleted or blanked:
            self._todo.command(f"alter table {table.path} delete where {about}", mutations_sync=2)
        # A row that a build replaced is hidden, and in the files until its part is merged.
        self._todo.command(f"alter table {table.path} apply deleted mask", mutations_sync=2)
        return deleted, blanked

    def settle(self) -> None:
        """Let what was made of their rows be made again of what is left."""
        if REGISTRATIONS in self._there:
            theirs = self._todo.has("registration_id", "registration")
            self._todo.command(
                f"alter table {REGISTRATIONS} update _built_at = now64(6) where {theirs}",
                mutations_sync=2,
            )
        theirs = self._todo.has("event_id", "event")
        for name, view in _COUNTED.items():
            table = f"realtime.{name}"
            if table not in self._there:
                continue
            [(counts,)] = self._todo.rows(
                "select as_select from system.tables "
                f"where database = 'realtime' and name = '{view}'"
            )
            self._todo.command(f"alter table {table} delete where {theirs}", mutations_sync=2)
            self._todo.command(f"insert into {table} select * from ({counts}) where {theirs}")

    def _holds(self, table: Table, about: str, column: Column) -> bool:
        named = names_them(self._todo, [column])
        found = f"select 1 from {table.path} where not {about} and {named} limit 1"
        return bool(self._todo.rows(found))

    def _blank_in_place(self, table: Table, about: str, naming: list[Column]) -> None:
        for column in naming:
            self._todo.command(
                f"alter table {table.path} update `{column.name}` = {self._blank(column)} "
                f"where not {about} and {names_them(self._todo, [column])}",
                mutations_sync=2,
            )

    def _copy_blanked(self, table: Table, about: str, naming: list[Column]) -> None:
        blanks = ", ".join(f"{self._blank(column)} as `{column.name}`" for column in naming)
        self._insert_once(
            table,
            f"select * replace ({blanks}) "
            # Chosen within: beside it the names would mean the blanked columns.
            f"from (select * from {table.path} where not {about} "
            f"and {names_them(self._todo, naming)})",
        )

    def _copy_without_name(self, table: Table, about: str) -> None:
        nameless = f"concat('{NOBODY} ', toString(user_number)) as user_key"
        self._insert_once(
            table,
            f"select * replace ({nameless}) from (select * from {table.path} where {about})",
        )

    def _insert_once(self, table: Table, copies: str) -> None:
        """Insert copies that a run which was killed afterwards has not inserted."""
        whole = "cityHash64(toString(tuple(*)))"
        self._todo.command(
            f"insert into {table.path} select * from ({copies}) "
            f"where {whole} not in (select {whole} from {table.path})"
        )

    def _blank(self, column: Column) -> str:
        """Return a column without them, as the door would have it: null where nothing else was."""
        name = f"`{column.name}`"
        needles = self._todo.needles
        if column.type.startswith("Array"):
            return f"arrayFilter(x -> not has({needles}, ifNull(toString(x), '')), {name})"
        quoted = "replaceAll(text, concat('\"', one, '\"'), 'null')"
        text = (
            f"arrayFold((text, one) -> replaceAll({quoted}, one, '{NOBODY}'), "
            f"{needles}, ifNull(toString({name}), ''))"
        )
        return f"nullIf({text}, '{NOBODY}')" if "Nullable" in column.type else text
