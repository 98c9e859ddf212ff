"""The list of what is to be erased: a table, so that no pseudonym stands in a statement."""

# ruff: noqa: S608  statements are put together of names that the server told and of our own words

import time
from typing import Any

from clickhouse_connect.driver.client import Client

MOST = 250  # pseudonyms that ClickHouse searches a text for at once


class WorkList:
    """The list, and the statements that read it.

    Parameters
    ----------
    client
        Connected as the eraser.
    table
        raw.forgetting, or the dry run's own.
    """

    def __init__(self, client: Client, table: str) -> None:
        self.client = client
        self.table = table

    def add(self, kind: str, values: set[str]) -> None:
        """Put values on the list."""
        if values:
            self.client.insert(self.table, [(kind, value) for value in values], ["kind", "value"])

    def add_of_theirs(self, kind: str, pairs: str, by: str = "person") -> None:
        """Put on the list what belongs to something on it, of pairs (value, of_theirs)."""
        self.command(
            f"""
            insert into {self.table} (kind, value)
            select distinct '{kind}', value
            from ({pairs})
            where
                {self.has("of_theirs", by)}
                and not {self.has("value", kind)}
            """
        )

    def values(self, kind: str) -> set[str]:
        """Return what is on the list."""
        return {value for (value,) in self.rows(self.listed(kind))}

    def counts(self) -> dict[str, int]:
        """Return how much of each kind is on the list."""
        return dict(self.rows(f"select kind, uniqExact(value) from {self.table} group by kind"))

    def listed(self, *kinds: str) -> str:
        """Return the query of what is on the list."""
        names = ", ".join(f"'{kind}'" for kind in kinds)
        return f"select value from {self.table} where kind in ({names})"

    def has(self, text: str, kind: str) -> str:
        """Return the condition that a text is on the list."""
        return f"{text} in ({self.listed(kind)})"

    @property
    def needles(self) -> str:
        """The array of what names them wherever it stands."""
        people = self.listed("person", "device")
        return f"(select groupUniqArray(value) from ({people}))"

    def empty(self) -> None:
        """Take everything off the list."""
        self.command(f"truncate table {self.table}")

    def wait_for_earlier_statements(self) -> None:
        """Wait until the server has finished what a killed run left it at work on."""
        earlier = (
            "select count() from system.processes "
            "where user = currentUser() and query_id != queryID()"
        )
        while self.rows(earlier) != [(0,)]:
            time.sleep(0.1)

    def rows(self, statement: str) -> list[Any]:
        """Ask the server."""
        return list(self.client.query(statement).result_rows)

    def command(self, statement: str, **settings: int) -> None:
        """Tell the server."""
        self.client.command(statement, settings=settings)
