"""`gatehouse stream`, `metrics` and `docs`: what runs and answers until it is ended."""

import logging
import os
import signal
from typing import Annotated

import typer

from loaders import exporter, loads, site
from loaders.cli.console import ROOT, err, out
from loaders.errors import GatehouseError
from loaders.landing import make_tables
from loaders.privacy import Privacy
from loaders.stream.supervisor import Supervisor
from loaders.stream.telemetry import Telemetry, serve
from loaders.stream.worker import SOURCES as STREAMS


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
    if late := supervisor.run():
        raise GatehouseError(
            f"{', '.join(late)} did not drain in time and was killed.",
            "Nothing was lost: the next run, or `gatehouse load`, reads their last records again.",
        )
    out.print("drained and ended")


def _say(line: str) -> None:
    logging.getLogger("loaders.stream").info(line, extra={"event.dataset": "gatehouse.stream"})
    err.print(line, highlight=False, markup=False, soft_wrap=True)


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
