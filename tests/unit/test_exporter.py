"""What `gatehouse metrics` shows of loads and builds, and that its alerts can be looked up."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from loaders import journal
from loaders.batch import Report
from loaders.exporter import Exporter

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_STATE", str(tmp_path))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    for name in ("HOST", "HTTP_PORT", "TCP_PORT"):
        monkeypatch.setenv(f"GATEHOUSE_CLICKHOUSE_{name}", "1" if "PORT" in name else "127.0.0.1")
    monkeypatch.setenv("GATEHOUSE_MONITOR_PASSWORD", "none")


def shown(exporter: Exporter) -> dict[str, float]:
    return {
        " ".join([sample.name.removeprefix("gatehouse_"), *sample.labels.values()]): sample.value
        for family in exporter.collect()
        for sample in family.samples
    }


def built(tmp_path: Path, which: str, *statuses: str) -> None:
    found: dict[str, Any] = {
        "args": {"which": which},
        "metadata": {"generated_at": "2026-01-01T00:00:00.5Z"},
        "elapsed_time": 2.5,
        "results": [
            {"unique_id": f"model.gatehouse.m{n}", "status": status, "execution_time": n}
            for n, status in enumerate(statuses)
        ],
    }
    (tmp_path / "run_results.json").write_text(json.dumps(found))


def test_a_load_that_failed_keeps_when_one_went_well() -> None:
    good = Report("s", "f", read=5, landed=3, refused=Counter(schema=2), seconds=2.0)
    journal.note("s", [good], 0.5)
    before = shown(Exporter(0))
    assert before["load_failed s"] == 0
    assert (before["load_seconds s extract"], before["load_seconds s load"]) == (1.5, 0.5)
    assert before["load_records s read"] == 5
    assert before["load_records s refused"] == 2
    journal.note("s", [good, Report("s", "f", error="no")], 0)
    after = shown(Exporter(0))
    assert after["load_failed s"] == 1
    assert after["load_success_timestamp_seconds s"] == before["load_success_timestamp_seconds s"]


def test_what_never_went_well_is_not_said_to_have(tmp_path: Path) -> None:
    journal.note("s", [Report("s", "f", error="no")], 0)
    found = shown(Exporter(0))
    assert found["load_failed s"] == 1
    assert "load_success_timestamp_seconds s" not in found


def test_a_build_is_shown_until_the_next_one(tmp_path: Path) -> None:
    exporter = Exporter(0)
    assert "dbt_seconds" not in shown(exporter)
    built(tmp_path, "build", "success", "success", "error")
    found = shown(exporter)
    assert (found["dbt_nodes success"], found["dbt_nodes error"]) == (2, 1)
    assert (found["dbt_seconds"], found["dbt_model_seconds m2"]) == (2.5, 2)
    assert found["dbt_finished_timestamp_seconds"] == 1767225600.5
    built(tmp_path, "generate", "success")
    assert shown(exporter) == found
    (tmp_path / "run_results.json").write_text("{")
    assert shown(exporter) == found


def test_a_warehouse_that_is_away_is_shown_as_such() -> None:
    assert shown(Exporter(0))["clickhouse_up"] == 0


def test_figures_are_read_anew_when_they_are_old_and_not_before() -> None:
    exporter = Exporter(3600)
    before = shown(exporter)
    journal.note("s", [Report("s", "f")], 0)
    assert shown(exporter) == before


def test_every_alert_is_in_the_runbook_and_nothing_else_is() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    told = set(re.findall(r'<a id="(\w+)"></a>(\w+)', page))
    rules = "".join(path.read_text() for path in (ROOT / "monitoring").rglob("rules/*.yml"))
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    assert told == {(name.lower(), name) for name in alerts}
    links = set(re.findall(r"runbook_url: (\S+)", rules))
    assert links == {f"docs/operations.md#{name.lower()}" for name in alerts}
