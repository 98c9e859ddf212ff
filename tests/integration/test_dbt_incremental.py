"""Builds that go on from the last one: exact after anything, idle when there is nothing new."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.settings import password
from tests.integration.driving import dbt, own_folders
from tests.integration.warehouse import Warehouse
from tests.sandboxes import Sandbox

ROOT = Path(__file__).parents[2]
OVERLAPS = (300, 300, 0)  # with and without looking back at what is staged already
KILLS = 3


@pytest.fixture(scope="module")
def warehouse(new_sandbox: Callable[..., Sandbox]) -> Warehouse:
    sandbox = new_sandbox()
    processes.up(sandbox.settings)
    made = Warehouse(sandbox)
    assert "Load once: gatehouse load" in made.run(fails=True)
    made.feed.make_tables()
    assert "Build everything once" in made.run("--selector", "service_desk", fails=True)
    assert dbt(sandbox, "seed").returncode == 0
    # Of sources that have sent nothing there is nothing to tell, and that is no error.
    made.run()
    assert made.count("marts.fct_tickets") == 0
    made.feed.land_batch(messages=300, tickets=200)
    made.run()
    return made


def test_a_build_with_nothing_new_changes_nothing(warehouse: Warehouse) -> None:
    before = warehouse.contents(with_stamps=True)
    assert before["marts.fct_tickets"][0] > 50
    assert before["marts.fct_registrations"][0] > 50
    assert before["marts.rollup_tickets_hourly"][0] > 100
    assert before["marts.rollup_attendance_hourly"][0] > 100
    assert before["marts.rollup_gates_hourly"][0] > 10
    warehouse.run()
    assert warehouse.contents(with_stamps=True) == before
    warehouse.feed.land_again()
    warehouse.run()
    assert warehouse.contents(with_stamps=True) == before


def test_increments_equal_a_full_refresh(warehouse: Warehouse) -> None:
    for overlap in OVERLAPS:
        warehouse.feed.land_batch()
        warehouse.run(landing_overlap_seconds=overlap)
    increments = warehouse.contents()
    warehouse.run("--full-refresh")
    assert warehouse.contents() == increments
    # The feed leaves fields out as it pleases, and quality says so.
    told = ("--exclude-resource-type", "unit_test", "--exclude", "fct_quality_measurements")
    tested = dbt(warehouse.sandbox, "test", *told)
    assert tested.returncode == 0, tested.stdout


def copy_of_the_project(folder: Path) -> Path:
    """Copy what dbt reads, to be changed there."""
    for name in ("models", "macros", "seeds", "snapshots", "tests"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("dbt_project.yml", "profiles.yml", "selectors.yml"):
        shutil.copy(ROOT / name, folder)
    return folder


def of_project(folder: Path) -> list[str]:
    return ["--project-dir", str(folder), "--profiles-dir", str(folder)]


def test_a_unit_test_that_expects_something_else_fails_and_shows_both(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """Of which our own macros make the fixtures and the types."""
    project = copy_of_the_project(tmp_path / "change")
    told = project / "models" / "marts" / "attendance" / "fct_gate_minutes.yml"
    selected = ("-s", "fct_gate_minutes,test_type:unit", "--no-use-colors")
    command = ("test", *selected, *of_project(project))
    sound = dbt(warehouse.sandbox, *command)
    assert sound.returncode == 0, sound.stdout
    text = told.read_text()
    for there, wrong, times, shown in (
        ("after_seconds: 3600", "after_seconds: 3601", 1, ",3601→3600"),
        ("after_seconds: 3600", "after_seconds: null", 1, ",NULL→3600"),
        ("is_late: false", "is_late: null", 1, "Cannot convert NULL"),
        (", is_late: false", "", 1, "name the same columns"),
        (", rejects_count", ", reject_count", 3, "Maybe you meant: ['rejects_count']"),
        (", revoked_rejects_count", ", revoked_count", 1, "Unknown field found"),
    ):
        told.write_text(text.replace(there, wrong, times))
        refused = dbt(warehouse.sandbox, *command)
        assert refused.returncode == 1
        assert shown.replace(" ", "") in refused.stdout.replace(" ", ""), refused.stdout
    told.write_text(f"{text[: text.index('    expect:')]}    expect: {{rows: []}}\n")
    refused = dbt(warehouse.sandbox, *command)
    assert refused.returncode == 1
    assert "actual differs from expected" in refused.stdout


def test_a_change_is_built_beside_the_warehouse_and_reads_the_rest_of_it(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """What docs/operations.md says for CI, after it was done there."""
    daily, monthly = "rollup_ticket_cohorts_daily", "rollup_ticket_cohorts_monthly"
    before = warehouse.contents(with_stamps=True)
    noted = warehouse.rows("select count(), max(started_at) from staging.model_builds")
    state, changed = tmp_path / "production", copy_of_the_project(tmp_path / "change")
    target = warehouse.sandbox.settings.state / "target"
    state.mkdir()
    shutil.copy(target / "manifest.json", state)
    model = changed / "models" / "marts" / "service_desk" / f"{daily}.sql"
    model.write_text(f"{model.read_text()}-- And a change.\n")

    env = warehouse.sandbox.env | {"GATEHOUSE_TARGET": "ci", "GATEHOUSE_CI_DATABASE": "ci_42"}
    command = "build --select state:modified+ --exclude path:models/realtime --defer --favor-state"
    ran = dbt(
        Sandbox(warehouse.sandbox.settings, env),
        *command.split(),
        *of_project(changed),
        "--state",
        str(state),
    )
    assert ran.returncode == 0, ran.stdout
    ci = warehouse.client("ci")
    tables = ci.query("select name from system.tables where database = 'ci_42' order by name")
    assert [name for (name,) in tables.result_rows] == ["model_builds", daily, monthly]
    for table in (daily, monthly):
        columns = "count(), sum(cityHash64(* except built_at))"
        built, there = (
            ci.query(f"select {columns} from {database}.{table}").result_rows
            for database in ("ci_42", "marts")
        )
        assert built == there
        assert built[0][0] > 0
    compiled = next((target / "run").rglob(f"{monthly}.sql")).read_text()
    assert f"`ci_42`.`{daily}`" in compiled
    assert warehouse.contents(with_stamps=True) == before
    assert warehouse.rows("select count(), max(started_at) from staging.model_builds") == noted
    ci.command("drop database ci_42")


def test_an_increment_rebuilds_only_what_its_batch_touched(warehouse: Warehouse) -> None:
    before = warehouse.rows("select now64(6)")[0][0]
    # One second on: a leap would let resolutions ripen, which builds their tickets too.
    latest = warehouse.rows("select max(updated_at) from staging.stg_freshservice__tickets")[0][0]
    updated_at = f"{latest + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    ticket = warehouse.feed.tickets[1] | {"updated_at": updated_at, "priority": 3}
    warehouse.feed.land_records("tickets", [ticket])
    warehouse.run()
    rebuilt = f"where built_at > '{before}'"
    assert warehouse.count(f"marts.fct_tickets {rebuilt}") == 1
    assert warehouse.count(f"marts.fct_registrations {rebuilt}") == 0
    rolled_up = f"(select distinct date_hour from marts.rollup_tickets_hourly {rebuilt})"
    assert 0 < warehouse.count(rolled_up) < 30


def test_an_hour_that_a_correction_empties_is_gone_from_every_rollup(warehouse: Warehouse) -> None:
    ticket = warehouse.feed.tickets[1]
    alone = ticket | {
        "id": 999_001,
        "created_at": "2024-12-31T22:30:00Z",
        "stats": {},
        "spam": False,
    }
    warehouse.feed.land_records("tickets", [alone | {"status": 2, "deleted": False}])
    warehouse.run()
    buckets = {
        "hourly": "date_hour = '2024-12-31 22:00:00'",
        "daily": "date_day = '2024-12-31'",
        "weekly": "date_week = '2024-12-30'",
        "monthly": "date_month = '2024-12-01'",
    }
    for grain, bucket in buckets.items():
        assert warehouse.count(f"marts.rollup_tickets_{grain} where {bucket}") == 1
    moved = alone | {"status": 2, "deleted": False, "created_at": "2024-11-15T10:00:00Z"}
    warehouse.feed.land_records("tickets", [moved])
    warehouse.run()
    for grain, bucket in buckets.items():
        assert warehouse.count(f"marts.rollup_tickets_{grain} where {bucket}") == 0
    assert warehouse.count("marts.rollup_tickets_monthly where date_month = '2024-11-01'") == 1


def test_the_run_after_a_kill_mends_what_the_killed_one_left(warehouse: Warehouse) -> None:
    dice = random.Random(5)
    command = [sys.executable, "-m", "dbt.cli.main", "run", *own_folders(warehouse.sandbox)]
    for _ in range(KILLS):
        warehouse.feed.land_batch(messages=400, tickets=200)
        running = subprocess.Popen(
            command,
            env={**os.environ, **warehouse.sandbox.env},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert running.stdout is not None
        for line in running.stdout:
            if " START sql incremental" in line:
                break
        time.sleep(dice.uniform(0, 4))
        running.send_signal(signal.SIGKILL)
        running.wait()
    printed = warehouse.run()
    assert "ended without closing" in printed
    assert not warehouse.count("system.tables where name like '%__dbt_new_data%'")
    mended = warehouse.contents()
    warehouse.run("--full-refresh")
    assert warehouse.contents() == mended


def test_runs_take_turns(warehouse: Warehouse) -> None:
    warehouse.transformer.command(
        "insert into staging.model_builds values ('', 'abc', now64(6) - 60, null)"
    )
    settings = warehouse.sandbox.settings
    at_work = HTTPConnection(settings.host, settings.clickhouse_http_port)
    at_work.request(
        "POST",
        "/?max_block_size=1",
        # More than the connection takes at once, so that the statement lasts and ends as it does.
        """select '{"invocation_id": "abc"}', repeat('x', 900000), sleepEachRow(0.1)
        from numbers(1000)""",
        {"X-ClickHouse-User": "transformer", "X-ClickHouse-Key": password("transformer")},
    )
    told = warehouse.run(fails=True, run_wait_seconds=3)
    assert "Another dbt run is building this warehouse (invocation abc)" in told
    at_work.close()
    assert "The dbt run abc ended without closing" in warehouse.run()


def test_the_run_after_a_failed_statement_drops_what_it_left(warehouse: Warehouse) -> None:
    failed, elsewhere = str(uuid.uuid4()), str(uuid.uuid4())
    warehouse.transformer.command(
        f"insert into staging.model_builds values ('', '{failed}', now64(6) - 9, now64(6) - 8)"
    )
    tables = [f"fct_tickets__dbt_new_data_{run.replace('-', '_')}" for run in (failed, elsewhere)]
    for table in tables:
        warehouse.transformer.command(
            f"create table marts.{table} engine = MergeTree order by tuple() as select 1 as one"
        )
    warehouse.run()
    left = warehouse.rows("select name from system.tables where name like '%__dbt_new_data%'")
    assert left == [(tables[1],)], "another warehouse of the server builds there"
    warehouse.transformer.command(f"drop table marts.{tables[1]}")


def test_a_full_refresh_refuses_to_lose_history(warehouse: Warehouse) -> None:
    expired = "999002 as ticket_id, now64(6) as _built_at"
    staged = "staging.stg_freshservice__tickets"
    warehouse.transformer.command(
        f"insert into {staged} select * replace ({expired}) from {staged} limit 1"
    )
    warehouse.run()
    before = warehouse.contents()
    told = warehouse.run("--full-refresh", fails=True)
    assert "A full refresh of `staging`.`stg_freshservice__tickets` would destroy 1 rows" in told
    assert "allow_history_loss: true" in told
    after = warehouse.contents()
    for table in (staged, "marts.fct_tickets", "marts.rollup_tickets_hourly"):
        assert after[table] == before[table]
    assert warehouse.count("marts.fct_tickets where ticket_id = 999002") == 1
    warehouse.run("--full-refresh", allow_history_loss=True)
    assert warehouse.count("marts.fct_tickets where ticket_id = 999002") == 0
