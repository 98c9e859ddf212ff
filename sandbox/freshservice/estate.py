"""Assets, what they are instances of, and the contracts and orders behind them."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from sandbox.freshservice.account import ACCOUNT
from sandbox.freshservice.asset_payload import (
    asset_payload,
    asset_type_payload,
    product_payload,
    vendor_payload,
)
from sandbox.freshservice.contract_payload import contract_payload
from sandbox.freshservice.errors import answer
from sandbox.freshservice.order_payload import order_payload
from sandbox.freshservice.paging import page_of
from sandbox.freshservice.software_payload import (
    installation_payload,
    licence_payload,
    seat_payload,
    software_payload,
)
from sandbox.freshservice.soil import soiled
from sandbox.freshservice.tickets import checked_includes
from sandbox.world.desk.catalog import ASSET_TYPES, PRODUCTS, VENDORS
from sandbox.world.desk.software import CATALOG, Software

ASSET_INCLUDES = ("type_fields",)


async def list_assets(request: web.Request) -> web.Response:
    """GET /assets: what is in the bin shows up under trashed=true, and under nothing else."""
    account = request.config_dict[ACCOUNT]
    desk, now = account.desk, account.now()
    includes = checked_includes(request, ASSET_INCLUDES)
    trashed = request.query.get("trashed") == "true"
    shown = [
        asset
        for asset in desk.estate.assets(now)
        if asset.is_trashed(now) == trashed and not asset.is_gone(now)
    ]
    show = soiled(account.desk, "assets", partial(asset_payload, desk.seed, now, includes=includes))
    return page_of(request, "assets", shown, show)


async def view_asset(request: web.Request) -> web.Response:
    """GET /assets/{display_id}."""
    account = request.config_dict[ACCOUNT]
    desk, now = account.desk, account.now()
    includes = checked_includes(request, ASSET_INCLUDES)
    for asset in desk.estate.assets(now):
        if str(asset.display_id) == request.match_info["display_id"] and not asset.is_gone(now):
            return answer({"asset": asset_payload(desk.seed, now, asset, includes=includes)})
    raise web.HTTPNotFound


async def list_asset_types(request: web.Request) -> web.Response:
    """GET /asset_types: a tree, the parents beside their children."""
    desk = request.config_dict[ACCOUNT].desk
    return page_of(request, "asset_types", ASSET_TYPES, partial(asset_type_payload, desk.opening))


async def list_products(request: web.Request) -> web.Response:
    """GET /products."""
    desk = request.config_dict[ACCOUNT].desk
    return page_of(request, "products", PRODUCTS, partial(product_payload, desk.opening))


async def list_vendors(request: web.Request) -> web.Response:
    """GET /vendors."""
    desk = request.config_dict[ACCOUNT].desk
    vendors = tuple(VENDORS.values())
    return page_of(request, "vendors", vendors, partial(vendor_payload, desk.opening))


async def list_contracts(request: web.Request) -> web.Response:
    """GET /contracts: read whole, for it has no filter by time."""
    account = request.config_dict[ACCOUNT]
    estate, now = account.desk.estate, account.now()
    show = soiled(account.desk, "contracts", partial(contract_payload, estate, now))
    return page_of(request, "contracts", estate.contracts(now), show)


async def list_purchase_orders(request: web.Request) -> web.Response:
    """GET /purchase_orders."""
    account = request.config_dict[ACCOUNT]
    orders = account.desk.estate.orders(account.now())
    show = soiled(account.desk, "purchase_orders", partial(order_payload, account.now()))
    return page_of(request, "purchase_orders", orders, show)


async def list_applications(request: web.Request) -> web.Response:
    """GET /applications, which is what the API calls software."""
    account = request.config_dict[ACCOUNT]
    show = partial(software_payload, account.desk.estate, account.now())
    return page_of(request, "applications", CATALOG, show)


async def list_application_users(request: web.Request) -> web.Response:
    """GET /applications/{id}/users."""
    account, software = request.config_dict[ACCOUNT], _software(request)
    estate, now = account.desk.estate, account.now()
    found = estate.seats(software, now)
    return page_of(
        request, "application_users", found, partial(seat_payload, estate, now, software)
    )


async def list_installations(request: web.Request) -> web.Response:
    """GET /applications/{id}/installations."""
    account, software = request.config_dict[ACCOUNT], _software(request)
    now = account.now()
    found = account.desk.estate.installations(software, now)
    return page_of(request, "installations", found, partial(installation_payload, now))


async def list_licenses(request: web.Request) -> web.Response:
    """GET /applications/{id}/licenses: its contracts that came into force."""
    account, software = request.config_dict[ACCOUNT], _software(request)
    now = account.now()
    found = account.desk.estate.licences(software, now)
    return page_of(request, "licenses", found, partial(licence_payload, now))


def _software(request: web.Request) -> Software:
    for software in CATALOG:
        if str(software.software_id) == request.match_info["application_id"]:
            return software
    raise web.HTTPNotFound
