"""What loads leave behind in the state folder for those who watch.

`loads/<source>.json` holds a source's last load, and when one last succeeded: `gatehouse metrics`
shows it to Prometheus. `logs/gatehouse.json` is the log in Elastic Common Schema, a line per feed
of a load and per thing that the stream or a library has to say; `monitoring/rsyslog` ships it.
"""

import json
import logging
import os
import time
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

import ecs_logging

from loaders.batch import Report

_log = logging.getLogger(__name__)


def folder() -> Path:
    """Where the last loads are noted."""
    return _state() / "loads"


def _state() -> Path:
    return Path(os.environ.get("GATEHOUSE_STATE", ".gatehouse")).absolute()


def note(source: str, reports: list[Report], loading: float) -> None:
    """Note how a load of a source ended.

    Parameters
    ----------
    source
        Its name.
    reports
        Of its feeds.
    loading
        Of its seconds, those that ClickHouse took; the others went into fetching and checking.
    """
    for report in reports:
        _tell(report)
    path = folder() / f"{source}.json"
    failed = any(report.error for report in reports)
    finished_at = time.time()
    noted: dict[str, Any] = {
        "finished_at": finished_at,
        "succeeded_at": last(path).get("succeeded_at") if failed else finished_at,
        "failed": failed,
        "seconds": {
            "extract": max(0.0, sum(report.seconds for report in reports) - loading),
            "load": loading,
        },
        "records": {
            "read": sum(report.read for report in reports),
            "landed": sum(report.landed for report in reports),
            "refused": sum(report.refused.total() for report in reports),
        },
    }
    # What landed has landed: a full disk here makes no failure of it, and LoadOverdue tells.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".tmp")
        half.write_text(json.dumps(noted, indent=2) + "\n")
        half.replace(path)


def last(path: Path) -> dict[str, Any]:
    """Read a note; empty where there is none yet."""
    try:
        noted: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return noted


def _tell(report: Report) -> None:
    fields = {
        "event.dataset": "gatehouse.load",
        "event.action": "load",
        "event.outcome": "failure" if report.error else "success",
        "event.duration": round(report.seconds * 1e9),
        "gatehouse.source": report.source,
        "gatehouse.feed": report.feed,
        "gatehouse.read": report.read,
        "gatehouse.landed": report.landed,
        "gatehouse.refused": report.refused.total(),
    }
    if report.error:
        fields["error.message"] = report.error
    level = logging.ERROR if report.error else logging.INFO
    text = "%s %s: %d landed"
    _log.log(level, text, report.source, report.feed, report.landed, extra=fields)


def keep_log() -> None:
    """Keep what is logged in the state folder too; logrotate or the like may move the file away."""
    root = logging.getLogger()
    if not any(isinstance(handler, _File) for handler in root.handlers):
        root.addHandler(_File(_state() / "logs" / "gatehouse.json", delay=True))
        logging.getLogger("loaders").setLevel(logging.INFO)


class _File(WatchedFileHandler):
    """Several processes append to it, a line in one write each."""

    def __init__(self, path: Path, *, delay: bool) -> None:
        super().__init__(path, encoding="utf-8", delay=delay)
        form = ecs_logging.StdlibFormatter(
            exclude_fields=["log.origin", "log.original", "process.thread"],
            extra={"service.name": "gatehouse"},
        )
        self.setFormatter(form)

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Go on: that a log cannot be written, as on a full disk, stops no load."""
