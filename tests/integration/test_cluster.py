"""The target cluster: two shards hold what one server does."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loaders.cluster import on_cluster
from loaders.loads import raw_tables
from sandbox import processes
from tests.integration.raw_rows import START
from tests.integration.warehouse import Warehouse
from tests.on_cluster import cluster_of_two
from tests.sandboxes import Sandbox, ask

pytestmark = pytest.mark.cluster

# The two ways in which rollups forget what a correction emptied, and what they stand on.
MODELS = ("+rollup_tickets_daily", "+rollup_attendance_hourly")
SHARDED = ("fct_tickets", "fct_scans", "rollup_tickets_hourly", "rollup_attendance_hourly")
# Nothing else happens so early: these hours have one ticket and one scan.
LONELY = START - timedelta(days=20)
SENT_AT = LONELY - timedelta(hours=3)
EMPTIED = {
    "rollup_tickets_hourly": f"date_hour = '{LONELY:%Y-%m-%d %H:%M:%S}'",
    "rollup_tickets_daily": f"date_day = '{LONELY:%Y-%m-%d}'",
    "rollup_attendance_hourly": f"date_hour = '{LONELY:%Y-%m-%d %H:%M:%S}'",
}


def test_two_shards_hold_what_one_server_does(
    new_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """From the same raw, in two steps, of which the second replaces rows and empties buckets."""
    sandbox = new_sandbox()
    processes.up(sandbox.settings)
    with cluster_of_two(tmp_path) as (cluster, nodes):
        one, two = Warehouse(sandbox), Warehouse(cluster)
        one.feed.make_tables()
        for statement in raw_tables():
            for made in on_cluster(statement, cluster.env):
                two.feed.loader.command(made)

        one.feed.land_batch(messages=200, tickets=100)
        land_ticket(one, created_at=LONELY)
        land_scan(one, received_at=LONELY)
        build(one, two, "--resource-type", "seed")
        for rollup, bucket in EMPTIED.items():
            assert two.count(f"marts.{rollup} where {bucket}") == 1

        one.feed.land_batch()
        land_ticket(one, created_at=LONELY - timedelta(days=5))
        land_scan(one, received_at=SENT_AT)
        build(one, two)
        for rollup, bucket in EMPTIED.items():
            assert two.count(f"marts.{rollup} where {bucket}") == 0
        held, alone = two.contents(), one.contents()
        for contents in (held, alone):
            # When a snapshot first saw a calendar is each warehouse's own.
            del contents["staging.int_group_calendars"]
        # Nothing else is left behind either.
        assert {table: it for table, it in held.items() if not table.endswith("_local")} == alone
        for table in SHARDED:
            counts = [
                ask(node, "transformer", f"select count() from marts.{table}_local")[0][0]
                for node in nodes
            ]
            assert min(counts) > 0
            assert sum(counts) == alone[f"marts.{table}"][0]


def build(one: Warehouse, two: Warehouse, *arguments: str) -> None:
    """Land on the shards what landed on the one server since the last time, and build both."""
    tables = """
        select name from system.tables
        where database = 'raw' and total_rows > 0 and not startsWith(name, '_dlt')
    """
    for (table,) in one.rows(tables):
        known = two.rows(f"select max(landed_at) from raw.{table}")[0][0]
        # What landed twice meets as the rows are written, and of it the last one stays.
        rows = f"""
            select * from raw.{table} where landed_at > toDateTime64('{known}', 6)
            order by landed_at
        """
        landed = one.transformer.raw_query(rows, fmt="Native")
        two.feed.loader.raw_insert(f"raw.{table}", insert_block=landed, fmt="Native")
    for warehouse in (one, two):
        warehouse.run(*arguments, "--select", *MODELS)


def land_ticket(warehouse: Warehouse, created_at: datetime) -> None:
    made = {
        "id": 999_001,
        "created_at": f"{created_at:%Y-%m-%dT%H:%M:%SZ}",
        "stats": {},
        "status": 2,
    }
    told = {"spam": False, "deleted": False}
    warehouse.feed.land_records("tickets", [warehouse.feed.tickets[1] | made | told])


def land_scan(warehouse: Warehouse, received_at: datetime) -> None:
    """Land a scan that a gate sent at once; if it was received late, the gate's clock is off."""
    place = {"user_id": "k1.lonely", "gate_id": "g-0", "device_info": {}}
    body = json.dumps(place | {"properties": {"result": "ok"}})
    start = ["user_app", "m-lonely", "check_in", "e-lonely", SENT_AT, SENT_AT]
    warehouse.feed.land_app([[*start, received_at, 1, "rest", body, "1"]])
