"""A warehouse whose raw tables a test fills itself."""

import json
from collections.abc import Sequence
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from sandbox.settings import password
from tests.integration.checksums import checksums
from tests.integration.driving import dbt
from tests.integration.raw_rows import Feed
from tests.sandboxes import Sandbox

# What models read of the past is in the snapshots: `dbt run` alone would leave those behind.
RUN = ("build", "--resource-type", "model", "--resource-type", "snapshot")


class Warehouse:
    """A sandbox whose raw tables a test fills itself, and dbt on it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.transformer = self.client("transformer")
        self.feed = Feed(self.client("loader"), seed=11)

    def client(self, user: str) -> Client:
        return clickhouse_connect.get_client(
            host=self.sandbox.settings.host,
            port=self.sandbox.settings.clickhouse_http_port,
            username=user,
            password=password(user),
            settings={"async_insert": 0},
        )

    def run(self, *arguments: str, fails: bool = False, **variables: object) -> str:
        ran = dbt(self.sandbox, *RUN, *arguments, "--vars", json.dumps(variables))
        assert (ran.returncode != 0) == fails, ran.stdout
        return ran.stdout

    def contents(self, with_stamps: bool = False) -> dict[str, tuple[int, int]]:
        return checksums(self.transformer, with_stamps)

    def count(self, query: str) -> int:
        return int(self.rows(f"select count() from {query}")[0][0])

    def rows(self, query: str) -> Sequence[Sequence[Any]]:
        return self.transformer.query(query).result_rows
