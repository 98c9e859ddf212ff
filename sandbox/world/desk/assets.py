"""Assets: bought one after the other, moved from state to state, and disposed of one day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sandbox.world.desk.catalog import (
    DECLINING_30,
    DEPRECIATIONS,
    DESKTOP,
    LAPTOP,
    PRODUCT_DRAW,
    SCANNER,
    Depreciation,
    Product,
)
from sandbox.world.desk.groups import Group
from sandbox.world.desk.staff import DEPARTMENTS, Agent, Requester
from sandbox.world.dice import Dice, Weighted

FIRST_ASSET_ID = 21000460001
DAY = timedelta(days=1)
IN_STOCK, IN_USE, MISSING = "In Stock", "In Use", "Missing"
IN_REPAIR, IN_MAINTENANCE = "In Repair", "In Maintenance"
RETIRED, DISPOSED = "Retired", "Disposed"
PERSONAL = (LAPTOP, DESKTOP)
"""Types that belong to a person; the others belong to a place."""
OFFICES = {
    "americas": (21000520011, 21000520012),
    "emea": (21000520013, 21000520014),
    "apac": (21000520015,),
}
LONGEST_LIFE = 25 * 365 * DAY

# What follows a state, and the median of days that it lasts.
NEXT = {
    IN_STOCK: (45.0, Weighted((IN_USE, 0.97), (RETIRED, 0.03))),
    IN_USE: (
        380.0,
        Weighted((IN_REPAIR, 0.6), (IN_STOCK, 0.3), (MISSING, 0.04), (RETIRED, 0.06)),
    ),
    IN_REPAIR: (14.0, Weighted((IN_USE, 0.94), (RETIRED, 0.06))),
    MISSING: (60.0, Weighted((IN_USE, 0.4), (RETIRED, 0.6))),
    RETIRED: (120.0, Weighted((DISPOSED, 1.0))),
}


class Stretch(NamedTuple):
    """A time in which an asset was in one state, with one holder."""

    state: str
    starts_at: datetime
    user: Requester | None
    department_id: int | None
    location_id: int | None


class Team(NamedTuple):
    """Who may hold or look after assets."""

    requesters: Sequence[Requester]
    agents: Sequence[Agent]
    groups: Sequence[Group]


@dataclass(frozen=True, eq=False, kw_only=True)
class Asset:
    """One asset with its whole life, wherever the world's clock stands."""

    display_id: int
    product: Product
    name: str
    serial_number: str
    impact: str
    is_loaner: bool
    cost: Decimal | None
    salvage: Decimal | None
    depreciation_id: int | None
    """The asset's own method; None leaves it to its product."""
    acquired_on: date
    created_at: datetime
    warranty_expires_on: date | None
    end_of_life: date | None
    agent: Agent
    group: Group
    stretches: tuple[Stretch, ...]
    trashed_at: datetime | None
    purged_at: datetime | None

    @property
    def asset_id(self) -> int:
        """The id that no path takes: paths want the display id."""
        return FIRST_ASSET_ID + 7 * self.display_id

    @property
    def depreciation(self) -> Depreciation | None:
        """The method in force: the asset's own, or else its product's."""
        return DEPRECIATIONS.get(self.depreciation_id or self.product.depreciation_id or 0)

    @property
    def disposed_at(self) -> datetime | None:
        """When it was disposed of: the last thing that happens to it."""
        last = self.stretches[-1]
        return last.starts_at if last.state == DISPOSED else None

    @property
    def ended_at(self) -> datetime | None:
        """When it left the books: disposed of, or in the bin as a record made by mistake."""
        moments = [moment for moment in (self.disposed_at, self.trashed_at) if moment]
        return min(moments, default=None)

    def at(self, now: datetime) -> Stretch:
        """The stretch that it is in."""
        return [stretch for stretch in self.stretches if stretch.starts_at <= now][-1]

    def audited_at(self, now: datetime) -> datetime | None:
        """When somebody last looked whether it is there: yearly, until it is disposed of."""
        until = min(filter(None, (now, self.disposed_at, self.trashed_at)))
        years = (until - self.created_at) // (365 * DAY)
        return self.created_at + years * 365 * DAY if years else None

    def updated_at(self, now: datetime) -> datetime:
        """When anything about it last changed."""
        moments = (self.at(now).starts_at, self.audited_at(now), self.trashed_at)
        return max(moment for moment in moments if moment and moment <= now)

    def is_trashed(self, now: datetime) -> bool:
        """In the bin, and for some weeks to be found there."""
        return self.trashed_at is not None and self.trashed_at <= now

    def is_gone(self, now: datetime) -> bool:
        """Not even in the bin any more."""
        return self.purged_at is not None and self.purged_at <= now


def asset(seed: int, number: int, created_at: datetime, team: Team) -> Asset:
    """The number-th asset of all."""
    dice = Dice(seed, "asset", number)
    product, display_id = PRODUCT_DRAW.draw(dice), number + 1
    acquired_on = created_at.date() - dice.below(10) * DAY
    cost = _price(dice, product)
    has_warranty, has_end = dice.chance(0.95), dice.chance(0.9)
    salvage = _salvage(dice, product, cost)
    own_method = product.depreciation_id if dice.chance(0.85) else None
    stretches = tuple(_live(dice, product, created_at, team))
    trashed_at = created_at + (10 + dice.below(400)) * DAY if dice.chance(0.012) else None
    if trashed_at and stretches[-1].state == DISPOSED and trashed_at >= stretches[-1].starts_at:
        trashed_at = None
    if trashed_at:
        stretches = tuple(stretch for stretch in stretches if stretch.starts_at < trashed_at)
    return Asset(
        display_id=display_id,
        product=product,
        name=f"{product.prefix}-{display_id:05d}",
        serial_number=f"{product.prefix}{dice.token()[:9].upper()}",
        impact=dice.one_of(("low", "low", "medium", "high")),
        is_loaner=product.type_id in (LAPTOP, SCANNER) and dice.chance(0.08),
        cost=cost,
        salvage=salvage,
        depreciation_id=own_method,
        acquired_on=acquired_on,
        created_at=created_at,
        warranty_expires_on=_years_later(acquired_on, product.warranty_years)
        if has_warranty
        else None,
        end_of_life=_years_later(acquired_on, product.life_years) if has_end else None,
        agent=dice.one_of(team.agents),
        group=dice.one_of(team.groups),
        stretches=stretches,
        trashed_at=trashed_at,
        purged_at=trashed_at + 30 * DAY if trashed_at and dice.chance(0.5) else None,
    )


def _price(dice: Dice, product: Product) -> Decimal | None:
    """The price of the day, in cents; of a few nobody wrote it down.

    What loses 30% a year is sold in whole thousands: after no year does it end in half a cent, on
    which two ways of reckoning could round differently.
    """
    cents = round(product.price * dice.between(88, 112))
    if product.depreciation_id == DECLINING_30:
        cents = round(cents, -5)
    return None if dice.chance(0.02) else Decimal(cents) / 100


def _salvage(dice: Dice, product: Product, cost: Decimal | None) -> Decimal | None:
    """What remains in the end. Of what is worth nothing then, some say zero and some nothing."""
    if cost is None:
        return None
    share = int(product.salvage_share * 100)
    if share == 0:
        return None if dice.chance(0.5) else Decimal(0)
    return Decimal(int(cost) * share // 100)


def _live(dice: Dice, product: Product, created_at: datetime, team: Team) -> Iterator[Stretch]:
    """From the storeroom to the scrapyard. Nothing happens to it after that."""
    state, at = IN_STOCK, created_at
    worn_out = created_at + (product.life_years * 365 + dice.below(1100)) * DAY
    holder: Stretch | None = None
    while True:
        if state == IN_USE and (holder is None or holder.state in (IN_STOCK, MISSING)):
            holder = _given_out(dice, product, at, team)
        elif state in (IN_STOCK, RETIRED, DISPOSED) or holder is None:
            holder = Stretch(state, at, None, None, dice.one_of(OFFICES[dice.one_of(_KEYS)]))
        holder = holder._replace(state=_called(product, state), starts_at=at)
        yield holder
        if state == DISPOSED or at > created_at + LONGEST_LIFE:
            return
        median, following = NEXT[state]
        at += timedelta(seconds=3600 + int(86400 * dice.lognormal(median, 0.8)))
        over = at > worn_out and state not in (RETIRED, DISPOSED)
        state = RETIRED if over else following.draw(dice)


def _called(product: Product, state: str) -> str:
    """What is bolted to the floor is not sent to repair: somebody comes."""
    mobile = product.type_id in (*PERSONAL, SCANNER)
    return IN_MAINTENANCE if state == IN_REPAIR and not mobile else state


def _given_out(dice: Dice, product: Product, at: datetime, team: Team) -> Stretch:
    if product.type_id in PERSONAL:
        user = _somebody(dice, team.requesters, at)
        office = dice.one_of(OFFICES[user.region.key])
        return Stretch(IN_USE, at, user, user.department[0], office)
    office = dice.one_of(OFFICES[dice.one_of(_KEYS)])
    return Stretch(IN_USE, at, None, dice.one_of(DEPARTMENTS)[0], office)


def _somebody(dice: Dice, people: Sequence[Requester], at: datetime) -> Requester:
    for _ in range(12):
        somebody = dice.one_of(people)
        if somebody.created_at <= at and somebody.is_active(at):
            return somebody
    return people[0]


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + years, day=28)


_KEYS = tuple(OFFICES)
