"""What hangs on a ticket and is only found there: no list of the account shows any of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
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
    return page_of(request, "conversations", said, partial(conversation_payload, seed, life.birth))


async def list_time_entries(request: web.Request) -> web.Response:
    """GET /tickets/{id}/time_entries: none of them says of which ticket it is."""
    account, life = await _life(request)
    seed, now = account.desk.seed, account.now()
    return page_of(
        request, "time_entries", time_entries(seed, life, now), partial(time_entry_payload, seed)
    )


async def list_activities(request: web.Request) -> web.Response:
    """GET /tickets/{id}/activities: prose, the newest first."""
    account, life = await _life(request)
    seed, now = account.desk.seed, account.now()
    is_old = life.birth.created_at < now - OLD
    if is_old and Dice(seed, "activities-500", life.birth.ticket_id).chance(BROKEN_ACTIVITIES):
        return internal_error()
    lines: Sequence[dict[str, Any]] = activity_payloads(life, now)[::-1]
    return page_of(request, "activities", lines, dict)


async def list_tasks(request: web.Request) -> web.Response:
    """GET /tickets/{id}/tasks."""
    account, life = await _life(request)
    found = tasks(account.desk.seed, life, account.now())
    return page_of(request, "tasks", found, task_payload)


async def list_requested_items(request: web.Request) -> web.Response:
    """GET /tickets/{id}/requested_items: only service requests have such a list."""
    account, life = await _life(request)
    if life.birth.topic.type != SERVICE_REQUEST:
        raise web.HTTPNotFound
    found = requested_items(account.desk.seed, life, account.now())
    return page_of(request, "requested_items", found, requested_item_payload)


async def view_csat_response(request: web.Request) -> web.Response:
    """GET /tickets/{id}/csat_response: where there is none, null or 404."""
    account, life = await _life(request)
    seed, now = account.desk.seed, account.now()
    answered = survey(seed, life, now)
    if answered:
        return answer({"csat_response": csat_payload(seed, answered)})
    if Dice(seed, "no-survey", life.birth.ticket_id).chance(0.5):
        return not_found()
    return answer({"csat_response": None})


async def _life(request: web.Request) -> tuple[Account, Life]:
    """The life of the ticket that the path names. Deleted tickets keep their children."""
    account: Account = request.config_dict[ACCOUNT]
    text = request.match_info["ticket_id"]
    if text.isdecimal():
        life = await asyncio.to_thread(account.desk.life, int(text), account.now())
        if life:
            return account, life
    raise web.HTTPNotFound
