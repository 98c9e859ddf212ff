"""Seats: first come, first served; who comes late waits until somebody cancels."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush

from sandbox.world.dice import Dice
from sandbox.world.events import Event
from sandbox.world.moments import MINUTE
from sandbox.world.registrations import Registration, call_off, request, take_seat, wait_for_seat

PROMOTION_DELAY = 3 * MINUTE
Waiting = tuple[Registration, Dice]


def sell(seed: int, event: Event, demand: int, capacity: int, users: int) -> list[Registration]:
    """All registrations of an event, in the order in which they were made."""
    house = _House(capacity, event)
    requests = [request(seed, event, number, users) for number in range(demand)]
    requests.sort(key=lambda pair: pair[0].requested_at)
    for registration, dice in requests:
        house.ask(registration, dice)
    house.promote_until(event.starts_at)
    sold = [pair for pair in requests if pair[0].changes]
    if event.cancelled_at:
        for registration, dice in sold:
            call_off(dice, registration, event.cancelled_at)
    return [registration for registration, _ in sold if registration.changes]


class _House:
    """The seats of one event while they are sold."""

    def __init__(self, capacity: int, event: Event) -> None:
        self._free = capacity
        self._event = event
        self._waiting: deque[Waiting] = deque()
        self._releases: list[int] = []

    def ask(self, registration: Registration, dice: Dice) -> None:
        self.promote_until(registration.requested_at)
        if self._free > 0:
            self._seat(registration, dice, registration.requested_at)
        elif registration.channel != "box_office":
            # The box office sends people away when it has nothing to sell.
            wait_for_seat(registration)
            self._waiting.append((registration, dice))

    def promote_until(self, moment: int) -> None:
        """Hand every seat that was given back before `moment` to the one who has waited longest."""
        while self._releases and self._releases[0] <= moment:
            released_at = heappop(self._releases)
            self._free += 1
            promoted_at = released_at + PROMOTION_DELAY
            if self._waiting and promoted_at < self._event.starts_at:
                registration, dice = self._waiting.popleft()
                self._seat(registration, dice, promoted_at)

    def _seat(self, registration: Registration, dice: Dice, at: int) -> None:
        self._free -= 1
        released_at = take_seat(dice, registration, at)
        if released_at is not None:
            heappush(self._releases, released_at)
