"""A batch: the good rows and the dead letters of one feed, on their way into one load package."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import dlt
import pyarrow as pa

from loaders import dead_letters
from loaders.door import FORGOTTEN, RefusedError
from loaders.privacy import Privacy
from loaders.pseudonym_links import tell_of_people

MAX_BYTES = 256 * 2**20
# So many rows at a time become columns: soon, while they are in the processor's cache.
_PACK_ROWS = 1000


@dataclass
class Report:
    """What a load did, for the person who ran it.

    Attributes
    ----------
    read, landed
        Records read from the source, and those that passed the door.
    refused
        Dead letters by reason.
    new_fields
        Fields that the schema does not know, with the records that carried them.
    error
        Why the load ended early; empty when it did not.
    group
        The feeds among which a person is told of it; empty where it stands for itself.
    waiting
        Lists that are known to have changed and were not read: the next load goes on with them.
    note
        What a person should know that is no error.
    """

    source: str
    feed: str
    read: int = 0
    landed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    new_fields: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    error: str = ""
    group: str = ""
    waiting: int = 0
    note: str = ""


class Tell(Protocol):
    """Told how far a load is."""

    def __call__(self, done: int, total: int, stage: str = "") -> None:
        """Tell what is done, of how much (0: unknown), and of what."""


class Batch:
    """Collect rows column by column and hand them to dlt as arrow tables.

    Parameters
    ----------
    report
        Counts what is added and refused.
    table, schema
        The raw table, and the columns that the loader fills.
    privacy
        Seals the dead letters.

    Attributes
    ----------
    letters
        The dead letters.
    oldest
        When the broker or the source's server took the oldest record, where a lane measures that.
    """

    def __init__(self, report: Report, table: str, schema: pa.Schema, privacy: Privacy) -> None:
        self._report = report
        self._table = table
        self._schema = schema
        self._privacy = privacy
        self._rows: list[tuple[Any, ...]] = []
        self._packed: list[pa.RecordBatch] = []
        self.letters: list[dead_letters.DeadLetter] = []
        self.oldest: datetime | None = None

    def __len__(self) -> int:
        """Return how many records it holds."""
        return len(self._rows) + sum(map(len, self._packed)) + len(self.letters)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to land."""
        return not len(self)

    def add(self, row: tuple[Any, ...]) -> None:
        """Add a row that passed the door: its values in the order of the schema."""
        self._rows.append(row)
        if len(self._rows) == _PACK_ROWS:
            self._pack()
        self._report.read += 1
        self._report.landed += 1

    def refuse(
        self, position: str, refused: RefusedError, data: bytes | None, source_at: datetime | None
    ) -> bool:
        """Add a record that did not pass, as the source sent it; return whether it is kept.

        What is about somebody who was forgotten, or may be, is not.
        """
        report = self._report
        if refused.reason == FORGOTTEN or self._privacy.tells_of_forgotten(data or b""):
            report.read += 1
            report.refused[FORGOTTEN] += 1
            return False
        self.letters.append(
            dead_letters.bury(
                self._privacy, report.source, report.feed, position, refused, data, source_at
            )
        )
        report.read += 1
        report.refused[refused.reason] += 1
        return True

    def items(self) -> Iterator[Any]:
        """Yield the tables for dlt, once raw knows whom they name."""
        tell_of_people(self._privacy)
        if self._rows:
            self._pack()
        if self._packed:
            rows = pa.Table.from_batches(self._packed)
            yield dlt.mark.with_table_name(rows, self._table)
        if self.letters:
            yield dlt.mark.with_table_name(dead_letters.table(self.letters), dead_letters.TABLE)

    def _pack(self) -> None:
        columns = zip(*self._rows, strict=True)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, self._schema, strict=True)]
        self._packed.append(pa.record_batch(arrays, schema=self._schema))
        self._rows = []
