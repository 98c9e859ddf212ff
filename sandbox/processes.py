"""Starts, stops and inspects the parts of the sandbox, without a daemon of its own.

Everything is told from the processes themselves and their records at each call, so any of it may be
killed at any instant, this code included: the next `up` mends what it finds.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil

from sandbox import running
from sandbox.parts import Details, Part, parts
from sandbox.settings import Settings, freeze

LOCK_SECONDS = 180.0
ILL_SECONDS = 5.0
PORT_SECONDS = 5.0
UNSEEN = "a process that this user may not see"

Tell = Callable[[str], None]


class SandboxError(RuntimeError):
    """The sandbox cannot be brought up or down; the message says which part, why and what to do."""


@dataclass(frozen=True)
class PartStatus:
    """What is known of a part; `problem` says why it is not healthy, `details` is its own word."""

    name: str
    state: str  # healthy, unhealthy or down
    address: str
    pid: int | None = None
    uptime_seconds: float | None = None
    problem: str = ""
    details: Details = field(default_factory=dict)


def up(settings: Settings, tell: Tell = lambda _: None) -> list[PartStatus]:
    """Bring every part up that is not well. Leaves nothing behind of an attempt that fails."""
    with _alone(settings):
        freeze(settings)
        ill = [part for part in parts(settings) if not _is_well(settings, part)]
        for part in reversed(ill):
            _stop(settings, part)
        for part in ill:
            _refuse_taken_ports(settings, part)
        started: list[Part] = []
        try:
            for part in ill:
                tell(f"starting {part.name}")
                started.append(part)
                _start(settings, part)
        except BaseException:
            for part in reversed(started):
                _stop(settings, part)
            raise
    return status(settings)


def down(settings: Settings, tell: Tell = lambda _: None) -> list[str]:
    """Stop every part in order; returns the names of those that were running."""
    with _alone(settings):
        stopped = []
        for part in reversed(parts(settings)):
            tell(f"stopping {part.name}")
            if _stop(settings, part):
                stopped.append(part.name)
    return stopped


def status(settings: Settings) -> list[PartStatus]:
    """Look at every part; changes nothing."""
    return [_inspect(settings, part) for part in parts(settings)]


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One `up` or `down` at a time. The lock is the kernel's, so it dies with its holder."""
    settings.root.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_SECONDS
    with (settings.root / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SandboxError(
                        f"another `gatehouse up` or `down` has held {lock.name} for "
                        f"{LOCK_SECONDS:.0f} s: wait for it, or end it"
                    ) from None
                time.sleep(0.1)
        yield


def _is_well(settings: Settings, part: Part) -> bool:
    """A part that a killed `up` left starting is given the time that it would have had."""
    process = running.find(settings, part.name)
    if process is None or not running.has_ports(settings, part.name):
        return False
    if running.find_strays(part.command(settings), process):
        return False
    with contextlib.suppress(psutil.Error):
        left = part.start_seconds - (time.time() - process.create_time())
        return _wait(settings, part, process, max(left, ILL_SECONDS)) == ""
    return False


def _refuse_taken_ports(settings: Settings, part: Part) -> None:
    """A port that nobody holds may belong to a killed process whose threads are still ending."""
    deadline = time.monotonic() + PORT_SECONDS
    for variable, port in part.ports.items():
        while running.is_taken(settings.host, port):
            holder = running.holder_of(port)
            if holder or time.monotonic() > deadline:
                raise SandboxError(
                    f"port {port}, which the {part.name} needs, is taken by {holder or UNSEEN}: "
                    f"end that process, or set {variable} to a free port"
                )
            time.sleep(0.1)


def _start(settings: Settings, part: Part) -> None:
    process = running.start(settings, part.name, part.command(settings))
    problem = _wait(settings, part, process, part.start_seconds)
    if problem:
        log = running.folder(settings, part.name) / "log"
        raise SandboxError(
            f"the {part.name} did not come up: {problem}\n"
            f"The end of {log}:\n{running.log_tail(settings, part.name)}"
        )


def _wait(settings: Settings, part: Part, process: psutil.Process, seconds: float) -> str:
    """Wait until a part is well; returns what is wrong with it, or nothing."""
    deadline = time.monotonic() + seconds
    while True:
        if not running.is_alive(process):
            return "its process ended"
        try:
            part.check(settings)
        except OSError as error:
            problem = str(error)
        else:
            return ""
        if time.monotonic() > deadline:
            return f"not healthy after {seconds:.0f} s: {problem}"
        time.sleep(0.05)


def _stop(settings: Settings, part: Part) -> bool:
    recorded = running.find(settings, part.name)
    strays = running.find_strays(part.command(settings), recorded)
    processes = [*([recorded] if recorded else []), *strays]
    for process in processes:
        running.stop(process, part.stop_seconds)
        if running.is_alive(process):
            raise SandboxError(f"the {part.name} does not end: kill pid {process.pid} by hand")
    running.forget(settings, part.name)
    return bool(processes)


def _inspect(settings: Settings, part: Part) -> PartStatus:
    process = running.find(settings, part.name)
    if process is None:
        taken = [port for port in part.ports.values() if running.is_taken(settings.host, port)]
        problem = (
            f"port {taken[0]} is taken by {running.holder_of(taken[0]) or UNSEEN}" if taken else ""
        )
        return PartStatus(part.name, "down", part.address, problem=problem)
    state, details, problem = "healthy", {}, ""
    try:
        details = part.check(settings)
    except OSError as error:
        state, problem = "unhealthy", str(error)
    return PartStatus(
        name=part.name,
        state=state,
        address=part.address,
        pid=process.pid,
        uptime_seconds=round(time.time() - process.create_time(), 1),
        problem=problem,
        details=details,
    )
