"""What the page of health says of what builds and loads left."""

import json
import threading
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loaders import health, journal, site
from loaders.batch import Report
from loaders.health import pages

MANIFEST = {
    "nodes": {
        "model.g.fct_visits": {"name": "fct_visits", "resource_type": "model", "schema": "marts"},
        "model.g.fct_tickets": {"name": "fct_tickets", "resource_type": "model", "schema": "marts"},
        "test.g.fct_visits__end_after_they_begin.1": {
            "name": "fct_visits__end_after_they_begin",
            "resource_type": "test",
            "schema": "",
            "attached_node": "model.g.fct_visits",
        },
    },
    "sources": {
        "source.g.app.messages": {"source_name": "app", "name": "messages"},
        "source.g.desk.tickets": {"source_name": "desk", "name": "tickets"},
    },
    "exposures": {
        f"exposure.g.{name}": {
            "name": name,
            "label": name,
            "owner": {"name": "us"},
            "depends_on": {"nodes": [f"model.g.fct_{name}"]},
        }
        for name in ("visits", "tickets")
    },
    "unit_tests": {},
    "parent_map": {
        "exposure.g.visits": ["model.g.fct_visits"],
        "exposure.g.tickets": ["model.g.fct_tickets"],
        "model.g.fct_visits": ["source.g.app.messages"],
        "model.g.fct_tickets": ["source.g.desk.tickets"],
    },
}
CLAIM = "fct_visits: end after they begin"


@pytest.fixture(autouse=True)
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A warehouse in which all is well; tests damage it."""
    monkeypatch.setenv("GATEHOUSE_STATE", str(tmp_path))
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    built(tmp_path)
    fresh(tmp_path)
    journal.note("app", [Report("app", "messages")], 0)
    now = datetime.now(UTC).timestamp()
    found: dict[str, Any] = {
        "landed": {"app": now, "desk": now},
        "letters": {"app": 2},
        "built": {"": now, "fct_visits": now, "fct_tickets": now},
        "stored": [("marts", 2, 1234, 5_600_000)],
        "measured": [("refused_ratio", "app", "", "pass", 0.0005, 0.001, None, now)],
    }
    monkeypatch.setattr(pages, "ask_clickhouse", lambda: found)
    return found


def built(folder: Path, test: str = "pass", model: str = "success", which: str = "build") -> None:
    results = {
        "model.g.fct_visits": (model, "SUCCESS"),
        "test.g.fct_visits__end_after_they_begin.1": (test, "Got 3 results"),
        "unit_test.g.fct_visits.fct_visits__pairs": ("pass", ""),
    }
    found = {
        "args": {"which": which},
        "metadata": {"generated_at": datetime.now(UTC).isoformat()},
        "elapsed_time": 60.4,
        "results": [
            {"unique_id": unique_id, "status": status, "message": message, "failures": 3}
            for unique_id, (status, message) in results.items()
        ],
    }
    (folder / "run_results.json").write_text(json.dumps(found))


def fresh(folder: Path, app: str = "pass") -> None:
    now = datetime.now(UTC)
    found = {
        "metadata": {"generated_at": now.isoformat()},
        "results": [
            {
                "unique_id": unique_id,
                "status": status,
                "max_loaded_at": (now - timedelta(hours=5)).isoformat(),
            }
            for unique_id, status in (
                ("source.g.app.messages", app),
                ("source.g.desk.tickets", "pass"),
            )
        ],
    }
    (folder / "sources.json").write_text(json.dumps(found))


def states(found: dict[str, Any]) -> dict[str, str]:
    return {report.label: report.level for report in found["reports"]}


def test_where_nothing_is_wrong_it_says_so(tmp_path: Path) -> None:
    found = health.read(tmp_path)
    assert (found["level"], found["problems"]) == ("good", [])
    assert states(found) == {"visits": "good", "tickets": "good"}
    page = health.page(tmp_path)
    assert "All is well" in page
    assert "What is wrong" not in page
    assert "1 of 1 tests passed" in page
    assert "1,234" in page
    assert "5.6 MB" in page or "6 MB" in page


@pytest.mark.parametrize(("status", "level"), [("fail", "error"), ("warn", "warn")])
def test_a_claim_that_does_not_hold_is_told_below_every_report_that_stands_on_it(
    tmp_path: Path, status: str, level: str
) -> None:
    built(tmp_path, test=status)
    found = health.read(tmp_path)
    assert found["level"] == level
    assert [(problem.level, problem.what) for problem in found["problems"]] == [(level, CLAIM)]
    assert states(found) == {"visits": level, "tickets": "good"}
    page = health.page(tmp_path)
    assert f'<a href="index.html#!/model/model.g.fct_visits">{CLAIM}</a>' in page
    assert "All is well" not in page


def test_a_model_that_was_not_built_is_told(tmp_path: Path) -> None:
    built(tmp_path, model="error")
    assert [problem.what for problem in health.read(tmp_path)["problems"]] == [
        "fct_visits was not built"
    ]


def test_a_source_that_fell_silent_is_told_with_its_reports(tmp_path: Path) -> None:
    fresh(tmp_path, app="error")
    found = health.read(tmp_path)
    assert [(it.level, it.what) for it in found["problems"]] == [
        ("error", "app.messages fell silent")
    ]
    assert states(found) == {"visits": "error", "tickets": "good"}
    assert {it["name"]: it["silent"] for it in found["sources"]} == {"app": 1, "desk": 0}


def test_a_metric_past_its_limit_is_told_of_its_source(
    tmp_path: Path, stored: dict[str, Any]
) -> None:
    stored["measured"] = [("missing_ratio", "desk", "priority", "error", 0.06, 0.01, 0.05, 0)]
    found = health.read(tmp_path)
    assert [(it.what, it.detail) for it in found["problems"]] == [
        ("desk: missing ratio of priority", "6%, where 5% is the limit")
    ]
    assert states(found) == {"visits": "good", "tickets": "error"}


def test_a_load_that_failed_is_told(tmp_path: Path) -> None:
    journal.note("app", [Report("app", "messages", error="no")], 0)
    found = health.read(tmp_path)
    assert [it.what for it in found["problems"]] == ["the last load of app failed"]
    assert states(found)["visits"] == "error"


@pytest.mark.parametrize("which", ["generate", None])
def test_without_the_results_of_a_build_nothing_is_said_to_be_well(
    tmp_path: Path, which: str | None
) -> None:
    if which:
        built(tmp_path, which=which)
    else:
        (tmp_path / "run_results.json").unlink()
    assert health.read(tmp_path)["level"] == "unknown"
    assert "All is well" not in health.page(tmp_path)


def test_before_anything_was_built_the_page_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("GATEHOUSE_STATE", str(tmp_path / "none"))
    for name in ("HOST", "HTTP_PORT", "TCP_PORT"):
        monkeypatch.setenv(f"GATEHOUSE_CLICKHOUSE_{name}", "1" if "PORT" in name else "127.0.0.1")
    monkeypatch.setenv("GATEHOUSE_MONITOR_PASSWORD", "none")
    assert "1 thing fails" in health.page(tmp_path / "none")  # ClickHouse does not answer


def test_what_a_source_or_a_test_says_is_no_html(tmp_path: Path, stored: dict[str, Any]) -> None:
    stored["landed"] = {"<script>": 0}
    assert "<script>" not in health.page(tmp_path)


def test_the_site_is_dbts_with_the_way_to_the_page_of_health(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html><body>dbt</body></html>")
    with site.server(tmp_path, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def get(path: str) -> str:
            address = f"http://127.0.0.1:{server.server_port}/{path}"
            with urllib.request.urlopen(address, timeout=10) as answer:
                return str(answer.read().decode())

        assert 'href="health.html"' in get("")
        assert "All is well" in get("health.html")
        assert json.loads(get("manifest.json")) == MANIFEST
        server.shutdown()
