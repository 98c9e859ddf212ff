"""Definitions for Dagster: models as assets, tests as their checks, and a job per source.

It takes an environment of its own, `pip install dagster-webserver dagster-dbt "dbt-core<1.12"`, the
variables of /etc/gatehouse.env, and target/manifest.json, which `dbt parse` writes: again when
models changed. `dagster dev -f dagster_definitions.py` shows and runs it.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

ROOT = Path("/srv/gatehouse")
BIN = ROOT / ".venv" / "bin"
OFTEN = ["event_management", "ticket_events", "gate_management", "freshservice"]
HOURLY = ["user_app", "integrated_platform"]


@dbt_assets(manifest=ROOT / "target" / "manifest.json", exclude="resource_type:unit_test")
def warehouse(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator:
    """Build what landed; its results lie where `gatehouse metrics` and `docs` look for them."""
    yield from dbt.cli(["build"], context=context, target_path=ROOT / "target").stream()


def load(source: str) -> dg.JobDefinition:
    """Make the job of a source."""

    @dg.op(name=f"land_{source}")
    def land() -> None:
        subprocess.run([BIN / "gatehouse", "load", source], cwd=ROOT, check=True)

    @dg.job(name=f"load_{source}")
    def job() -> None:
        land()

    return job


def every(minutes: str, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Run a job at some minutes of the hour."""
    running = dg.DefaultScheduleStatus.RUNNING
    return dg.ScheduleDefinition(
        job=job, cron_schedule=f"{minutes} * * * *", default_status=running
    )


defs = dg.Definitions(
    assets=[warehouse],
    schedules=[
        *(every("*/5", load(source)) for source in OFTEN),
        *(every("0", load(source)) for source in HOURLY),
        every("2-57/5", dg.define_asset_job("build", selection=[warehouse])),
    ],
    resources={"dbt": DbtCliResource(project_dir=str(ROOT), dbt_executable=str(BIN / "dbt"))},
)
