"""The truth of what the company has, line by line. All money has two decimals and is a string.

    assets.jsonl             asset_id, display_id, state, cost, salvage, method, disposed_at, ...
                             as of now; those in the bin and those that are gone are told by a flag
    asset_states.jsonl       asset_id, state, user_id, from, to: unbroken, to is null for now
    asset_book_values.jsonl  asset_id, month, months, book_value, accumulated, charge:
                             at the end of every month from that of the acquisition on; the last
                             month is that of the disposal (or the bin), as of its day, or the one
                             that the clock stands in, as of now; none for assets without a cost or
                             a method, or that are gone
    contracts.jsonl          contract_id, status, cost, starts_on, ends_on, cancelled_on, seats
    contract_accruals.jsonl  contract_id, month, days, amount: the whole term, months to come too,
                             but not beyond the day of a cancellation; a licence without an end
                             costs all of it on its first day
    purchase_orders.jsonl    order_id, status, total, currency, rate, total_in_base, received, ...:
                             the total as the API shows it; in_base is the rounded total times the
                             rate, rounded again; received and ordered count pieces
    licences.jsonl           software_id, license_type, purchased, installed, users, unused, state:
                             as the last discovery (3:00 UTC) saw it; purchased are the per_unit
                             pieces of all active contracts; unused are seats that nobody took in
                             the 90 days before the discovery, or ever

A software is unlicensed without any contract that came into force, non_compliant without an active
one or, under a volume licence, with fewer licences than installations; else it is compliant.
Book values are rounded to cents, half up; a charge is the difference of two of them, so that the
charges and the last book value add up to the cost. Full months are counted from the acquisition
date to the first of the next month: what is bought on the 1st is a month old when the month
ends, what is bought on the 2nd is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sandbox.world.desk.assets import Asset
from sandbox.world.desk.contracts import ACTIVE, IN_FORCE, Contract
from sandbox.world.desk.estate import Estate
from sandbox.world.desk.money import accruals, book_value, full_months, months_until, next_month
from sandbox.world.desk.orders import Order
from sandbox.world.desk.software import CATALOG, synced_at

Row = Mapping[str, Any]


def estate_files(estate: Estate, now: datetime) -> Iterator[tuple[str, Iterator[Row]]]:
    """The files, by name."""
    assets, contracts = estate.assets(now), estate.contracts(now)
    yield "assets", asset_rows(assets, now)
    yield "asset_states", asset_state_rows(assets, now)
    yield "asset_book_values", book_value_rows(assets, now)
    yield "contracts", contract_rows(contracts, now)
    yield "contract_accruals", accrual_rows(contracts, now)
    yield "purchase_orders", order_rows(estate.orders(now), now)
    yield "licences", licence_rows(estate, now)


def asset_rows(assets: Iterable[Asset], now: datetime) -> Iterator[Row]:
    """The truth about assets as of a moment."""
    for asset in assets:
        stretch, method = asset.at(now), asset.depreciation
        disposed_at = asset.disposed_at
        yield {
            "asset_id": asset.asset_id,
            "display_id": asset.display_id,
            "asset_type_id": asset.product.type_id,
            "product_id": asset.product.product_id,
            "state": stretch.state,
            "user_id": stretch.user and stretch.user.requester_id,
            "department_id": stretch.department_id,
            "location_id": stretch.location_id,
            "cost": _money(asset.cost),
            "salvage": _money(asset.salvage),
            "depreciation_id": method and method.depreciation_id,
            "method": method and method.method,
            "acquired_on": asset.acquired_on,
            "warranty_expires_on": asset.warranty_expires_on,
            "end_of_life": asset.end_of_life,
            "created_at": asset.created_at,
            "updated_at": asset.updated_at(now),
            "disposed_at": disposed_at if disposed_at and disposed_at <= now else None,
            "is_trashed": asset.is_trashed(now),
            "is_gone": asset.is_gone(now),
        }


def asset_state_rows(assets: Iterable[Asset], now: datetime) -> Iterator[Row]:
    """The truth about the states that assets were in."""
    for asset in assets:
        for stretch, following in pairwise((*asset.stretches, None)):
            if stretch is None or stretch.starts_at > now:
                break
            ends_at = following.starts_at if following else None
            yield {
                "asset_id": asset.asset_id,
                "state": stretch.state,
                "user_id": stretch.user and stretch.user.requester_id,
                "from": stretch.starts_at,
                "to": ends_at if ends_at and ends_at <= now else None,
            }


def book_value_rows(assets: Iterable[Asset], now: datetime) -> Iterator[Row]:
    """The truth about what assets were worth month by month."""
    for asset in assets:
        method, cost, ended_at = asset.depreciation, asset.cost, asset.ended_at
        if method is None or cost is None or asset.is_gone(now):
            continue
        last = ended_at.date() if ended_at and ended_at <= now else now.date()
        salvage, before = asset.salvage or Decimal(0), cost
        for month in months_until(asset.acquired_on, last):
            months = max(0, full_months(asset.acquired_on, min(next_month(month), last)))
            value = book_value(cost, salvage, method, months)
            yield {
                "asset_id": asset.asset_id,
                "month": month,
                "months": months,
                "book_value": _money(value),
                "accumulated": _money(cost - value),
                "charge": _money(before - value),
            }
            before = value


def contract_rows(contracts: Iterable[Contract], now: datetime) -> Iterator[Row]:
    """The truth about contracts."""
    for contract in contracts:
        yield {
            "contract_id": contract.contract_id,
            "contract_type_id": contract.contract_type_id,
            "status": contract.status(now),
            "cost": _money(contract.cost),
            "starts_on": contract.starts_on,
            "ends_on": contract.ends_on,
            "cancelled_on": contract.cancelled_on(now),
            "auto_renew": contract.auto_renew,
            "software_id": contract.software and contract.software.software_id,
            "seats": contract.seats,
        }


def accrual_rows(contracts: Iterable[Contract], now: datetime) -> Iterator[Row]:
    """The truth about what contracts that came into force cost by the month."""
    for contract in contracts:
        if contract.status(now) not in IN_FORCE:
            continue
        starts_on, ends_on = contract.starts_on, contract.ends_on or contract.starts_on
        stopped_on = contract.cancelled_on(now) or ends_on
        for share in accruals(contract.cost, starts_on, ends_on, stopped_on):
            yield {
                "contract_id": contract.contract_id,
                "month": share.month,
                "days": share.days,
                "amount": _money(share.amount),
            }


def order_rows(orders: Iterable[Order], now: datetime) -> Iterator[Row]:
    """The truth about purchase orders."""
    for order in orders:
        yield {
            "order_id": order.order_id,
            "vendor_id": order.vendor.vendor_id,
            "status": order.status(now),
            "total": _money(order.total),
            "currency": order.currency.code,
            "rate": str(order.currency.rate),
            "total_in_base": _money(order.total_in_base),
            "received": sum(order.received(now)),
            "ordered": sum(line.quantity for line in order.lines),
            "created_at": order.created_at,
        }


def licence_rows(estate: Estate, now: datetime) -> Iterator[Row]:
    """The truth about licences."""
    stale = synced_at(now) - timedelta(days=90)
    for software in CATALOG:
        taken = estate.seats(software, now)
        in_force = estate.licences(software, now)
        active = [contract for contract in in_force if contract.status(now) == ACTIVE]
        purchased = sum(contract.seats for contract in active)
        installed = len(estate.installations(software, now))
        is_short = software.license_type == "volume" and purchased < installed
        state = "non_compliant" if not active or is_short else "compliant"
        used = sum(bool(s.last_used_at and s.last_used_at >= stale) for s in taken)
        yield {
            "software_id": software.software_id,
            "license_type": software.license_type,
            "purchased": purchased,
            "installed": installed,
            "users": len(taken),
            "unused": len(taken) - used,
            "active_contracts": len(active),
            "state": state if in_force else "unlicensed",
        }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"
