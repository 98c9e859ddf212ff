"""The API as an aiohttp application: tokens, and what they open."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from hmac import compare_digest

from aiohttp import BasicAuth, web

from sandbox.cursor_pages import (
    Allowance,
    CursorPages,
    InvalidError,
    Item,
    refusal,
    too_many,
)
from sandbox.world.platform import Platform
from sandbox.world.platform.dirt import Sent

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MOST = 1000
CALLS_PER_MINUTE = 6000
TOKEN_SECONDS = 300
TOKEN_PATH = "/oauth/token"  # noqa: S105  a path


@dataclass
class Portal:
    """What the API serves, and to whom."""

    platform: Platform
    now: Callable[[], int]
    ready: Callable[[], Awaitable[None]]
    """Returns when the world has been told up to now."""
    client_id: str
    client_secret: str
    token_seconds: float = TOKEN_SECONDS
    calls_per_minute: int = CALLS_PER_MINUTE
    tokens: dict[str, float] = field(default_factory=dict)
    """Those that were given out, and when they end."""

    def __post_init__(self) -> None:
        self.allowance = Allowance(self.calls_per_minute)
        self.analytics = CursorPages(self._reader(self.platform.analytics), MOST)
        self.profiles = CursorPages(self._reader(self.platform.profiles), MOST)

    def issue(self) -> str:
        """Give out a token; those that have ended are forgotten."""
        now = time.monotonic()
        self.tokens = {token: ends for token, ends in self.tokens.items() if ends > now}
        token = secrets.token_urlsafe(24)
        self.tokens[token] = now + self.token_seconds
        return token

    def admits(self, authorization: str) -> bool:
        """Whether a request carries a token that is good now."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self.tokens.get(token, 0) > time.monotonic()

    def _reader(self, tell: Callable[[int], list[Sent]]) -> Callable[[int, int], Iterator[Item]]:
        def read(since: int, until: int) -> Iterator[Item]:
            for sent in tell(self.now()):
                if since <= sent.at < until:
                    yield sent.at, sent.fields()

        return read


PORTAL = web.AppKey("portal", Portal)


def api(portal: Portal) -> web.Application:
    """The application to mount at /platform."""
    app = web.Application(middlewares=[_charged, _known, _valid])
    app[PORTAL] = portal
    app.add_routes(
        [
            web.post(TOKEN_PATH, give_token),
            web.get("/analytics", list_analytics),
            web.get("/profiles", list_profiles),
        ]
    )
    return app


async def give_token(request: web.Request) -> web.Response:
    """POST /platform/oauth/token, as RFC 6749 has it in section 4.4."""
    portal, form = request.app[PORTAL], await request.post()
    client_id, secret = str(form.get("client_id", "")), str(form.get("client_secret", ""))
    if "Authorization" in request.headers:
        try:
            client_id, secret, _ = BasicAuth.decode(request.headers["Authorization"])
        except ValueError:
            client_id = secret = ""
    known = compare_digest(client_id.encode(), portal.client_id.encode())
    if not known or not compare_digest(secret.encode(), portal.client_secret.encode()):
        return web.json_response({"error": "invalid_client"}, status=401)
    if form.get("grant_type") != "client_credentials":
        return web.json_response({"error": "unsupported_grant_type"}, status=400)
    token = {
        "access_token": portal.issue(),
        "token_type": "Bearer",
        "expires_in": int(portal.token_seconds),
    }
    return web.json_response(token, headers={"Cache-Control": "no-store"})


async def list_analytics(request: web.Request) -> web.Response:
    """GET /platform/analytics?updated_since=: hours new or restated since, oldest first."""
    portal = request.app[PORTAL]
    await portal.ready()
    return portal.analytics.page(request, portal.now(), "updated_since")


async def list_profiles(request: web.Request) -> web.Response:
    """GET /platform/profiles?updated_since=: people new or changed since, oldest first."""
    portal = request.app[PORTAL]
    await portal.ready()
    return portal.profiles.page(request, portal.now(), "updated_since")


@web.middleware
async def _charged(request: web.Request, handler: Handler) -> web.StreamResponse:
    wait = request.app[PORTAL].allowance.wait()
    return too_many(wait) if wait else await handler(request)


@web.middleware
async def _known(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Everything but the way to a token wants one."""
    asks_for_token = request.path.endswith(TOKEN_PATH)
    authorization = request.headers.get("Authorization", "")
    if not asks_for_token and not request.app[PORTAL].admits(authorization):
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return refusal(401, "invalid_token", "The token is missing, wrong or expired.", **headers)
    return await handler(request)


@web.middleware
async def _valid(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except InvalidError as error:
        return refusal(400, "invalid_parameter", str(error))
