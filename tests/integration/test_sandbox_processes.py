"""`gatehouse up`, `down` and `status` against kills, lost records, taken ports and each other."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from typer.testing import CliRunner

from sandbox import cli, processes, running
from sandbox.processes import SandboxError
from sandbox.settings import Settings
from tests.sandboxes import Sandbox, ask

PARTS = ["clickhouse", "broker", "sources"]
UP = [sys.executable, "-c", "from sandbox.cli import app; app(['up'])"]

NewSandbox = Callable[..., Sandbox]


@pytest.fixture(scope="module")
def own(new_sandbox: NewSandbox) -> Sandbox:
    """A sandbox that the tests below kill; `up` at the start of each one is part of the test."""
    return new_sandbox()


def pids(settings: Settings) -> dict[str, int | None]:
    return {part.name: part.pid for part in processes.status(settings)}


def states(settings: Settings) -> dict[str, str]:
    return {part.name: part.state for part in processes.status(settings)}


def is_alive(pid: int | None) -> bool:
    try:
        return running.is_alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)


def invoke(sandbox: Sandbox, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, arguments, env=sandbox.env)
    return result.exit_code, result.output


def test_up_twice_changes_nothing(own: Sandbox) -> None:
    processes.up(own.settings)
    before = pids(own.settings)
    assert None not in before.values()
    assert list(states(own.settings).items()) == [(part, "healthy") for part in PARTS]
    processes.up(own.settings)
    assert pids(own.settings) == before


def test_a_killed_clickhouse_comes_back_with_what_it_acknowledged(own: Sandbox) -> None:
    processes.up(own.settings)
    ask(own.settings, "loader", "create table raw.kept (a Int64) engine = MergeTree order by a")
    ask(own.settings, "loader", "insert into raw.kept select number from numbers(1000)")
    kill(pids(own.settings)["clickhouse"])
    assert states(own.settings)["clickhouse"] == "down"
    processes.up(own.settings)
    assert ask(own.settings, "loader", "select count() from raw.kept") == [(1000,)]


@pytest.mark.parametrize("killed", ["sources", "broker"])
def test_up_renews_a_killed_part_and_its_records(own: Sandbox, killed: str) -> None:
    code, output = invoke(own, "up", "--wait-for-history")
    assert code == 0, output
    before = pids(own.settings)
    records = processes.status(own.settings)[2].details["published"]
    kill(before[killed])
    code, output = invoke(own, "up", "--wait-for-history")
    assert code == 0, output
    after = pids(own.settings)
    assert [part for part in PARTS if after[part] != before[part]] == [killed]
    assert processes.status(own.settings)[2].details["published"] == records


def test_a_killed_up_is_finished_by_the_next(own: Sandbox) -> None:
    processes.down(own.settings)
    first = subprocess.Popen(UP, env={**os.environ, **own.env})
    record = own.settings.root / "clickhouse" / "process.json"
    while not record.exists():
        assert first.poll() is None
        time.sleep(0.005)
    first.kill()
    first.wait()
    processes.up(own.settings)
    assert set(states(own.settings).values()) == {"healthy"}


def test_another_port_moves_its_part_and_tells_the_others(own: Sandbox, free_port: int) -> None:
    processes.up(own.settings)
    moved = dataclasses.replace(own.settings, kafka_port=free_port)
    processes.up(moved)
    assert set(states(moved).values()) == {"healthy"}
    assert running.is_taken(moved.host, free_port)
    assert not running.is_taken(moved.host, own.settings.kafka_port)
    deadline = time.monotonic() + 20
    while processes.status(moved)[2].details["status"] != "ok" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes.status(moved)[2].details["status"] == "ok"


def test_two_ups_at_once_start_each_part_once(own: Sandbox) -> None:
    processes.down(own.settings)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: processes.up(own.settings), range(2)))
    assert [part.pid for part in both[0]] == [part.pid for part in both[1]]


def test_a_process_whose_record_is_lost_is_replaced(own: Sandbox) -> None:
    processes.up(own.settings)
    before = pids(own.settings)
    (own.settings.root / "broker" / "process.json").write_text('{"pid": "?"')
    assert states(own.settings)["broker"] == "down"
    processes.up(own.settings)
    assert pids(own.settings)["broker"] not in {None, before["broker"]}
    assert not is_alive(before["broker"])


def test_a_recycled_pid_is_not_taken_for_ours(own: Sandbox) -> None:
    processes.down(own.settings)
    record = own.settings.root / "broker" / "process.json"
    record.write_text(json.dumps({"pid": os.getpid(), "born": time.time() - 1_000_000}))
    assert states(own.settings)["broker"] == "down"
    processes.down(own.settings)
    assert is_alive(os.getpid())


def test_a_sandbox_whose_folder_was_removed_begins_anew(own: Sandbox) -> None:
    processes.up(own.settings)
    own.settings.state.rename(own.settings.state.with_name("removed"))
    processes.up(own.settings)
    assert set(states(own.settings).values()) == {"healthy"}
    assert ask(own.settings, "loader", "exists table raw.kept") == [(0,)]


def test_down_copes_with_dead_parts_and_broken_records(own: Sandbox) -> None:
    processes.up(own.settings)
    kill(pids(own.settings)["broker"])
    (own.settings.root / "clickhouse" / "process.json").write_text("garbage")
    assert processes.down(own.settings) == ["sources", "clickhouse"]
    assert set(states(own.settings).values()) == {"down"}
    assert processes.down(own.settings) == []


def test_a_taken_port_is_named_with_its_variable_and_its_holder(own: Sandbox) -> None:
    processes.down(own.settings)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((own.settings.host, own.settings.kafka_port))
        taken.listen()
        with pytest.raises(SandboxError) as error:
            processes.up(own.settings)
        assert f"pid {os.getpid()}" in processes.status(own.settings)[1].problem
    message = str(error.value)
    for told in (str(own.settings.kafka_port), "GATEHOUSE_KAFKA_PORT", f"pid {os.getpid()}"):
        assert told in message
    assert set(states(own.settings).values()) == {"down"}


def test_a_part_that_does_not_come_up_shows_its_log_and_leaves_nothing(
    new_sandbox: NewSandbox,
) -> None:
    settings = new_sandbox().settings
    data = settings.root / "clickhouse" / "data"
    data.parent.mkdir(parents=True)
    data.write_text("not a folder")
    with pytest.raises(SandboxError, match="clickhouse did not come up") as error:
        processes.up(settings)
    assert 'File exists ["data"]' in str(error.value)
    assert set(states(settings).values()) == {"down"}


def test_two_sandboxes_live_side_by_side(own: Sandbox, sandbox: Sandbox) -> None:
    processes.up(own.settings)
    ask(own.settings, "loader", "create table raw.mine (a Int8) engine = MergeTree order by a")
    assert ask(sandbox.settings, "loader", "exists table raw.mine") == [(0,)]
    processes.down(own.settings)
    assert set(states(sandbox.settings).values()) == {"healthy"}


def test_status_exits_with_0_only_if_all_is_well(sandbox: Sandbox, own: Sandbox) -> None:
    code, output = invoke(sandbox, "status", "--json")
    assert code == 0
    assert [part["state"] for part in json.loads(output)] == ["healthy"] * 3
    processes.down(own.settings)
    code, output = invoke(own, "status")
    assert code == 1
    assert output.count("down") == 3


def test_up_waits_for_the_history(sandbox: Sandbox) -> None:
    code, output = invoke(sandbox, "up", "--wait-for-history")
    assert code == 0, output
    details = processes.status(sandbox.settings)[2].details
    assert details["published"] == details["to_publish"] > 0


def test_bad_settings_are_told_in_a_line(sandbox: Sandbox) -> None:
    env = {**sandbox.env, "GATEHOUSE_KAFKA_PORT": "abc"}
    code, output = invoke(Sandbox(sandbox.settings, env), "status")
    assert code == 2
    assert output.startswith("gatehouse: GATEHOUSE_KAFKA_PORT is 'abc'")
    env = {**sandbox.env, "GATEHOUSE_SANDBOX_SEED": "42"}
    code, output = invoke(Sandbox(sandbox.settings, env), "up")
    assert code == 2
    assert "GATEHOUSE_SANDBOX_SEED is 42, but this sandbox was made with 1" in output
