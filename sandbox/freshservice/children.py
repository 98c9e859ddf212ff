"""What hangs on a ticket and is only found there: no list of the account shows any of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from aiohttp import web

from sandbox.freshservice.account import ACCOUNT, Account
from sandbox.freshservice.activity_payload import activity_payloads
from sandbox.freshservice.conversation_payload import conversation_payload
from sandbox.freshservice.csat_payload import csat_payload
from sandbox.freshservice.errors import answer, internal_error, not_found
from sandbox.freshservice.paging import page_of
from sandbox.freshservice.task_payload import requested_item_payload, task_payload
from sandbox.freshservice.time_entry_payload import time_entry_payload
from sandbox.world.desk.conversations import conversations
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.dirt import spoil_child
from sandbox.world.desk.requested_items import requested_items
from sandbox.world.desk.scenes import Life
from sandbox.world.desk.surveys import survey
from sandbox.world.desk.tasks import tasks
from sandbox.world.desk.time_entries import time_entries
from sandbox.world.desk.topics import SERVICE_REQUEST
from sandbox.world.dice import Dice

OLD = timedelta(days=30)
BROKEN_ACTIVITIES = 0.05
"""Of old tickets: their activities answer 500 for ever, as a production client met it."""


async def list_conversations(request: web.Request) -> web.Response:
    """GET /tickets/{id}/conversations, the newest first."""
    account, life = await _life(request)
    seed, now = account.desk.seed, account.now()
    said = conversations(seed, life, now)[::-1]
    show = partial(conversation_payload, seed, life.birth)
    return _page_of(request, account.desk, "conversations", map(show, said))


async def list_time_entries(request: web.Request) -> web.Response:
    """GET /tickets/{id}/time_entries: none of them says of which ticket it is."""
    account, life = await _life(request)
    seed, now = account.desk.seed, account.now()
    shown = map(partial(time_entry_payload, seed), time_entries(seed, life, now))
    return _page_of(request, account.desk, "time_entries", shown)


async def list_activities(request: web.Request) -> web.Response:
    """GET /tickets/{id}/activities: prose, the newest first."""
    account, life = await _life(request)
    seed, now = account.desk.seed, account.now()
    is_old = life.birth.created_at < now - OLD
    if is_old and Dice(seed, "activities-500", life.birth.ticket_id).chance(BROKEN_ACTIVITIES):
        return internal_error()
    ticket_id, desk = life.birth.ticket_id, account.desk
    lines = [
        soiled(desk, "activities", activity_key(ticket_id, number), line)
        for number, line in enumerate(activity_payloads(life, now))
    ]
    return page_of(request, "activities", lines[::-1], dict)


async def list_tasks(request: web.Request) -> web.Response:
    """GET /tickets/{id}/tasks."""
    account, life = await _life(request)
    found = tasks(account.desk.seed, life, account.now())
    return _page_of(request, account.desk, "tasks", map(task_payload, found))


async def list_requested_items(request: web.Request) -> web.Response:
    """GET /tickets/{id}/requested_items: only service requests have such a list."""
    account, life = await _life(request)
    if life.birth.topic.type != SERVICE_REQUEST:
        raise web.HTTPNotFound
    found = requested_items(account.desk.seed, life, account.now())
    shown = map(requested_item_payload, found)
    return _page_of(request, account.desk, "requested_items", shown)


async def view_csat_response(request: web.Request) -> web.Response:
    """GET /tickets/{id}/csat_response: where there is none, null or 404."""
    account, life = await _life(request)
    seed, now = account.desk.seed, account.now()
    answered = survey(seed, life, now)
    if answered:
        shown = csat_payload(seed, answered)
        return answer({"csat_response": soiled(account.desk, "csat_response", shown["id"], shown)})
    if Dice(seed, "no-survey", life.birth.ticket_id).chance(0.5):
        return not_found()
    return answer({"csat_response": None})


def soiled(desk: Desk, feed: str, child: int | str, payload: dict[str, Any]) -> dict[str, Any]:
    """Something that hangs on a ticket, with its dirt."""
    kind = desk.child_dirt(feed, child)
    return spoil_child(desk.seed, feed, child, payload, kind) if kind else payload


def activity_key(ticket_id: int, number: int) -> str:
    """What an activity is known by in the truth: the API gives it no id."""
    return f"{ticket_id}/{number}"


def _page_of(
    request: web.Request, desk: Desk, feed: str, shown: Iterable[dict[str, Any]]
) -> web.Response:
    """A page of things that have an id."""
    return page_of(request, feed, [soiled(desk, feed, one["id"], one) for one in shown], dict)


async def _life(request: web.Request) -> tuple[Account, Life]:
    """The life of the ticket that the path names. Deleted tickets keep their children."""
    account: Account = request.config_dict[ACCOUNT]
    text = request.match_info["ticket_id"]
    if text.isdecimal():
        life = await asyncio.to_thread(account.desk.life, int(text), account.now())
        if life:
            return account, life
    raise web.HTTPNotFound
