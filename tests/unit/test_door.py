"""What passes the door, what is refused and why, and that no identifier gets through."""

import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import event_management, freshservice
from loaders.batch import Batch, Report
from loaders.door import RefusedError
from loaders.privacy import Privacy, mark, remember_forgotten

PRIVACY = Privacy("k1:a-secret-for-this-test-only")
REGISTRATION: dict[str, Any] = {
    "registration_id": "r1",
    "event_id": "e1",
    "user_id": "usr-planted",
    "email": "planted@example.com",
    "full_name": "Planted Name",
    "phone": "+82 2 555 0199",
    "ticket_type": "vip",
    "status": "confirmed",
    "price_minor": 100,
    "currency": "KRW",
    "registered_at": "2026-01-01T09:00:00+09:00",
}
MESSAGE: dict[str, Any] = {
    "message_id": "m1",
    "type": "registration.created",
    "occurred_at": "2026-01-01T09:00:00+09:00",
    "schema_version": 1,
    "data": REGISTRATION,
}
TICKET: dict[str, Any] = {
    "id": 100,
    "subject": "Planted Name cannot log in",
    "status": 2,
    "priority": 3,
    "requester_id": 21000418006,
    "to_emails": ["planted@example.com"],
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}


def message(**changes: Any) -> dict[str, Any]:
    return {**MESSAGE, "data": {**REGISTRATION}, **changes}


def data(**changes: Any) -> dict[str, Any]:
    return message(data={**REGISTRATION, **changes})


def test_a_good_message_lands_whole_but_for_its_identifiers() -> None:
    landed = json.loads(event_management.door(PRIVACY).admit(message()))
    hidden = {"user_id", "email", "full_name", "phone"}
    assert {k: v for k, v in landed["data"].items() if k not in hidden} == {
        k: v for k, v in REGISTRATION.items() if k not in hidden
    }
    assert landed["data"]["email"] == PRIVACY.pseudonym("planted@example.com")
    assert landed["data"]["phone"] == PRIVACY.pseudonym("+8225550199")


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (None, "null_value"),
        (b"", "not_json"),
        (b"{nope", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b"[" * 5000, "not_json"),
        (b'{"a": "\\ud800"}', "not_json"),
        (b'"\xff\xfe"', "not_utf8"),
        (b"[1, 2]", "not_object"),
        (b"null", "not_object"),
        (b'"text"', "not_object"),
    ],
)
def test_bytes_that_are_no_json_object_are_refused(sent: bytes | None, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        event_management.door(PRIVACY).parse(sent)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        (message(type="registration.teleported"), "unknown_type", "type: enum"),
        ({**message(), "type": 7}, "unknown_type", "type: enum"),
        ({k: v for k, v in message().items() if k != "message_id"}, "schema", "message_id: requ"),
        (message(data=[]), "schema", "data: type"),
        (message(data={}), "schema", "data.event_id: required"),
        (data(price_minor="planted@example.com"), "schema", "data.price_minor: type"),
        (data(status="planted@example.com"), "schema", "data.status: enum"),
        (message(occurred_at="99999-01-01T00:00:00Z"), "schema", "occurred_at"),
        (message(occurred_at="9999-01-01T00:00:00Z"), "schema", "occurred_at: pattern"),
        (message(occurred_at="2026-02-30T00:00:00Z"), "schema", "occurred_at: format"),
        (message(occurred_at="2026-01-01T00:00:00"), "schema", "occurred_at: format"),
        (message(occurred_at=1767225600000), "schema", "occurred_at: type"),
        (message(occurred_at="2026-06-30T23:59:60Z"), "schema", "occurred_at: pattern"),
        (message(schema_version=0), "schema", "schema_version: minimum"),
        (message(schema_version=2**70), "schema", "schema_version: maximum"),
    ],
)
def test_a_wrong_message_is_refused_by_rule_and_never_by_value(
    record: dict[str, Any], reason: str, detail: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        event_management.door(PRIVACY).admit(record)
    assert refused.value.reason == reason
    assert detail in refused.value.detail
    assert "planted" not in refused.value.detail


def test_a_newer_schema_with_a_new_field_lands_and_is_noted() -> None:
    gate = event_management.door(PRIVACY)
    sent = data(loyalty="gold, ask planted@example.com")
    landed = json.loads(gate.admit({**sent, "schema_version": 2, "trace": "t1"}))
    assert landed["trace"] == "t1"
    assert landed["data"]["loyalty"].startswith("gold, ask k1.")
    assert gate.new_fields == {"data.loyalty": 1, "trace": 1}


def test_a_field_of_another_type_is_new_where_the_type_does_not_know_it() -> None:
    gate = event_management.door(PRIVACY)
    venue = {"venue_id": "v1", "name": "Hall", "timezone": "Asia/Seoul", "ticket_type": "vip"}
    gate.admit({**message(type="venue.created"), "data": venue})
    assert gate.new_fields == {"data.ticket_type": 1}


def test_a_ticket_keeps_its_numbers_and_loses_its_text() -> None:
    landed = freshservice.door("ticket", PRIVACY).admit(json.loads(json.dumps(TICKET)))
    assert "lanted" not in landed
    assert json.loads(landed)["requester_id"] == 21000418006


@given(
    st.dictionaries(
        st.text(), st.recursive(st.none() | st.booleans() | st.integers(0, 9), st.lists)
    )
)
def test_whatever_else_a_message_carries_it_lands_unchanged(extra: dict[str, Any]) -> None:
    sent = message(extra=extra)
    landed = json.loads(event_management.door(PRIVACY).admit(orjson.loads(orjson.dumps(sent))))
    assert landed["extra"] == extra


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Whose account and address are these; Kim Doe is another agent."""
    given = ("usr-forgotten", "forgotten@example.com")
    remember_forgotten([mark(PRIVACY.pseudonym(one)) for one in given])
    yield
    remember_forgotten([])


@pytest.mark.usefixtures("forgotten")
def test_a_record_about_the_forgotten_does_not_land() -> None:
    with pytest.raises(RefusedError, match="forgotten: user_id"):
        event_management.door(PRIVACY).admit(data(user_id="usr-forgotten"))
    agent = {"id": 1, "first_name": "Kim", "email": " Forgotten@example.com"}
    with pytest.raises(RefusedError, match="forgotten: email"):
        freshservice.door("agent", PRIVACY).admit({**agent})
    assert "Kim" not in freshservice.door("agent", PRIVACY).admit({**agent, "email": "kim@x.org"})


@pytest.mark.usefixtures("forgotten")
def test_where_the_forgotten_are_only_named_nobody_is() -> None:
    landed = json.loads(event_management.door(PRIVACY).admit(data(email="forgotten@example.com")))
    assert landed["data"]["email"] is None
    assert landed["data"]["user_id"] == PRIVACY.pseudonym("usr-planted")
    new = json.loads(event_management.door(PRIVACY).admit(data(friend="to forgotten@example.com")))
    assert new["data"]["friend"] == "to forgotten"


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("sent", [b'{"broken": "usr-forgotten', b"usr-somebody-else"])
def test_no_dead_letter_is_kept_of_the_forgotten(sent: bytes) -> None:
    report = Report("event_management", "event-data")
    batch = Batch(report, event_management.TABLE, event_management.COLUMNS, PRIVACY)
    is_theirs = b"forgotten" in sent
    assert batch.refuse("1/2", RefusedError("not_json", "line 1"), sent, None) is not is_theirs
    assert len(batch.letters) == (not is_theirs)
    assert report.refused == {"forgotten" if is_theirs else "not_json": 1}
