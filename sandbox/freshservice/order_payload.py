"""A purchase order as the API writes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.world.desk.money import cents
from sandbox.world.desk.orders import Order

FIRST_LINE_ID = 21000023474


def order_payload(now: datetime, order: Order) -> dict[str, Any]:
    """An element of /purchase_orders. Percentages are numbers, and so is what they are of."""
    lines = zip(order.lines, order.received(now), strict=True)
    return {
        "id": order.order_id,
        "name": order.name,
        "po_number": f"PO-{order.order_id}",
        "vendor_id": order.vendor.vendor_id,
        "vendor_details": order.vendor.line1,
        "department_id": order.department_id,
        "created_by": order.created_by.agent_id,
        "status": order.status(now),
        "expected_delivery_date": order.expected_at,
        "shipping_address": order.address,
        "billing_same_as_shipping": True,
        "billing_address": order.address,
        "total_cost": float(order.total),
        "discount_percentage": float(order.discount_percentage),
        "tax_percentage": float(order.tax_percentage),
        "shipping_cost": float(order.shipping_cost),
        "currency": {
            "id": order.currency.code,
            "conversion_rate": float(order.currency.rate),
            "symbol": order.currency.symbol,
            "name": order.currency.name,
            "currency_country": None,
            "separator": ".",
        },
        "purchase_items": [
            {
                "id": FIRST_LINE_ID + 10 * order.order_id + number,
                "item_type": line.item_type,
                "item_id": line.item_id,
                "item_name": line.item_name,
                "description": line.item_name,
                "cost": float(line.cost),
                "quantity": line.quantity,
                "received": received,
                "tax_percentage": float(line.tax_percentage),
                "total_cost": float(cents(line.total)),
                "created_at": order.created_at,
                "updated_at": order.updated_at(now),
            }
            for number, (line, received) in enumerate(lines)
        ],
        "custom_fields": {},
        "created_at": order.created_at,
        "updated_at": order.updated_at(now),
    }
