"""Marts of attendance against what really happened at the doors, as far as records can tell it.

Without dirt they are equal. With dirt each row that differs is one of people, or of gates, of whom
a message is not in the warehouse (refused, and then a dead letter, or late beyond the clock of the
sandbox), or whose instant is flagged as not the device's own.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from functools import cache
from statistics import median_high
from typing import Any, NamedTuple

from sandbox.settings import Settings
from tests.integration.attendance_facts import untold
from tests.integration.driving import pseudonym, truth
from tests.sandboxes import Sandbox, ask

Row = dict[str, Any]
LATE = {"late", "out_of_order"}
ON_ITS_WAY = timedelta(days=2)
"""How late a late message may come."""


class Doubts(NamedTuple):
    """Of whom the warehouse cannot know all."""

    people: set[str]
    events: set[str]
    gates: set[tuple[str, str]]


def rows(sandbox: Sandbox, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in ask(sandbox.settings, "transformer", query)]


def seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds // 1000


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


@cache
def user_key(user_id: str) -> str:
    return pseudonym(user_id)


def told(sandbox: Sandbox, name: str) -> list[Row]:
    found = truth(sandbox, name)
    for row in found:
        if "user_id" in row:
            row["user_id"] = user_key(row["user_id"])
    return found


def doubts(sandbox: Sandbox) -> Doubts:
    """Whoever may differ, and the proof that nobody else's messages are missing or moved."""
    dirt = {
        line["message_id"]: line for line in truth(sandbox, "dirt") if line["source"] == "user_app"
    }
    # A phone may be a second ahead without any dirt; the records know that, and a scanner never is.
    landed = dict(
        rows(
            sandbox,
            "select message_id, occurred_at_rule = 'corrected' or occurred_at_rule = 'server'"
            " and (type in ('check_in', 'check_out'))"
            " from marts.fct_app_events",
        )
    )
    people, events, gates = set(), set(), set()
    for scan in told(sandbox, "attendance_scans"):
        if at(scan["received_at"]) > _clock(sandbox.settings):
            continue
        key = scan["message_id"]
        if key not in landed:
            if key in dirt:
                line = dirt[key]
                assert line["kind"] in LATE or line["expected"].startswith("dead_letter:"), line
            else:
                assert at(scan["at"]) > _clock(sandbox.settings) - ON_ITS_WAY, scan
        if landed.get(key, True):
            people.add(scan["user_id"])
            events.add(scan["event_id"])
            gates.add((scan["event_id"], scan["gate_id"]))
    people |= _seen_after_their_imputed_exit(sandbox)
    for message_id, is_moved in landed.items():
        if is_moved:
            events.add(message_id.rsplit(".", 1)[0])
    for line in dirt.values():
        if line["message_id"] not in landed or line["expected"] in ("corrected", "server_time"):
            events.add(line["message_id"].rsplit(".", 1)[0])
    if sandbox.settings.dirt == 0:
        assert not events | gates
        assert len(people) < 20
    return Doubts(people | _inside_when_last_told(sandbox), events, gates)


def occupancy_is_that_of_the_records(sandbox: Sandbox) -> None:
    doubted = doubts(sandbox)
    expected = {
        (row["event_id"], at(row["minute"])): (row["entries"], row["exits"], row["inside"])
        for row in told(sandbox, "attendance_occupancy")
        if row["inside"] or row["entries"] or row["exits"]
    }
    found = {
        row[:2]: row[2:]
        for row in rows(
            sandbox,
            "select event_id, date_minute, visits_count, exits_count, inside_count"
            " from marts.fct_event_occupancy_minutes",
        )
    }
    assert min(inside for _, _, inside in found.values()) >= 0
    differing = {
        key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)
    }
    assert {event for event, _ in differing} <= _visited_by(sandbox, doubted.people)
    assert len(found) > 300


def events_went_as_the_records_say(sandbox: Sandbox) -> None:
    doubted = doubts(sandbox)
    columns = {
        "attendance": "attendance_count", "confirmed": "expected_count",
        "checked_in": "expected_checked_in_count", "walk_ups": "walk_ups_count",
        "late_arrivals": "late_arrivals_count", "visits": "visits_count",
        "imputed": "imputed_exits_count", "peak": "peak_inside_count", "peak_at": "peak_at",
        "dwell_ms_median": "dwell_seconds_median",
        "observed_dwell_ms_median": "observed_dwell_seconds_median",
    }  # fmt: skip
    found = {
        row[0]: dict(zip(columns, row[1:], strict=True))
        for row in rows(
            sandbox,
            f"select event_id, {', '.join(columns.values())} from marts.fct_event_attendances",
        )
    }
    expected = {}
    for row in told(sandbox, "attendance_events"):
        if row["attendance"]:
            expected[row["event_id"]] = {
                name: seconds(row[name]) if "_ms" in name
                else at(row[name]) if name == "peak_at" else row[name]
                for name in columns
            }  # fmt: skip
    assert found.keys() == expected.keys()
    unsure = _visited_by(sandbox, doubted.people) | _with_untold_registrations(sandbox)
    for event, want in expected.items():
        if event not in unsure:
            assert found[event].keys() == want.keys()
            for name, value in want.items():
                assert _nearly(found[event][name], value), (event, name)
    if sandbox.settings.dirt < 0.1:
        assert len(expected.keys() - unsure) >= 3


def rollups_count_what_was_scanned_and_counted(sandbox: Sandbox) -> None:
    doubted = doubts(sandbox)
    found = {
        row[:2]: row[2:]
        for row in rows(
            sandbox,
            "select event_id, gate_id, sum(entries_count), sum(exits_count), sum(rejects_count),"
            " sum(overrides_count), groupBitmapMerge(visitors)"
            " from marts.rollup_attendance_monthly group by event_id, gate_id",
        )
    }
    people: dict[tuple[str, str], set[str]] = defaultdict(set)
    for visit in told(sandbox, "attendance_recorded_visits"):
        people[visit["event_id"], visit["entry_gate_id"]].add(visit["user_id"])
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for scan in told(sandbox, "attendance_scans"):
        if at(scan["received_at"]) <= _clock(sandbox.settings):
            count = counts[scan["event_id"], scan["gate_id"]]
            count[0] += scan["is_admitted"] and scan["direction"] == "in"
            count[1] += scan["is_admitted"] and scan["direction"] == "out"
            count[2] += not scan["is_admitted"]
            count[3] += scan["is_override"]
    for key, count in counts.items():
        if key not in doubted.gates:
            assert found[key][:4] == tuple(count), key
            if key[0] not in _visited_by(sandbox, doubted.people):
                assert found[key][4] == len(people[key]), key
    assert len(counts.keys() - doubted.gates) > 3


def gates_performed_as_they_counted(sandbox: Sandbox) -> None:
    kinds = ("entries", "exits", "duplicate", "invalid", "wrong_gate", "revoked", "overrides")
    expected: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(kinds))
    unsettled: set[tuple[str, str]] = set()
    for row in told(sandbox, "gate_minutes"):
        key = (row["event_id"], row["gate_id"])
        for number, kind in enumerate(kinds):
            expected[key][number] += row[kind]
        if sandbox.settings.dirt and at(row["minute"]) > _clock(sandbox.settings) - ON_ITS_WAY:
            unsettled.add(key)  # a late report may still be on its way
    unsure = {
        (line["where"]["gate_id"])
        for line in truth(sandbox, "dirt")
        if line["source"] == "gate_management"
        and (line["expected"].startswith("dead_letter:") or line["kind"] in LATE)
    }
    found = {
        row[:2]: list(row[2:])
        for row in rows(
            sandbox,
            "select event_id, gate_id, entries_count, exits_count, duplicate_rejects_count,"
            " invalid_rejects_count, wrong_gate_rejects_count, revoked_rejects_count,"
            " overrides_count from marts.fct_gate_performances",
        )
    }
    compared = 0
    for key, want in expected.items():
        if key[1] not in unsure and key not in unsettled:
            assert found[key] == want, key
            compared += 1
    # With much dirt no gate is sure for a whole event; gate_facts.py compares minute by minute.
    assert compared > 3 or sandbox.settings.dirt > 0.01


def differences_between_gates_and_scans_are_explained(sandbox: Sandbox) -> None:
    doubted = doubts(sandbox)
    settled = {row["event_id"] for row in told(sandbox, "attendance_events") if row["is_settled"]}
    refused = {
        line["where"]["gate_id"]
        for line in truth(sandbox, "dirt")
        if line["source"] == "gate_management"
    }
    checks = rows(
        sandbox,
        "select event_id, gate_id, explanation, difference_count from marts.fct_gate_scan_checks",
    )
    for event, gate, explanation, difference in checks:
        if event in settled and (event, gate) not in doubted.gates and gate not in refused:
            assert (explanation, difference) == ("agree", 0), (event, gate)
    assert "agree" in {explanation for _, _, explanation, _ in checks}


def _still_told_of(sandbox: Sandbox) -> set[str]:
    """Events of which messages may be on their way: the truth lists a late one when it is sent."""
    since = _clock(sandbox.settings) - ON_ITS_WAY
    found = {
        row["event_id"] for row in told(sandbox, "attendance_events") if at(row["over_at"]) > since
    }
    return found if sandbox.settings.dirt else set()


def sessions_and_engagement_are_what_people_did(sandbox: Sandbox) -> None:
    doubted = doubts(sandbox)
    doubted.events.update(_still_told_of(sandbox))
    sessions: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    for row in told(sandbox, "session_attendance"):
        sessions[row["event_id"], row["session_id"]].append(seconds(row["attended_ms"]))
    found = {
        row[:2]: row[2:]
        for row in rows(
            sandbox,
            "select event_id, session_id, attendees_count, attended_seconds_median"
            " from marts.fct_session_performances where attendees_count > 0",
        )
    }
    unplanned = untold(sandbox)
    for key, lengths in sessions.items():
        if key[0] not in doubted.events and key[1] not in unplanned:
            known = [length for length in lengths if length is not None]
            median = median_high(known) if known else None
            assert found[key][0] == len(lengths), key
            assert _nearly(found[key][1], median), key
    plans = {
        row[0]: row[1]
        for row in rows(
            sandbox,
            "select event_id, age('second', starts_at, ends_at) from marts.dim_events"
            " where starts_at is not null",
        )
    }
    scores = {
        row[:2]: row[2]
        for row in rows(
            sandbox,
            "select event_id, user_key, engagement_score from marts.fct_user_engagements"
            " where is_attendee",
        )
    }
    compared = 0
    for row in told(sandbox, "attendance_users"):
        if row["event_id"] in doubted.events or row["user_id"] in doubted.people:
            continue
        if row["dwell_ms"] is not None:
            score = (
                40 * min(1, row["sessions"] / 4)
                + 30 * min(1, row["dwell_ms"] / 1000 / plans[row["event_id"]])
                + 20 * min(1, (row["poll_answers"] + row["questions"]) / 10)
                + 10 * bool(row["ratings"])
            )
            assert abs(scores[row["event_id"], row["user_id"]] - score) < 0.02, row
            compared += 1
    if sandbox.settings.dirt == 0:
        assert compared > 150


CHECKS = (
    occupancy_is_that_of_the_records,
    events_went_as_the_records_say,
    rollups_count_what_was_scanned_and_counted,
    gates_performed_as_they_counted,
    differences_between_gates_and_scans_are_explained,
    sessions_and_engagement_are_what_people_did,
)


def _nearly(found: Any, want: Any) -> bool:
    """Seconds are cut off visit by visit, and the truth's once: a person has some visits."""
    if isinstance(want, int) and isinstance(found, int) and want > 1000:
        return abs(found - want) <= 3
    return bool(found == want)


def _seen_after_their_imputed_exit(sandbox: Sandbox) -> set[str]:
    """Scanned in, while inside, after the event was over: the mart has them leave then."""
    out = {
        (visit["event_id"], visit["user_id"]): visit["out"]
        for visit in told(sandbox, "attendance_recorded_visits")
        if visit["imputed_by"] == "event_end"
    }
    return {
        scan["user_id"]
        for scan in told(sandbox, "attendance_scans")
        if scan["is_admitted"] and scan["at"] > out.get((scan["event_id"], scan["user_id"]), "9")
    }


def _inside_when_last_told(sandbox: Sandbox) -> set[str]:
    """Inside at an event that ends after the latest message: the mart has them inside still."""
    [(last_told,)] = rows(sandbox, "select max(received_at) from marts.fct_app_events")
    return {
        visit["user_id"]
        for visit in told(sandbox, "attendance_recorded_visits")
        if visit["imputed_by"] == "event_end" and at(visit["out"]) > last_told
    }


def _visited_by(sandbox: Sandbox, people: set[str]) -> set[str]:
    """Events at which any of them was, or would have been."""
    return {
        scan["event_id"] for scan in told(sandbox, "attendance_scans") if scan["user_id"] in people
    }


def _with_untold_registrations(sandbox: Sandbox) -> set[str]:
    """Events of which a message of event management is not what it was meant to be."""
    missing = untold(sandbox)
    return {
        row["event_id"]
        for row in truth(sandbox, "registrations")
        if row["registration_id"] in missing
    } | {row["event_id"] for row in truth(sandbox, "events") if row["event_id"] in missing}


def _clock(settings: Settings) -> datetime:
    start = datetime.combine(settings.start, datetime.min.time())
    return start + timedelta(days=settings.days)
