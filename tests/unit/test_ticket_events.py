"""A streamed ticket lands as the polled one does, and is refused as it is."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from loaders import freshservice
from loaders.door import RefusedError
from loaders.privacy import Privacy
from loaders.ticket_events import COLUMNS, EventDoor, row
from loaders.topic import Position

PRIVACY = Privacy("k1:0123456789abcdef0123")
TICKET: dict[str, Any] = {
    "id": 7,
    "status": 2,
    "requester_id": 1,
    "subject": "Call me, Jane Roe",
    "cc_emails": ["jane@example.com"],
    "custom_fields": {"note": "call +49 30 1234567"},
    "invented": "roe@example.com",
    "created_at": "2026-03-01T10:00:00Z",
    "updated_at": "2026-03-01T11:00:00Z",
    "stats": {"closed_at": None},
}


def message(**changes: Any) -> dict[str, Any]:
    told = {"event_type": "ticket.updated", "timestamp": TICKET["updated_at"], "data": TICKET}
    return {name: value for name, value in (told | changes).items() if value is not None}


def test_both_lanes_land_the_same_bytes() -> None:
    gate = EventDoor(PRIVACY)
    record = gate.parse(orjson.dumps(message()))
    landed = gate.admit(record)
    polled = freshservice.door("ticket", PRIVACY).admit(orjson.loads(orjson.dumps(TICKET)))
    assert landed == polled
    assert "oe" not in landed
    found = dict(
        zip(COLUMNS.names, row(record, landed, Position("t", 1, 9), datetime.now(UTC)), strict=True)
    )
    assert (found["record_id"], found["offset"], found["payload"]) == (7, 9, polled)
    assert found["source_at"] == datetime(2026, 3, 1, 11, tzinfo=UTC)


def test_new_fields_are_told_of_the_envelope_and_of_the_ticket() -> None:
    gate = EventDoor(PRIVACY)
    gate.admit(orjson.loads(orjson.dumps(message(trace="t"))))
    assert gate.new_fields == {"trace": 1, "invented": 1}


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"event_type": "problem.updated"}, "event_type: pattern"),
        ({"timestamp": 7}, "timestamp: type"),
        ({"data": None}, "data: required"),
        ({"data": [TICKET]}, "data: type"),
        ({"data": TICKET | {"status": "open"}}, "status: type"),
        ({"data": {k: v for k, v in TICKET.items() if k != "updated_at"}}, "updated_at: required"),
    ],
)
def test_what_is_broken_is_refused_with_its_reason(changes: dict[str, Any], detail: str) -> None:
    with pytest.raises(RefusedError) as refused:
        EventDoor(PRIVACY).admit(orjson.loads(orjson.dumps(message(**changes))))
    assert (refused.value.reason, refused.value.detail) == ("schema", detail)
