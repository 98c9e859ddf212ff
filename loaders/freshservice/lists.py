"""Lists beside the tickets: which there are, and how one is read to its end.

Pages have numbers, so a record that goes while a list is read lets the one behind it slip to a page
already read; and one that is restored from the bin may miss both. A list that lacks what its last
sweep showed is therefore read once more from its end to its beginning, on which way such a record
can only be seen twice. What both miss is gone.
"""

from collections.abc import Iterator, Set
from datetime import datetime
from typing import Any, NamedTuple

from loaders.freshservice.api import Api


class Part(NamedTuple):
    """A part of a list that the API shows only when asked for it."""

    asked_by: dict[str, Any]
    says: dict[str, bool]
    """What it means to be in it, where the record itself does not tell."""


# By the group in which a person is told of them.
GROUPS = {
    "people, places, rules": (
        "requesters",
        "agents",
        "groups",
        "departments",
        "locations",
        "business_hours",
        "sla_policies",
    ),
    "problems, changes, releases": ("problems", "changes", "releases"),
    "assets and costs": (
        "assets",
        "asset_types",
        "products",
        "vendors",
        "contracts",
        "purchase_orders",
        "applications",
    ),
}
WHOLE = (Part({}, {}),)
PARTS = {
    "problems": (Part({}, {"deleted": False}), Part({"filter": "deleted"}, {"deleted": True})),
    "changes": (Part({}, {"deleted": False}), Part({"filter": "deleted"}, {"deleted": True})),
    "releases": (Part({}, {"deleted": False}), Part({"filter_name": "deleted"}, {"deleted": True})),
    "assets": (Part({}, {"trashed": False}), Part({"trashed": "true"}, {"trashed": True})),
}
PARAMS = {"changes": {"include": "stats"}, "assets": {"include": "type_fields"}}
# These can say what changed since, in an order that nobody promises.
SINCE = ("problems", "changes")


class Read(NamedTuple):
    """A list that was read to its end."""

    records: list[Any]
    at: datetime
    """When its first page was read."""


def read_whole(
    api: Api,
    path: str,
    known: Set[int] | None = None,
    parts: tuple[Part, ...] = WHOLE,
    **params: Any,
) -> Read:
    """Read a list upwards, and downwards as well if it lacks ids that are known.

    Where nobody knows what it should show (None), a list of several pages is read both ways.
    """
    records: list[Any] = []
    seen: set[str] = set()
    ends: list[int] = []
    times: list[datetime] = []
    for part in parts:
        number, more = 0, True
        while more:
            number += 1
            page = api.page(path, page=number, **part.asked_by, **params)
            times.append(page.at)
            records += _fresh(page.records, part, seen)
            more = page.more
        ends.append(number)
    lacks = max(ends) > 1 if known is None else bool(known - _ids(records))
    if lacks and sum(ends) > 1:
        for part, end in zip(reversed(parts), reversed(ends), strict=True):
            for number in range(end, 0, -1):
                page = api.page(path, page=number, **part.asked_by, **params)
                records += _fresh(page.records, part, seen)
    return Read(records, times[0])


def _fresh(page: list[Any], part: Part, seen: set[str]) -> Iterator[Any]:
    for record in page:
        version = repr(record)
        if version not in seen:
            seen.add(version)
            yield {**part.says, **record} if isinstance(record, dict) else record


def _ids(records: list[Any]) -> set[int]:
    return {record["id"] for record in records if isinstance(record, dict) and "id" in record}
