"""Facts of attendance against the truth.

Each row that differs belongs to somebody, or to a session, of whom a message was soiled: where none
was, none differs.
An event whose last words are still on their way is left out.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sandbox.world.attendance.letters import Letter, Letters
from tests.integration.driving import truth, world
from tests.sandboxes import Sandbox, ask

Row = dict[str, Any]
Pseudonym = Callable[[str], str]
SLOWEST = timedelta(seconds=2.1)
"""What a message takes on its way, which a corrected clock has in it."""
MISSING = {"missing_field", "wrong_type", "late", "out_of_order"}
"""What keeps a message away: refused and never sent again, or still to come."""


def check_scans(sandbox: Sandbox, pseudonym: Pseudonym) -> int:
    """Every scan that was received is there with its instant; returns how many are exact."""
    columns = [
        "event_id", "user_key", "direction", "gate_id", "lane", "result", "is_override",
        "is_admitted", "is_offline", "registration_id", "scanned_at", "occurred_at_rule",
    ]  # fmt: skip
    found = _rows(sandbox, ["message_id"], columns, "marts.fct_scans")
    soiled, exact = soil(sandbox), 0
    end = world(sandbox).end_of_history
    for line in truth(sandbox, "attendance_scans"):
        one = soiled.get(line["message_id"])
        kinds = one.kinds if one else set()
        got = found.pop((line["message_id"],), None)
        if got is None:
            assert kinds & MISSING or datetime.fromisoformat(line["received_at"]) > end, line
            continue
        at, rule = got.pop("scanned_at"), got.pop("occurred_at_rule")
        expected = {name: line[name] for name in columns[:-2] if name != "user_key"}
        assert got == expected | {"user_key": pseudonym(line["user_id"])}
        really = datetime.fromisoformat(line["at"])
        if kinds & {"unreadable_time", "future_time"}:
            assert rule == "server", (kinds, line, rule)
        elif "clock_skew" in kinds:
            assert rule == "corrected", (kinds, line, rule)
            assert timedelta() <= at - really <= SLOWEST
        elif rule == "corrected":
            assert kinds  # a kind hides that the clock was off as well
        else:
            assert (at, rule) == (really, "client"), (kinds, line)
            exact += 1
    assert not found
    return exact


def check_visits(sandbox: Sandbox, pseudonym: Pseudonym) -> tuple[int, int]:
    """Visits are those of the records; returns how many agree and how many are explained."""
    columns = [
        "entered_at", "left_at", "imputed_by", "is_exit_imputed", "entry_gate_id", "exit_gate_id",
        "registration_id", "dwell_seconds",
    ]  # fmt: skip
    key = ["event_id", "user_key", "visit_number"]
    found = _rows(sandbox, key, columns, "marts.fct_visits")
    expected = {
        (line["event_id"], pseudonym(line["user_id"]), line["visit_number"]): {
            "entered_at": _at(line["in"]),
            "left_at": _at(line["out"]),
            "imputed_by": line["imputed_by"],
            "is_exit_imputed": line["is_exit_imputed"],
            "entry_gate_id": line["entry_gate_id"],
            "exit_gate_id": line["exit_gate_id"],
            "registration_id": line["registration_id"],
            "dwell_seconds": None if line["dwell_ms"] is None else line["dwell_ms"] // 1000,
        }
        for line in truth(sandbox, "attendance_recorded_visits")
    }
    return _compare(sandbox, pseudonym, found, expected)


def check_session_attendances(sandbox: Sandbox, pseudonym: Pseudonym) -> tuple[int, int]:
    """Session attendances are those of the records; returns how many agree and are explained."""
    columns = ["joined_at", "left_at", "left_by", "joins_count", "attended_seconds"]
    key = ["event_id", "user_key", "session_id"]
    table = "marts.fct_session_attendances where joins_count > 0"
    found = _rows(sandbox, key, columns, table)
    expected = {
        (line["event_id"], pseudonym(line["user_id"]), line["session_id"]): {
            "joined_at": _at(line["joined_at"]),
            "left_at": _at(line["left_at"]),
            "left_by": line["left_by"],
            "joins_count": line["joins"],
            "attended_ms": line["attended_ms"],
        }
        for line in truth(sandbox, "session_attendance")
    }
    for attendance in found.keys() & expected.keys():
        got, want = found[attendance], expected[attendance]
        seconds, milliseconds = got.pop("attended_seconds"), want.pop("attended_ms")
        if seconds is None or milliseconds is None:
            is_as_long = seconds is milliseconds
        else:
            # Each stay is cut to whole seconds.
            is_as_long = 0 <= milliseconds - 1000 * seconds < 1000 * want["joins_count"]
        if not is_as_long:
            got["attended_seconds"], want["attended_ms"] = seconds, milliseconds
    return _compare(sandbox, pseudonym, found, expected)


def check_registrations(sandbox: Sandbox) -> tuple[int, int]:
    """Per event: who was expected, came and stayed away; returns events that agree and do not."""
    found = {
        event_id: counts
        for event_id, *counts in ask(
            sandbox.settings,
            "transformer",
            "select event_id, countIf(is_expected), countIf(is_expected and is_checked_in),"
            " countIf(is_no_show) from marts.fct_registrations group by event_id",
        )
    }
    agree = 0
    settled = [line for line in truth(sandbox, "attendance_events") if line["is_settled"]]
    for line in settled:
        expected = [line["confirmed"], line["checked_in"], line["no_show"]]
        agree += found.get(line["event_id"], [0, 0, 0]) == expected
    return agree, len(settled) - agree


def _compare(
    sandbox: Sandbox, pseudonym: Pseudonym, found: dict[Any, Row], expected: dict[Any, Row]
) -> tuple[int, int]:
    events = truth(sandbox, "attendance_events")
    settled = {line["event_id"] for line in events if line["is_settled"]}
    soiled = {pseudonym(one.user_id) for one in soil(sandbox).values()} | untold(sandbox)
    agree = explained = 0
    for key in found.keys() | expected.keys():
        got, want = found.get(key), expected.get(key)
        if got == want:
            agree += 1
        elif key[0] in settled:
            assert soiled & {*key}, (key, got, want)
            explained += 1
    return agree, explained


def untold(sandbox: Sandbox) -> set[str]:
    """Events, sessions and registrations of which event management's message is missing."""
    return {
        line["message_id"].rsplit(".", 1)[0]
        for line in truth(sandbox, "dirt")
        if line["source"] == "event_management"
        and (line["expected"].startswith("dead_letter:") or line["kind"] in MISSING)
    }


class Soil(NamedTuple):
    """What was wrong with a message of the app, whether it has come yet or not."""

    user_id: str
    kinds: set[str]


def soil(sandbox: Sandbox) -> dict[str, Soil]:
    """Every message of the app that was soiled, by its id."""
    told = world(sandbox)
    deque(told.event_records(), maxlen=0)  # who comes follows from what was announced
    seed, dirt = told.parameters.seed, told.parameters.dirt
    found: dict[str, Soil] = {}
    for make in told.attendance.evenings(round(told.end_of_history.timestamp() * 1000)):
        letters = Letters(seed, dirt, make())
        for letter in letters.letters if dirt else ():
            if kind := letters.kind_of(letter):
                item = letter.item if isinstance(letter, Letter) else letter
                one = found.setdefault(letters.name(item), Soil(f"usr-{item.user:08d}", set()))
                one.kinds.add(kind)
    return found


def _rows(
    sandbox: Sandbox, key: Sequence[str], columns: Sequence[str], table: str
) -> dict[Any, Row]:
    names = [*key, *columns]
    found = ask(sandbox.settings, "transformer", f"select {', '.join(names)} from {table}")
    return {
        tuple(row[: len(key)]): dict(zip(columns, map(_utc, row[len(key) :]), strict=True))
        for row in found
    }


def _at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _utc(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value
