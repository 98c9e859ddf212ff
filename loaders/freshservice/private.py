"""What identifies a person in Freshservice's records, field by field.

Free text is an identifier: people sign it. The numeric ids stay: they are the vendor's own
surrogate keys and say nothing outside it. So does what an account configures (names of groups,
categories, policies, products), which names things and not people.
"""

import re

from loaders.door import Normaliser, Record
from loaders.freshservice import activities
from loaders.privacy import Privacy, email, name, phone, verbatim

_TEXT: dict[str, Normaliser] = {
    "subject": verbatim,
    "description": verbatim,
    "description_text": verbatim,
}
_EXTRAS: dict[str, Normaliser] = {"attachments": verbatim, "custom_fields": verbatim}
_PERSON: dict[str, Normaliser] = {
    "first_name": verbatim,
    "last_name": verbatim,
    "full_name": name,
    "email": email,
    "primary_email": email,
    "secondary_emails": email,
    "work_phone_number": phone,
    "mobile_phone_number": phone,
    "address": verbatim,
    "background_information": verbatim,
    "external_id": verbatim,
    "signature": verbatim,
    "custom_fields": verbatim,
}
_CONTACT: dict[str, Normaliser] = {
    "contact_name": name,
    "email": email,
    "phone": phone,
    "mobile": phone,
}
_STREET: dict[str, Normaliser] = {
    "address.line1": verbatim,
    "address.line2": verbatim,
    "address.zipcode": verbatim,
}

PRIVATE: dict[str, dict[str, Normaliser]] = {
    "ticket": {
        **_TEXT,
        **_EXTRAS,
        "resolution_notes": verbatim,
        "resolution_notes_html": verbatim,
        "cc_emails": email,
        "fwd_emails": email,
        "reply_cc_emails": email,
        "to_emails": email,
        "bcc_emails": email,
        "requester": email,
        "requested_for": email,
        "onboarding_context": verbatim,
        "offboarding_context": verbatim,
        "assets.name": verbatim,
    },
    "activity": {"actor.name": name},
    "conversation": {
        "body": verbatim,
        "body_text": verbatim,
        "from_email": email,
        "to_emails": email,
        "cc_emails": email,
        "bcc_emails": email,
        "support_email": email,
        "attachments": verbatim,
    },
    "time_entry": {"note": verbatim, "custom_fields": verbatim},
    "task": {"title": verbatim, "description": verbatim, "custom_fields": verbatim},
    "csat_response": {"questionnaire_responses.answers.answer_text": verbatim},
    "requested_item": {"remarks": verbatim, "custom_fields": verbatim},
    "requester": _PERSON,
    "agent": _PERSON,
    "department": {"description": verbatim, "custom_fields": verbatim},
    "location": {**_CONTACT, **_STREET},
    "problem": {**_TEXT, **_EXTRAS, "analysis_fields": verbatim, "assets.name": verbatim},
    "change": {**_TEXT, **_EXTRAS, "planning_fields": verbatim, "assets.name": verbatim},
    "release": {**_TEXT, **_EXTRAS, "planning_fields": verbatim, "assets.name": verbatim},
    "asset": {"name": verbatim, "description": verbatim, "custom_fields": verbatim},
    "product": {"description": verbatim, "description_text": verbatim, "custom_fields": verbatim},
    "vendor": {
        **_CONTACT,
        **_STREET,
        "description": verbatim,
        "custom_fields": verbatim,
    },
    "contract": {
        "description": verbatim,
        "license_key": verbatim,
        "notify_to": email,
        "item_cost_details.comments": verbatim,
        **_EXTRAS,
    },
    "purchase_order": {
        "vendor_details": verbatim,
        "shipping_address": verbatim,
        "billing_address": verbatim,
        "terms_and_conditions": verbatim,
        "remarks": verbatim,
        "purchase_items.description": verbatim,
        "custom_fields": verbatim,
    },
    "application": {
        "description": verbatim,
        "notes": verbatim,
        "additional_data.overview": verbatim,
        "custom_fields": verbatim,
    },
    "application_installation": {"installation_path": verbatim},
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
                fields[key] = privacy.replace(value, verbatim)
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
