"""Loads side by side: what they tell, how they end, and that none outlives who started it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from loaders import loads
from loaders.batch import Report, Tell

NAMES = ["event_management", "user_app", "freshservice"]


def tell_nobody(_name: str) -> Tell:
    return lambda _done, _total, _stage="": None


@pytest.fixture
def lonely(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is configured but where nobody listens."""
    monkeypatch.setenv("GATEHOUSE_STATE", str(tmp_path))
    monkeypatch.setenv("GATEHOUSE_PRIVACY_KEYS", "k1:a-secret-for-this-test-only")
    for variable in [name for name in os.environ if name.startswith("SOURCES__")]:
        monkeypatch.delenv(variable)


def test_the_reports_come_in_the_order_of_the_names(lonely: None) -> None:
    reports = loads.load(NAMES, tell_nobody)
    assert [report.source for report in reports] == NAMES
    assert all("Not set: SOURCES__" in report.error for report in reports)


def test_a_source_that_ends_early_is_told_and_stops_no_other(
    lonely: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = multiprocessing.get_context("fork")
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: fork)
    monkeypatch.setattr(fork, "set_forkserver_preload", lambda _: None, raising=False)

    def load_source(name: str, tell: Tell, listen: float) -> list[Report]:
        if name == "user_app":
            os.kill(os.getpid(), signal.SIGKILL)
        return [Report(name, "feed", read=1)]

    monkeypatch.setattr(loads, "load_source", load_source)
    first, second, third = loads.load(NAMES, tell_nobody)
    assert (first.read, third.read) == (1, 1)
    assert "signal 9" in second.error


def test_the_replica_is_loaded_behind_the_api_whose_tables_it_shares() -> None:
    lanes = loads._lanes(["freshservice", "user_app", "freshservice_replica"])
    assert lanes == [["freshservice", "freshservice_replica"], ["user_app"]]


def test_no_load_outlives_who_started_it(tmp_path: Path) -> None:
    # A host that takes calls and never answers.
    code = (
        "import socket; held = socket.socket(); held.bind(('127.0.0.1', 0)); held.listen(64);"
        "import os; port = held.getsockname()[1];"
        "os.environ.update(GATEHOUSE_CLICKHOUSE_HTTP_PORT=str(port));"
        "from loaders.loads import load;"
        "load(['user_app', 'gate_management'], lambda name: lambda *told: None)"
    )
    env = {
        **os.environ,
        "GATEHOUSE_STATE": str(tmp_path),
        "GATEHOUSE_PRIVACY_KEYS": "k1:a-secret-for-this-test-only",
        "GATEHOUSE_LOADER_PASSWORD": "any",
        "GATEHOUSE_CLICKHOUSE_HOST": "127.0.0.1",
        "GATEHOUSE_CLICKHOUSE_TCP_PORT": "1",
        **{f"SOURCES__USER_APP__{name}": "http://x" for name in ("BASE_URL", "CLIENT_ID")},
        "SOURCES__USER_APP__CLIENT_SECRET": "any",
        "SOURCES__GATE_MANAGEMENT__BASE_URL": "http://x",
        "SOURCES__GATE_MANAGEMENT__API_KEY": "any",
    }
    loader = subprocess.Popen([sys.executable, "-c", code], env=env)
    try:
        loads_of_it = _children(loader.pid, 3)
    finally:
        loader.kill()
        loader.wait()
    _, alive = psutil.wait_procs(loads_of_it, timeout=10)
    assert not alive


def _children(pid: int, least: int) -> list[psutil.Process]:
    """Return the processes below one: the server of forks, which goes last, and the loads."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = psutil.Process(pid).children(recursive=True)
        # The server of forks and the tracker of resources, and a load below the former for each.
        if len(found) >= least + 1:
            return found
        time.sleep(0.1)
    raise TimeoutError
