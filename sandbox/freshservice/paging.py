"""Pages of a list, and the link to the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohttp import web

from sandbox.freshservice.account import ACCOUNT
from sandbox.freshservice.errors import InvalidError, answer

T = TypeVar("T")
DEFAULT_PER_PAGE, MAX_PER_PAGE = 30, 100


def page_of(
    request: web.Request, name: str, things: Sequence[T], show: Callable[[T], dict[str, Any]]
) -> web.Response:
    """The page that was asked for; the link header is absent on the last one."""
    page = _whole(request, "page", 1)
    per_page = _whole(request, "per_page", DEFAULT_PER_PAGE)
    if per_page > MAX_PER_PAGE:
        raise InvalidError(
            "per_page", f"It should be a Positive Integer less than {MAX_PER_PAGE + 1}"
        )
    cap = request.config_dict[ACCOUNT].limits.depth_cap
    if cap and page > cap:
        raise InvalidError("page", f"It should be a Positive Integer less than {cap + 1}")
    first = (page - 1) * per_page
    shown = [show(thing) for thing in things[first : first + per_page]]
    headers = {}
    if first + per_page < len(things):
        headers["link"] = f'<{request.url.update_query(page=page + 1)}>; rel="next"'
    return answer({name: shown}, headers=headers)


def _whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise InvalidError(name, "It should be a Positive Integer")
    return int(text)
