"""What can be loaded, and several sources side by side.

Each source is a pipeline of its own, with its own lock, state and cursors, so nothing is shared but
the warehouse and what dead letters land in. One process each: reading and checking records takes a
processor, and Python lends a process one.

A load ends with the one that started it, however that ends; what had landed has landed, and the
next load goes on from there.
"""

import gc
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait

import dlt
from dlt.common.configuration.exceptions import ConfigFieldMissingException, LookupTrace

from loaders import (
    freshservice,
    freshservice_replica,
    gate_management,
    integrated_platform,
    journal,
    topic,
    user_app,
)
from loaders.batch import Report, Tell
from loaders.errors import GatehouseError
from loaders.event_management import EVENT_DATA
from loaders.landing import ALWAYS_THERE, LOADING, ddl
from loaders.ticket_events import TICKET_EVENTS

TOPICS = {feed.source: feed for feed in (EVENT_DATA, TICKET_EVENTS)}
LOADS = {
    module.SOURCE: module.load
    for module in (
        user_app,
        gate_management,
        integrated_platform,
        freshservice,
        freshservice_replica,
    )
}
SOURCES = (*TOPICS, *LOADS)
# What dlt imports when it first lands: half a second of processor that forks need not pay each.
IMPORTED_LATE = ("clickhouse_driver", "pandas")
_TELL_SECONDS = 0.2

TellOf = Callable[[str], Tell]
"""Gives whoever is to be told of a source's progress."""


def raw_tables() -> list[str]:
    """Return the statements of every source's tables: builds read them all, full or empty."""
    return [
        *(feed.statement for feed in TOPICS.values()),
        *(feed.statement for feed in gate_management.FEEDS.values()),
        *(feed.statement for feed in integrated_platform.FEEDS.values()),
        *freshservice.raw_tables(),
        ddl(user_app.SOURCE),
        *(ddl(name) for name in ALWAYS_THERE),
        ddl("forgotten_events"),
    ]


def configured() -> list[str]:
    """Return the sources to load where none are named, in their order."""
    if not dlt.secrets.get(f"sources.{freshservice_replica.SOURCE}.url"):
        left_out = freshservice_replica.SOURCE
    elif not dlt.secrets.get(f"sources.{freshservice.SOURCE}.api_key"):
        left_out = freshservice.SOURCE
    else:
        return list(SOURCES)
    return [name for name in SOURCES if name != left_out]


def quiet_logs() -> None:
    """Let the libraries say what nobody else says: a load tells of its retries and failures."""
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    # What became of a load is told to a person as a table.
    terminal.addFilter(lambda record: record.name != journal.__name__)
    form = "%(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.WARNING, format=form, handlers=[terminal])
    journal.keep_log()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    logging.getLogger("stamina").setLevel(logging.ERROR)


def load(names: list[str], tell_of: TellOf, listen: float = 0) -> list[Report]:
    """Load sources, several of them side by side.

    Parameters
    ----------
    names
        Of `SOURCES`.
    tell_of
        See `TellOf`; called in this process.
    listen
        How many seconds to hear the user app's socket before its REST.

    Returns
    -------
    list of Report
        In the order of the names. What ended a source is in its last one.
    """
    names = list(dict.fromkeys(names))
    lanes = _lanes(names)
    if len(lanes) == 1:
        return [report for name in names for report in load_source(name, tell_of(name), listen)]
    found = _side_by_side(lanes, tell_of, listen)
    return [report for name in names for report in found[name]]


def load_source(name: str, tell: Tell, listen: float = 0) -> list[Report]:
    """Load a source in this process; see `load`."""
    reports: list[Report] = []
    started = time.monotonic()
    loading = LOADING.seconds

    def report(feed: str) -> Report:
        nonlocal started
        if reports:
            reports[-1].seconds = reports[-1].seconds or time.monotonic() - started
            started = time.monotonic()
        reports.append(Report(name, feed))
        return reports[-1]

    try:
        if feed := TOPICS.get(name):
            topic.load(feed, report(feed.name), tell)
        else:
            if listen and name == user_app.SOURCE:
                user_app.listen(report, listen)
            LOADS[name](report, tell)
    except (GatehouseError, ConfigFieldMissingException) as error:
        if not reports:
            report("-")
        reports[-1].error = explain(error)
    reports[-1].seconds = reports[-1].seconds or time.monotonic() - started
    journal.note(name, reports, LOADING.seconds - loading)
    return reports


def explain(error: GatehouseError | ConfigFieldMissingException) -> str:
    """Say in one line what went wrong and what to do."""
    if isinstance(error, GatehouseError):
        return str(error)
    first = (tried[0] for tried in error.traces.values())
    variables = [lookup.key for lookup in first if isinstance(lookup, LookupTrace)]
    return f"Not set: {', '.join(variables)}. Set them in the environment or .dlt/secrets.toml."


def _lanes(names: list[str]) -> list[list[str]]:
    """Put together what goes one after another: the replica lands in the tables of the API."""
    lanes: dict[str, list[str]] = {}
    for name in names:
        lane = freshservice.SOURCE if name == freshservice_replica.SOURCE else name
        lanes.setdefault(lane, []).append(name)
    return list(lanes.values())


def _side_by_side(
    lanes: list[list[str]], tell_of: TellOf, listen: float
) -> dict[str, list[Report]]:
    """Run a process for each lane, and hear what they say."""
    # Forks of a process that has imported what they need, and nothing else yet: no threads.
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["loaders.loads", *IMPORTED_LATE])
    running: dict[Connection, tuple[multiprocessing.process.BaseProcess, list[str]]] = {}
    for lane in lanes:
        ours, theirs = forks.Pipe(duplex=False)
        process = forks.Process(target=_run, args=(lane, theirs, listen), daemon=True)
        process.start()
        theirs.close()
        running[ours] = process, lane
    tells = {name: tell_of(name) for lane in lanes for name in lane}
    found: dict[str, list[Report]] = {}
    while running:
        ready = wait(list(running))
        for ours in [it for it in running if it in ready]:
            try:
                name, said = ours.recv()
            except EOFError:
                ended, lane = running.pop(ours)
                ended.join()
                for name in lane:
                    found.setdefault(name, [_ended_early(name, ended.exitcode)])
                continue
            if isinstance(said, list):
                found[name] = said
            else:
                tells[name](*said)
    return found


def _run(lane: list[str], say: Connection, listen: float) -> None:
    """Be the process of a lane."""
    gc.freeze()  # what was imported stays: no collection need look at it again
    threading.Thread(target=_end_with_parent, daemon=True).start()
    quiet_logs()
    for name in lane:
        say.send((name, load_source(name, _seldom(name, say), listen)))


def _seldom(name: str, say: Connection) -> Tell:
    last = 0.0

    def tell(done: int, total: int, stage: str = "") -> None:
        nonlocal last
        if time.monotonic() - last >= _TELL_SECONDS:
            last = time.monotonic()
            with suppress(OSError):
                say.send((name, (done, total, stage)))

    return tell


def _end_with_parent() -> None:
    """End at once, as a kill would: who started this process is gone, and may start it anew."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _ended_early(name: str, code: int | None) -> Report:
    how = f"signal {-code}" if code and code < 0 else f"exit code {code}"
    return Report(name, "-", error=f"The load of {name} ended early ({how}). The next one goes on.")
