"""Money worked out the plain way: exact decimals, rounded once, to cents, half away from zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from typing import NamedTuple

from sandbox.world.desk.catalog import Depreciation

CENT = Decimal("0.01")
DAY = timedelta(days=1)


class Share(NamedTuple):
    """The part of a cost that falls into a month."""

    month: date
    days: int
    amount: Decimal


def cents(amount: Decimal) -> Decimal:
    """An amount in whole cents."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def book_value(cost: Decimal, salvage: Decimal, method: Depreciation, months: int) -> Decimal:
    """What is left of a cost after so many full months, and never less than the salvage value."""
    months = min(months, 12 * method.years)
    if method.method == "declining_balance":
        return max(salvage, cents(_declined(cost, salvage, method, months)))
    shares = _shares_after(method, 12 * method.years)
    return cents(cost - (cost - salvage) * _shares_after(method, months) / shares)


@cache
def _shares_after(method: Depreciation, months: int) -> int:
    """Shares handed out month by month: one each, or as many as years are left."""
    shares = 0
    for month in range(months):
        shares += method.years - month // 12 if method.method == "sum_of_years" else 1
    return shares


def _declined(cost: Decimal, salvage: Decimal, method: Depreciation, months: int) -> Decimal:
    years, rest = divmod(months, 12)
    if method.yearly_rate is None:
        return cost * _root(salvage / cost, 12 * method.years) ** months
    left = 1 - Decimal(method.yearly_rate)
    return cost * left**years * _root(left, 12) ** rest


@lru_cache(maxsize=8)
def _root(number: Decimal, degree: int) -> Decimal:
    """Kept, because all months of an asset need the same one, and it takes long."""
    return number ** (Decimal(1) / degree)


def months_until(first: date, last: date) -> Iterator[date]:
    """The first days of all months from that of one day to that of another."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = next_month(month)


def next_month(day: date) -> date:
    """The first day of the month after."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def full_months(since: date, until: date) -> int:
    """Months that have passed between two days: the last of them counts if its day has come."""
    passed = 12 * (until.year - since.year) + until.month - since.month
    return passed - 1 if until.day < since.day else passed


def accruals(cost: Decimal, starts_on: date, ends_on: date, stopped_on: date) -> Iterator[Share]:
    """A cost spread evenly over the days of a term, both ends among them, month by month.

    What has accrued up to the end of a month is rounded, not what accrues in it: so the months of
    a term that runs to its end add up to the cost.
    """
    term = (ends_on - starts_on).days + 1
    day, days, accrued = starts_on, 0, Decimal(0)
    while day <= min(ends_on, stopped_on):
        last = min(next_month(day) - DAY, ends_on, stopped_on)
        in_month = (last - day).days + 1
        days += in_month
        reached = cents(cost * days / term)
        yield Share(day.replace(day=1), in_month, reached - accrued)
        accrued, day = reached, next_month(day)
