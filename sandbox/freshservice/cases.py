"""Problems, changes and releases: lists with filters and windows, and what hangs on each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from aiohttp import web

from sandbox.freshservice.account import ACCOUNT
from sandbox.freshservice.case_payload import change_payload, problem_payload, release_payload
from sandbox.freshservice.errors import InvalidError, answer
from sandbox.freshservice.paging import page_of
from sandbox.freshservice.soil import soiled
from sandbox.freshservice.task_payload import task_payload
from sandbox.freshservice.tickets import checked_includes, instant
from sandbox.freshservice.time_entry_payload import time_entry_payload
from sandbox.world.desk.cases import Case
from sandbox.world.desk.casework import case_tasks, case_time_entries
from sandbox.world.desk.itil import Itil

WINDOW = timedelta(days=30)
CHANGE_INCLUDES = ("stats",)
FILTERS = ("all", "deleted")
C = TypeVar("C", bound=Case)
Show = Callable[[C], dict[str, Any]]


async def list_problems(request: web.Request) -> web.Response:
    """GET /problems, by the time of their last change."""
    account = request.config_dict[ACCOUNT]
    now = account.now()
    found = _selected(request, account.desk.itil.problems(now), now)
    show = soiled(account.desk, "problems", partial(problem_payload, now))
    return page_of(request, "problems", found, show)


async def list_changes(request: web.Request) -> web.Response:
    """GET /changes: without updated_since only those that were opened in the last 30 days."""
    account = request.config_dict[ACCOUNT]
    now, includes = account.now(), checked_includes(request, CHANGE_INCLUDES)
    found = _selected(request, account.desk.itil.changes(now), now)
    if "updated_since" not in request.query:
        found = [change for change in found if change.created_at >= now - WINDOW]
    show = soiled(account.desk, "changes", partial(change_payload, now, includes=includes))
    return page_of(request, "changes", found, show)


async def list_releases(request: web.Request) -> web.Response:
    """GET /releases."""
    account = request.config_dict[ACCOUNT]
    now = account.now()
    found = _selected(request, account.desk.itil.releases(now), now)
    show = soiled(account.desk, "releases", partial(release_payload, now))
    return page_of(request, "releases", found, show)


async def view_case(request: web.Request) -> web.Response:
    """GET /problems/{id}, /changes/{id} and /releases/{id}."""
    account, case = request.config_dict[ACCOUNT], _case(request)
    now = account.now()
    if case.kind == "change":
        includes = checked_includes(request, CHANGE_INCLUDES)
        return answer({"change": change_payload(now, case, includes)})
    show = problem_payload if case.kind == "problem" else release_payload
    return answer({case.kind: show(now, case)})


async def list_tasks(request: web.Request) -> web.Response:
    """GET /{kind}/{id}/tasks."""
    account, case = request.config_dict[ACCOUNT], _case(request)
    found = case_tasks(account.desk.seed, case, account.now())
    return page_of(request, "tasks", found, task_payload)


async def list_time_entries(request: web.Request) -> web.Response:
    """GET /{kind}/{id}/time_entries: none of them says of what it is."""
    account, case = request.config_dict[ACCOUNT], _case(request)
    seed = account.desk.seed
    found = case_time_entries(seed, case, account.now())
    return page_of(request, "time_entries", found, partial(time_entry_payload, seed))


def _selected(request: web.Request, cases: Sequence[C], now: datetime) -> list[C]:
    """Deleted cases show up under their own filter, and under no other. The newest come first."""
    query = request.query
    wanted = query.get("filter", query.get("filter_name", "all"))
    if wanted not in FILTERS:
        raise InvalidError("filter", f"It should be one of these values: {','.join(FILTERS)}")
    order_by, order_type = query.get("order_by", "created_at"), query.get("order_type", "desc")
    if order_by not in ("created_at", "updated_at"):
        raise InvalidError("order_by", "It should be one of: created_at,updated_at")
    since = instant(request, "updated_since")
    found = [
        case
        for case in cases
        if case.is_deleted(now) == (wanted == "deleted")
        and (since is None or case.updated_at(now) >= since)
    ]

    def rank(case: C) -> tuple[datetime, int]:
        at = case.created_at if order_by == "created_at" else case.updated_at(now)
        return at, case.case_id

    return sorted(found, key=rank, reverse=order_type == "desc")


def _case(request: web.Request) -> Any:
    """The case that the path names. Deleted ones keep what hangs on them."""
    account = request.config_dict[ACCOUNT]
    itil: Itil = account.desk.itil
    lists: dict[str, Callable[[datetime], Sequence[Case]]]
    lists = {"problems": itil.problems, "changes": itil.changes, "releases": itil.releases}
    for case in lists[request.match_info["kind"]](account.now()):
        if str(case.case_id) == request.match_info["case_id"]:
            return case
    raise web.HTTPNotFound
