"""Which processes are ours: started detached, recorded by pid and birth, found again, ended.

There is no daemon. A part is ours if its record names a living process that was born when the
record says (a recycled pid was not), or, with the record lost, if its command line is the very one
that this sandbox starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from sandbox.files import keep_tail, last_lines, write_atomically
from sandbox.settings import Settings, environment

LOG_BYTES = 1_000_000
# Births are told from the time of boot, which moves a little when a clock is set right.
BIRTH_TOLERANCE_SECONDS = 2.0
# Variables that change what the broker does, and are never meant for this one.
FOREIGN_VARIABLES = ("SCHEMA_REGISTRY", "OTEL_EXPORTER_OTLP_ENDPOINT", "STORAGE_ENGINE")

_children: list[subprocess.Popen[bytes]] = []  # kept, so that Python does not warn of them


def folder(settings: Settings, name: str) -> Path:
    """Where a part runs, with its log and its record."""
    return settings.root / name


def log_tail(settings: Settings, name: str, count: int = 15) -> str:
    """The last that a part said."""
    return last_lines(folder(settings, name) / "log", count)


def start(settings: Settings, name: str, command: list[str]) -> psutil.Process:
    """Start a part in its own session and folder, so that it outlives us and our terminal."""
    home = folder(settings, name)
    home.mkdir(parents=True, exist_ok=True)
    keep_tail(home / "log", LOG_BYTES)
    code = str(Path(__file__).resolve().parents[1])
    env = {key: value for key, value in os.environ.items() if key not in FOREIGN_VARIABLES}
    env |= environment(settings)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [code, os.environ.get("PYTHONPATH")]))
    env["PYTHONUNBUFFERED"] = "1"
    with (home / "log").open("ab") as log:
        child = subprocess.Popen(
            command,
            cwd=home,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children.append(child)
    process = psutil.Process(child.pid)
    record = {"pid": process.pid, "born": process.create_time(), "ports": settings.ports}
    write_atomically(_record(settings, name), json.dumps(record) + "\n")
    return process


def find(settings: Settings, name: str) -> psutil.Process | None:
    """The living process that the record of a part names; a broken record names none."""
    try:
        record = _read_record(settings, name)
        process = psutil.Process(int(record["pid"]))
        same = abs(process.create_time() - float(record["born"])) < BIRTH_TOLERANCE_SECONDS
    except (OSError, ValueError, TypeError, KeyError, psutil.Error):
        return None
    return process if same and is_alive(process) else None


def has_ports(settings: Settings, name: str) -> bool:
    """Whether a part was started for the ports of today, its own and those of its neighbours."""
    try:
        return bool(_read_record(settings, name)["ports"] == settings.ports)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def find_strays(command: list[str], recorded: psutil.Process | None) -> list[psutil.Process]:
    """Processes that run a part's command, other than the recorded one.

    They come about when `up` is killed between start and record, or when the state folder is
    removed under a running sandbox. The program's own name is left out: some systems change it.
    """
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if (process.info["cmdline"] or [])[1:] == command[1:]
        and process != recorded
        and is_alive(process)
    ]


def is_alive(process: psutil.Process) -> bool:
    """A zombie is dead: it only waits for its parent to take note."""
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def stop(process: psutil.Process, seconds: float) -> None:
    """Ask a process to end, and kill it if it has not after so many seconds."""
    for ask, patience in ((process.terminate, seconds), (process.kill, 10.0)):
        with contextlib.suppress(psutil.NoSuchProcess):
            ask()
            process.resume()  # one that was halted (SIGSTOP) could not hear us
        deadline = time.monotonic() + patience
        while is_alive(process) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not is_alive(process):
            return


def forget(settings: Settings, name: str) -> None:
    """Remove the record of a part that was stopped."""
    _record(settings, name).unlink(missing_ok=True)


def is_taken(host: str, port: int) -> bool:
    """Whether a server could not open this port now."""
    with socket.socket() as client:
        client.settimeout(1)
        if client.connect_ex((host, port)) == 0:
            return True
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((host, port))
        except OSError:
            return True
    return False


def holder_of(port: int) -> str | None:
    """Who listens on a port; None where nobody does any more, or we may not see who."""
    for process in _listeners(port):
        with contextlib.suppress(psutil.Error):
            return f"pid {process.pid} ({' '.join(process.cmdline())[:120]})"
    return None


def _listeners(port: int) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    yield process


def _read_record(settings: Settings, name: str) -> Any:
    return json.loads(_record(settings, name).read_text())


def _record(settings: Settings, name: str) -> Path:
    return folder(settings, name) / "process.json"
