"""What a ticket is about: the assets on it, and the problem and the change that it belongs to.

All of it is settled in the ticket's first second and never changes.
"""

from __future__ import annotations

from typing import NamedTuple

from sandbox.world.desk.assets import Asset
from sandbox.world.desk.births import Birth
from sandbox.world.desk.changes import Change
from sandbox.world.desk.concerned import types_of
from sandbox.world.desk.estate import Estate
from sandbox.world.desk.itil import Itil
from sandbox.world.desk.problems import Problem
from sandbox.world.desk.topics import INCIDENT
from sandbox.world.dice import Dice

NAMES_AN_ASSET = 0.175
"""Of incidents that could; that is about 15% of all incidents."""


HAS_A_PROBLEM = 0.25
"""Of incidents that come while a problem of their topic is open."""
BLAMES_A_CHANGE = 0.12
"""Of incidents that come in the two days after a change of their category."""


class Links(NamedTuple):
    """What a ticket is linked to."""

    assets: tuple[Asset, ...]
    problem: Problem | None
    change: Change | None


def links_of(itil: Itil, birth: Birth) -> Links:
    """The links of a ticket. Spam has none, and requests are about no trouble."""
    if birth.is_spam or birth.topic.type != INCIDENT:
        return Links((), None, None)
    return Links(_assets(itil.estate, birth), _problem(itil, birth), _change(itil, birth))


def _assets(estate: Estate, birth: Birth) -> tuple[Asset, ...]:
    dice, types = Dice(estate.seed, "ticket-assets", birth.ticket_id), types_of(birth.topic)
    if not types or not dice.chance(NAMES_AN_ASSET):
        return ()
    at = birth.created_at
    own = estate.asset_of(birth.requester, types, at)
    found = [own or estate.some_asset(dice, types, at)]
    if dice.chance(0.12):
        found.append(estate.some_asset(dice, types, at))
    return tuple(dict.fromkeys(asset for asset in found if asset))


def _problem(itil: Itil, birth: Birth) -> Problem | None:
    if not Dice(itil.estate.seed, "ticket-problem", birth.ticket_id).chance(HAS_A_PROBLEM):
        return None
    at = birth.created_at
    known = (p for p in reversed(itil.problems(at)) if p.background.topic is birth.topic)
    return next((problem for problem in known if problem.is_open(at)), None)


def _change(itil: Itil, birth: Birth) -> Change | None:
    if not Dice(itil.estate.seed, "ticket-change", birth.ticket_id).chance(BLAMES_A_CHANGE):
        return None
    return itil.change_before(birth.topic.category, birth.created_at, days=2)
