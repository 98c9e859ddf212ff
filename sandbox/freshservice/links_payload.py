"""What else in the account a ticket points at, as its view embeds it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.world.desk.births import Birth
from sandbox.world.desk.desk import Desk


def links_payload(_desk: Desk, _birth: Birth, _now: datetime) -> dict[str, Any]:
    """The values of assets, problem and change in a ticket's view."""
    return {"assets": [], "problem": None, "change": None}
