"""The account that the stand-in serves: its key, its limits, its desk and its clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from sandbox.freshservice.limits import Limiter, Limits
from sandbox.world.desk.desk import Desk


@dataclass
class Account:
    """One Freshservice account."""

    desk: Desk
    now: Callable[[], datetime]
    api_key: str
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.limiter = Limiter(self.limits)


ACCOUNT = web.AppKey("account", Account)
