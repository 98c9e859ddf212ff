"""What ClickHouse says of landings, builds, rows and metrics, asked as the user monitor."""

from collections.abc import Sequence
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from loaders.landing import Server

# Database -> what it is, in the order in which a record passes them.
LAYERS = {
    "raw": "what the sources sent",
    "staging": "typed, cleaned, counted once",
    "snapshots": "history of lists",
    "marts": "facts, dimensions, rollups",
    "quality": "what builds measured",
    "realtime": "filled as records land",
}

# What there is where ClickHouse does not answer.
NOTHING: dict[str, Any] = {"landed": {}, "letters": {}, "built": {}, "stored": [], "measured": []}

_LANDED = r"""
    select
        extract(assumeNotNull(schema_name), '^gatehouse_(.*?)(?:_stream|_\\d+)?$') as source,
        max(toUnixTimestamp64Micro(inserted_at)) / 1e6 as at
    from raw._dlt_loads
    group by source
"""
_LETTERS = """
    select source, countIf(status = 'open') as letters
    from raw.dead_letters final
    group by source
"""
_BUILT = """
    select model, max(toUnixTimestamp64Micro(finished_at)) / 1e6 as at
    from staging.model_builds
    where finished_at is not null
    group by model
"""
_STORED = """
    select database, count() as tables, sum(total_rows) as rows, sum(total_bytes) as bytes
    from system.tables
    where
        database in {layers:Array(String)} and engine like '%MergeTree'
        and not startsWith(name, '_dlt') and name not in ('dlt_sentinel_table', 'model_builds')
    group by database
"""
_MEASURED = """
    select
        metric, source, field, toString(status) as status, value, warn_threshold, error_threshold,
        toUnixTimestamp64Micro(measured_at) / 1e6 as at
    from quality.fct_quality_measurements
    where measured_at = (select max(measured_at) from quality.fct_quality_measurements)
    order by metric, source, field
"""


def ask_clickhouse() -> dict[str, Any]:
    """Return the answers, each with nothing in it where its tables are not there yet.

    Raises
    ------
    GatehouseError
        When ClickHouse does not answer.
    """
    with Server.from_env("monitor").connect() as client:
        by_name = {"landed": _LANDED, "letters": _LETTERS, "built": _BUILT}
        return {
            **{name: dict(_rows(client, query)) for name, query in by_name.items()},
            "stored": _rows(client, _STORED),
            "measured": _rows(client, _MEASURED),
        }


def _rows(client: Client, query: str) -> Sequence[Any]:
    try:
        return client.query(query, parameters={"layers": list(LAYERS)}).result_rows
    except ClickHouseError:
        return []  # before the first load or build its tables are not there
