"""A contract as the API writes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.freshservice.asset_payload import midnight
from sandbox.world.desk.contracts import LEASE, Contract
from sandbox.world.desk.estate import Estate

FIRST_ITEM_ID = 18000043001


def contract_payload(estate: Estate, now: datetime, contract: Contract) -> dict[str, Any]:
    """An element of /contracts. It names no currency: all costs are in the account's."""
    successor = estate.successor(contract, now)
    step = contract.step(now)
    # The draft of the next term is entered on this one.
    updated_at = max(step.at, successor.created_at) if successor else step.at
    created_at = contract.created_at
    return {
        "id": contract.contract_id,
        "name": contract.name,
        "description": None,
        "contract_number": f"CNTR-{contract.contract_id}",
        "contract_type_id": contract.contract_type_id,
        "vendor_id": contract.vendor.vendor_id,
        "approver_id": contract.approver.agent_id,
        "requester_id": contract.requester.agent_id,
        "delegatee_id": None,
        "start_date": midnight(contract.starts_on),
        "end_date": midnight(contract.ends_on),
        "cost": float(contract.cost),
        "status": step.status,
        "auto_renew": contract.auto_renew,
        "notify_expiry": contract.ends_on is not None,
        "notify_before": 30 if contract.ends_on else None,
        "notify_to": [],
        "expiry_notified": False,
        "visible_to_id": None,
        "billing_cycle": contract.billing_cycle,
        "license_type": contract.software and contract.software.license_type,
        "license_key": None,
        "software_id": contract.software and contract.software.software_id,
        "item_cost_details": [
            {
                "id": FIRST_ITEM_ID + 10 * contract.number + number,
                "item_name": item.name,
                "pricing_model": item.pricing_model,
                "cost": float(item.cost),
                "count": item.quantity,
                "comments": None,
                "created_at": created_at,
                "updated_at": created_at,
            }
            for number, item in enumerate(contract.items)
        ],
        "future_contract_id": successor and successor.contract_id,
        "has_associated_assets": contract.contract_type_id == LEASE,
        "has_attachments": False,
        "custom_fields": {},
        "created_at": created_at,
        "updated_at": updated_at,
    }
