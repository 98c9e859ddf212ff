"""A month of daily loads and builds of the service desk, with what goes wrong in a month: in the
end a full refresh of the same raw rows finds nothing to change.

The first build is of everything. After it a day builds what goes on from the day before, and what
that stands on; all else is made anew by every build, so once is enough. The daily builds are those
of `gatehouse schedule`: one process that reads the project once.
"""

import random
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from loaders.cli import ROOT
from loaders.schedule import Dbt
from sandbox import processes
from sandbox.settings import password
from tests.integration.checksums import checksums
from tests.integration.driving import admin, dbt, gatehouse, own_folders
from tests.sandboxes import Sandbox

pytestmark = pytest.mark.month

DAYS = 30
SKIPPED_DAYS = {5, 6, 17}  # nobody loads: what happened comes late
UNBUILT_DAYS = {11, 12}  # loads, but no build
FORGETFUL_DAYS = {9, 22}  # the loader lost its cursors and reads all again
CORRECTED_DAYS = {14, 25}  # versions land again with another content

UNTESTED = ("--exclude", "resource_type:test", "resource_type:unit_test")
GOES_ON = (
    *("--select", "+config.materialized:incremental", "+resource_type:snapshot"),
    *(*UNTESTED, "resource_type:seed"),
    *("path:models/staging/user_app", "path:models/staging/gate_management"),
    *("path:models/staging/integrated_platform", "path:models/marts/attendance"),
)


@pytest.fixture(scope="module")
def sandbox_of_month(new_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return new_sandbox(GATEHOUSE_SANDBOX_DAYS="10", GATEHOUSE_SANDBOX_DIRT="0.03")


@pytest.fixture(scope="module")
def in_process(sandbox_of_month: Sandbox) -> Iterator[Dbt]:
    """dbt in this process, pointed at the sandbox; its libraries' warnings are none of ours."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, target, _, logs = own_folders(sandbox_of_month)
        for name, value in sandbox_of_month.env.items():
            patch.setenv(name, value)
        patch.setenv("DBT_TARGET_PATH", target)
        patch.setenv("DBT_LOG_PATH", logs)
        yield Dbt(ROOT)


@pytest.fixture(scope="module")
def month(sandbox_of_month: Sandbox, in_process: Dbt) -> Sandbox:
    sandbox, settings = sandbox_of_month, sandbox_of_month.settings
    processes.up(settings)
    succeeds(gatehouse(sandbox, "up", "--wait-for-history"))
    succeeds(gatehouse(sandbox, "load"))
    succeeds(dbt(sandbox, "build", *UNTESTED))
    first = datetime.combine(settings.start, time(), UTC) + timedelta(days=settings.days)
    for day in range(1, DAYS + 1):
        admin(sandbox, "clock", {"now": (first + timedelta(days=day)).isoformat()})
        if day in FORGETFUL_DAYS:
            shutil.rmtree(settings.state / "dlt")
        if day in CORRECTED_DAYS:
            correct_some_versions(client(sandbox, "loader"), seed=day)
        if day not in SKIPPED_DAYS:
            succeeds(gatehouse(sandbox, "load", "freshservice"))
        if day not in SKIPPED_DAYS | UNBUILT_DAYS:
            built = in_process.build(GOES_ON)
            assert built.ok, built.problems
    succeeds(dbt(sandbox, "run"))
    return sandbox


def succeeds(ran: subprocess.CompletedProcess[str]) -> None:
    assert ran.returncode == 0, ran.stdout + ran.stderr


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
    succeeds(dbt(month, "run", "--full-refresh"))
    after = checksums(transformer)
    assert {table: after[table] for table in before if after[table] != before[table]} == {}
