"""The API as an aiohttp application."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any

import orjson
from aiohttp import web

from sandbox.user_app.backend import BACKEND, Backend, bearer_seconds
from sandbox.user_app.stream import stream
from sandbox.world.moments import instant, moment

DEFAULT_LIMIT, MAX_LIMIT = 1000, 5000
RESTART = 1012


def api(backend: Backend) -> web.Application:
    """The application to mount at /user-app."""
    app = web.Application()
    app[BACKEND] = backend
    app.on_response_prepare.append(_dated)
    app.on_shutdown.append(_close_sockets)
    app.add_routes(
        [
            web.post("/oauth/token", issue_token),
            web.get("/v2/messages", list_messages),
            web.get("/v2/stream", stream),
        ]
    )
    return app


async def issue_token(request: web.Request) -> web.Response:
    """POST /oauth/token: OAuth 2.0 client credentials (RFC 6749, 4.4)."""
    backend, asked = request.app[BACKEND], await request.post()
    if asked.get("grant_type") != "client_credentials":
        return _answer({"error": "unsupported_grant_type"}, 400)
    if (asked.get("client_id"), asked.get("client_secret")) != (
        backend.client_id,
        backend.client_secret,
    ):
        return _answer({"error": "invalid_client"}, 401)
    return _answer(
        {
            "access_token": backend.issue_token(),
            "token_type": "Bearer",
            "expires_in": int(backend.token_seconds),
        }
    )


async def list_messages(request: web.Request) -> web.Response:
    """GET /v2/messages?from=&until=&limit=&cursor=: a page, oldest first, a line per message.

    Lines and not one list: what a phone sent that is no JSON spoils its own line alone. The header
    X-Next-Cursor is absent on the last page. A cursor stands for everything that was asked for.
    """
    backend = request.app[BACKEND]
    if bearer_seconds(request) <= 0:
        return _answer({"error": "invalid_token"}, 401)
    wait = backend.charge()
    if wait is not None:
        return _answer({"error": "too_many_requests"}, 429, {"Retry-After": str(wait)})
    try:
        limit = int(request.query.get("limit", DEFAULT_LIMIT))
        if not 1 <= limit <= MAX_LIMIT:
            raise ValueError(f"limit must be from 1 to {MAX_LIMIT}")
        received_at, seq, until = _asked_range(request, backend.log.now + 1)
    except ValueError as error:
        return _answer({"error": "invalid_request", "message": str(error)}, 400)
    entries = backend.log.page((received_at, seq), until, limit + 1)
    page, headers = entries[:limit], {}
    if len(entries) > limit:
        headers["X-Next-Cursor"] = f"{page[-1].received_at}.{page[-1].seq}.{until}"
    body = b"".join(entry.line + b"\n" for entry in page)
    return web.Response(body=body, headers=headers, content_type="application/x-ndjson")


def _asked_range(request: web.Request, end: int) -> tuple[int, int, int]:
    """The place behind which a page begins, and the moment before which it ends."""
    if cursor := request.query.get("cursor"):
        received_at, seq, until = (int(part) for part in cursor.split("."))
        return received_at, seq, until
    return (
        _moment(request, "from", 0),
        -1,
        min(_moment(request, "until", end), end),
    )


def _moment(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{name} must be an instant with an offset")
    return moment(at)


async def _dated(request: web.Request, response: web.StreamResponse) -> None:
    """Every answer says what time it is at the source."""
    now = instant(request.config_dict[BACKEND].log.now)
    response.headers["Date"] = format_datetime(now, usegmt=True)


async def _close_sockets(app: web.Application) -> None:
    for socket in set(app[BACKEND].sockets):
        await socket.close(code=RESTART, message=b"service restart")


def _answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(body), status=status, headers=headers, content_type="application/json"
    )
