"""Applications, and who has them where, as the API writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.freshservice.directory_payload import SETUP
from sandbox.world.desk.contracts import Contract
from sandbox.world.desk.estate import Estate
from sandbox.world.desk.software import Installation, Seat, Software, synced_at
from sandbox.world.dice import Dice

FIRST_LICENSE_ID = 21000035001


def software_payload(estate: Estate, now: datetime, software: Software) -> dict[str, Any]:
    """An element of /applications: the discovery of every night counts, and so changes, it."""
    dice, seen_at = Dice(estate.seed, "software", software.software_id), synced_at(now)
    return {
        "id": software.software_id,
        "name": software.name,
        "description": None,
        "application_type": software.kind,
        "status": software.status,
        "publisher_id": software.publisher and software.publisher.vendor_id,
        "managed_by_id": dice.one_of(estate.agents).agent_id,
        "category": software.category,
        "notes": None,
        "user_count": len(estate.seats(software, now)),
        "installation_count": len(estate.installations(software, now)),
        "sources": ["Discovery"],
        "additional_data": {"overview": None, "graph_data": None, "last_sync_date": seen_at},
        "workspace_id": 1,
        "created_at": estate.opening - SETUP,
        "updated_at": seen_at,
    }


def seat_payload(estate: Estate, now: datetime, software: Software, seat: Seat) -> dict[str, Any]:
    """An element of /applications/{id}/users."""
    license_ = estate.licence(software, now)
    granted_at = license_.step(now).at if license_ else None
    changed_at = max(filter(None, (seat.allocated_at, seat.last_used_at, granted_at)))
    return {
        "id": seat.seat_id,
        "user_id": seat.user.requester_id,
        "license_id": license_ and FIRST_LICENSE_ID + license_.contract_id,
        "allocated_date": seat.allocated_at,
        "first_used": seat.first_used_at,
        "last_used": seat.last_used_at,
        "sources": ["Discovery"],
        "additional_data": {"usage": None, "last_sync_date": None},
        "created_at": seat.allocated_at,
        "updated_at": changed_at,
    }


def installation_payload(now: datetime, found: Installation) -> dict[str, Any]:
    """An element of /applications/{id}/installations. The machine is named by its display id."""
    stretch = found.machine.at(synced_at(now))
    return {
        "id": found.installation_id,
        "installation_path": None,
        "version": found.version,
        "installation_machine_id": found.machine.display_id,
        "user_id": stretch.user and stretch.user.requester_id,
        "department_id": stretch.department_id,
        "installation_date": found.installed_at,
        "created_at": found.installed_at,
        "updated_at": max(found.installed_at, stretch.starts_at),
    }


def licence_payload(now: datetime, contract: Contract) -> dict[str, Any]:
    """An element of /applications/{id}/licenses. It names the contract by its number in words."""
    return {
        "id": FIRST_LICENSE_ID + contract.contract_id,
        "contract_id": f"CNTR-{contract.contract_id}",
        "created_time": contract.created_at,
        "updated_time": contract.step(now).at,
    }
