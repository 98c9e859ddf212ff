"""Software: what is installed where, who has a seat in it, and who has not sat there for long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple

from sandbox.world.desk.assets import DISPOSED, Asset
from sandbox.world.desk.catalog import DESKTOP, LAPTOP, SERVER, VENDORS, Vendor
from sandbox.world.desk.staff import Requester
from sandbox.world.dice import Dice

FIRST_SOFTWARE_ID = 21000240239
FIRST_USER_ID, FIRST_INSTALLATION_ID = 21180000000, 21190000000
IDS_PER_SOFTWARE = 1_000_000
DAY = timedelta(days=1)
SYNC = time(3)
"""The discovery runs at three in the night; the lists stand still until the next one."""
COMPUTERS = (LAPTOP, DESKTOP, SERVER)


class Software(NamedTuple):
    """One application of the inventory."""

    software_id: int
    name: str
    kind: str
    """desktop, saas or mobile."""
    status: str
    """managed, ignored or blacklisted."""
    category: str
    publisher: Vendor | None
    license_type: str | None
    """volume counts seats; enterprise and trial do not; None needs no licence and has none."""
    reach: float
    """The share of computers or people that have it."""
    seats_ratio: float
    """Seats bought for each installation at the start of the history."""
    term: str
    """What becomes of its contracts: renews, overlaps, lapses, is cancelled, perpetual or none."""


class Seat(NamedTuple):
    """Somebody's place in an application, as the last discovery saw it."""

    seat_id: int
    user: Requester
    allocated_at: datetime
    first_used_at: datetime | None
    last_used_at: datetime | None


class Installation(NamedTuple):
    """An application on a machine."""

    installation_id: int
    machine: Asset
    version: str
    installed_at: datetime


NOT_MANAGED = {"Quicknote": "ignored", "Openwriter": "ignored", "Torrenty": "blacklisted"}
# Name, kind, category, publisher, type of licence, reach, ratio of seats, term.
ROWS: tuple[tuple[str, str, str, str, str, float, float, str], ...] = (
    ("Deskdesk", "saas", "IT Service Management", "Cloudtop", "enterprise", 0.1, 0.0, "renews"),
    ("Big Office", "desktop", "Office Suite", "Big Office", "volume", 0.9, 1.1, "renews"),
    ("Drawwell", "desktop", "Design", "Drawwell", "volume", 0.15, 0.8, "renews"),
    ("Drawwell 3D", "desktop", "Design", "Drawwell", "volume", 0.05, 1.3, "overlaps"),
    ("Meetroom", "saas", "Communication", "Cloudtop", "enterprise", 0.8, 0.0, "overlaps"),
    ("Ledgerline", "saas", "Finance", "Cloudtop", "enterprise", 0.12, 0.0, "overlaps"),
    ("Ledgerline Classic", "desktop", "Finance", "Big Office", "volume", 0.06, 1.2, "perpetual"),
    ("Gatewatch", "desktop", "Gate Control", "Gatewerk", "volume", 0.2, 1.0, "renews"),
    ("Scan Sync", "mobile", "Gate Control", "Hangang Scan", "enterprise", 0.1, 0.0, "renews"),
    ("Crowdmap", "saas", "Analytics", "Cloudtop", "enterprise", 0.08, 0.0, "lapses"),
    ("Packer", "desktop", "Utilities", "Drawwell", "volume", 0.35, 0.7, "renews"),
    ("Cutroom", "desktop", "Design", "Drawwell", "volume", 0.04, 1.5, "lapses"),
    ("Signhere", "saas", "Documents", "Cloudtop", "trial", 0.05, 0.0, "cancelled"),
    ("Shield", "desktop", "Security", "Northwind Computers", "volume", 0.97, 1.05, "overlaps"),
    ("Rack Agent", "desktop", "Operations", "Serverhaus", "enterprise", 0.5, 0.0, "perpetual"),
    ("Plan-o-gram", "desktop", "Operations", "", "volume", 0.07, 0.9, "none"),
    ("Quicknote", "saas", "Productivity", "", "", 0.2, 0.0, "none"),
    ("Torrenty", "desktop", "File Sharing", "", "", 0.01, 0.0, "none"),
    ("Openwriter", "desktop", "Office Suite", "", "", 0.1, 0.0, "none"),
    ("Dial In", "mobile", "Communication", "Meshworks", "enterprise", 0.3, 0.0, "renews"),
)
CATALOG = tuple(
    Software(
        FIRST_SOFTWARE_ID + number,
        name,
        kind,
        NOT_MANAGED.get(name, "managed"),
        category,
        VENDORS.get(publisher),
        license_type or None,
        reach,
        seats_ratio,
        term,
    )
    for number, (name, kind, category, publisher, license_type, reach, seats_ratio, term) in (
        enumerate(ROWS)
    )
)


def synced_at(now: datetime) -> datetime:
    """The last discovery before a moment."""
    tonight = now.replace(hour=SYNC.hour, minute=0, second=0, microsecond=0)
    return tonight if tonight <= now else tonight - DAY


def installations(
    seed: int, software: Software, assets: Sequence[Asset], now: datetime
) -> list[Installation]:
    """Where it is installed; what is disposed of or in the bin is not seen any more."""
    if software.kind == "saas":
        return []
    seen_at = synced_at(now)
    return list(_installed(seed, software, assets, seen_at))


def _installed(
    seed: int, software: Software, assets: Sequence[Asset], seen_at: datetime
) -> Iterator[Installation]:
    wanted = (SERVER,) if software.name == "Rack Agent" else COMPUTERS
    first = FIRST_INSTALLATION_ID + (software.software_id - FIRST_SOFTWARE_ID) * IDS_PER_SOFTWARE
    for machine in assets:
        if machine.product.type_id not in wanted or machine.created_at > seen_at:
            continue
        dice = Dice(seed, "installation", software.software_id, machine.display_id)
        if not dice.chance(software.reach):
            continue
        installed_at = machine.created_at + timedelta(hours=1 + dice.below(120 * 24))
        gone = machine.is_trashed(seen_at) or machine.at(seen_at).state == DISPOSED
        if installed_at <= seen_at and not gone:
            version = f"{1 + dice.below(4)}.{dice.below(10)}"
            yield Installation(first + machine.display_id, machine, version, installed_at)


def seats(seed: int, software: Software, people: Sequence[Requester], now: datetime) -> list[Seat]:
    """Who has a seat, and when they last sat on it: some gave up, a few never came."""
    return list(_seats(seed, software, people, synced_at(now)))


def _seats(
    seed: int, software: Software, people: Sequence[Requester], seen_at: datetime
) -> Iterator[Seat]:
    first = FIRST_USER_ID + (software.software_id - FIRST_SOFTWARE_ID) * IDS_PER_SOFTWARE
    for number, user in enumerate(people):
        if user.created_at > seen_at:
            continue
        dice = Dice(seed, "seat", software.software_id, number)
        if not dice.chance(software.reach * 0.5):
            continue
        allocated_at = user.created_at + timedelta(days=1 + dice.below(60))
        if allocated_at > seen_at:
            continue
        first_used_at, last_used_at = _use(dice, user, allocated_at, seen_at)
        yield Seat(first + number, user, allocated_at, first_used_at, last_used_at)


def _use(
    dice: Dice, user: Requester, allocated_at: datetime, seen_at: datetime
) -> tuple[datetime | None, datetime | None]:
    if dice.chance(0.06):
        return None, None
    began = allocated_at + timedelta(hours=dice.below(30 * 24))
    rhythm = timedelta(days=1 + int(dice.lognormal(4.0, 1.1)))
    gives_up, stays = dice.chance(0.2), timedelta(days=30 + dice.below(500))
    ends = [moment for moment in (user.left_at, began + stays if gives_up else None) if moment]
    until = min([seen_at, *ends])
    if began > until:
        return None, None
    return began, began + (until - began) // rhythm * rhythm
