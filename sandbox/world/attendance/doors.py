"""The doors of one event: who is scanned at which gate and lane, after how long a queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from sandbox.world.attendance.diary import Guest
from sandbox.world.attendance.gates import Gate
from sandbox.world.attendance.habits import HABITS, Habits, arrival
from sandbox.world.attendance.scans import Scan, Stay, Visit
from sandbox.world.attendance.stays import Attempt, attempts, live
from sandbox.world.dice import Dice, Stream
from sandbox.world.events import Event, EventState
from sandbox.world.moments import MINUTE, SECOND

SLOT = 5 * MINUTE
"""How often the staff at a gate opens or closes lanes."""
PER_LANE = (45, 78)
"""People a slot for whom one lane is thought to be enough. It can take 59: some events queue."""
PER_LANE_OUT = 90
SERVICE = (3.2 * SECOND, 7.0 * SECOND)
CREW_EARLY = 45 * MINUTE
"""How long before doors staff and speakers come at the earliest."""


class Doors:
    """What happens at the gates from the first arrival to the last way out."""

    def __init__(
        self, seed: int, event: Event, gates: tuple[Gate, ...], guests: list[Guest], over_at: int
    ) -> None:
        self._dice: Dice = Stream(seed, "doors", event.event_id)
        self._per_lane = int(self._dice.between(*PER_LANE))
        self._state: EventState = event.changes[-1].state
        self._habits: Habits = HABITS[event.format.category]
        self._over_at = over_at
        # A small event does not staff all doors of a large house.
        self._open = min(len(gates), max(1 + (len(guests) > 30), -(-len(guests) // 400)))
        self._lanes = [gate.lanes for gate in gates]
        self.stays: list[Stay] = []
        self.scans: list[Scan] = []
        self._let_in(guests)
        self._let_out()
        self.scans.sort(key=lambda scan: scan.at)

    def _let_in(self, guests: list[Guest]) -> None:
        """Bring everybody through the lanes in the order of arrival, one at a time per lane."""
        queue: list[tuple[int, int, int]] = []
        tries: list[list[Attempt]] = []
        dice = self._dice
        for guest in guests:
            at = self._arrival(guest, dice)
            if guest.leave_by and at > guest.leave_by - 20 * MINUTE:
                if guest.ready_at > guest.leave_by - 30 * MINUTE:
                    continue
                at = guest.leave_by - 20 * MINUTE
            queue.append((at, len(tries), 0))
            home = self._gate(dice, guest, at)
            tries.append(attempts(guest, dice, home, self._open, self._habits.walk_ups_are_free))
            self.stays.append(Stay(guest))
        for _ in range(int(len(guests) * dice.between(0, 0.012) + dice.random())):
            queue.append(self._stranger(dice, tries))
        arrivals = Counter((tries[n][0].gate, at // SLOT) for at, n, _ in queue)
        free = [[0] * lanes for lanes in self._lanes]
        heapify(queue)
        while queue:
            arrived_at, number, step = heappop(queue)
            attempt, stay = tries[number][step], self.stays[number]
            gate = attempt.gate
            lanes = free[gate]
            count = min(len(lanes), -(-arrivals[gate, arrived_at // SLOT] // self._per_lane) or 1)
            lane = 0 if count == 1 else min(range(count), key=lanes.__getitem__)
            at = max(arrived_at, lanes[lane])
            service = int(dice.between(*SERVICE))
            lanes[lane] = at + service
            self.scans.append(
                Scan(
                    at,
                    "in",
                    stay.guest.user,
                    attempt.registration_id,
                    gate,
                    lane + 1,
                    attempt.result,
                    attempt.is_override,
                    arrived_at,
                    service,
                )
            )
            if attempt.is_override or attempt.result == "ok":
                stay.settled_at = at
                if not stay.visits:
                    stay.visits.append(Visit(at, gate))
            if step + 1 < len(tries[number]):
                heappush(queue, (at + tries[number][step + 1].after, number, step + 1))

    def _arrival(self, guest: Guest, dice: Dice) -> int:
        state, registration = self._state, guest.registration
        if registration and registration.channel == "import" and not guest.is_revoked:
            # Staff and speakers are there before the doors open.
            early = int(CREW_EARLY * (dice.random() - 0.1))
            return max(state.doors_open_at - early, guest.ready_at + MINUTE)
        at = arrival(self._habits, dice, state.doors_open_at, state.starts_at, state.ends_at)
        if guest.ready_at + MINUTE > at:
            # Bought at the box office or on the way: straight to the gate.
            at = guest.ready_at + MINUTE + int(8 * MINUTE * dice.random())
        return at

    def _gate(self, dice: Dice, guest: Guest, at: int) -> int:
        """All open gates in the rush, the first one in quiet hours; VIPs have one of their own."""
        registration = guest.registration
        if registration and registration.wish.ticket_type == "vip" and self._open > 2:
            return 1
        rush = at < self._state.starts_at + 30 * MINUTE
        return dice.below(self._open) if rush else 0

    def _stranger(self, dice: Dice, tries: list[list[Attempt]]) -> tuple[int, int, int]:
        """Somebody with a code that belongs to nothing here, who is sent away."""
        state = self._state
        at = arrival(self._habits, dice, state.doors_open_at, state.starts_at, state.ends_at)
        tries.append([Attempt(0, dice.below(self._open), "invalid", False, None)])
        self.stays.append(Stay(Guest(90_000_000 + dice.below(1_000_000), None, 0)))
        return at, len(tries) - 1, 0

    def _let_out(self) -> None:
        """Breaks and the way out. Whoever leaves is scanned at once: two seconds hold nobody up."""
        for stay in self.stays:
            if stay.visits:
                live(stay, self._dice, self._habits, self._over_at, self._open)
        passages = list(self._passages())
        crowd = Counter((scan.gate, scan.at // SLOT) for scan in passages)
        for number, scan in enumerate(passages):
            lanes = self._lanes[scan.gate]
            count = -(-crowd[scan.gate, scan.at // SLOT] // PER_LANE_OUT)
            scan.lane = 1 + number % min(lanes, count)
        self.scans += passages

    def _passages(self) -> Iterator[Scan]:
        """The scans on the way out, and those on the way back in."""
        quiet_from = self._state.starts_at + 30 * MINUTE
        quiet_until = self._over_at - 15 * MINUTE
        for stay in self.stays:
            user, registration = stay.guest.user, stay.guest.registration
            ticket = registration.registration_id if registration else None
            missed = False
            for number, visit in enumerate(stay.visits):
                if number:
                    if quiet_from < visit.entered_at < quiet_until:
                        visit.gate = 0
                    # Whom nobody scanned on the way out is inside for the scanner: staff helps.
                    result = "duplicate" if missed else "ok"
                    second = stay.guest.second if not missed else None
                    shown = second.registration_id if second else ticket
                    yield Scan(
                        visit.entered_at, "in", user, shown, visit.gate, 1, result, missed,
                        visit.entered_at, 3 * SECOND,
                    )  # fmt: skip
                missed = visit.is_exit_missing
                if quiet_from < visit.left_at < quiet_until:
                    visit.left_gate = 0
                if not missed:
                    yield Scan(visit.left_at, "out", user, ticket, visit.left_gate, 1)
