"""Purchase orders: in several currencies, delivered in one go, in parts, or never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sandbox.world.desk.catalog import PRODUCTS, VENDORS, Product, Vendor
from sandbox.world.desk.money import cents
from sandbox.world.desk.places import LOCATIONS
from sandbox.world.desk.staff import DEPARTMENTS, Agent
from sandbox.world.dice import Dice, Weighted

DAY = timedelta(days=1)
OPEN, ORDERED, PARTLY_RECEIVED, RECEIVED, CANCELLED = 20, 25, 30, 35, 40
"""Only the first of these numbers was seen in a real account; the others are the sandbox's."""
PRODUCT, SOFTWARE, OTHER = 1, 2, 3
"""item_type of a line."""


class Currency(NamedTuple):
    """A currency, and what one unit of it costs in the account's own."""

    code: str
    symbol: str
    name: str
    rate: Decimal


CURRENCIES = Weighted(
    (Currency("USD", "$", "Dollar ($)", Decimal(1)), 60.0),
    (Currency("EUR", "€", "Euro (€)", Decimal("1.0842")), 25.0),
    (Currency("GBP", "£", "Pound (£)", Decimal("1.2715")), 8.0),
    (Currency("KRW", "₩", "Won (₩)", Decimal("0.00073")), 7.0),
)
EXTRAS = ("Laptop sleeves", "Rack rails", "Ribbons", "Mounting kit", "Cables")
TAXES = ("0", "0", "7", "12.5", "19")


class Line(NamedTuple):
    """One line of an order."""

    item_type: int
    item_id: int | None
    item_name: str
    cost: Decimal
    quantity: int
    tax_percentage: Decimal

    @property
    def total(self) -> Decimal:
        """With the tax on the item, not rounded."""
        return self.cost * self.quantity * (1 + self.tax_percentage / 100)


class Delivery(NamedTuple):
    """Something of an order arrives: how much of every line has arrived then."""

    at: datetime
    received: tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Order:
    """One purchase order with all that becomes of it."""

    order_id: int
    name: str
    vendor: Vendor
    department_id: int | None
    created_by: Agent
    address: str
    currency: Currency
    discount_percentage: Decimal
    tax_percentage: Decimal
    shipping_cost: Decimal
    lines: tuple[Line, ...]
    created_at: datetime
    ordered_at: datetime
    expected_at: datetime
    deliveries: tuple[Delivery, ...]
    cancelled_at: datetime | None

    @property
    def total(self) -> Decimal:
        """In the order's currency: lines, less the discount, plus tax, plus shipping."""
        lines = sum((line.total for line in self.lines), Decimal(0))
        discounted = lines * (1 - self.discount_percentage / 100)
        return cents(discounted * (1 + self.tax_percentage / 100) + self.shipping_cost)

    @property
    def total_in_base(self) -> Decimal:
        """The rounded total in the account's currency."""
        return cents(self.total * self.currency.rate)

    def received(self, now: datetime) -> tuple[int, ...]:
        """How much of every line has arrived."""
        arrived = [delivery.received for delivery in self.deliveries if delivery.at <= now]
        return arrived[-1] if arrived else (0,) * len(self.lines)

    def status(self, now: datetime) -> int:
        """The status at a moment."""
        if self.cancelled_at and self.cancelled_at <= now:
            return CANCELLED
        received = self.received(now)
        if any(received):
            whole = all(n == line.quantity for n, line in zip(received, self.lines, strict=True))
            return RECEIVED if whole else PARTLY_RECEIVED
        return ORDERED if self.ordered_at <= now else OPEN

    def updated_at(self, now: datetime) -> datetime:
        """When it last changed."""
        moments = [self.created_at, self.ordered_at, *(d.at for d in self.deliveries)]
        moments += [self.cancelled_at] if self.cancelled_at else []
        return max(moment for moment in moments if moment <= now)


def order(seed: int, number: int, created_at: datetime, agents: Sequence[Agent]) -> Order:
    """The number-th order of all."""
    dice = Dice(seed, "purchase-order", number)
    vendor = dice.one_of([*VENDORS.values()])
    sold = [product for product in PRODUCTS if product.vendor is vendor]
    currency = CURRENCIES.draw(dice)
    lines = tuple(_line(dice, sold, currency) for _ in range(1 + dice.below(3) + dice.below(2)))
    ordered_at = created_at + timedelta(hours=2 + dice.below(9 * 24))
    cancelled_at = ordered_at + (1 + dice.below(12)) * DAY if dice.chance(0.06) else None
    expected_at = (ordered_at + (7 + dice.below(35)) * DAY).replace(hour=4, minute=0, second=0)
    return Order(
        order_id=number + 1,
        name=f"Purchase order for {lines[0].item_name}",
        vendor=vendor,
        department_id=dice.one_of(DEPARTMENTS)[0] if dice.chance(0.8) else None,
        created_by=dice.one_of(agents),
        address=_address(dice),
        currency=currency,
        discount_percentage=Decimal(dice.one_of(("0", "0", "0", "2.5", "5", "10"))),
        tax_percentage=Decimal(dice.one_of(("0", "0", "0", "8.875", "19"))),
        shipping_cost=_in(currency, dice.one_of((0, 0, 45, 200))),
        lines=lines,
        created_at=created_at,
        ordered_at=ordered_at,
        expected_at=expected_at,
        deliveries=() if cancelled_at else _deliveries(dice, lines, expected_at),
        cancelled_at=cancelled_at,
    )


def _line(dice: Dice, sold: Sequence[Product], currency: Currency) -> Line:
    tax = Decimal(dice.one_of(TAXES))
    if sold and dice.chance(0.7):
        product = dice.one_of(sold)
        price = _in(currency, round(product.price * dice.between(0.88, 1.12)))
        return Line(PRODUCT, product.product_id, product.name, price, 1 + dice.below(24), tax)
    price = _in(currency, 8 + dice.below(90))
    return Line(OTHER, None, dice.one_of(EXTRAS), price, 1 + dice.below(40), tax)


def _in(currency: Currency, dollars: int) -> Decimal:
    return cents(Decimal(dollars) / currency.rate)


def _deliveries(dice: Dice, lines: Sequence[Line], expected_at: datetime) -> tuple[Delivery, ...]:
    """All at once, in two parts, or in a first part that stays the only one."""
    whole = tuple(line.quantity for line in lines)
    first = expected_at + timedelta(hours=dice.below(12 * 24) - 4 * 24)
    if dice.chance(0.65):
        return (Delivery(first, whole),)
    part = tuple(dice.below(quantity + 1) for quantity in whole)
    if dice.chance(0.3):
        return (Delivery(first, part),)
    return Delivery(first, part), Delivery(first + (3 + dice.below(40)) * DAY, whole)


def _address(dice: Dice) -> str:
    office = dice.one_of([place for place in LOCATIONS if place.line1])
    return f"{office.line1}, {office.city}, {office.country} {office.zipcode}"
