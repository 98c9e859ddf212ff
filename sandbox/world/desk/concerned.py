"""Which types of assets a topic may concern."""

from __future__ import annotations

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
from sandbox.world.desk.topics import Topic

TYPES = {
    ("Hardware", "Laptop"): (LAPTOP,),
    ("Hardware", "Printer"): (PRINTER,),
    ("Gates", "Turnstile"): (TURNSTILE,),
    ("Gates", "Handheld"): (SCANNER,),
    ("Network", "Wi-Fi"): (NETWORK,),
    ("Network", "VPN"): (NETWORK, LAPTOP),
    ("Network", "Firewall"): (NETWORK,),
    ("Software", "Attendee app"): (SERVER,),
    ("Software", "CRM"): (SERVER,),
    ("Software", "Office"): (LAPTOP, DESKTOP),
    ("Payments", "Terminal"): (TERMINAL,),
}


def types_of(topic: Topic) -> tuple[int, ...]:
    """The types, or none."""
    return TYPES.get((topic.category, topic.sub_category or ""), ())
