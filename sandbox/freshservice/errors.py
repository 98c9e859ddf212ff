"""Answers that say no, in the shapes that clients of the real API recorded."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """JSON as the API writes it: instants in UTC with a Z."""
    return web.Response(
        body=orjson.dumps(body, option=orjson.OPT_UTC_Z),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )


class InvalidError(Exception):
    """A request that the API refuses with 400, naming the field."""

    def __init__(self, field: str, message: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.error = {"field": field, "message": message, "code": code}

    def answer(self) -> web.Response:
        """The answer with status 400."""
        return answer({"description": "Validation failed", "errors": [self.error]}, 400)


def unauthorized() -> web.Response:
    """401, for a key that is missing or wrong."""
    message = "You have to be logged in to perform this action."
    return answer({"code": "invalid_credentials", "message": message}, 401)


def require_feature(module: str) -> web.Response:
    """403, for a module that the account's plan does not have."""
    message = f"The {module} feature is not supported in your plan. Please upgrade your account."
    return answer({"code": "require_feature", "message": message}, 403)


def not_found() -> web.Response:
    """404, for what does not exist or not any more."""
    return answer({"code": "not_found", "message": "The requested resource does not exist."}, 404)


def internal_error() -> web.Response:
    """500, for what the API cannot show although it exists."""
    message = "We're sorry, but something went wrong."
    return answer({"code": "internal_error", "message": message}, 500)


def too_many_requests(headers: dict[str, str]) -> web.Response:
    """429; the headers say how long to wait."""
    message = "You have exceeded the limit of requests per minute."
    return answer({"code": "rate_limit_exceeded", "message": message}, 429, headers)
