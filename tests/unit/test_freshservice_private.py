"""No name, address or free text of a person gets through the door, whatever field it stands in."""

import json
from typing import Any

import pytest

from loaders import freshservice
from loaders.door import read_schema
from loaders.freshservice import activities
from loaders.privacy import Privacy, name

PRIVACY = Privacy("k1:a-secret-for-this-test-only")
PLANTED = "Planted Name"
SCHEMA = read_schema("freshservice_schema.json")
# What an account configures, and codes that are sent as words: names of things, not of people.
STAYS = {
    "ticket": "type category sub_category item_category approval_status_name tags",
    "agent": "job_title location_name time_zone time_format language department_names",
    "requester": "job_title location_name time_zone time_format language department_names",
    "group": "name description unassigned_for",
    "department": "name domains",
    "location": "name",
    "business_hours": "name description time_zone",
    "sla_policy": "name description",
    "time_entry": "work_type",
    "csat_response": "overall_rating_text primary_question",
    "requested_item": "stage service_item_name",
    "problem": "category sub_category item_category",
    "change": "category sub_category item_category",
    "release": "category sub_category item_category",
    "asset": "asset_tag author_type usage_type impact",
    "asset_type": "name description",
    "product": "name manufacturer status mode_of_procurement",
    "vendor": "name",
    "contract": "name contract_number billing_cycle license_type status",
    "purchase_order": "po_number name",
    "application": "name application_type status category sources",
    "application_user": "source sources",
    "application_installation": "version",
    "application_license": "contract_id created_time updated_time",
}
# Objects of which only some fields could hold a person; the tests below say which.
PARTLY = {
    "additional_data", "address", "applicable_to", "assets", "associated_assets",
    "associated_change", "associated_changes", "blackout_window", "currency", "department",
    "escalation", "impacted_services", "item_cost_details", "list_of_holidays",
    "maintenance_window", "purchase_items", "questionnaire_responses", "roles", "scopes",
    "sla_targets", "stats",
}  # fmt: skip


def resolved(property_: dict[str, Any]) -> dict[str, Any]:
    reference = property_.get("$ref")
    return SCHEMA["types"][reference.rpartition("/")[2]] if reference else property_


def planted(property_: dict[str, Any]) -> Any:
    """A value with a name in it, where the schema lets one stand; a sound one everywhere else."""
    rule = resolved(property_)
    kinds = rule.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "array" in kinds and rule.get("items", {}).get("type") != ["integer", "null"]:
        return [
            planted(rule["items"]) if rule.get("items", {}).get("type") == "object" else PLANTED
        ]
    if "object" in kinds:
        return {key: planted(value) for key, value in rule.get("properties", {}).items()} or {
            "free": PLANTED
        }
    if "string" in kinds and "pattern" not in rule:
        return PLANTED
    if "string" in kinds:
        return {"clock": "120:30"}.get(property_["$ref"][8:], "2026-01-02T03:04:05Z")
    if "boolean" in kinds:
        return True
    return 7 if "integer" in kinds or "number" in kinds else []


@pytest.mark.parametrize("entity", SCHEMA["$defs"])
def test_of_every_field_it_is_decided_whether_a_person_may_stand_in_it(entity: str) -> None:
    record = {key: planted(rule) for key, rule in SCHEMA["$defs"][entity]["properties"].items()}
    record |= {key: 7 for key in ("cost", "total_cost") if key in record}
    record |= {key: 5 for key in record if key.endswith(("_percentage", "shipping_cost"))}
    if entity == "business_hours":
        record["service_desk_hours"] = {}
    landed = json.loads(freshservice.door(entity, PRIVACY).admit(record))
    kept = {key for key, value in landed.items() if PLANTED in json.dumps(value)}
    kept -= PARTLY
    assert kept == set(STAYS.get(entity, "").split())


@pytest.mark.parametrize(
    ("entity", "field", "goes", "stays"),
    [
        ("location", "address", "line1 line2 zipcode", "city state country"),
        ("vendor", "address", "line1 line2 zipcode", "city state country"),
        ("problem", "assets", "name", "display_id"),
        ("contract", "item_cost_details", "comments", "item_name pricing_model"),
        ("purchase_order", "purchase_items", "description", "item_name"),
    ],
)
def test_of_an_object_only_that_goes_which_could_hold_a_person(
    entity: str, field: str, goes: str, stays: str
) -> None:
    inner = dict.fromkeys([*goes.split(), *stays.split()], "x")
    record = {"id": 1, "name": "n", "status": 1, field: inner if field == "address" else [inner]}
    record |= dict.fromkeys(("created_at", "updated_at"), "2026-01-02T03:04:05Z")
    landed = json.loads(freshservice.door(entity, PRIVACY).admit(record))[field]
    found = landed if field == "address" else landed[0]
    assert {key for key, value in found.items() if value != "x"} == set(goes.split())


def test_the_answers_of_a_survey_go_and_its_questions_stay() -> None:
    record = {
        "id": 1,
        "overall_rating": 3,
        "created_at": "2026-01-02T03:04:05Z",
        "questionnaire_responses": [
            {
                "question": {"question_text": "Any other feedback?"},
                "answers": [{"answer_text": PLANTED}, {"answer_text": None}],
            }
        ],
    }
    landed = json.loads(freshservice.door("csat_response", PRIVACY).admit(record))
    [said] = landed["questionnaire_responses"]
    assert said["question"]["question_text"] == "Any other feedback?"
    assert [a["answer_text"] for a in said["answers"]] == [PRIVACY.pseudonym(PLANTED), None]


def test_facts_of_a_device_stay_and_its_names_go() -> None:
    fields = {
        "asset_state_21": "In Use",
        "cost_21": 1200.5,
        "hostname_9": PLANTED,
        "last_login_by_9": PLANTED,
        "memory_9": 16.0,
        "salvage": 200,
        "gate_7": None,
    }
    record = {"id": 1, "display_id": 1, "name": PLANTED, "type_fields": fields}
    landed = json.loads(freshservice.door("asset", PRIVACY).admit(record))
    hidden = PRIVACY.pseudonym(PLANTED)
    assert landed["name"] == hidden
    assert landed["type_fields"] == {**fields, "hostname_9": hidden, "last_login_by_9": hidden}


def test_of_the_custom_fields_only_those_stay_that_are_declared_harmless() -> None:
    fields = {"closure_code": "failed", "actual_end": None, "approved_by": PLANTED}
    record = {
        "id": 1,
        "status": 6,
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-02T03:04:05Z",
        "custom_fields": fields,
    }
    landed = json.loads(freshservice.door("change", PRIVACY).admit(record))
    assert landed["custom_fields"] == {**fields, "approved_by": PRIVACY.pseudonym(PLANTED)}


PERSON = PRIVACY.pseudonym(name(PLANTED))


@pytest.mark.parametrize(
    ("told", "landed"),
    [
        ("set Status as Waiting on Vendor", "set Status as Waiting on Vendor"),
        ("set Status as Open, set Urgency as Low", "set Status as Open, set Urgency as Low"),
        ("set Group as Identity & Access", "set Group as Identity & Access"),
        (f"set Agent as {PLANTED}", f"set Agent as {PERSON}"),
        (
            f"set Agent as {PLANTED}, set Status as Open",
            f"set Agent as {PERSON}, set Status as Open",
        ),
        ("set Agent as None", "set Agent as None"),
        ("executed Close resolved tickets", "executed Close resolved tickets"),
        ("merged this ticket into ticket 12", "merged this ticket into ticket 12"),
        ("merged ticket 7 into this ticket", "merged ticket 7 into this ticket"),
        ("", ""),
        (None, None),
    ],
)
def test_a_sentence_of_a_known_shape_keeps_its_words(told: Any, landed: Any) -> None:
    sent = {"actor": {"id": 1, "name": PLANTED}, "content": told, "sub_contents": told}
    record = {**sent, "created_at": "2026-01-02T03:04:05Z"}
    gate = freshservice.door("activity", PRIVACY)
    found = json.loads(gate.admit(record))
    assert (found["content"], found["sub_contents"]) == (landed, landed)
    assert found["actor"] == {"id": 1, "name": PERSON}
    assert not gate.new_fields


@pytest.mark.parametrize(
    "told",
    [
        f"added a note for {PLANTED}",
        f"set {PLANTED} as Agent",
        f"merged this ticket into {PLANTED}",
        f"set Status as Open, set Reviewer as {PLANTED}",
        f"Status auf Offen gesetzt von {PLANTED}",
    ],
)
def test_a_sentence_of_no_known_shape_is_replaced_whole_and_told_of(told: str) -> None:
    record = {"actor": None, "content": told, "created_at": "2026-01-02T03:04:05Z"}
    gate = freshservice.door("activity", PRIVACY)
    landed = json.loads(gate.admit({**record, "sub_contents": [told, "set Status as Open"]}))
    assert landed["content"] == PRIVACY.pseudonym(told)
    assert landed["sub_contents"] == [PRIVACY.pseudonym(told), "set Status as Open"]
    assert gate.new_fields == {activities.UNKNOWN: 2}


def test_a_name_in_prose_finds_its_person() -> None:
    person = {"id": 1, "first_name": "Planted", "last_name": "Name"}
    landed = json.loads(freshservice.door("agent", PRIVACY).admit(person))
    assert landed["full_name"] == PERSON
    nobody = {"id": 1, "first_name": None, "last_name": ""}
    assert json.loads(freshservice.door("agent", PRIVACY).admit(nobody))["full_name"] is None
