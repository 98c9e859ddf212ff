"""The truth about the backlog: backlog.jsonl, one line a day and group.

Days are those of UTC, groups as they held the ticket (null: nobody did). In the backlog is what is
neither resolved nor closed, nor deleted, nor spam; tickets that were merged into others are not
counted at all. `open` is the backlog at the end of the day, or now on the last one.

    open = open of the day before + created + reopened + restored + moved_in
                                  - resolved - deleted - spam - moved_out

What leaves is counted for the group that had it, what comes for the group that gets it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.truth.ticket import Told
from sandbox.world.desk.stretches import State, Stretch

Row = Mapping[str, Any]
Count = Counter[tuple[date, int | None, str]]
FLOWS = (
    "created", "reopened", "restored", "moved_in", "resolved", "deleted", "spam", "moved_out",
)  # fmt: skip
ONE_DAY = timedelta(days=1)


def backlog_rows(told: Iterable[Told], now: datetime) -> Iterator[Row]:
    """The lines of backlog.jsonl; a day on which a group has and does nothing is missing."""
    counted: Count = Counter()
    last_day = (now - timedelta(microseconds=1)).date()
    for ticket in told:
        if ticket.ticket.merged_into is None:
            _count_flows(counted, ticket.stretches)
            _count_open(counted, ticket.stretches, last_day)
    keys = {(day, group_id) for day, group_id, _ in counted if day <= last_day}
    for day, group_id in sorted(keys, key=lambda key: (key[0], key[1] or 0)):
        yield {
            "day": day,
            "group_id": group_id,
            "open": counted[day, group_id, "open"],
            **{name: counted[day, group_id, name] for name in FLOWS},
        }


def _count_flows(counted: Count, found: list[Stretch]) -> None:
    before: State | None = None
    for stretch in found:
        for name, group_id in _flows(before, stretch.state):
            counted[stretch.starts_at.date(), group_id, name] += 1
        before = stretch.state


def _flows(before: State | None, after: State) -> Iterator[tuple[str, int | None]]:
    was, now = before is not None and before.is_in_backlog, after.is_in_backlog
    if before is None:
        if now:
            yield "created", after.group_id
    elif was and now:
        if before.group is not after.group:
            yield "moved_out", before.group_id
            yield "moved_in", after.group_id
    elif was:
        name = "deleted" if after.deleted else "spam" if after.spam else "resolved"
        yield name, before.group_id
    elif now:
        yield "restored" if before.deleted else "reopened", after.group_id


def _count_open(counted: Count, found: list[Stretch], last_day: date) -> None:
    """A stretch is counted on each day at whose end it lasts; the last day ends now."""
    for stretch in found:
        if not stretch.state.is_in_backlog:
            continue
        day = stretch.starts_at.date()
        until = stretch.ends_at.date() if stretch.ends_at else last_day + ONE_DAY
        while day < until and day <= last_day:
            counted[day, stretch.state.group_id, "open"] += 1
            day += ONE_DAY
