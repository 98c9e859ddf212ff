"""Assets and what they are instances of, as the API writes them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sandbox.freshservice.directory_payload import SETUP
from sandbox.world.desk.assets import Asset
from sandbox.world.desk.catalog import (
    COMPUTER,
    DESKTOP,
    GATE,
    HARDWARE,
    LAPTOP,
    SCANNER,
    SERVER,
    TURNSTILE,
    AssetType,
    Product,
    Vendor,
)
from sandbox.world.dice import Dice


def asset_payload(
    seed: int, now: datetime, asset: Asset, includes: tuple[str, ...] = ()
) -> dict[str, Any]:
    """An element of /assets. Paths take the display id, lists of ids show the other one."""
    stretch = asset.at(now)
    shown: dict[str, Any] = {
        "id": asset.asset_id,
        "display_id": asset.display_id,
        "name": asset.name,
        "description": f"<div>{asset.product.name}</div>",
        "asset_type_id": asset.product.type_id,
        "impact": asset.impact,
        "author_type": "User",
        "usage_type": "loaner" if asset.is_loaner else "permanent",
        "asset_tag": f"ASSET-{asset.display_id}",
        "user_id": stretch.user and stretch.user.requester_id,
        "department_id": stretch.department_id,
        "location_id": stretch.location_id,
        "agent_id": asset.agent.agent_id,
        "group_id": asset.group.group_id,
        "assigned_on": stretch.starts_at if stretch.user else None,
        "created_at": asset.created_at,
        "updated_at": asset.updated_at(now),
        "end_of_life": asset.end_of_life,
        "trashed": asset.is_trashed(now),
        "workspace_id": 1,
    }
    if "type_fields" in includes:
        shown["type_fields"] = _type_fields(seed, now, asset)
    return shown


def _type_fields(seed: int, now: datetime, asset: Asset) -> dict[str, Any]:
    """Each key ends in the id of the type that defines the field, be it a parent of the asset's."""
    product, type_id = asset.product, asset.product.type_id
    audited_at = asset.audited_at(now)
    fields: dict[str, Any] = {
        f"{name}_{HARDWARE}": value
        for name, value in (
            ("product", product.product_id),
            ("vendor", product.vendor.vendor_id),
            ("cost", None if asset.cost is None else float(asset.cost)),
            ("warranty", product.warranty_years * 12 if asset.warranty_expires_on else None),
            ("acquisition_date", midnight(asset.acquired_on)),
            ("warranty_expiry_date", midnight(asset.warranty_expires_on)),
            ("domain", None),
            ("asset_state", asset.at(now).state),
            ("serial_number", asset.serial_number),
            ("last_audit_date", audited_at),
        )
    }
    fields |= _own_fields(Dice(seed, "asset-fields", asset.display_id), asset, type_id)
    fields["depreciation_id"] = asset.depreciation_id
    fields["salvage"] = None if asset.salvage is None else float(asset.salvage)
    return fields


def _own_fields(dice: Dice, asset: Asset, type_id: int) -> dict[str, Any]:
    if type_id in (LAPTOP, DESKTOP, SERVER):
        return {
            f"os_{COMPUTER}": dice.one_of(("Windows 11", "Ubuntu 24.04", "macOS 15")),
            f"os_version_{COMPUTER}": f"{1 + dice.below(24)}.{dice.below(9)}",
            f"memory_{COMPUTER}": float(dice.one_of((8, 16, 32, 64))),
            f"disk_space_{COMPUTER}": float(dice.one_of((256, 512, 1024))),
            f"cpu_core_count_{COMPUTER}": dice.one_of((4, 8, 16)),
            f"hostname_{COMPUTER}": asset.name.lower(),
            f"mac_address_{COMPUTER}": None,
        }
    if type_id in (TURNSTILE, SCANNER):
        return {
            f"firmware_{GATE}": f"{1 + dice.below(4)}.{dice.below(20)}",
            f"gate_{GATE}": f"Gate {1 + dice.below(12)}",
        }
    return {}


def linked_asset_payload(asset: Asset) -> dict[str, Any]:
    """An element of `assets` in the view of a ticket, a problem, a change or a release."""
    return {"id": asset.asset_id, "display_id": asset.display_id, "name": asset.name}


def asset_type_payload(opening: datetime, kind: AssetType) -> dict[str, Any]:
    """An element of /asset_types."""
    return {
        "id": kind.type_id,
        "name": kind.name,
        "description": None,
        "parent_asset_type_id": kind.parent_id,
        "visible": kind.visible,
        "created_at": opening - SETUP,
        "updated_at": opening - SETUP,
    }


def product_payload(opening: datetime, product: Product) -> dict[str, Any]:
    """An element of /products."""
    return {
        "id": product.product_id,
        "name": product.name,
        "asset_type_id": product.type_id,
        "manufacturer": product.vendor.name,
        "status": "In Production",
        "mode_of_procurement": "Buy",
        "depreciation_type_id": product.depreciation_id,
        "description": None,
        "description_text": None,
        "created_at": opening - SETUP,
        "updated_at": opening - SETUP,
    }


def vendor_payload(opening: datetime, vendor: Vendor) -> dict[str, Any]:
    """An element of /vendors."""
    return {
        "id": vendor.vendor_id,
        "name": vendor.name,
        "description": None,
        "contact_name": None,
        "email": None,
        "mobile": None,
        "phone": None,
        "primary_contact_id": None,
        "address": {
            "line1": vendor.line1,
            "city": vendor.city,
            "state": None,
            "country": vendor.country,
            "zipcode": None,
        },
        "custom_fields": {},
        "created_at": opening - SETUP,
        "updated_at": opening - SETUP,
    }


def midnight(day: date | None) -> str | None:
    """A day, which the API writes as the instant at which it begins."""
    return f"{day.isoformat()}T00:00:00Z" if day else None
