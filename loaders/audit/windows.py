"""Windows: a stretch of one layer, and what the next one has of it."""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as midnight
from itertools import groupby
from typing import Any

STEPS = ("source_to_raw", "raw_to_staging", "staging_to_facts", "facts_to_rollups")
# Raw keeps three months from landing, and nothing lands before it happens.
KEPT = timedelta(days=88)


@dataclass(frozen=True)
class Window:
    """A stretch of one layer, and what the next one has of it.

    Attributes
    ----------
    source, step, above, below
        Whose records, from which layer to which (of `STEPS`), and where the two are.
    name
        A UTC day, or a partition and offsets of a topic.
    above_records, below_records, above_checksum, below_checksum
        What either side has.
    is_unbuilt
        Whether some of it was written since the lower layer was last built.
    remedy
        What mends a difference.
    """

    source: str
    step: str
    above: str
    below: str
    name: str
    above_records: int
    below_records: int
    above_checksum: int
    below_checksum: int
    is_unbuilt: bool = False
    remedy: str = ""

    @property
    def state(self) -> str:
        """Whether it agrees, differs, or waits: for the next build, after which it may agree."""
        above = self.above_records, self.above_checksum
        if above == (self.below_records, self.below_checksum):
            return "agrees"
        return "waits" if self.is_unbuilt else "differs"


class Tally:
    """Records and checksum per window of a source: what it sent, record by record."""

    def __init__(self) -> None:
        self._records: Counter[Any] = Counter()
        self._checksums: Counter[Any] = Counter()

    def add(self, window: Any, identity: str) -> None:
        """Count a record."""
        self._records[window] += 1
        self._checksums[window] += zlib.crc32(identity.encode())

    def against(
        self, raw: Iterable[Sequence[Any]]
    ) -> Iterator[tuple[Any, tuple[int, int, int, int]]]:
        """Yield each window with the numbers of a `Window`; raw tells its own as (window, ...)."""
        found = {window: (records, checksum) for window, records, checksum in raw}
        for window in sorted(self._records.keys() | found.keys()):
            records, checksum = found.get(window, (0, 0))
            yield window, (self._records[window], records, self._checksums[window], checksum)


def steps(windows: list[Window]) -> list[dict[str, Any]]:
    """Count the windows and their states per source and step, in their order."""
    return [
        {
            "source": source,
            "step": STEPS[step],
            "tables": len({window.below for window in group}),
            "windows": len(group),
            "records": sum(window.above_records for window in group),
            "differ": sum(window.state == "differs" for window in group),
            "wait": sum(window.state == "waits" for window in group),
        }
        for (source, step), found in groupby(windows, lambda window: place(window)[:2])
        if (group := list(found))
    ]


def seconds_since(day: date) -> int:
    """Return how many seconds ago a UTC day began."""
    return int((datetime.now(UTC) - datetime.combine(day, midnight.min, UTC)).total_seconds())


def place(window: Window) -> tuple[str, int, str, str, str]:
    """Tell where a window comes among all: by source, downwards, by name."""
    return (
        window.source,
        STEPS.index(window.step),
        window.above,
        window.below,
        window.name,
    )
