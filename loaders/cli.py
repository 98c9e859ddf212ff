"""`gatehouse`: the commands a person or a scheduler runs.

Exit codes: 0 done; 1 something failed, told in one line; 2 the command line was wrong.
"""

import importlib.util
import json
import logging
import os
import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from loaders import audit as audits
from loaders import dead_letters, exporter, loads, replay, schedule, site, ticket_publisher
from loaders import forget as forgetting
from loaders.audit import Window
from loaders.batch import Report, Tell
from loaders.dead_letters import DeadLetter
from loaders.errors import GatehouseError
from loaders.forget import Forgotten
from loaders.landing import Server, make_tables
from loaders.loads import SOURCES, TellOf
from loaders.privacy import Privacy
from loaders.stream.supervisor import Supervisor
from loaders.stream.telemetry import Telemetry, serve
from loaders.stream.worker import SOURCES as STREAMS
from loaders.ticket_events import TICKET_EVENTS

ROOT = Path(__file__).parent.parent

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The gatehouse warehouse.",
)
dlq = typer.Typer(no_args_is_help=True, help="Dead letters: records refused at the door.")
app.add_typer(dlq, name="dlq")
out = Console()
err = Console(stderr=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Listen = Annotated[
    float, typer.Option(help="Hear the user app's socket for so many seconds before its REST.")
]
_DIFFERENCES_TOLD = 20
Reason = Annotated[str, typer.Option(help="Only this reason.")]
SourceName = Annotated[str, typer.Option(help="Only this source.")]


def main() -> None:
    """Run the command line, with the sandbox's addresses where nothing else is set."""
    loads.quiet_logs()
    try:
        _use_sandbox()
        app()
    except GatehouseError as error:
        err.print(f"[red]error:[/red] {error.problem}\n       {error.remedy}", highlight=False)
        sys.exit(1)


def _use_sandbox() -> None:
    """Add the sandbox's commands and, for its targets, point everything unset at it."""
    os.environ.setdefault("DLT_PROJECT_DIR", str(ROOT))
    if importlib.util.find_spec("sandbox") is None:
        return
    from sandbox import cli as sandbox_cli
    from sandbox.settings import Settings, SettingsError, environment

    app.registered_commands.extend(sandbox_cli.app.registered_commands)
    if os.environ.get("GATEHOUSE_TARGET", "local") not in ("local", "ci"):
        return
    try:
        for name, value in environment(Settings.from_env()).items():
            os.environ.setdefault(name, value)
    except SettingsError as error:
        err.print(f"[red]error:[/red] {error}", highlight=False)
        sys.exit(2)


@app.command()
def load(
    sources: Annotated[list[str] | None, typer.Argument(help=f"From {', '.join(SOURCES)}.")] = None,
    listen: Listen = 0,
    as_json: Json = False,
) -> None:
    """Land what the sources have that raw does not, side by side; all unless some are named.

    The replica only where it is configured; the API not where there is a replica in its place.
    """
    reports = _load(_known(sources) or loads.configured(), listen, quiet=as_json)
    _tell(reports, as_json)
    if any(report.error for report in reports):
        raise typer.Exit(1)


def _known(sources: list[str] | None) -> list[str]:
    for name in sources or []:
        if name not in SOURCES:
            raise typer.BadParameter(f"{name} is not one of {', '.join(SOURCES)}")
    return sources or []


def _load(names: list[str], listen: float = 0, *, quiet: bool = False) -> list[Report]:
    with _progress("load", quiet=quiet) as tell_of:
        reports = loads.load(names, tell_of, listen)
    if not all(report.error for report in reports):
        make_tables(loads.raw_tables())
    return reports


@app.command("schedule")
def run_schedule(
    sources: Annotated[list[str] | None, typer.Argument(help=f"From {', '.join(SOURCES)}.")] = None,
    once: Annotated[bool, typer.Option("--once", help="One turn: for cron and the like.")] = False,
    beside_stream: Annotated[
        bool, typer.Option("--beside-stream", help="Leave the topics to `gatehouse stream`.")
    ] = False,
    dbt: Annotated[str, typer.Option(help="Further arguments of `dbt build`.")] = "",
) -> None:
    """Load every source at its own pace and build what landed, until Ctrl-C.

    The paces are in .dlt/config.toml, section schedule. All sources unless some are named.
    """
    names = _known(sources) or loads.configured()
    if beside_stream:
        names = [name for name in names if name not in loads.TOPICS]
    warehouse = schedule.Dbt(ROOT)

    def load_and_tell(due: list[str]) -> list[Report]:
        out.rule(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC", align="left")
        reports = _load(due)
        _tell(reports, as_json=False)
        return reports

    def build_and_tell() -> schedule.Built:
        built = warehouse.build(shlex.split(dbt))
        counts = ", ".join(f"{count} {status}" for status, count in built.counts.most_common())
        out.print(f"dbt build: {counts or 'nothing done'}, {built.seconds:.0f} s", highlight=False)
        for problem in built.problems:
            err.print(problem, highlight=False, markup=False, soft_wrap=True)
        return built

    timetable = schedule.Timetable(schedule.Cadence.of(names))
    try:
        if not schedule.run(timetable, load_and_tell, build_and_tell, once=once):
            raise typer.Exit(1)
    except KeyboardInterrupt:
        out.print("ended")


@app.command()
def stream(
    sources: Annotated[list[str] | None, typer.Argument(help=f"From {', '.join(STREAMS)}.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=24, help="At most, all together.")] = 8,
) -> None:
    """Land what the realtime sources send, second by second, until SIGTERM or Ctrl-C.

    All of them unless some are named. Health and metrics are served on GATEHOUSE_STREAM_PORT.
    """
    for name in sources or []:
        if name not in STREAMS:
            raise typer.BadParameter(f"{name} is not one of {', '.join(STREAMS)}")
    Privacy.from_env()
    make_tables(loads.raw_tables())
    telemetry = Telemetry()
    supervisor = Supervisor(
        sources or list(STREAMS),
        workers,
        telemetry,
        _say,
    )
    host = os.environ.get("GATEHOUSE_STREAM_HOST", "127.0.0.1")
    port = int(os.environ.get("GATEHOUSE_STREAM_PORT", "18091"))
    serve(telemetry, host, port, supervisor.processes)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _signal, _frame: supervisor.stop())
    out.print(f"health and metrics at http://{host}:{port} (Ctrl-C drains and ends it)")
    if not supervisor.run():
        raise GatehouseError(
            "Some workers did not drain in time and were killed.",
            "Nothing was lost: the next run, or `gatehouse load`, reads their last records again.",
        )
    out.print("drained and ended")


def _say(line: str) -> None:
    logging.getLogger("loaders.stream").info(line, extra={"event.dataset": "gatehouse.stream"})
    err.print(line, highlight=False, markup=False, soft_wrap=True)


@app.command()
def metrics() -> None:
    """Show Prometheus what loads, builds and ClickHouse left behind, on GATEHOUSE_METRICS_PORT."""
    host = os.environ.get("GATEHOUSE_METRICS_HOST", "127.0.0.1")
    port = int(os.environ.get("GATEHOUSE_METRICS_PORT", "18092"))
    thread = exporter.serve(host, port)
    out.print(f"metrics at http://{host}:{port}/metrics (Ctrl-C ends it)")
    try:
        thread.join()
    except KeyboardInterrupt:
        out.print("ended")


@app.command()
def publish(
    every: Annotated[int, typer.Option(help="Go on, looking again every so many seconds.")] = 0,
    as_json: Json = False,
) -> None:
    """Put tickets that changed on the topic ticket-events, from where the last run stopped."""
    while True:
        report = Report(TICKET_EVENTS.source, TICKET_EVENTS.name)
        try:
            ticket_publisher.publish(report)
        except (GatehouseError, ConfigFieldMissingException) as error:
            report.error = loads.explain(error)
        if as_json:
            out.print_json(json.dumps(vars(report)))
        elif report.landed or not every:
            out.print(f"{report.landed:,} changed tickets published, {report.read:,} read")
        if report.error:
            err.print(f"[red]error:[/red] {report.error}", highlight=False)
        if not every:
            raise typer.Exit(1 if report.error else 0)
        time.sleep(every)


@contextmanager
def _progress(doing: str, *, quiet: bool) -> Iterator[TellOf]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=quiet, transient=True) as bars:

        def tell_of(name: str) -> Tell:
            task = bars.add_task(f"{doing} {name}", total=None)

            def tell(done: int, total: int, stage: str = "") -> None:
                of_what = f"{doing} {name} {stage}".rstrip()
                bars.update(task, completed=done, total=total or None, description=of_what)

            return tell

        yield tell_of


def _tell(reports: list[Report], as_json: bool) -> None:
    if as_json:
        out.print_json(json.dumps([vars(report) for report in reports]))
        return
    table = Table(box=None)
    for column in ("source", "feeds", "read", "landed", "refused", "waiting", "seconds"):
        table.add_column(column, no_wrap=column not in ("feeds", "refused"))
    for (source, name), group in _grouped(reports).items():
        refused = sum((report.refused for report in group), Counter())
        table.add_row(
            source,
            name if len(group) == 1 else f"{name} ({len(group)})",
            f"{sum(report.read for report in group):,}",
            f"{sum(report.landed for report in group):,}",
            ", ".join(f"{n} {reason}" for reason, n in refused.most_common()) or "0",
            f"{sum(report.waiting for report in group):,}",
            f"{sum(report.seconds for report in group):.1f}",
        )
    out.print(table)
    for report in reports:
        for name, count in report.new_fields.most_common():
            out.print(f"new field: {report.source} {report.feed} {name} in {count:,} records")
        if report.waiting:
            out.print(f"waiting: {report.waiting:,} lists of {report.feed}; the next load goes on")
        if report.note:
            out.print(f"note: {report.source} {report.feed} {report.note}")
        if report.error:
            err.print(f"[red]error:[/red] {report.error}", highlight=False)


def _grouped(reports: list[Report]) -> dict[tuple[str, str], list[Report]]:
    """Gather the feeds that a person is told of together."""
    groups: dict[tuple[str, str], list[Report]] = {}
    for report in reports:
        groups.setdefault((report.source, report.group or report.feed), []).append(report)
    return groups


@dlq.command("list")
def dlq_list(source: SourceName = "", reason: Reason = "", as_json: Json = False) -> None:
    """List the open dead letters."""
    letters = _find(source=source, reason=reason)
    if as_json:
        rows = [{k: v for k, v in vars(x).items() if k != "payload_sealed"} for x in letters]
        out.print_json(json.dumps(rows, default=str))
        return
    table = Table("id", "source", "feed", "position", "reason", "detail", box=None)
    for letter in letters:
        table.add_row(
            letter.dead_letter_id[:12],
            letter.source,
            letter.feed,
            letter.position,
            letter.reason,
            letter.detail,
        )
    out.print(table)
    out.print(f"{len(letters):,} open dead letters")


@dlq.command("show")
def dlq_show(letter_id: Annotated[str, typer.Argument(help="An id, or how it begins.")]) -> None:
    """Show a dead letter with what the source sent, identifiers and all."""
    privacy = Privacy.from_env()
    for letter in _find(ids=[letter_id], status=""):
        for name, value in vars(letter).items():
            if name != "payload_sealed":
                out.print(f"{name:>16}  {value}", highlight=False, markup=False)
        data = replay.open_letter(privacy, letter)
        out.print(f"{'payload':>16}  {data!r}", highlight=False, markup=False, soft_wrap=True)


@dlq.command("replay")
def dlq_replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids, or how they begin.")] = None,
    source: SourceName = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Send open dead letters through the door again; all of them unless some are named."""
    reports = replay.replay(_find(ids=ids, source=source, reason=reason))
    _tell(reports, as_json)


def _find(
    ids: list[str] | None = None, source: str = "", reason: str = "", status: str = "open"
) -> list[DeadLetter]:
    with Server.from_env("operator").connect() as client:
        return dead_letters.find(client, ids=ids, source=source, reason=reason, status=status)


@app.command()
def audit(as_json: Json = False) -> None:
    """Prove that source, raw, staging, facts and rollups agree, by counts and checksums per window.

    Exit code 1 where they do not. What came since the last load or build is not held against them.
    """
    with _progress("audit", quiet=as_json) as tell_of:
        windows, errors = audits.audit(tell_of)
    differing = [window for window in windows if window.state == "differs"]
    if as_json:
        told = {
            "agrees": not differing and not errors,
            "steps": audits.steps(windows),
            "differing": [vars(window) for window in differing],
            "errors": errors,
        }
        out.print_json(json.dumps(told))
    else:
        _tell_windows(windows, differing)
        for error in errors:
            err.print(f"[red]error:[/red] {error}", highlight=False)
    if differing or errors:
        raise typer.Exit(1)


def _tell_windows(windows: list[Window], differing: list[Window]) -> None:
    steps = audits.steps(windows)
    table = Table(box=None)
    for column in ("source", "step", "tables", "windows", "records", "differ", "wait"):
        table.add_column(column)
    for step in steps:
        counts = (step[name] for name in ("tables", "windows", "records", "differ", "wait"))
        name = step["step"].replace("_", " ")
        table.add_row(step["source"], name, *(f"{count:,}" for count in counts))
    out.print(table)
    for window in differing[:_DIFFERENCES_TOLD]:
        err.print(
            f"[red]differs:[/red] {window.source}, {window.name}: {window.above} has "
            f"{window.above_records:,} records, {window.below} {window.below_records:,}"
            f"{', but other ones' if window.above_records == window.below_records else ''}.\n"
            f"         {window.remedy}",
            highlight=False,
            soft_wrap=True,
        )
    if len(differing) > _DIFFERENCES_TOLD:
        err.print(f"and {len(differing) - _DIFFERENCES_TOLD:,} windows more: see --json")
    for source in audits.SOURCES.keys() - {
        it.source for it in windows if it.step == audits.STEPS[0]
    }:
        out.print(f"Of {source} nothing has landed that could be held against the source.")
    if any(step["wait"] for step in steps):
        out.print("What waits has news since the last build: run `dbt build`, and audit again.")


@app.command()
def forget(
    users: Annotated[
        list[str], typer.Argument(help="As the sources know them: user id, e-mail, phone, name.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Erase people's rows in every layer, for good, and let none of theirs in again."""
    with err.status("forget") as status:
        found = forgetting.forget(
            users, dry_run=dry_run, tell=lambda what: status.update(f"forget: {what}")
        )
    if as_json:
        out.print_json(json.dumps(asdict(found)))
    else:
        _tell_forgotten(found)
    if found.left:
        raise typer.Exit(1)


def _tell_forgotten(found: Forgotten) -> None:
    table = Table("table", box=None)
    for column in ("deleted", "blanked"):
        table.add_column(column, justify="right")
    for erased in found.tables:
        table.add_row(erased.table, f"{erased.deleted:,}", f"{erased.blanked:,}")
    if found.tables:
        out.print(table)
    rows = sum(erased.deleted + erased.blanked for erased in found.tables)
    what = "would be erased" if found.is_dry_run else "erased"
    out.print(f"{rows:,} rows in {len(found.tables)} tables {what}, {found.seconds:.1f} s")
    if found.unreadable:
        out.print(f"note: no key opens {found.unreadable:,} dead letters; they may be theirs")
    if found.left:
        err.print(f"[red]error:[/red] {found.left:,} rows landed meanwhile. Run it again.")


@app.command()
def docs() -> None:
    """Serve the site of `make docs`: models, columns, lineage, and the warehouse's health."""
    folder = ROOT / os.environ.get("DBT_TARGET_PATH", "target")
    if not (folder / "index.html").exists():
        raise GatehouseError(f"There is no docs site in {folder}.", "Run `make docs` first.")
    port = int(os.environ.get("GATEHOUSE_DOCS_PORT", "18090"))
    try:
        server = site.server(folder, port)
    except OSError:
        raise GatehouseError(
            f"Port {port} is taken.", "Set GATEHOUSE_DOCS_PORT to a free one."
        ) from None
    address = f"http://127.0.0.1:{port}"
    out.print(f"docs at {address}, health at {address}/health.html (Ctrl-C ends it)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        out.print("ended")


if __name__ == "__main__":
    main()
