"""What a ticket is about: the assets on it, and the problem and the change that it belongs to.

All of it is settled in the ticket's first second and never changes.
"""

from __future__ import annotations

from typing import NamedTuple

from sandbox.world.desk.assets import Asset
from sandbox.world.desk.births import Birth
from sandbox.world.desk.catalog import (
    DESKTOP,
    LAPTOP,
    NETWORK,
    PRINTER,
    SCANNER,
    SERVER,
    TERMINAL,
    TURNSTILE,
)
from sandbox.world.desk.estate import Estate
from sandbox.world.desk.topics import INCIDENT
from sandbox.world.dice import Dice

TYPES = {
    ("Hardware", "Laptop"): (LAPTOP,),
    ("Hardware", "Printer"): (PRINTER,),
    ("Gates", "Turnstile"): (TURNSTILE,),
    ("Gates", "Handheld"): (SCANNER,),
    ("Network", "Wi-Fi"): (NETWORK,),
    ("Network", "VPN"): (NETWORK, LAPTOP),
    ("Software", "Attendee app"): (SERVER,),
    ("Software", "CRM"): (SERVER,),
    ("Software", "Office"): (LAPTOP, DESKTOP),
    ("Payments", "Terminal"): (TERMINAL,),
}
"""Which assets a ticket of a category may name; others name none."""
NAMES_AN_ASSET = 0.175
"""Of incidents that could; that is about 15% of all incidents."""


class Links(NamedTuple):
    """What a ticket is linked to."""

    assets: tuple[Asset, ...]


def links_of(estate: Estate, birth: Birth) -> Links:
    """The links of a ticket."""
    return Links(_assets(estate, birth))


def _assets(estate: Estate, birth: Birth) -> tuple[Asset, ...]:
    dice, topic = Dice(estate.seed, "ticket-assets", birth.ticket_id), birth.topic
    types = TYPES.get((topic.category, topic.sub_category or ""), ())
    if not types or birth.is_spam or topic.type != INCIDENT or not dice.chance(NAMES_AN_ASSET):
        return ()
    at = birth.created_at
    own = estate.asset_of(birth.requester, types, at)
    found = [own or estate.some_asset(dice, types, at)]
    if dice.chance(0.12):
        found.append(estate.some_asset(dice, types, at))
    return tuple(dict.fromkeys(asset for asset in found if asset))
