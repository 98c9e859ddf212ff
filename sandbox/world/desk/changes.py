"""Changes: planned, approved, carried out within a window or past it, reviewed and closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.world.desk.cases import CHANGE, DAY, Case, Turn, background, cut, deletion
from sandbox.world.desk.estate import Estate
from sandbox.world.desk.groups import Group
from sandbox.world.dice import Dice, Weighted

OPEN, PLANNING, APPROVAL, PENDING_RELEASE, PENDING_REVIEW, CLOSED = 1, 2, 3, 4, 5, 6
MINOR, STANDARD, MAJOR, EMERGENCY = 1, 2, 3, 4
TYPES = Weighted((MINOR, 0.34), (STANDARD, 0.46), (MAJOR, 0.12), (EMERGENCY, 0.08))
LEAD_HOURS = {MINOR: 48.0, STANDARD: 96.0, MAJOR: 336.0, EMERGENCY: 3.0}
REQUESTED, APPROVED, REJECTED, NOT_REQUESTED = 0, 1, 2, 4
"""approval_status."""
RESULTS = Weighted(("Successful", 0.88), ("Failed", 0.05), ("Rolled back", 0.07))


@dataclass(frozen=True, eq=False, kw_only=True)
class Change(Case):
    """One change."""

    change_type: int
    risk: int
    planned_start: datetime
    planned_end: datetime
    is_rejected: bool
    work_began_at: datetime
    """When somebody put hand to it; nobody does where it is rejected."""
    result: str

    def approval_status(self, now: datetime) -> int:
        """Emergencies ask nobody."""
        asked_at = self.entered_at(APPROVAL, now)
        if self.change_type == EMERGENCY or asked_at is None:
            return NOT_REQUESTED
        if self.entered_at(PENDING_RELEASE, now):
            return APPROVED
        return REJECTED if self.is_rejected and self.status(now) == CLOSED else REQUESTED

    def done_at(self, now: datetime) -> datetime | None:
        """When the work was done, be it well or not: from then on it waits for its review."""
        return self.entered_at(PENDING_REVIEW, now)

    def overran(self, now: datetime) -> bool:
        """Whether the work was done after its window."""
        done_at = self.done_at(now)
        return done_at is not None and done_at > self.planned_end

    def shown_result(self, now: datetime) -> str | None:
        """What came of it, as it is entered when it is closed."""
        if self.status(now) != CLOSED:
            return None
        return "Rejected" if self.is_rejected else self.result


def change(estate: Estate, groups: Sequence[Group], number: int, created_at: datetime) -> Change:
    """The number-th change."""
    dice = Dice(estate.seed, CHANGE, number)
    about = background(dice, estate, groups, created_at)
    kind = TYPES.draw(dice)
    lead = LEAD_HOURS[kind]

    def later(moment: datetime, share: float) -> datetime:
        return moment + timedelta(seconds=60 + int(3600 * dice.lognormal(lead * share, 0.5)))

    planning_at = later(created_at, 0.1)
    approval_at = later(planning_at, 0.2)
    agreed_at = later(created_at, 0.2) if kind == EMERGENCY else later(approval_at, 0.3)
    start = _full_hour(created_at + timedelta(hours=dice.lognormal(lead * 1.1, 0.3)))
    end = start + timedelta(hours=2 + dice.below(6))
    began_at = max(agreed_at, start) + timedelta(minutes=1 + dice.below(40))
    took = timedelta(seconds=int((end - start).total_seconds() * dice.lognormal(0.55, 0.4)))
    closed_at = began_at + took + timedelta(hours=1 + dice.lognormal(30, 0.7))
    is_rejected = kind != EMERGENCY and dice.chance(0.05)
    turns = [Turn(created_at, OPEN)]
    if kind != EMERGENCY:
        turns += [Turn(planning_at, PLANNING), Turn(approval_at, APPROVAL)]
    if is_rejected:
        turns.append(Turn(agreed_at, CLOSED))
    else:
        turns += [
            Turn(agreed_at, PENDING_RELEASE),
            Turn(began_at + took, PENDING_REVIEW),
            Turn(_second(closed_at), CLOSED),
        ]
    deleted_at = deletion(dice, created_at)
    return Change(
        kind=CHANGE,
        case_id=number + 1,
        background=about,
        turns=cut(turns, deleted_at),
        deleted_at=deleted_at,
        change_type=kind,
        risk=min(4, 1 + dice.below(3) + (kind == MAJOR)),
        planned_start=start,
        planned_end=end,
        is_rejected=is_rejected,
        work_began_at=began_at,
        result=RESULTS.draw(dice),
    )


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + DAY / 24


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
