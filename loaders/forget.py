"""Forget: erase a person's rows in every layer, and keep them from coming back.

```
USER --- hashed with every key ---> raw.forgetting  <--- what is theirs alone: accounts, addresses,
                                        |                phones, registrations, dead letters
                                        |--> marks  ---> raw.forgotten, which the door goes by
                                        '--> every text column of every table: rows about them are
                                             deleted, and blanked where others' rows name them
```

Which columns there are, the server says. The identifier itself reaches no statement, and neither do
pseudonyms: statements read them from raw.forgetting, which is emptied in the end. A run that was
killed is run again. docs/decisions/0015-forgetting-a-person.md says what stays and why.
"""

# ruff: noqa: S608  statements are put together of names that the server told and of our own words

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client
from cryptography.fernet import InvalidToken
from filelock import FileLock, Timeout

from loaders import event_management, freshservice, integrated_platform, user_app
from loaders.errors import GatehouseError
from loaders.freshservice.private import PERSONS
from loaders.landing import Server, ddl, make_tables
from loaders.privacy import NOBODY, Privacy, spellings

# In this order, because what says which accounts are one person's has to be there for a run that is
# repeated.
DATABASES = ("marts", "realtime", "snapshots", "staging", "raw")
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
# What a view counted without saying of whom: an event's rows are counted anew, from what is left.
_COUNTED = {"gate_flow_minutes": "gate_flow_minutes_from_app"}
# A person's number in the bitmaps of rollups is not given to another: its row stays, without them.
_NUMBERED = "staging.int_users_numbered"
# Messages without a person stay; what they are about is built again by them alone.
_REGISTRATIONS = "staging.stg_event_management__registrations"
# A load under way may land what it held before it knew: look so often, so long apart.
_ROUNDS, _PAUSE_SECONDS = 3, 6.0
_MOST = 250  # pseudonyms that ClickHouse searches a text for at once


@dataclass
class Erased:
    """What was done to a table, or in a dry run would be."""

    table: str
    deleted: int = 0
    blanked: int = 0


@dataclass
class Forgotten:
    """What a run did.

    Attributes
    ----------
    identifiers, devices, registrations
        What was found to be theirs: the forms of what was given, under every key, with the user ids
        and addresses that belong to it; phones; registrations.
    left
        Rows that the last look still had to erase; 0 unless a load is at work.
    unreadable
        Dead letters that none of the keys opens: whose they are nobody can say.
    """

    is_dry_run: bool = False
    tables: list[Erased] = field(default_factory=list)
    identifiers: int = 0
    devices: int = 0
    registrations: int = 0
    left: int = 0
    unreadable: int = 0
    seconds: float = 0.0


class _Column(NamedTuple):
    name: str
    type: str
    in_key: bool


class _Table(NamedTuple):
    database: str
    name: str
    columns: list[_Column]

    @property
    def path(self) -> str:
        return f"{self.database}.{self.name}"


def forget(users: list[str], *, dry_run: bool, tell: Callable[[str], None]) -> Forgotten:
    """Erase people by the identifiers that the sources know them by.

    Parameters
    ----------
    users
        User ids, addresses, phone numbers, names: of one person or several.
    dry_run
        Count, and change nothing.
    tell
        Is told of what is looked at.

    Raises
    ------
    GatehouseError
        When another one is at work, ClickHouse refuses, or a key is missing.
    """
    privacy = Privacy.from_env()
    began = time.monotonic()
    lists = ["forgetting", "forgetting_dry_run"]
    with _alone():
        make_tables([ddl(name) for name in ("dead_letters", "forgotten", "forgotten_events")])
        make_tables([ddl("forgetting", table=table) for table in lists])
        with Server.from_env("eraser").connect() as client:
            run = _Run(client, privacy, f"raw.{lists[dry_run]}", tell)
            found = run.count(users) if dry_run else run.erase(users)
    found.seconds = round(time.monotonic() - began, 1)
    return found


@contextmanager
def _alone() -> Iterator[None]:
    state = Path(os.environ.get("GATEHOUSE_STATE", ".gatehouse")).absolute()
    state.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(state / "forget.lock", timeout=0):
            yield
    except Timeout:
        raise GatehouseError("Another `gatehouse forget` is at work.", "Wait for it.") from None


class _Run:
    def __init__(
        self, client: Client, privacy: Privacy, work: str, tell: Callable[[str], None]
    ) -> None:
        self._client = client
        self._privacy = privacy
        self._work = work
        self._tell = tell
        self._tables = list(_tables(client))
        self._there = {table.path for table in self._tables}

    def count(self, users: list[str]) -> Forgotten:
        """Say what would be erased."""
        self._command(f"truncate table {self._work}")
        try:
            found = self._find(users)
            found.is_dry_run = True
            for table in self._tables:
                deleted, blanked = self._hits(table)
                if deleted or blanked:
                    found.tables.append(Erased(table.path, deleted, blanked))
            return found
        finally:
            self._command(f"truncate table {self._work}")

    def erase(self, users: list[str]) -> Forgotten:
        """Find what is theirs, mark it for the door, erase it, and look whether it is gone."""
        found = self._find(users)
        self._command(
            f"""
            insert into raw.forgotten (mark)
            select distinct
                substring(lower(hex(SHA256(concat('forgotten:', value)))), 1, 32) as mark
            from {self._work}
            where kind = 'person' and mark not in (select mark from raw.forgotten)
            """
        )
        done: dict[str, Erased] = {}
        for number in range(_ROUNDS):
            if number > 1:
                time.sleep(_PAUSE_SECONDS)
            found.left = self._erase_what_is_there(done)
            if number and not found.left:
                break
        self._command(
            "insert into raw.forgotten_events (event_id) "
            f"select distinct value from {self._work} where kind = 'event'"
        )
        found.tables = list(done.values())
        self._command(f"truncate table {self._work}")
        return found

    # What is theirs

    def _find(self, users: list[str]) -> Forgotten:
        """Fill the list of what is to be erased."""
        self._tell("looks for what is theirs")
        forms = {form for user in users for form in spellings(user)}
        given = {one for form in forms for one in self._privacy.pseudonyms(form)}
        if len(given) > _MOST // 2:
            raise GatehouseError(f"{len(users)} are too many at once.", "Name fewer of them.")
        self._client.insert(self._work, [("person", one) for one in given], ["kind", "value"])
        self._find_accounts()
        self._find_devices()
        self._find_registrations()
        self._find_events()
        unreadable = self._find_dead_letters()
        counts = dict(self._rows(f"select kind, uniqExact(value) from {self._work} group by kind"))
        return Forgotten(
            identifiers=counts.get("person", 0),
            devices=counts.get("device", 0),
            registrations=counts.get("registration", 0),
            unreadable=unreadable,
        )

    def _find_accounts(self) -> None:
        """Add the accounts of an address, and the addresses of an account.

        An address that several accounts use leads to none of them, and is not theirs alone.
        """
        pairs = self._pairs(
            (_REGISTRATIONS, "user_id", "email_pseudonym"),
            ("staging.stg_integrated_platform__profiles", "user_id", "email_pseudonym"),
            (f"raw.{event_management.TABLE}", _json("data.user_id"), _json("data.email")),
            (f"raw.{integrated_platform.PROFILES.table}", _json("user_id"), _json("email")),
        )
        one_account = f"{pairs} group by y having uniqExact(x) = 1"
        self._add("person", f"select any(x) as value, y as person from {one_account}")
        self._add("person", f"select y as value, any(x) as person from {one_account}")

    def _find_devices(self) -> None:
        """Add the phones that nobody else used: a device is its owner."""
        pairs = self._pairs(
            ("marts.fct_app_events", "user_key", "device_id"),
            (f"raw.{user_app.TABLE}", _json("user_id"), _json("device_info.device_id")),
        )
        self._add(
            "device",
            f"select y as value, any(x) as person from {pairs} group by y having uniqExact(x) = 1",
        )

    def _find_registrations(self) -> None:
        """Add the registrations that they ever held: folded anew from what is left of them."""
        pairs = self._pairs((_REGISTRATIONS, "user_id", "registration_id"))
        self._add("registration", f"select y as value, x as person from {pairs}")

    def _find_events(self) -> None:
        """Add the events at which the app told of them."""
        pairs = self._pairs(
            ("marts.fct_app_events", "user_key", "event_id"),
            (f"raw.{user_app.TABLE}", _json("user_id"), "event_id"),
        )
        self._add("event", f"select y as value, x as person from {pairs}")

    def _find_dead_letters(self) -> int:
        """Add the sealed records that name them, and return how many could not be opened."""
        people = self._rows(f"select distinct value from {self._work} where kind = 'person'")
        named = {value for (value,) in people}
        found: list[tuple[str, str]] = []
        unreadable = 0
        letters = "select dead_letter_id, position, payload_sealed from raw.dead_letters"
        with self._client.query_rows_stream(letters) as rows:
            for letter_id, position, sealed in rows:
                try:
                    data = self._privacy.unseal(sealed)
                except InvalidToken:
                    unreadable += 1
                    continue
                is_theirs = not named.isdisjoint(self._privacy.pseudonyms_in(data))
                if is_theirs or any(value in position for value in named):
                    found.append(("dead_letter", letter_id))
        if found:
            self._client.insert(self._work, found, ["kind", "value"])
        return unreadable

    def _pairs(self, *columns: tuple[str, str, str]) -> str:
        """Return the rows (x, y) of those of the tables that are there, none of them empty."""
        parts = [
            f"select ifNull({x}, '') as x, ifNull({y}, '') as y from {table} "
            "where x != '' and y != ''"
            for table, x, y in columns
            if table in self._there
        ]
        nothing = "select '' as x, '' as y where false"
        return f"({' union distinct '.join(parts or [nothing])})"

    def _add(self, kind: str, pairs: str) -> None:
        """Add what belongs to somebody on the list, of pairs (value, person)."""
        self._command(
            f"""
            insert into {self._work} (kind, value)
            select distinct '{kind}', value
            from ({pairs})
            where
                {self._listed("person", "person")}
                and not {self._listed("value", kind)}
            """
        )

    # Where it is

    def _listed(self, text: str, kind: str) -> str:
        return f"{text} in (select value from {self._work} where kind = '{kind}')"

    @property
    def _needles(self) -> str:
        people = f"select value from {self._work} where kind in ('person', 'device')"
        return f"(select groupUniqArray(value) from ({people}))"

    def _is_about(self, table: _Table) -> str:
        """Return the condition of the rows that are about them."""
        names = {column.name for column in table.columns}
        about = next((name for name in _ABOUT if name in names), None)
        path = _ABOUT_PAYLOAD.get(table.name) if table.database == "raw" else None
        conditions = []
        if table.path == "raw.dead_letters":
            conditions.append(self._listed("dead_letter_id", "dead_letter"))
        elif path:
            conditions.append(self._listed(_json(path), "person"))
        elif about:
            kind = "device" if about == "device_id" else "person"
            conditions.append(self._listed(f"ifNull({about}, '')", kind))
        return f"({' or '.join(conditions) or 'false'})"

    def _named_in(self, table: _Table) -> list[_Column]:
        """Return the columns in which they may be named; what is sealed names nobody."""
        return [column for column in table.columns if column.name != "payload_sealed"]

    def _names(self, *columns: _Column) -> str:
        found = [
            f"multiSearchAny(ifNull(toString(`{column.name}`), ''), {self._needles})"
            for column in columns
        ]
        return f"({' or '.join(found)})"

    def _hits(self, table: _Table) -> tuple[int, int]:
        self._tell(table.path)
        about, named = self._is_about(table), self._names(*self._named_in(table))
        counts = f"select countIf({about}), countIf(not {about} and {named}) from {table.path}"
        deleted, blanked = self._rows(counts)[0]
        return deleted, blanked

    # Erasing it

    def _erase_what_is_there(self, done: dict[str, Erased]) -> int:
        """Erase what the tables hold now, and return of how many rows."""
        erased = 0
        for table in self._tables:
            deleted, blanked = self._hits(table)
            if deleted or blanked:
                self._rewrite(table, deleted, blanked)
                so_far = done.setdefault(table.path, Erased(table.path))
                so_far.deleted += deleted
                so_far.blanked += blanked
                erased += deleted + blanked
            # A row that a build replaced is hidden, and in the files until its part is merged.
            self._command(f"alter table {table.path} apply deleted mask", mutations_sync=2)
        if erased:
            self._count_anew()
        return erased

    def _rewrite(self, table: _Table, deleted: int, blanked: int) -> None:
        about = self._is_about(table)
        columns = self._named_in(table)
        naming = [c for c in columns if self._holds(table, about, c)] if blanked else []
        if any(column.in_key for column in naming):
            # A key cannot be changed in place; what is there twice for a moment counts once in raw.
            blanks = ", ".join(f"{self._blank(column)} as `{column.name}`" for column in naming)
            self._command(
                # Chosen within: beside it the names would mean the blanked columns.
                f"insert into {table.path} select * replace ({blanks}) "
                f"from (select * from {table.path} where not {about} and {self._names(*naming)})"
            )
            about, deleted = f"({about} or {self._names(*naming)})", deleted + blanked
        else:
            for column in naming:
                self._command(
                    f"alter table {table.path} update `{column.name}` = {self._blank(column)} "
                    f"where not {about} and {self._names(column)}",
                    mutations_sync=2,
                )
        if table.path == _NUMBERED:
            self._command(
                f"insert into {table.path} select * replace "
                f"(concat('{NOBODY} ', toString(user_number)) as user_key) "
                f"from (select * from {table.path} where {about})"
            )
        if deleted:
            self._command(f"alter table {table.path} delete where {about}", mutations_sync=2)
        if table.path == _REGISTRATIONS:
            self._command(
                f"alter table {table.path} update _built_at = now64(6) "
                f"where {self._listed('registration_id', 'registration')}",
                mutations_sync=2,
            )

    def _holds(self, table: _Table, about: str, column: _Column) -> bool:
        found = f"select 1 from {table.path} where not {about} and {self._names(column)} limit 1"
        return bool(self._rows(found))

    def _blank(self, column: _Column) -> str:
        """Return a column without them, as the door would have it: null where nothing else was."""
        name = f"`{column.name}`"
        if column.type.startswith("Array"):
            return f"arrayFilter(x -> not has({self._needles}, ifNull(toString(x), '')), {name})"
        quoted = "replaceAll(text, concat('\"', one, '\"'), 'null')"
        text = (
            f"arrayFold((text, one) -> replaceAll({quoted}, one, '{NOBODY}'), "
            f"{self._needles}, ifNull(toString({name}), ''))"
        )
        return f"nullIf({text}, '{NOBODY}')" if "Nullable" in column.type else text

    def _count_anew(self) -> None:
        """Fill again what views counted of their events, from what raw still has."""
        for name, view in _COUNTED.items():
            table = f"realtime.{name}"
            if table not in self._there:
                continue
            [(counts,)] = self._rows(
                "select as_select from system.tables "
                f"where database = 'realtime' and name = '{view}'"
            )
            theirs = self._listed("event_id", "event")
            self._command(f"alter table {table} delete where {theirs}", mutations_sync=2)
            self._command(f"insert into {table} select * from ({counts}) where {theirs}")

    def _rows(self, statement: str) -> list[Any]:
        return list(self._client.query(statement).result_rows)

    def _command(self, statement: str, **settings: int) -> None:
        self._client.command(statement, settings=settings)


def _tables(client: Client) -> Iterator[_Table]:
    """Yield every table that keeps rows, with the columns that can hold a text."""
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
        parameters={"databases": list(DATABASES)},
    )
    for database, name, columns in found.result_rows:
        yield _Table(database, name, [_Column(*column) for column in columns])


def _json(path: str) -> str:
    keys = ", ".join(f"'{key}'" for key in path.split("."))
    return f"JSONExtractString(payload, {keys})"
