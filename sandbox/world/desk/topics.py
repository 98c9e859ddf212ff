"""What tickets are about: category, sub-category, item, the team that knows, and words for it."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.world.dice import Weighted

INCIDENT, SERVICE_REQUEST = "Incident", "Service Request"


class Topic(NamedTuple):
    """One leaf of the category tree."""

    category: str
    sub_category: str | None
    item_category: str | None
    type: str
    group: str | None
    """The key of the group that gets such tickets; None is the first line of the region."""
    urgency: float
    """How much likelier than usual a high priority is."""
    subject: str


TOPICS = Weighted(
    (Topic("Hardware", "Laptop", "Battery", INCIDENT, None, 0.7, "Laptop battery drains"), 7.0),
    (Topic("Hardware", "Laptop", "Display", INCIDENT, None, 0.8, "Screen flickers"), 5.0),
    (Topic("Hardware", "Printer", None, INCIDENT, None, 0.5, "Badge printer jams again"), 5.0),
    (Topic("Hardware", "Phone", "Desk phone", INCIDENT, None, 0.5, "No dial tone"), 2.0),
    (Topic("Hardware", None, None, SERVICE_REQUEST, None, 0.3, "New monitor please"), 4.0),
    (Topic("Gates", "Turnstile", "Motor", INCIDENT, "gates", 2.6, "Turnstile does not open"), 4.0),
    (Topic("Gates", "Turnstile", "Reader", INCIDENT, "gates", 2.2, "Reader rejects tickets"), 5.0),
    (Topic("Gates", "Handheld", "Scanner", INCIDENT, "gates", 1.6, "Scanner does not sync"), 5.0),
    (
        Topic("Network", "Wi-Fi", "Coverage", INCIDENT, "network", 1.4, "Wi-Fi drops in the hall"),
        6.0,
    ),
    (Topic("Network", "VPN", None, INCIDENT, "network", 1.0, "VPN disconnects every hour"), 5.0),
    (Topic("Network", "Firewall", "Rule", SERVICE_REQUEST, "network", 0.6, "Open a port"), 3.0),
    (Topic("Access", "Account", "Password", INCIDENT, "identity", 1.0, "Locked out"), 8.0),
    (Topic("Access", "Account", "New starter", SERVICE_REQUEST, "identity", 0.6, "Starter"), 5.0),
    (Topic("Access", "Permission", None, SERVICE_REQUEST, "identity", 0.5, "Need a folder"), 5.0),
    (Topic("Software", "Attendee app", "Login", INCIDENT, "apps", 1.5, "App login fails"), 6.0),
    (Topic("Software", "Attendee app", "Tickets", INCIDENT, "apps", 1.6, "Ticket not shown"), 5.0),
    (Topic("Software", "CRM", None, INCIDENT, "apps", 0.8, "CRM is slow today"), 4.0),
    (Topic("Software", "Office", "Add-in", INCIDENT, None, 0.5, "Add-in crashes"), 4.0),
    (
        Topic(
            "Software", "Licence", None, SERVICE_REQUEST, None, 0.3, "Licence for a drawing tool"
        ),
        4.0,
    ),
    (Topic("Payments", "Refund", None, SERVICE_REQUEST, "apps", 0.9, "Refund is not booked"), 3.0),
    (Topic("Payments", "Terminal", None, INCIDENT, "apps", 1.8, "Card terminal offline"), 3.0),
    (Topic("Facilities", "Room", "Booking", SERVICE_REQUEST, "facilities", 0.3, "Room"), 3.0),
    (Topic("Facilities", "Badge", None, SERVICE_REQUEST, "facilities", 0.4, "Lost badge"), 2.0),
)
