"""Faults of the real thing become incidents of PagerDuty, once each, and end with them.

Prometheus and Alertmanager are the real ones with the files of monitoring/; only addresses and
waiting times are other ones. They watch the real exporters of a sandbox.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests import dashboards
from tests.integration.driving import gatehouse
from tests.pagerduty import ROUTING_KEY, PagerDuty, pagerduty
from tests.sandboxes import Sandbox, free_port

MONITORING = Path(__file__).parents[2] / "monitoring"
BINARIES = ("prometheus", "promtool", "prometheus-alertmanager", "amtool")

pytestmark = [
    pytest.mark.monitoring,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in BINARIES),
        reason="needs Prometheus: apt-get install prometheus prometheus-alertmanager",
    ),
]


def test_the_configurations_are_sound() -> None:
    prometheus = MONITORING / "prometheus"
    for command in (
        ["promtool", "check", "config", f"{prometheus}/prometheus.yml"],
        ["amtool", "check-config", f"{MONITORING}/alertmanager/alertmanager.yml"],
    ):
        ran = subprocess.run(command, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("rules", sorted((MONITORING / "prometheus" / "rules").glob("*.yml")))
def test_every_rule_fires_past_its_limit_and_not_before(rules: Path) -> None:
    tests = MONITORING / "prometheus" / "tests" / rules.name
    alerts = set(re.findall(r"- alert: (\w+)", rules.read_text()))
    assert alerts == set(re.findall(r"alertname=\"(\w+)\"", tests.read_text()))
    ran = subprocess.run(["promtool", "test", "rules", tests], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_prometheus_can_read_every_query_of_the_dashboards(tmp_path: Path) -> None:
    asked = {query.text for query in dashboards.queries() if not query.user}
    assert len(asked) > 20
    rules = [{"record": f"r{n}", "expr": expr} for n, expr in enumerate(sorted(asked))]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}))
    ran = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@contextmanager
def running(log: Path, *command: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for the length of the block."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, env={**os.environ, **env}, stdout=out, stderr=out, cwd=log.parent
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("stream", "warehouse", "alertmanager", "prometheus")}


@pytest.fixture
def duty() -> Iterator[PagerDuty]:
    with pagerduty() as standin:
        yield standin


@pytest.fixture
def watched(
    tmp_path: Path, sandbox: Sandbox, ports: dict[str, int], duty: PagerDuty
) -> Iterator[Path]:
    """Prometheus, Alertmanager and the exporter of loads, until the end of the test."""
    folder = tmp_path / "monitoring"
    shutil.copytree(MONITORING, folder)
    prometheus, alertmanager = folder / "prometheus", folder / "alertmanager"
    for name in ("stream", "warehouse", "alertmanager"):
        target = prometheus / "targets" / f"{name}.yml"
        target.write_text(f'- targets: ["127.0.0.1:{ports[name]}"]\n')
    key = tmp_path / "key"
    key.write_text(ROUTING_KEY)
    for path in (*prometheus.rglob("*.yml"), alertmanager / "alertmanager.yml"):
        text = path.read_text()
        text = re.sub(r"(scrape_interval|evaluation_interval|group_\w+): \d+\w", r"\1: 2s", text)
        text = re.sub(r"for: \dm", "for: 0s", text)
        text = text.replace("/etc/alertmanager/pagerduty.key", str(key))
        path.write_text(re.sub(r"pagerduty_url: .*", f"pagerduty_url: {duty.url}", text))
    with ExitStack() as stack:
        for log, command in {
            "exporter": (sys.executable, "-m", "loaders.cli", "metrics"),
            "alertmanager": (
                "prometheus-alertmanager",
                f"--config.file={alertmanager}/alertmanager.yml",
                f"--storage.path={tmp_path}/alertmanager",
                f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
                "--cluster.listen-address=",
            ),
            "prometheus": (
                "prometheus",
                f"--config.file={prometheus}/prometheus.yml",
                f"--storage.tsdb.path={tmp_path}/prometheus",
                f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
            ),
        }.items():
            env = {
                **sandbox.env,
                "PYTHONPATH": str(MONITORING.parent),
                "GATEHOUSE_METRICS_PORT": str(ports["warehouse"]),
                "GATEHOUSE_METRICS_SECONDS": "0",
            }
            stack.enter_context(running(tmp_path / f"{log}.log", *command, **env))
        yield tmp_path


def wait_until(what: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + 300
    while not what():
        if time.monotonic() > deadline:
            logs = "\n".join(path.read_text()[-2000:] for path in folder.glob("*.log"))
            pytest.fail(f"nothing happened within five minutes\n{logs}")
        time.sleep(0.2)


def test_a_fault_is_one_incident_and_its_mending_ends_it(
    sandbox: Sandbox, ports: dict[str, int], duty: PagerDuty, watched: Path
) -> None:
    refused_key = {"SOURCES__GATE_MANAGEMENT__API_KEY": "revoked"}
    stream_down, load_failed = ("StreamDown", ""), ("LoadFailed", "gate_management")
    assert gatehouse(sandbox, "load", "gate_management", **refused_key).returncode == 1
    wait_until(lambda: duty.open() == {stream_down, load_failed}, watched)

    env = {
        **sandbox.env,
        "PYTHONPATH": str(MONITORING.parent),
        "GATEHOUSE_STREAM_PORT": str(ports["stream"]),
    }
    stream = (sys.executable, "-m", "loaders.cli", "stream", "ticket_events")
    with running(watched / "stream.log", *stream, **env):
        wait_until(lambda: duty.open() == {load_failed}, watched)
        # A second failure is the same incident, and the good load after it is its end.
        assert gatehouse(sandbox, "load", "gate_management", **refused_key).returncode == 1
        assert gatehouse(sandbox, "load", "gate_management").returncode == 0
        wait_until(lambda: not duty.open(), watched)
    # The stream ends, and PagerDuty knows the incident by its old key.
    wait_until(lambda: duty.open() == {stream_down}, watched)
    incidents = {(it.alert, it.source): it for it in duty.incidents.values()}
    assert len(incidents) == len(duty.incidents)
    assert incidents[stream_down].triggers > 1
    assert incidents[load_failed].severity == "critical"
    assert incidents[load_failed].summary == "The last load of gate_management failed"
    assert duty.refused == []
