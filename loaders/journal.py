"""What a load leaves behind for those who watch: its figures, in a file per source.

`loads/<source>.json` in the state folder holds the last load, and when one last succeeded.
`gatehouse metrics` shows it to Prometheus; nothing else reads it.
"""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from loaders.batch import Report


def folder() -> Path:
    """Where the last loads are noted."""
    return Path(os.environ.get("GATEHOUSE_STATE", ".gatehouse")).absolute() / "loads"


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
