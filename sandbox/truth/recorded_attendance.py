"""What the records tell of one event: visits from scans, stints in sessions from joins and leaves.

The rules are those of attendance.py, walked person by person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sandbox.world.attendance.phones import Act
from sandbox.world.attendance.scans import Scan
from sandbox.world.moments import MINUTE

SHORT = 5 * MINUTE
"""Who is back sooner has not left."""
Entries = Mapping[int, Iterable[tuple[int, str]]]
"""Of each person: when they were let in at other events."""
Stint = tuple[int, int | None, str]
"""Joined, left, by what."""


class Recorded(NamedTuple):
    """A visit as the records have it."""

    user: int
    number: int
    entered_at: int
    left_at: int | None
    entry_gate: int
    exit_gate: int | None
    imputed_by: str | None
    registration_id: str | None


def pair(
    scans: Iterable[Scan], ends_at: int, now: int, elsewhere: Entries
) -> dict[int, list[Recorded]]:
    """The visits of each person."""
    people: defaultdict[int, list[Scan]] = defaultdict(list)
    for scan in scans:
        if scan.is_override or scan.result == "ok":
            people[scan.user].append(scan)
    found: dict[int, list[Recorded]] = {}
    for user, own in people.items():
        found[user] = []
        for number, stay in enumerate(_stays(own), 1):
            # What lies ahead of now ends nothing yet.
            bounds = [(max(stay[-1].at, ends_at), "event_end")] if ends_at <= now else []
            later = (at for at, _ in elsewhere.get(user, ()))
            bounds += [(at, "entry_elsewhere") for at in later if at > stay[-1].at]
            found[user].append(_visit(number, stay, bounds))
    return found


def _visit(number: int, stay: list[Scan], bounds: list[tuple[int, str]]) -> Recorded:
    first, last = stay[0], stay[-1]
    user, at, gate = first.user, first.at, first.gate
    ticket = next((scan.registration_id for scan in stay if scan.registration_id), None)
    if last.direction == "out":
        return Recorded(user, number, at, last.at, gate, last.gate, None, ticket)
    left_at, imputed_by = min(bounds, default=(None, None))
    return Recorded(user, number, at, left_at, gate, None, imputed_by, ticket)


def _stays(scans: Iterable[Scan]) -> Iterator[list[Scan]]:
    """A person's admitted scans in order, cut where a visit ends; what says nothing is left out."""
    stay: list[Scan] = []
    for scan in scans:
        is_inside = bool(stay) and stay[-1].direction == "in"
        if scan.direction == "out":
            if is_inside:
                stay.append(scan)
        elif not is_inside:
            if stay and scan.at - stay[-1].at >= SHORT:
                yield stay
                stay = []
            stay.append(scan)
    if stay:
        yield stay


def dwell(visits: Iterable[Recorded]) -> int | None:
    """How long somebody was inside in all; None while they are."""
    total = 0
    for visit in visits:
        if visit.left_at is None:
            return None
        total += visit.left_at - visit.entered_at
    return total


def stints(
    told: Iterable[tuple[int, Act]],
    ends: Mapping[str, int],
    visits: Mapping[int, list[Recorded]],
    now: int,
) -> dict[tuple[str, int], list[Stint]]:
    """Per session and person, from acts and when they were."""
    found: defaultdict[tuple[str, int], list[Stint]] = defaultdict(list)
    for user, own in _joined(told).items():
        for number, (at, session_id, left_at) in enumerate(own):
            if left_at is not None:
                found[session_id, user].append((at, left_at, "leave"))
                continue
            bounds = [(ends[session_id], "session_end")]
            bounds += [(joined, "next_join") for joined, *_ in own[number + 1 : number + 2]]
            within = [v.left_at for v in visits.get(user, ()) if v.entered_at <= at]
            bounds += [(within[-1], "visit_exit")] if within and within[-1] else []
            bounds = [bound for bound in bounds if at < bound[0] <= now]
            found[session_id, user].append((at, *min(bounds, default=(None, "running"))))
    return found


def _joined(told: Iterable[tuple[int, Act]]) -> dict[int, list[tuple[int, str, int | None]]]:
    """Of each person in order: joined, which session, left, if they said so."""
    sitting: dict[tuple[str, int], int] = {}
    found: defaultdict[int, list[tuple[int, str, int | None]]] = defaultdict(list)
    for at, act in sorted(told, key=lambda one: (one[0], one[1].received_at, one[1].number)):
        key = (act.session_id or "", act.user)
        if act.type == "session_join" and key not in sitting:
            sitting[key] = at
        elif act.type == "session_leave" and key in sitting:
            found[act.user].append((sitting.pop(key), key[0], at))
    for (session_id, user), at in sitting.items():
        found[user].append((at, session_id, None))
    return {user: sorted(own, key=lambda one: one[:2]) for user, own in found.items()}
