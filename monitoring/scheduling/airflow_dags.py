"""DAGs for Airflow 3: a task per source, and a build of what landed. Copy it into the dags folder.

A run is as green as its build: a load that failed is a red task, and its records land next time.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

OFTEN = ["event_management", "ticket_events", "gate_management", "freshservice"]
HOURLY = ["user_app", "integrated_platform"]
ENTER = "set -a && . /etc/gatehouse.env && cd /srv/gatehouse && .venv/bin/"

for minutes, sources in ((5, OFTEN), (60, HOURLY)):
    with DAG(
        f"gatehouse_every_{minutes}_minutes",
        schedule=timedelta(minutes=minutes),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
    ):
        loads = [
            BashOperator(task_id=f"load_{source}", bash_command=f"{ENTER}gatehouse load {source}")
            for source in sources
        ]
        if sources is OFTEN:  # it finds what the other one landed, too
            loads >> BashOperator(
                task_id="build",
                bash_command=f"{ENTER}dbt build --exclude-resource-type unit_test",
                trigger_rule="all_done",
            )
