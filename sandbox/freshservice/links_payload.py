"""What else in the account a ticket points at, as its view embeds it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.freshservice.asset_payload import linked_asset_payload
from sandbox.freshservice.case_payload import linked_case_payload
from sandbox.world.desk.births import Birth
from sandbox.world.desk.desk import Desk
from sandbox.world.desk.links import links_of


def links_payload(desk: Desk, birth: Birth, now: datetime) -> dict[str, Any]:
    """The values of assets, problem and change in a ticket's view."""
    links = links_of(desk.itil, birth)
    return {
        "assets": [linked_asset_payload(asset) for asset in links.assets],
        "problem": links.problem and linked_case_payload(now, links.problem),
        "change": links.change and linked_case_payload(now, links.change),
    }
