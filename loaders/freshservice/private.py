"""What identifies a person in Freshservice's records, field by field.

Free text is an identifier: people sign it. The numeric ids stay: they are the vendor's own
surrogate keys and say nothing outside it. So does what an account configures (names of groups,
categories, policies, products), which names things and not people.
"""

import re

from loaders.door import Normaliser, Record
from loaders.freshservice import activities
from loaders.privacy import Privacy, email, name, phone, text

_TEXT: dict[str, Normaliser] = {
    "subject": text,
    "description": text,
    "description_text": text,
}
_EXTRAS: dict[str, Normaliser] = {"attachments": text, "custom_fields": text}
_PERSON: dict[str, Normaliser] = {
    "first_name": text,
    "last_name": text,
    "full_name": name,
    "email": email,
    "primary_email": email,
    "secondary_emails": email,
    "work_phone_number": phone,
    "mobile_phone_number": phone,
    "address": text,
    "background_information": text,
    "external_id": text,
    "signature": text,
    "custom_fields": text,
}
_CONTACT: dict[str, Normaliser] = {
    "contact_name": name,
    "email": email,
    "phone": phone,
    "mobile": phone,
}
_STREET: dict[str, Normaliser] = {
    "address.line1": text,
    "address.line2": text,
    "address.zipcode": text,
}

PRIVATE: dict[str, dict[str, Normaliser]] = {
    "ticket": {
        **_TEXT,
        **_EXTRAS,
        "resolution_notes": text,
        "resolution_notes_html": text,
        "cc_emails": email,
        "fwd_emails": email,
        "reply_cc_emails": email,
        "to_emails": email,
        "bcc_emails": email,
        "requester": email,
        "requested_for": email,
        "onboarding_context": text,
        "offboarding_context": text,
        "assets.name": text,
    },
    "activity": {"actor.name": name},
    "conversation": {
        "body": text,
        "body_text": text,
        "from_email": email,
        "to_emails": email,
        "cc_emails": email,
        "bcc_emails": email,
        "support_email": email,
        "attachments": text,
    },
    "time_entry": {"note": text, "custom_fields": text},
    "task": {"title": text, "description": text, "custom_fields": text},
    "csat_response": {"questionnaire_responses.answers.answer_text": text},
    "requested_item": {"remarks": text, "custom_fields": text},
    "requester": _PERSON,
    "agent": _PERSON,
    "department": {"description": text, "custom_fields": text},
    "location": {**_CONTACT, **_STREET},
    "problem": {**_TEXT, **_EXTRAS, "analysis_fields": text, "assets.name": text},
    "change": {**_TEXT, **_EXTRAS, "planning_fields": text, "assets.name": text},
    "release": {**_TEXT, **_EXTRAS, "planning_fields": text, "assets.name": text},
    "asset": {"name": text, "description": text, "custom_fields": text},
    "product": {"description": text, "description_text": text, "custom_fields": text},
    "vendor": {
        **_CONTACT,
        **_STREET,
        "description": text,
        "custom_fields": text,
    },
    "contract": {
        "description": text,
        "license_key": text,
        "notify_to": email,
        "item_cost_details.comments": text,
        **_EXTRAS,
    },
    "purchase_order": {
        "vendor_details": text,
        "shipping_address": text,
        "billing_address": text,
        "terms_and_conditions": text,
        "remarks": text,
        "purchase_items.description": text,
        "custom_fields": text,
    },
    "application": {
        "description": text,
        "notes": text,
        "additional_data.overview": text,
        "custom_fields": text,
    },
    "application_installation": {"installation_path": text},
}
# Whom a record is about, where that is not the account's work but a person.
PERSONS = {"requester": "primary_email", "agent": "email"}


# What is known of a device that says nothing about who uses it. Every other text among its fields
# (its name in the network, who logged in last) is replaced.
_DEVICE = {
    "product",
    "vendor",
    "cost",
    "warranty",
    "acquisition_date",
    "warranty_expiry_date",
    "asset_state",
    "serial_number",
    "last_audit_date",
    "os",
    "os_version",
    "os_service_pack",
    "memory",
    "disk_space",
    "cpu_speed",
    "cpu_core_count",
    "firmware",
    "depreciation_id",
    "salvage",
}
_TYPE_ID = re.compile(r"_\d+$")


def _device_fields(asset: Record, privacy: Privacy) -> list[str]:
    """Replace texts among the fields of an asset's type; their keys end in the type's id."""
    fields = asset.get("type_fields")
    if isinstance(fields, dict):
        for key, value in fields.items():
            if _TYPE_ID.sub("", key) not in _DEVICE and not isinstance(value, (int, float)):
                fields[key] = privacy.replace(value, text)
    return []


def _name_in_full(person: Record, _: Privacy) -> list[str]:
    """Add the name as prose has it, so that one in an activity finds its person."""
    parts = [person.get("first_name"), person.get("last_name")]
    person["full_name"] = " ".join(part for part in parts if part) or None
    return []


# What a record needs beyond the replacement of whole fields.
REWRITES = {
    "activity": activities.rewrite,
    "asset": _device_fields,
    "requester": _name_in_full,
    "agent": _name_in_full,
}
