"""Tickets: the list with its filters and windows, and the view of one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from aiohttp import web

from sandbox.freshservice.account import ACCOUNT, Account
from sandbox.freshservice.errors import InvalidError, answer, not_found
from sandbox.freshservice.paging import page_of
from sandbox.freshservice.ticket_payload import LIST_INCLUDES, list_item
from sandbox.freshservice.ticket_view import VIEW_INCLUDES, view
from sandbox.world.desk.births import PRIMARY_WORKSPACE
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.states import TicketState

DEFAULT_WINDOW = timedelta(days=30)
Order = tuple[str, str]
FILTERS = (None, "new_and_my_open", "watching", "deleted", "spam")


async def list_tickets(request: web.Request) -> web.Response:
    """GET /tickets: without updated_since only tickets that were created in the last 30 days."""
    account, query = request.config_dict[ACCOUNT], request.query
    now = account.now()
    includes = checked_includes(request, LIST_INCLUDES)
    wanted = query.get("filter")
    if wanted not in FILTERS:
        raise InvalidError(
            "filter", f"It should be one of these values: {','.join(filter(None, FILTERS))}"
        )
    since = instant(request, "updated_since")
    order_by = query.get("order_by", "created_at")
    if order_by not in ("created_at", "due_by", "updated_at", "status"):
        raise InvalidError("order_by", "It should be one of: created_at,due_by,updated_at,status")
    order_type = query.get("order_type", "desc")
    if order_type not in ("asc", "desc"):
        raise InvalidError("order_type", "It should be one of these values: asc,desc")
    workspace = query.get("workspace_id")
    if workspace is not None and not workspace.isdecimal():
        raise InvalidError("workspace_id", "It should be a Positive Integer", "datatype_mismatch")
    workspace_id = PRIMARY_WORKSPACE if workspace is None else int(workspace)
    tickets = await asyncio.to_thread(
        _select, account.desk, now, wanted, since, (order_by, order_type), workspace_id
    )
    requester_id, kind = query.get("requester_id"), query.get("type")
    if requester_id:
        tickets = [t for t in tickets if str(t.birth.requester.requester_id) == requester_id]
    if query.get("email"):
        tickets = [t for t in tickets if t.birth.requester.email == query["email"]]
    if kind:
        tickets = [t for t in tickets if t.birth.topic.type == kind]
    show = partial(
        list_item, account.desk, now, includes=includes, with_custom_fields=workspace_id != 0
    )
    return page_of(request, "tickets", tickets, show)


async def view_ticket(request: web.Request) -> web.Response:
    """GET /tickets/{id}: what the list has, and the fields that only stand here."""
    account: Account = request.config_dict[ACCOUNT]
    includes = checked_includes(request, VIEW_INCLUDES)
    text = request.match_info["ticket_id"]
    if not text.isdecimal():
        return not_found()
    ticket = await asyncio.to_thread(account.desk.ticket, int(text), account.now())
    if ticket is None:
        return not_found()
    return answer({"ticket": view(account.desk, account.now(), ticket, includes)})


def includes_of(request: web.Request) -> list[str]:
    """What the request wants embedded; each costs credits."""
    return [name for name in request.query.get("include", "").split(",") if name]


def _select(
    desk: Desk,
    now: datetime,
    wanted: str | None,
    since: datetime | None,
    order: Order,
    workspace_id: int,
) -> list[TicketState]:
    """The tickets of a list in its order."""
    tickets = _in_order(desk, now, wanted, order, workspace_id)
    if since:
        return [ticket for ticket in tickets if ticket.updated_at >= since]
    return [ticket for ticket in tickets if ticket.birth.created_at >= now - DEFAULT_WINDOW]


@lru_cache(maxsize=8)
def _in_order(
    desk: Desk, now: datetime, wanted: str | None, order: Order, workspace_id: int
) -> list[TicketState]:
    """Kept, because a walk asks for the same order page after page."""
    order_by, direction = order
    found = [
        ticket
        for ticket in desk.tickets(now)
        if _accepts(wanted, ticket) and workspace_id in (0, ticket.birth.workspace_id)
    ]
    found.sort(key=partial(_rank, desk, order_by), reverse=direction == "desc")
    return found


def _rank(desk: Desk, order_by: str, ticket: TicketState) -> tuple[Any, int]:
    if order_by == "due_by":
        return ticket.due(desk.policies, desk.default_calendar)[1], ticket.ticket_id
    if order_by == "created_at":
        return ticket.birth.created_at, ticket.ticket_id
    return getattr(ticket, order_by), ticket.ticket_id


def checked_includes(request: web.Request, known: tuple[str, ...]) -> tuple[str, ...]:
    """What the request wants embedded, if it may be."""
    includes = includes_of(request)
    for name in includes:
        if name not in known:
            raise InvalidError("include", f"It should be one of these values: {','.join(known)}")
    return tuple(includes)


def instant(request: web.Request, name: str) -> datetime | None:
    """An instant of the query, or None where it is not given."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        # A plus sign that nobody escaped arrives as a blank.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise InvalidError(
            name, "It should be in the 'combined date and time ISO8601' format"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _accepts(wanted: str | None, ticket: TicketState) -> bool:
    """Deleted tickets and spam show up under their own filter, and under no other."""
    if wanted == "deleted":
        return ticket.deleted
    if wanted == "spam":
        return ticket.spam and not ticket.deleted
    if ticket.deleted or ticket.spam or wanted == "watching":
        return False
    return wanted is None or not ticket.is_done
