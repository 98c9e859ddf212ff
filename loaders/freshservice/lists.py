"""Lists that have no "changed since": they are read whole on every run.

Pages have numbers, so a record that goes while a list is read lets the one behind it slip to a page
already read. A list that lacks what its last sweep showed is therefore read once more from its last
page to its first, on which way such a record can only be seen twice. What both miss is gone.
"""

from collections.abc import Iterator, Set
from datetime import datetime
from typing import Any, NamedTuple

from loaders.freshservice.api import Api


class Whole(NamedTuple):
    """A list that was read to its end."""

    records: list[Any]
    read_at: datetime


def read_whole(api: Api, path: str, known: Set[int] = frozenset(), **params: Any) -> Whole:
    """Read a list, and again downwards if it lacks ids that are known."""
    records: list[Any] = []
    seen: set[str] = set()
    number, more = 1, True
    while more:
        page = api.page(path, page=number, **params)
        records += _fresh(page.records, seen)
        number, more = number + 1, page.more
    if number > 2 and known - _ids(records):
        for again in range(number - 1, 0, -1):
            records += _fresh(api.page(path, page=again, **params).records, seen)
    return Whole(records, page.at)


def _fresh(page: list[Any], seen: set[str]) -> Iterator[Any]:
    for record in page:
        version = repr(record)
        if version not in seen:
            seen.add(version)
            yield record


def _ids(records: list[Any]) -> set[int]:
    return {record["id"] for record in records if isinstance(record, dict) and "id" in record}
