"""Registrations: who asked for a ticket, when, on which way, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sandbox.world.changes import Change
from sandbox.world.dice import Dice, Weighted
from sandbox.world.events import Event
from sandbox.world.moments import DAY, HOUR, MINUTE, SECOND, instant
from sandbox.world.people import as_typed, person

CHANNELS = Weighted(
    ("web", 56.0), ("app", 26.0), ("partner", 8.0), ("box_office", 6.0), ("phone", 4.0)
)
VIP_FACTOR = 3
EARLY_BIRD = 0.8
PAYMENT_DEADLINE = 48 * HOUR


class RegistrationState(NamedTuple):
    """What can change about a registration."""

    status: str
    user: int
    ticket_type: str
    price_minor: int
    has_phone: bool
    reason: str | None = None

    def become(self, status: str, reason: str | None = None) -> RegistrationState:
        """The same with another status; `_replace` takes four times as long."""
        _, user, ticket_type, price_minor, has_phone, _ = self
        return RegistrationState(status, user, ticket_type, price_minor, has_phone, reason)


@dataclass(slots=True)
class Registration:
    """One person's place at one event, or the wish for one."""

    registration_id: str
    event: Event
    seed: int
    channel: str
    requested_at: int
    wish: RegistrationState
    """The state it has if there is a seat."""
    changes: list[Change] = field(default_factory=list)
    kind: str = "registration"

    @property
    def name(self) -> str:
        """See Thing."""
        return self.registration_id

    @property
    def key(self) -> str:
        """See Thing."""
        return self.event.event_id

    def append(self, at: int, verb: str, state: RegistrationState) -> None:
        """One more thing happens to it."""
        self.changes.append(Change(self, len(self.changes), at, verb, state))

    def data(self, change: Change) -> Mapping[str, Any]:
        """See Thing."""
        state: RegistrationState = change.state
        if change.verb == "cancelled":
            return {
                "registration_id": self.registration_id,
                "event_id": self.event.event_id,
                "reason": state.reason,
            }
        attendee = person(self.seed, state.user)
        at_the_desk = self.channel == "box_office"
        return {
            "registration_id": self.registration_id,
            "event_id": self.event.event_id,
            "user_id": attendee.user_id,
            "email": None if at_the_desk else as_typed(attendee.email, attendee.number),
            "full_name": attendee.full_name,
            "phone": attendee.phone if state.has_phone else None,
            "ticket_type": state.ticket_type,
            "channel": self.channel,
            "status": state.status,
            "price_minor": state.price_minor,
            "currency": self.event.venue.currency,
            "registered_at": instant(self.changes[0].at),
        }


def request(seed: int, event: Event, number: int, users: int) -> tuple[Registration, Dice]:
    """The number-th wish for a ticket, with the die that decides what becomes of it."""
    dice = Dice(seed, "registration", event.event_id, number)
    ticket_type = event.format.ticket_types.draw(dice)
    invited = ticket_type in ("staff", "speaker")
    channel = "import" if invited else CHANNELS.draw(dice)
    at = _when(dice, event, channel)
    price = 0 if invited else event.price_minor * (VIP_FACTOR if ticket_type == "vip" else 1)
    if at - event.announced_at < (event.starts_at - event.announced_at) * 0.3:
        price = int(price * EARLY_BIRD)
    # A twelfth of all people are regulars, who hold a third of all registrations.
    user = dice.below(users // 12 + 1) if dice.chance(0.33) else dice.below(users)
    wish = RegistrationState("confirmed", user, ticket_type, price, dice.chance(0.65))
    registration = Registration(f"reg-{dice.token()}", event, seed, channel, at, wish)
    return registration, dice


def take_seat(dice: Dice, registration: Registration, at: int) -> int | None:
    """There is a seat: payment, second thoughts. Returns when the seat is free again, if ever."""
    wish, verb = registration.wish, "updated" if registration.changes else "created"
    needs_payment = wish.price_minor > 0 and registration.channel in ("web", "app", "partner")
    if needs_payment and dice.chance(0.72):
        registration.append(at, verb, wish.become("pending"))
        paid_at = _paid_at(dice, at)
        if paid_at is None or paid_at >= registration.event.starts_at:
            return _give_up(dice, registration, at)
        registration.append(paid_at, "updated", wish)
        return _change_mind(dice, registration, paid_at)
    registration.append(at, verb, wish)
    return _change_mind(dice, registration, at)


def wait_for_seat(registration: Registration) -> None:
    """Sold out: the wish is kept, in case somebody cancels."""
    waiting = registration.wish.become("waitlisted")
    registration.append(registration.requested_at, "created", waiting)


def call_off(dice: Dice, registration: Registration, cancelled_at: int) -> None:
    """The event is cancelled, so every registration that still lives is cancelled after it."""
    changes = registration.changes
    while changes and changes[-1].at >= cancelled_at:
        changes.pop()
    if changes and changes[-1].verb != "cancelled":
        at = cancelled_at + int(dice.between(20 * SECOND, 30 * MINUTE))
        registration.append(
            at, "cancelled", changes[-1].state.become("cancelled", "event_cancelled")
        )


def _when(dice: Dice, event: Event, channel: str) -> int:
    """A rush after the announcement, a slow rise, and a last day on which everybody decides."""
    if channel == "box_office":
        return event.starts_at + int(dice.between(-59, 60) * MINUTE)
    span = event.starts_at - event.announced_at
    point, mood = dice.random(), dice.random()
    if mood < 0.25:
        at = event.announced_at + int(span * 0.3 * point**3)
    elif mood < 0.87:
        at = event.announced_at + int(span * point**0.6)
    else:
        at = event.starts_at - int(0.9 * DAY * point * point)
    asleep = (at + event.utc_offset) % DAY < 6 * HOUR
    if asleep and dice.chance(0.75):
        at += 7 * HOUR
    first = event.announced_at + int((1 + 9 * point) * MINUTE)
    last = event.starts_at - int((1 + 29 * point) * MINUTE)
    return min(max(at, first), last)


def _paid_at(dice: Dice, at: int) -> int | None:
    mood = dice.random()
    if mood < 0.93:
        return at + 5 * SECOND + int(dice.lognormal(200 * SECOND, 1.0))
    if mood < 0.965:
        return at + int(dice.between(0.5 * DAY, 3 * DAY))
    return None


def _give_up(dice: Dice, registration: Registration, at: int) -> int | None:
    """Never paid: most are cancelled at the deadline, some stay pending for ever."""
    deadline = at + PAYMENT_DEADLINE
    if deadline >= registration.event.starts_at or not dice.chance(0.7):
        return None
    return _cancel(registration, deadline, "payment_timeout")


def _change_mind(dice: Dice, registration: Registration, since: int) -> int | None:
    """Upgrades, transfers, corrected contacts, and the one in twenty that cancels."""
    left = registration.event.starts_at - since
    mood = dice.random()
    if left < 30 * MINUTE or mood > 0.19:
        return None
    at = since + int(left * dice.between(0.02, 0.95))
    if mood < 0.06:
        return _cancel(registration, at, dice.one_of(("plans_changed", "illness", "refund", None)))
    state = registration.wish
    if mood < 0.10 and state.ticket_type == "general":
        state = state._replace(ticket_type="vip", price_minor=state.price_minor * VIP_FACTOR)
    elif mood < 0.14:
        state = state._replace(user=state.user + 1)
    else:
        state = state._replace(has_phone=not state.has_phone)
    registration.append(at, "updated", state)
    if dice.chance(0.08):
        return _cancel(registration, at + left // 32, "plans_changed")
    return None


def _cancel(registration: Registration, at: int, reason: str | None) -> int:
    state = registration.changes[-1].state.become("cancelled", reason)
    registration.append(at, "cancelled", state)
    return at
