"""What gates counted and the platform brought, against the truth.

Each row that differs was soiled, or belongs to an event whose last words are still on their way.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from tests.integration.driving import truth
from tests.sandboxes import Sandbox, ask

LATEST = timedelta(days=3)
"""A late report is at most so late: until then nobody knows of it."""
REASONS = ("duplicate", "invalid", "wrong_gate", "revoked")


def check_gate_minutes(sandbox: Sandbox) -> tuple[int, int]:
    """Each lane's minute counts what really passed; returns how many agree and are explained."""
    found = {
        (event_id, gate_id, lane, _utc(minute_at)): counts
        for event_id, gate_id, lane, minute_at, *counts in ask(
            sandbox.settings,
            "transformer",
            "select event_id, gate_id, lane, minute_at, entries_count, exits_count,"
            f" {', '.join(f'{reason}_rejects_count' for reason in REASONS)},"
            " manual_overrides_count"
            " from marts.fct_gate_minutes where entries_count + exits_count + rejects_count > 0",
        )
    }
    expected, settled = {}, set()
    over = {line["event_id"] for line in truth(sandbox, "attendance_events") if line["is_settled"]}
    for line in truth(sandbox, "gate_minutes"):
        key = (line["event_id"], line["gate_id"], line["lane"], _at(line["minute"]))
        names = ("entries", "exits", *REASONS, "overrides")
        expected[key] = [line[name] for name in names]
        if line["event_id"] in over:
            settled.add(key)
    soiled = {
        (where["gate_id"], where["lane"], _at(where["minute_at"]))
        for where in _soiled(sandbox, "gate_minutes")
    }
    settings = sandbox.settings
    end = datetime.combine(settings.start, time(), UTC) + timedelta(days=settings.days)
    recent = end - LATEST if settings.dirt else end

    def is_explained(key: tuple[str, str, int, datetime]) -> bool:
        return key[1:] in soiled or key not in settled or key[3] > recent

    return _compare(found, expected, is_explained)


def check_platform_hours(sandbox: Sandbox) -> tuple[int, int]:
    """Each hour is what was said last; final ones are what registrations say."""
    columns = ["visitors", "signups", "conversions", "revenue_minor", "currency", "updated_at"]
    found = {
        (organization_id, event_id, channel, _utc(hour_at)): [*counts, _utc(updated_at), restated]
        for organization_id, event_id, channel, hour_at, *counts, updated_at, restated in ask(
            sandbox.settings,
            "transformer",
            "select organization_id, event_id, channel, hour_at, visitors_count, signups_count,"
            " conversions_count, revenue_minor, currency, updated_at, is_restated"
            " from marts.fct_platform_hours",
        )
    }
    expected = {}
    for line in truth(sandbox, "platform_hours"):
        line["updated_at"] = _at(line["updated_at"])
        expected[_hour(line)] = [*(line[name] for name in columns), line["statements"] > 1]
    soiled = {_hour(where) for where in _soiled(sandbox, "analytics")}
    agree, explained = _compare(found, expected, soiled.__contains__)
    _check_final_hours(sandbox, soiled)
    return agree, explained


def _check_final_hours(sandbox: Sandbox, soiled: set[Any]) -> None:
    confirmed: dict[tuple[str, str, datetime], int] = {}
    for line in truth(sandbox, "registrations"):
        if at := _at(line["confirmed_at"]):
            key = (line["event_id"], line["channel"], at.replace(minute=0, second=0, microsecond=0))
            confirmed[key] = confirmed.get(key, 0) + 1
    finals = 0
    for organization_id, event_id, channel, hour_at, conversions in ask(
        sandbox.settings,
        "transformer",
        "select organization_id, event_id, channel, hour_at, conversions_count"
        " from marts.fct_platform_hours where is_final",
    ):
        key = (event_id, channel, _utc(hour_at))
        if (organization_id, *key) not in soiled:
            assert conversions == confirmed.get(key, 0), key
            finals += 1
    assert finals > 0


def check_profiles(sandbox: Sandbox, pseudonym: Callable[[str], str]) -> tuple[int, int]:
    """Everyone whom the platform knows is staged as they are now, under their pseudonym."""
    found = {
        user_id: [segment, country, organization_id, _utc(updated_at)]
        for user_id, segment, country, organization_id, updated_at in ask(
            sandbox.settings,
            "transformer",
            "select user_id, segment, country, organization_id, updated_at"
            " from staging.stg_integrated_platform__profiles",
        )
    }
    expected = {
        pseudonym(line["user_id"]): [
            line["segment"],
            line["country"],
            line["organization_id"],
            _at(line["updated_at"]),
        ]
        for line in truth(sandbox, "profiles")
    }
    soiled = {pseudonym(where["user_id"]) for where in _soiled(sandbox, "profiles")}
    return _compare(found, expected, soiled.__contains__)


def _compare(
    found: dict[Any, Any], expected: dict[Any, Any], is_explained: Callable[[Any], bool]
) -> tuple[int, int]:
    agree = explained = 0
    for key in found.keys() | expected.keys():
        if found.get(key) == expected.get(key):
            agree += 1
        else:
            assert is_explained(key), (key, found.get(key), expected.get(key))
            explained += 1
    return agree, explained


def _soiled(sandbox: Sandbox, feed: str) -> list[dict[str, Any]]:
    return [line["where"] for line in truth(sandbox, "dirt") if line["feed"] == feed]


def _hour(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["organization_id"], line["event_id"], line["channel"], _at(line["hour_at"])


def _at(text: str | None) -> datetime | None:
    """An instant to the millisecond, as the warehouse keeps it."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return at - timedelta(microseconds=at.microsecond % 1000)


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
