"""A month of daily loads and builds, with what goes wrong in a month: in the end a full refresh of
the same raw rows finds nothing to change.
"""

import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from sandbox import processes
from sandbox.settings import password
from tests.integration.checksums import checksums
from tests.integration.driving import admin, dbt, gatehouse
from tests.sandboxes import Sandbox

pytestmark = pytest.mark.month

DAYS = 30
SKIPPED_DAYS = {5, 6, 17}  # nobody loads: what happened comes late
UNBUILT_DAYS = {11, 12}  # loads, but no build
FORGETFUL_DAYS = {9, 22}  # the loader lost its cursors and reads all again
CORRECTED_DAYS = {14, 25}  # versions land again with another content


@pytest.fixture(scope="module")
def month(new_sandbox: Callable[..., Sandbox]) -> Sandbox:
    sandbox = new_sandbox(GATEHOUSE_SANDBOX_DAYS="10", GATEHOUSE_SANDBOX_DIRT="0.03")
    settings = sandbox.settings
    processes.up(settings)
    assert gatehouse(sandbox, "up", "--wait-for-history").returncode == 0
    load_and_build(sandbox)
    first = datetime.combine(settings.start, time(), UTC) + timedelta(days=settings.days)
    for day in range(1, DAYS + 1):
        admin(sandbox, "clock", {"now": (first + timedelta(days=day)).isoformat()})
        if day in FORGETFUL_DAYS:
            shutil.rmtree(settings.state / "dlt")
        if day in CORRECTED_DAYS:
            correct_some_versions(client(sandbox, "loader"), seed=day)
        if day not in SKIPPED_DAYS:
            load_and_build(sandbox, builds=day not in UNBUILT_DAYS)
    return sandbox


def load_and_build(sandbox: Sandbox, builds: bool = True) -> None:
    loaded = gatehouse(sandbox, "load")
    assert loaded.returncode == 0, loaded.stderr
    if builds:
        ran = dbt(
            sandbox,
            "build",
            "--exclude-resource-type",
            "test",
            "--exclude-resource-type",
            "unit_test",
        )
        assert ran.returncode == 0, ran.stdout


def client(sandbox: Sandbox, user: str) -> Client:
    return clickhouse_connect.get_client(
        host=sandbox.settings.host,
        port=sandbox.settings.clickhouse_http_port,
        username=user,
        password=password(user),
        settings={"async_insert": 0},
    )


def correct_some_versions(loader: Client, seed: int) -> None:
    """As a repair of the source does it: another content under the same updated_at."""
    columns = "source, record_id, source_at, payload, _dlt_load_id"
    known = loader.query(
        f"select {columns} from raw.freshservice__tickets order by all"
    ).result_rows
    dice = random.Random(seed)
    corrected = [
        (
            *row[:3],
            row[3].replace('"priority":', f'"priority":{dice.choice((1, 4))},"was":'),
            row[4],
        )
        for row in dice.sample(list(known), 5)
    ]
    loader.insert("raw.freshservice__tickets", corrected, column_names=columns.split(", "))


def test_a_full_refresh_finds_nothing_to_change(month: Sandbox) -> None:
    transformer = client(month, "transformer")
    before = checksums(transformer)
    assert before["marts.fct_tickets"][0] > 80
    refreshed = dbt(month, "run", "--full-refresh")
    assert refreshed.returncode == 0, refreshed.stdout
    after = checksums(transformer)
    assert {table: after[table] for table in before if after[table] != before[table]} == {}
    tested = dbt(month, "test", "--exclude-resource-type", "unit_test")
    assert tested.returncode == 0, tested.stdout
