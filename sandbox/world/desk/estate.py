"""What the company has: assets and software, and the contracts and orders behind them."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

from sandbox.world.desk.assets import DISPOSED, RETIRED, Asset, Team, asset
from sandbox.world.desk.contracts import ACTIVE, IN_FORCE, Contract, contracts
from sandbox.world.desk.groups import Group
from sandbox.world.desk.orders import Order, order
from sandbox.world.desk.series import Series
from sandbox.world.desk.software import (
    Installation,
    Seat,
    Software,
    installations,
    seats,
    synced_at,
)
from sandbox.world.desk.staff import Agent, Requester
from sandbox.world.dice import Dice

ASSETS = 1_500
"""At scale 1, on the first day of the history."""
PURCHASES = timedelta(days=6 * 365)
"""How long before that day the first of them was bought."""


ORDERS = 300
"""At scale 1, in two years."""


class _Index:
    """Where to find an asset. It may know of assets that a moment does not know yet."""

    def __init__(self) -> None:
        self.count = 0
        self.by_type: dict[int, list[Asset]] = defaultdict(list)
        self.by_user: dict[int, list[Asset]] = defaultdict(list)


class Estate:
    """Everything is made when it is first asked for, and kept."""

    def __init__(
        self,
        seed: int,
        scale: float,
        opening: datetime,
        requesters: Sequence[Requester],
        agents: Sequence[Agent],
        groups: Sequence[Group],
    ) -> None:
        self.seed = seed
        self.scale = scale
        self.opening = opening
        self.requesters = requesters
        # Those who look after things are those who were there from the start and stay.
        self.agents = [a for a in agents if a.left_at is None and a.created_at <= opening]
        team = Team(requesters, self.agents, groups)
        # However small the world, every type and state is there.
        count = max(150, round(ASSETS * scale))
        self._assets = Series(
            seed, opening - PURCHASES, PURCHASES / count, lambda n, at: asset(seed, n, at, team)
        )
        # Two years of orders before the first day.
        spacing = timedelta(days=730) / max(24, round(ORDERS * scale))
        self._orders = Series(
            seed,
            opening - timedelta(days=730),
            spacing,
            lambda n, at: order(seed, n, at, self.agents),
        )
        self._found, self._lock = _Index(), threading.Lock()

    def assets(self, now: datetime) -> list[Asset]:
        """All that were ever bought, those in the bin and those that are gone too."""
        return self._assets.until(now)

    @cached_property
    def all_contracts(self) -> tuple[Contract, ...]:
        """Contracts of all times, also those to come."""
        return contracts(self.seed, self.opening, self.scale, self.agents, self._installed_at_first)

    def contracts(self, now: datetime) -> list[Contract]:
        """All contracts that were drafted so far."""
        return [contract for contract in self.all_contracts if contract.created_at <= now]

    def orders(self, now: datetime) -> list[Order]:
        """All purchase orders so far."""
        return self._orders.until(now)

    def seats(self, software: Software, now: datetime) -> list[Seat]:
        """Who had a seat when the last discovery ran."""
        return self._discovered(software, synced_at(now))[0]

    def installations(self, software: Software, now: datetime) -> list[Installation]:
        """Where the last discovery found it."""
        return self._discovered(software, synced_at(now))[1]

    @lru_cache(maxsize=64)  # noqa: B019 (there is one estate, and it lives as long as the process)
    def _discovered(
        self, software: Software, seen_at: datetime
    ) -> tuple[list[Seat], list[Installation]]:
        """Kept, because every page asks for the whole of it."""
        return (
            seats(self.seed, software, self.requesters, seen_at),
            installations(self.seed, software, self.assets(seen_at), seen_at),
        )

    def licences(self, software: Software, now: datetime) -> list[Contract]:
        """The contracts of a software that came into force."""
        return [
            contract
            for contract in self.contracts(now)
            if contract.software is software and contract.status(now) in IN_FORCE
        ]

    def licence(self, software: Software, now: datetime) -> Contract | None:
        """The contract that gives the right to use a software, the youngest of several."""
        active = [c for c in self.licences(software, now) if c.status(now) == ACTIVE]
        return active[-1] if active else None

    def successor(self, contract: Contract, now: datetime) -> Contract | None:
        """The next term of a contract, once it is drafted."""
        following = self._successors.get(contract.number)
        return following if following and following.created_at <= now else None

    @cached_property
    def _successors(self) -> dict[int, Contract]:
        return {
            contract.follows: contract
            for contract in self.all_contracts
            if contract.follows is not None
        }

    def some_asset(self, dice: Dice, types: Sequence[int], now: datetime) -> Asset | None:
        """An asset of one of the types that was there and not worn out at a moment."""
        of_type = self._index(now).by_type[dice.one_of(types)]
        count = bisect_right(of_type, now, key=lambda thing: thing.created_at)
        first = dice.below(max(1, count))
        for number in range(count):
            thing = of_type[(first + number) % count]
            if thing.at(now).state not in (RETIRED, DISPOSED) and not thing.is_trashed(now):
                return thing
        return None

    def asset_of(self, user: Requester, types: Sequence[int], now: datetime) -> Asset | None:
        """What somebody was given and has at a moment."""
        for thing in self._index(now).by_user[user.requester_id]:
            if thing.product.type_id in types and thing.created_at <= now:
                stretch = thing.at(now)
                if stretch.user is user and not thing.is_trashed(now):
                    return thing
        return None

    def _index(self, now: datetime) -> _Index:
        with self._lock:
            for thing in self.assets(now)[self._found.count :]:
                self._found.count += 1
                self._found.by_type[thing.product.type_id].append(thing)
                for user_id in {s.user.requester_id for s in thing.stretches if s.user}:
                    self._found.by_user[user_id].append(thing)
        return self._found

    def _installed_at_first(self, software: Software) -> int:
        return len(installations(self.seed, software, self.assets(self.opening), self.opening))
