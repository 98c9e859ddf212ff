"""The API as an aiohttp application, and what every request passes before it is answered."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from email.utils import format_datetime

from aiohttp import web

from sandbox.freshservice import cases, children, directory, estate, tickets
from sandbox.freshservice.account import ACCOUNT, Account
from sandbox.freshservice.errors import (
    InvalidError,
    not_found,
    require_feature,
    too_many_requests,
    unauthorized,
)

TICKET = "/tickets/{ticket_id}"
CASE = "/{kind:problems|changes|releases}/{case_id}"
APPLICATION = "/applications/{application_id}"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def api(account: Account) -> web.Application:
    """The application to mount at /api/v2."""
    app = web.Application(middlewares=[_charged, _known, _in_plan, _valid])
    app[ACCOUNT] = account
    app.on_response_prepare.append(_dated)
    app.add_routes(
        [
            web.get("/tickets", tickets.list_tickets, name="list_tickets"),
            web.get(TICKET, tickets.view_ticket, name="view_ticket"),
            web.get(f"{TICKET}/conversations", children.list_conversations),
            web.get(f"{TICKET}/time_entries", children.list_time_entries),
            web.get(f"{TICKET}/activities", children.list_activities),
            web.get(f"{TICKET}/tasks", children.list_tasks),
            web.get(f"{TICKET}/requested_items", children.list_requested_items),
            web.get(f"{TICKET}/csat_response", children.view_csat_response),
            web.get("/requesters", directory.list_requesters, name="list_requesters"),
            web.get("/agents", directory.list_agents, name="list_agents"),
            web.get("/groups", directory.list_groups, name="list_groups"),
            web.get("/departments", directory.list_departments),
            web.get("/locations", directory.list_locations),
            web.get("/business_hours", directory.list_business_hours, name="list_business_hours"),
            web.get("/sla_policies", directory.list_sla_policies, name="list_sla_policies"),
            web.get("/problems", cases.list_problems),
            web.get("/changes", cases.list_changes),
            web.get("/releases", cases.list_releases),
            web.get(CASE, cases.view_case),
            web.get(f"{CASE}/tasks", cases.list_tasks),
            web.get(f"{CASE}/time_entries", cases.list_time_entries),
            web.get("/assets", estate.list_assets, name="list_assets"),
            web.get("/assets/{display_id}", estate.view_asset, name="view_asset"),
            web.get("/asset_types", estate.list_asset_types),
            web.get("/products", estate.list_products),
            web.get("/vendors", estate.list_vendors),
            web.get("/contracts", estate.list_contracts),
            web.get("/purchase_orders", estate.list_purchase_orders),
            web.get("/applications", estate.list_applications),
            web.get(f"{APPLICATION}/users", estate.list_application_users),
            web.get(f"{APPLICATION}/installations", estate.list_installations),
            web.get(f"{APPLICATION}/licenses", estate.list_licenses),
        ]
    )
    return app


async def _dated(request: web.Request, response: web.StreamResponse) -> None:
    """Every answer says what time it is at the source; a staged fault too."""
    response.headers["Date"] = format_datetime(request.config_dict[ACCOUNT].now(), usegmt=True)


@web.middleware
async def _charged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every call costs, the wrong ones too; too many are turned away."""
    endpoint = request.match_info.route.name or "unknown"
    includes = len(tickets.includes_of(request))
    verdict = request.app[ACCOUNT].limiter.charge(endpoint, includes)
    if verdict.retry_after is not None:
        return too_many_requests(verdict.headers)
    try:
        response = await handler(request)
    except web.HTTPNotFound:
        response = not_found()
    response.headers.update(verdict.headers)
    return response


@web.middleware
async def _known(request: web.Request, handler: Handler) -> web.StreamResponse:
    """HTTP Basic with the API key as user and any password."""
    if _user(request) != request.app[ACCOUNT].api_key:
        return unauthorized()
    return await handler(request)


@web.middleware
async def _in_plan(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What the plan does not have is refused by name."""
    modules = set(request.path.split("/")) & set(request.app[ACCOUNT].limits.locked)
    return require_feature(modules.pop()) if modules else await handler(request)


@web.middleware
async def _valid(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except InvalidError as refusal:
        return refusal.answer()


def _user(request: web.Request) -> str | None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None
