"""`gatehouse load`, `schedule` and `publish`: what lands, at whose pace."""

import json
import shlex
import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from dlt.common.configuration.exceptions import ConfigFieldMissingException

from loaders import loads, schedule, ticket_publisher
from loaders.batch import Report
from loaders.cli.console import ROOT, Json, err, out, progress, tell
from loaders.errors import GatehouseError
from loaders.landing import make_tables
from loaders.loads import SOURCES
from loaders.ticket_events import TICKET_EVENTS

Listen = Annotated[
    float, typer.Option(help="Hear the user app's socket for so many seconds before its REST.")
]


def load(
    sources: Annotated[list[str] | None, typer.Argument(help=f"From {', '.join(SOURCES)}.")] = None,
    listen: Listen = 0,
    as_json: Json = False,
) -> None:
    """Land what the sources have that raw does not, side by side; all unless some are named.

    The replica only where it is configured; the API not where there is a replica in its place.
    """
    reports = _load(_known(sources) or loads.configured(), listen, quiet=as_json)
    tell(reports, as_json)
    if any(report.error for report in reports):
        raise typer.Exit(1)


def _known(sources: list[str] | None) -> list[str]:
    for name in sources or []:
        if name not in SOURCES:
            raise typer.BadParameter(f"{name} is not one of {', '.join(SOURCES)}")
    return sources or []


def _load(names: list[str], listen: float = 0, *, quiet: bool = False) -> list[Report]:
    with progress("load", quiet=quiet) as tell_of:
        reports = loads.load(names, tell_of, listen)
    if not all(report.error for report in reports):
        make_tables(loads.raw_tables())
    return reports


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
        tell(reports, as_json=False)
        return reports

    def build_and_tell() -> schedule.Built:
        built = warehouse.build(shlex.split(dbt))
        counts = ", ".join(f"{count} {status}" for status, count in built.counts.most_common())
        out.print(f"dbt build: {counts or 'nothing done'}, {built.seconds:.0f} s", highlight=False)
        for problem in built.problems:
            err.print(problem, highlight=False, markup=False, soft_wrap=True)
        return built

    def look_and_tell() -> None:
        if line := warehouse.find_silent():
            err.print(line, highlight=False, markup=False, soft_wrap=True)

    timetable = schedule.Timetable(schedule.Cadence.of(names))
    try:
        if not schedule.run(timetable, load_and_tell, build_and_tell, look_and_tell, once=once):
            raise typer.Exit(1)
    except KeyboardInterrupt:
        out.print("ended")


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
