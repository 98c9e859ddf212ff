"""One run of `gatehouse forget`, or its dry run."""

# ruff: noqa: S608  statements are put together of names that the server told and of our own words

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clickhouse_connect.driver.client import Client
from filelock import FileLock, Timeout

from loaders.errors import GatehouseError
from loaders.forget.erasing import Eraser
from loaders.forget.letters import Letters
from loaders.forget.links import Links
from loaders.forget.tables import tables
from loaders.forget.worklist import MOST, WorkList
from loaders.landing import ALWAYS_THERE, Server, ddl, make_tables
from loaders.privacy import Privacy, spellings

# A load under way may land what it held before it knew: look so often, so long apart.
_ROUNDS, _PAUSE_SECONDS = 3, 6.0


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
        make_tables([ddl(name) for name in (*ALWAYS_THERE, "forgotten_events")])
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
        self._privacy = privacy
        self._tell = tell
        self._tables = tables(client)
        there = {table.path for table in self._tables}
        self._todo = WorkList(client, work)
        self._links = Links(self._todo, there)
        self._eraser = Eraser(self._todo, there)

    def count(self, users: list[str]) -> Forgotten:
        """Say what would be erased."""
        self._todo.empty()
        try:
            found = self._find(users)
            found.is_dry_run = True
            for table in self._tables:
                self._tell(table.path)
                deleted, blanked = self._eraser.hits(table)
                if deleted or blanked:
                    found.tables.append(Erased(table.path, deleted, blanked))
            return found
        finally:
            self._todo.empty()

    def erase(self, users: list[str]) -> Forgotten:
        """Find what is theirs, mark it for the door, erase it, and look whether it is gone."""
        self._todo.wait_for_earlier_statements()
        found = self._find(users)
        self._todo.command(
            f"""
            insert into raw.forgotten (mark)
            select distinct
                substring(lower(hex(SHA256(concat('forgotten:', value)))), 1, 32) as mark
            from ({self._todo.listed("person")})
            where mark not in (select mark from raw.forgotten)
            """
        )
        done: dict[str, Erased] = {}
        for number in range(_ROUNDS):
            if number > 1:
                time.sleep(_PAUSE_SECONDS)
            found.left = self._erase_what_is_there(done)
            if number and not found.left:
                break
            self._eraser.settle()
        self._todo.command(
            "insert into raw.forgotten_events (event_id) "
            f"select distinct value from ({self._todo.listed('event')})"
        )
        found.tables = list(done.values())
        self._todo.empty()
        return found

    def _find(self, users: list[str]) -> Forgotten:
        """Fill the list of what is to be erased."""
        self._tell("looks for what is theirs")
        forms = {form for user in users for form in spellings(user)}
        given = {one for form in forms for one in self._privacy.pseudonyms(form)}
        if len(given) > MOST // 2:
            raise GatehouseError(f"{len(users)} are too many at once.", "Name fewer of them.")
        self._todo.add("person", given)
        letters = Letters(self._todo, self._privacy)
        letters.add_accounts()
        self._links.follow()
        letters.add_theirs(self._links.registrations_of_them_alone())
        counts = self._todo.counts()
        return Forgotten(
            identifiers=counts.get("person", 0),
            devices=counts.get("device", 0),
            registrations=counts.get("registration", 0),
            unreadable=letters.unreadable,
        )

    def _erase_what_is_there(self, done: dict[str, Erased]) -> int:
        """Erase what the tables hold now, and return of how many rows."""
        erased = 0
        for table in self._tables:
            self._tell(table.path)
            deleted, blanked = self._eraser.erase(table)
            if deleted or blanked:
                so_far = done.setdefault(table.path, Erased(table.path))
                so_far.deleted += deleted
                so_far.blanked += blanked
                erased += deleted + blanked
        return erased
