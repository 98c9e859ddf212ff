"""Depreciation and accruals: numbers worked out by hand, and sums that must come out."""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.world.desk.catalog import Depreciation
from sandbox.world.desk.money import accruals, book_value, full_months

STRAIGHT = Depreciation(1, "straight_line", 5)
SUM_OF_YEARS = Depreciation(2, "sum_of_years", 5)
DECLINING = Depreciation(3, "declining_balance", 4)
AT_A_RATE = Depreciation(4, "declining_balance", 5, "0.30")


def test_straight_line_after_eighteen_of_sixty_months() -> None:
    assert book_value(Decimal(1200), Decimal(200), STRAIGHT, 18) == Decimal("900.00")


@pytest.mark.parametrize(
    ("months", "left"),
    # 1000 in fifteenths: 5 in the first year, 4 in the second, spread over its months.
    [(0, "1200.00"), (12, "866.67"), (18, "733.33"), (24, "600.00"), (60, "200.00")],
)
def test_sum_of_years(months: int, left: str) -> None:
    assert book_value(Decimal(1200), Decimal(200), SUM_OF_YEARS, months) == Decimal(left)


@pytest.mark.parametrize(("months", "left"), [(0, "1600.00"), (12, "800.00"), (48, "100.00")])
def test_declining_balance_arrives_at_the_salvage_value(months: int, left: str) -> None:
    # A sixteenth after four years is a half every year.
    assert book_value(Decimal(1600), Decimal(100), DECLINING, months) == Decimal(left)


@pytest.mark.parametrize(("months", "left"), [(12, "700.00"), (24, "490.00"), (60, "400.00")])
def test_a_rate_stops_at_the_salvage_value(months: int, left: str) -> None:
    assert book_value(Decimal(1000), Decimal(400), AT_A_RATE, months) == Decimal(left)


@pytest.mark.parametrize("method", [STRAIGHT, SUM_OF_YEARS, DECLINING, AT_A_RATE])
def test_nothing_is_charged_after_the_life(method: Depreciation) -> None:
    values = [
        book_value(Decimal("999.99"), Decimal(99), method, month) for month in range(0, 120, 3)
    ]
    assert values == sorted(values, reverse=True)
    at_the_end = book_value(Decimal("999.99"), Decimal(99), method, 12 * method.years)
    assert values[-1] == at_the_end >= 99


def test_a_half_cent_goes_up() -> None:
    assert book_value(Decimal("0.01"), Decimal(0), STRAIGHT, 30) == Decimal("0.01")


@pytest.mark.parametrize(
    ("since", "until", "months"),
    [
        (date(2026, 1, 1), date(2026, 2, 1), 1),
        (date(2026, 1, 2), date(2026, 2, 1), 0),
        (date(2026, 1, 31), date(2026, 3, 1), 1),
        (date(2024, 2, 29), date(2025, 2, 28), 11),
        (date(2024, 2, 29), date(2025, 3, 1), 12),
    ],
)
def test_full_months(since: date, until: date, months: int) -> None:
    assert full_months(since, until) == months


def test_a_year_accrues_to_its_cost() -> None:
    shares = list(
        accruals(Decimal("1000.00"), date(2026, 1, 15), date(2027, 1, 14), date(2027, 1, 14))
    )
    assert [share.days for share in shares][:3] == [17, 28, 31]
    assert shares[0].amount == Decimal("46.58")  # 17 of 365 days
    assert sum(share.amount for share in shares) == 1000
    assert sum(share.days for share in shares) == 365


def test_a_cancellation_stops_the_accrual() -> None:
    day = date(2026, 2, 10)
    shares = list(accruals(Decimal(3650), date(2026, 1, 1), date(2026, 12, 31), day))
    assert [(share.days, share.amount) for share in shares] == [(31, 310), (10, 100)]
