"""Departments and locations as the API writes them."""

from __future__ import annotations

from typing import Any

from sandbox.freshservice.directory_payload import SETUP
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.places import Location


def department_payload(desk: Desk, department: tuple[int, str]) -> dict[str, Any]:
    """An element of /departments."""
    _, name = department
    heads = [
        somebody.requester_id
        for somebody in desk.requesters(desk.opening)
        if somebody.department == department
        and somebody.left_at is None
        and not somebody.forgotten_at
    ]
    return {
        "id": department[0],
        "name": name,
        "description": None,
        "head_user_id": heads[0] if heads else None,
        "prime_user_id": heads[1] if len(heads) > 1 else None,
        "domains": [f"{name.lower()}.example.com"] if heads else [],
        "custom_fields": {},
        "created_at": desk.opening - SETUP,
        "updated_at": desk.opening - SETUP,
    }


def location_payload(desk: Desk, location: Location) -> dict[str, Any]:
    """An element of /locations. The first requester of all is whom one asks for at the door."""
    door = desk.requesters(desk.opening)[0]
    is_office = location.line1 is not None
    return {
        "id": location.location_id,
        "name": location.name,
        "parent_location_id": location.parent_location_id,
        "primary_contact_id": door.requester_id if is_office else None,
        "address": {
            "line1": location.line1,
            "line2": None,
            "city": location.city,
            "state": location.state,
            "country": location.country,
            "zipcode": location.zipcode,
        },
        "contact_name": door.person.full_name if is_office else None,
        "email": door.email if is_office else None,
        "phone": door.person.phone if is_office else None,
        "created_at": desk.opening - SETUP,
        "updated_at": desk.opening - SETUP,
    }
