"""Duplicates: a ticket that tells what an earlier one told already is merged into that one."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sandbox.world.desk.births import Birth
from sandbox.world.desk.lives import CLOSED, HOUR, OPEN, RESOLVED, Did, Step
from sandbox.world.dice import Dice

SHARE = 0.022
FAR = 150
"""How many tickets back an agent looks for the one that came first."""
Told = tuple[Birth, tuple[Step, ...]]


class Merge(NamedTuple):
    """What becomes of the ticket, and which one takes it in."""

    at: datetime
    secondary: Birth
    primary: Birth
    steps: tuple[Step, ...]


def merging(
    seed: int, born: Birth, steps: tuple[Step, ...], earlier: Sequence[Told]
) -> Merge | None:
    """The merge that ends a ticket's life early, if one does.

    The other ticket must be open then and be worked on after: nothing else in its life moves.
    """
    dice = Dice(seed, "merge", born.ticket_id)
    if born.is_spam or not dice.chance(SHARE):
        return None
    at = born.created_at + timedelta(seconds=60 + int(dice.lognormal(HOUR, 1.0)))
    if not _is_open(steps, at):
        return None
    alike = (
        (other, told)
        for other, told in _backwards(earlier)
        if other.topic.category == born.topic.category
        and not other.is_spam
        and other.workspace_id == born.workspace_id
        and not any(step.did in (Did.MERGE, Did.DELETE, Did.PURGE) for step in told)
    )
    for primary, told in alike:
        if told and told[-1].at > at and _is_open(told, at):
            before = [step for step in steps if step.at < at]
            end = (Step(at, Did.MERGE, primary.ticket_id), Step(at, Did.STATUS, CLOSED))
            return Merge(at, born, primary, (*before, *end))
    return None


def absorb(told: tuple[Step, ...], merge: Merge) -> tuple[Step, ...]:
    """The primary ticket's steps with the merge among them."""
    place = bisect(told, merge.at, key=lambda step: step.at)
    return (*told[:place], Step(merge.at, Did.ABSORB, merge.secondary.ticket_id), *told[place:])


def _backwards(earlier: Sequence[Told]) -> Iterator[Told]:
    for number in range(len(earlier) - 1, max(-1, len(earlier) - 1 - FAR), -1):
        yield earlier[number]


def _is_open(steps: tuple[Step, ...], at: datetime) -> bool:
    status: object = OPEN
    for step in steps:
        if step.at > at:
            break
        if step.did in (Did.DELETE, Did.PURGE):
            return False
        if step.did is Did.STATUS:
            status = step.value
    return status not in (RESOLVED, CLOSED)
