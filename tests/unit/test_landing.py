"""What the loaders fill is what the DDL makes, and errors name their remedy."""

import re

import pyarrow as pa
import pytest

from loaders import (
    dead_letters,
    event_management,
    freshservice,
    gate_management,
    integrated_platform,
    ticket_events,
    user_app,
)
from loaders.cluster import on_cluster
from loaders.errors import GatehouseError
from loaders.freshservice import children, records, sweeps
from loaders.landing import Server, ddl
from loaders.loads import raw_tables

# Filled by dlt and by the server.
STAMPS = ["_dlt_load_id", "landed_at"]


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        (ddl("event_management"), event_management.COLUMNS),
        (freshservice.table_of("tickets"), records.COLUMNS),
        (freshservice.table_of("conversations"), records.CHILD_COLUMNS),
        (ddl("freshservice_sweeps"), sweeps.SCHEMA),
        (ddl("freshservice_unanswered"), children.UNANSWERED_SCHEMA),
        (ddl("ticket_events"), ticket_events.COLUMNS),
        (ddl("user_app"), user_app.COLUMNS),
        *(
            (feed.statement, feed.columns)
            for module in (gate_management, integrated_platform)
            for feed in module.FEEDS.values()
        ),
        (ddl("dead_letters"), dead_letters.SCHEMA),
    ],
    ids=[
        "event_management",
        "lists",
        "children",
        "sweeps",
        "unanswered",
        "ticket_events",
        "user_app",
        *gate_management.FEEDS,
        *integrated_platform.FEEDS,
        "dead_letters",
    ],
)
def test_the_loader_fills_every_column_of_the_ddl(statement: str, columns: pa.Schema) -> None:
    body = statement[statement.index("\n(") : statement.index("\n)")]
    assert re.findall(r"^    (\w+) ", body, re.MULTILINE) == columns.names + STAMPS


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_CLICKHOUSE_HOST", "")
    with pytest.raises(GatehouseError, match="GATEHOUSE_CLICKHOUSE_HOST is not set"):
        Server.from_env()


def test_on_a_cluster_every_raw_table_lies_on_the_shards_by_its_sort_key() -> None:
    env = {"GATEHOUSE_CLICKHOUSE_CLUSTER": "desk"}
    for statement in raw_tables():
        assert on_cluster(statement, {}) == [statement]
        local, whole = on_cluster(statement, env)
        assert ' on cluster "desk"' in local
        assert "\nengine = Replicated" in local
        [key] = re.findall(r"^order by (.*)$", statement, re.M)
        assert whole.endswith(f"cityHash64({key}))")
        assert (
            "Replicated"
            not in on_cluster(statement, env | {"GATEHOUSE_CLICKHOUSE_REPLICATED": "false"})[0]
        )
