"""The supervisor: starts a worker per source, more while there is a backlog, and the dead anew.

One process on each machine. The consumer groups share the topics among the workers of all
machines; the supervisors need not know of each other.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Thread

import psutil
from dlt.common.configuration.exceptions import ConfigFieldMissingException

from loaders.errors import GatehouseError
from loaders.loads import IMPORTED_LATE, TOPICS
from loaders.stream.telemetry import Telemetry
from loaders.stream.worker import work
from loaders.topic import Feed, backlog

_LOOK_SECONDS = 0.5
_SCALE_SECONDS = 5.0
# A backlog of so many seconds, twice seen, is worth more workers; none for so long, one less.
# While the group shares its partitions anew nothing lands, and what members hold is read twice.
_BACKLOG_SECONDS = 30.0
# At the start nobody is disturbed by more workers, so they are worth it for a few seconds' work.
_BACKLOG_AT_START = 100_000
# A broker that is slower to tell is left to the first worker.
_LOOK_AHEAD_SECONDS = 4.0
_IDLE_SECONDS = 60.0
# With less than this part of the machine free, another worker would only slow the others down.
_FREE = 0.25
_LONGEST_PAUSE = 60.0
_STEADY_SECONDS = 60.0
_DRAIN_SECONDS = 9.0


@dataclass
class _Worker:
    """A process, and the pipe through which it tells.

    Attributes
    ----------
    is_alive
        Whether its end of the pipe is open: true to its last moment, whatever ends it, and true
        even when the process that forks the workers is no more.
    """

    process: BaseProcess
    ear: Connection
    number: int
    began: float = field(default_factory=time.monotonic)
    is_alive: bool = True
    is_stopping: bool = False

    def signal(self, number: int) -> None:
        """Send a signal, if it is still there."""
        with suppress(ProcessLookupError):
            os.kill(self.process.pid or 0, number)


@dataclass
class _Team:
    """The workers of one source.

    Attributes
    ----------
    wanted
        How many there should be.
    failures
        Times in a row that one gave up or died.
    not_before
        When the next may start, by the monotonic clock.
    """

    source: str
    workers: dict[str, _Worker] = field(default_factory=dict)
    wanted: int = 1
    failures: int = 0
    not_before: float = 0.0
    last_read: int = 0
    behind_looks: int = 0
    caught_up_since: float = field(default_factory=time.monotonic)
    partitions: int = 0


class Supervisor:
    """Keeps the workers of some sources at work until told to stop.

    Parameters
    ----------
    sources
        See `loaders.stream.worker.SOURCES`.
    ceiling
        Workers at most, of all sources together.
    telemetry
        Is told of everything.
    say
        Told in a line what a person should know.
    """

    def __init__(
        self, sources: list[str], ceiling: int, telemetry: Telemetry, say: Callable[[str], None]
    ) -> None:
        self._teams = [_Team(source) for source in sources]
        self._ceiling = ceiling
        self._telemetry = telemetry
        self._say = say
        # Workers are forked from a process that has imported everything and runs no thread: one
        # starts in a tenth of a second, where it would take three.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([work.__module__, *IMPORTED_LATE])
        self._is_stopped = False
        self._scaled = time.monotonic()

    def stop(self) -> None:
        """End `run` soon; may be called from a signal handler."""
        self._is_stopped = True

    def run(self) -> list[str]:
        """Supervise until stopped; return the workers that did not drain in time."""
        psutil.cpu_percent()
        self._look_ahead()
        while not self._is_stopped:
            for team in self._teams:
                self._fill(team)
            self._hear(_LOOK_SECONDS)
            for team in self._teams:
                self._bury(team)
            if time.monotonic() - self._scaled >= _SCALE_SECONDS:
                self._scale()
        return self._drain()

    def processes(self) -> dict[str, int]:
        """Return the pids of all processes by their names."""
        pids = {"supervisor": multiprocessing.current_process().pid or 0}
        for team in self._teams:
            for name, worker in list(team.workers.items()):
                pids[name] = worker.process.pid or 0
        return pids

    def _look_ahead(self) -> None:
        """Begin with a worker per processor where much waits on a topic."""
        told: dict[str, tuple[int, int]] = {}

        def ask(feed: Feed) -> None:
            # What is wrong with the broker or the settings, the first worker will tell.
            with suppress(GatehouseError, ConfigFieldMissingException):
                told[feed.source] = backlog(feed)

        feeds = [TOPICS[team.source] for team in self._teams if team.source in TOPICS]
        # Nobody waits for what they ask to the end: neither those here nor the process's end.
        asking = [Thread(target=ask, args=(feed,), daemon=True) for feed in feeds]
        for thread in asking:
            thread.start()
        until = time.monotonic() + _LOOK_AHEAD_SECONDS
        while any(thread.is_alive() for thread in asking) and time.monotonic() < until:
            if self._is_stopped:
                return
            time.sleep(0.05)
        answers = dict(told)
        for team in self._teams:
            lag, team.partitions = answers.get(team.source, (0, 0))
            if lag > _BACKLOG_AT_START:
                self._enlarge(team)

    def _fill(self, team: _Team) -> None:
        working = [w for w in team.workers.values() if not w.is_stopping]
        if len(working) > team.wanted:
            self._tell_to_stop(max(working, key=lambda worker: worker.number))
        elif time.monotonic() >= team.not_before:
            for _ in range(team.wanted - len(working)):
                self._start(team)

    def _start(self, team: _Team) -> None:
        taken = {worker.number for worker in team.workers.values()}
        number = min(set(range(1, len(taken) + 2)) - taken)
        name = f"{team.source}_{number}"
        ear, mouth = self._context.Pipe(duplex=False)
        process = self._context.Process(target=work, args=(team.source, number, mouth), name=name)
        self._telemetry.began(name, team.source)
        process.start()
        mouth.close()
        team.workers[name] = _Worker(process, ear, number)

    def _tell_to_stop(self, worker: _Worker) -> None:
        worker.is_stopping = True
        worker.signal(signal.SIGTERM)

    def _hear(self, seconds: float) -> None:
        """Take what the workers tell, for so long at most."""
        workers = [(name, w) for team in self._teams for name, w in team.workers.items()]
        ears = {worker.ear: (name, worker) for name, worker in workers if worker.is_alive}
        until = time.monotonic() + seconds
        while ears and (left := until - time.monotonic()) > 0:
            for ear in wait(list(ears), left):
                assert isinstance(ear, Connection)  # noqa: S101
                name, worker = ears[ear]
                try:
                    self._telemetry.heard(name, ear.recv())
                except (EOFError, OSError):
                    worker.is_alive = False
                    del ears[ear]
        if not ears:
            time.sleep(max(0.0, until - time.monotonic()))

    def _bury(self, team: _Team) -> None:
        """Note the workers that are no more, and when the next may start."""
        now = time.monotonic()
        for name, worker in list(team.workers.items()):
            if worker.is_alive:
                continue
            worker.process.join(timeout=1)
            worker.ear.close()
            del team.workers[name]
            if worker.is_stopping or self._is_stopped:
                self._telemetry.ended(name)
                continue
            kind, error = self._telemetry.last_words(name)
            code = worker.process.exitcode
            error = error or f"worker {name} ended with code {code}"
            self._telemetry.ended(name, error, kind or f"exit {code}")
            team.failures = 1 if now - worker.began > _STEADY_SECONDS else team.failures + 1
            pause = 0.0 if team.failures == 1 else min(_LONGEST_PAUSE, 2.0 ** (team.failures - 2))
            team.not_before = now + pause
            self._say(f"{name}: {error} Starting it again in {pause:.0f} s.")

    def _scale(self) -> None:
        """Look how far behind each team is, and give one more or one less."""
        now, seconds = time.monotonic(), time.monotonic() - self._scaled
        self._scaled = now
        is_free = psutil.cpu_percent() < 100 * (1 - _FREE)
        for team in self._teams:
            if team.source not in TOPICS:
                continue
            read, lag, partitions = self._telemetry.progress(team.source)
            rate, team.last_read = max(0, read - team.last_read) / seconds, read
            team.partitions = max(team.partitions, partitions)
            is_behind = lag > rate * _BACKLOG_SECONDS and lag > 0
            team.behind_looks = team.behind_looks + 1 if is_behind else 0
            if lag:
                team.caught_up_since = now
            if team.behind_looks >= 2 and is_free and self._enlarge(team):
                team.behind_looks = 0
                self._say(f"{team.source}: {lag:,} records behind, now {team.wanted} workers.")
            elif team.wanted > 1 and now - team.caught_up_since > _IDLE_SECONDS:
                team.wanted -= 1
                team.caught_up_since = now
                self._say(f"{team.source}: caught up, one of its workers leaves.")

    def _enlarge(self, team: _Team) -> bool:
        """Give a team a worker per processor, or one more; return whether there was room for any.

        All at once, as each time that somebody joins the group stands still.
        """
        others = sum(other.wanted for other in self._teams if other is not team)
        room = min(team.partitions, self._ceiling - others)
        before = team.wanted
        team.wanted = max(before, min(room, max(before + 1, psutil.cpu_count() or 1)))
        return team.wanted > before

    def _drain(self) -> list[str]:
        """Tell every worker to land what it has, wait for them, and kill who is late."""
        workers = {name: worker for team in self._teams for name, worker in team.workers.items()}
        for worker in workers.values():
            self._tell_to_stop(worker)
        until = time.monotonic() + _DRAIN_SECONDS
        while any(worker.is_alive for worker in workers.values()) and time.monotonic() < until:
            self._hear(0.1)
        late = [name for name, worker in workers.items() if worker.is_alive]
        for name in late:
            workers[name].signal(signal.SIGKILL)
        return late
