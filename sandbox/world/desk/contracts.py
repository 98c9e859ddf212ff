"""Contracts: leases, maintenance and licences, term after term, and what each term costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

from sandbox.world.desk.catalog import VENDORS, Vendor
from sandbox.world.desk.software import CATALOG, Software
from sandbox.world.desk.staff import Agent
from sandbox.world.dice import Dice, Weighted

DAY = timedelta(days=1)
LEASE, MAINTENANCE, LICENCE = 1, 2, 3
"""contract_type_id of the three types that the desk knows."""
DRAFT, PENDING, APPROVED = "draft", "pending", "approved"
ACTIVE, EXPIRED, REJECTED, CANCELLED = "active", "expired", "rejected", "cancelled"
IN_FORCE = (ACTIVE, EXPIRED, CANCELLED)
"""Statuses of contracts that were in force at least for a while."""
CYCLES = Weighted(
    ("annual", 45.0),
    ("monthly", 20.0),
    ("quarterly", 15.0),
    ("half_yearly", 5.0),
    ("one_time", 15.0),
)
PLAIN = (
    ("Laptop lease", LEASE, "Rentit Leasing", 52_000),
    ("Printer lease", LEASE, "Inkline", 9_600),
    ("Scanner lease", LEASE, "Rentit Leasing", 14_400),
    ("Server maintenance", MAINTENANCE, "Serverhaus", 18_250),
    ("Turnstile maintenance", MAINTENANCE, "Gatewerk", 24_000),
    ("Network maintenance", MAINTENANCE, "Meshworks", 7_300),
    ("Terminal service", MAINTENANCE, "Paypoint Terminals", 3_900),
)


class Item(NamedTuple):
    """One line of a contract. The lines add up to its cost."""

    name: str
    pricing_model: str
    """per_unit counts what is bought; flat does not."""
    cost: Decimal
    quantity: int


class Step(NamedTuple):
    """A contract enters a status."""

    at: datetime
    status: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Contract:
    """One term of a contract, from its draft to its end."""

    number: int
    name: str
    contract_type_id: int
    vendor: Vendor
    software: Software | None
    starts_on: date
    ends_on: date | None
    """The last day of the term; None is for ever."""
    items: tuple[Item, ...]
    billing_cycle: str
    auto_renew: bool
    approver: Agent
    requester: Agent
    steps: tuple[Step, ...]
    follows: int | None
    """The number of the term before this one."""

    @property
    def contract_id(self) -> int:
        """A small number of the account, in the order of the drafts."""
        return self.number + 1

    @property
    def cost(self) -> Decimal:
        """For the whole term, whatever the billing cycle."""
        return sum((item.cost * item.quantity for item in self.items), Decimal(0))

    @property
    def seats(self) -> int:
        """How many licences it brings."""
        return sum(item.quantity for item in self.items if item.pricing_model == "per_unit")

    @property
    def created_at(self) -> datetime:
        """When it was drafted."""
        return self.steps[0].at

    def step(self, now: datetime) -> Step:
        """The last step so far: its status, and when it was changed last."""
        return [step for step in self.steps if step.at <= now][-1]

    def status(self, now: datetime) -> str:
        """The status at a moment."""
        return self.step(now).status

    def cancelled_on(self, now: datetime) -> date | None:
        """The day on which it was ended early, if it was."""
        step = self.step(now)
        return step.at.date() if step.status == CANCELLED else None


class _Draft(NamedTuple):
    """A term before all terms are put in order and numbered."""

    chain: str
    term: int
    contract_type_id: int
    vendor: Vendor
    software: Software | None
    starts_on: date
    ends_on: date | None
    items: tuple[Item, ...]
    billing_cycle: str
    auto_renew: bool
    steps: tuple[Step, ...]


def contracts(
    seed: int,
    opening: datetime,
    scale: float,
    agents: Sequence[Agent],
    installed: Callable[[Software], int],
) -> tuple[Contract, ...]:
    """All contracts of ten years around the opening, in the order of their drafts."""
    drafts = [draft for s in CATALOG for draft in _of_software(seed, opening, s, installed(s))]
    for number in range(max(len(PLAIN), round(40 * scale))):
        drafts += _plain(seed, opening, number)
    # Numbers follow the drafts in time, whatever they are about.
    drafts.sort(key=lambda draft: (draft.steps[0].at, draft.chain))
    numbers = {
        (draft.chain, draft.term): number
        for number, draft in enumerate(drafts)
        if draft.steps[-1].status != REJECTED
    }
    return tuple(
        _contract(seed, number, draft, agents, numbers.get((draft.chain, draft.term - 1)))
        for number, draft in enumerate(drafts)
    )


def _contract(
    seed: int, number: int, draft: _Draft, agents: Sequence[Agent], follows: int | None
) -> Contract:
    dice = Dice(seed, "contract-people", draft.chain, draft.term)
    return Contract(
        number=number,
        name=f"{draft.chain} {draft.starts_on.year}",
        contract_type_id=draft.contract_type_id,
        vendor=draft.vendor,
        software=draft.software,
        starts_on=draft.starts_on,
        ends_on=draft.ends_on,
        items=draft.items,
        billing_cycle=draft.billing_cycle,
        auto_renew=draft.auto_renew,
        approver=dice.one_of(agents),
        requester=dice.one_of(agents),
        steps=draft.steps,
        follows=follows,
    )


def _of_software(
    seed: int, opening: datetime, software: Software, installed: int
) -> Iterator[_Draft]:
    """Its terms. Software that nobody pays for has none."""
    if software.term == "none" or software.publisher is None:
        return
    dice = Dice(seed, "licence", software.software_id)
    seats = max(1, round(installed * software.seats_ratio)) if software.seats_ratio else 0
    price = Decimal(round(dice.between(1800, 24000))) / 100
    flat = Decimal(round(dice.between(90_000, 2_400_000))) / 100

    def items(term: int) -> tuple[Item, ...]:
        support = Item("Support", "flat", (flat / 10).quantize(Decimal("0.01")), 1)
        if not seats:
            return Item("Subscription", "flat", flat, 1), support
        # Everybody gets a few more every year.
        return Item("Licences", "per_unit", price, seats + max(0, term - 3) * seats // 20), support

    yield from _terms(dice, opening, software.name, LICENCE, software, software.publisher, items)


def _plain(seed: int, opening: datetime, number: int) -> Iterator[_Draft]:
    dice = Dice(seed, "contract", number)
    name, kind, vendor, cost = PLAIN[number % len(PLAIN)]
    total = Decimal(round(cost * dice.between(60, 140))) / 100
    chain = name if number < len(PLAIN) else f"{name} {number // len(PLAIN) + 1}"

    def items(term: int) -> tuple[Item, ...]:
        return (Item(name, "flat", (total * (100 + 3 * term) / 100).quantize(Decimal("0.01")), 1),)

    yield from _terms(dice, opening, chain, kind, None, VENDORS[vendor], items)


def _terms(
    dice: Dice,
    opening: datetime,
    chain: str,
    kind: int,
    software: Software | None,
    vendor: Vendor,
    items: Callable[[int], tuple[Item, ...]],
) -> Iterator[_Draft]:
    """One term after the other, until the last lapses or is cancelled."""
    fate = software.term if software else _fate(dice)
    cycle = "one_time" if fate == "perpetual" else CYCLES.draw(dice)
    auto_renew = fate in ("renews", "overlaps") and dice.chance(0.6)
    months = 36 if kind == LEASE else 12
    starts_on = (opening - (3 * 365 - dice.below(365)) * DAY).date()
    if fate == "perpetual":
        yield _term(dice, chain, 0, kind, vendor, software, starts_on, None, items(0), cycle, False)
        return
    # What is cancelled or lapses has done so, at the latest, two weeks into the history.
    ends_by = (opening + (dice.below(60) - 45) * DAY).date()
    last_end = ends_by - 365 * DAY if fate == "lapses" else ends_by
    for term in range(12):
        ends_on = _months_later(starts_on, months) - DAY
        drafted = _term(
            dice,
            chain,
            term,
            kind,
            vendor,
            software,
            starts_on,
            ends_on,
            items(term),
            cycle,
            auto_renew,
        )
        is_last = fate in ("lapses", "cancelled") and ends_on >= last_end
        yield _cancelled(drafted, ends_by) if is_last and fate == "cancelled" else drafted
        if is_last:
            return
        # Who begins the next term early pays twice for a while.
        early = (120 + dice.below(90)) * DAY if fate == "overlaps" else 0 * DAY
        starts_on = ends_on + DAY - early
        if software is None and dice.chance(0.15):
            yield _refused(dice, drafted, starts_on)


def _fate(dice: Dice) -> str:
    return Weighted(("renews", 0.7), ("lapses", 0.18), ("cancelled", 0.12)).draw(dice)


def _term(
    dice: Dice,
    chain: str,
    term: int,
    kind: int,
    vendor: Vendor,
    software: Software | None,
    starts_on: date,
    ends_on: date | None,
    items: tuple[Item, ...],
    cycle: str,
    auto_renew: bool,
) -> _Draft:
    """Drafted weeks before it starts; expired on the morning after its last day."""
    starts_at = datetime.combine(starts_on, time(0, 5), UTC)
    drafted_at = starts_at - timedelta(hours=30 * 24 + dice.below(20 * 24))
    pending_at = drafted_at + timedelta(hours=1 + dice.below(96))
    approved_at = pending_at + timedelta(hours=1 + dice.below(240))
    steps = [Step(drafted_at, DRAFT), Step(pending_at, PENDING), Step(approved_at, APPROVED)]
    steps.append(Step(starts_at, ACTIVE))
    if ends_on:
        steps.append(Step(datetime.combine(ends_on + DAY, time(0, 5), UTC), EXPIRED))
    return _Draft(
        chain,
        term,
        kind,
        vendor,
        software,
        starts_on,
        ends_on,
        items,
        cycle,
        auto_renew,
        tuple(steps),
    )


def _cancelled(draft: _Draft, day: date) -> _Draft:
    """Ended early; nothing happens to it afterwards."""
    at = max(datetime.combine(day, time(15, 30), UTC), draft.steps[-2].at + DAY)
    before = [step for step in draft.steps if step.at < at]
    return draft._replace(steps=(*before, Step(at, CANCELLED)), auto_renew=False)


def _refused(dice: Dice, draft: _Draft, starts_on: date) -> _Draft:
    """An offer beside the renewal that nobody wanted."""
    drafted_at = datetime.combine(starts_on, time(9), UTC) - (60 + dice.below(20)) * DAY
    steps = (Step(drafted_at, DRAFT), Step(drafted_at + DAY, PENDING))
    refused = (*steps, Step(drafted_at + (2 + dice.below(9)) * DAY, REJECTED))
    return draft._replace(
        chain=f"{draft.chain} offer {draft.term + 1}",
        term=0,
        starts_on=starts_on,
        ends_on=_months_later(starts_on, 24) - DAY,
        auto_renew=False,
        steps=refused,
    )


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    last = min(day.day, 28)
    return date(day.year + year, month + 1, last)
