"""An hour of an event and channel, and how the platform states it again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sandbox.world.dice import Dice
from sandbox.world.happenings import Story
from sandbox.world.moments import DAY, HOUR, MINUTE, instant

ORGANIZATIONS = ("org-04", "org-11")
CHANNELS = ("web", "app", "partner", "phone")
"""Tickets from the box office and invitations do not come through the platform."""
RESTATED, RESTATED_TWICE = 0.3, 0.1
LAST_RESTATEMENT = 2 * DAY


class Key(NamedTuple):
    """What names an hour."""

    organization_id: str
    event_id: str
    channel: str
    hour: int


@dataclass(slots=True)
class Hour:
    """What really came of an hour."""

    key: Key
    currency: str
    signups: int = 0
    prices: list[int] = field(default_factory=list)
    """What each registration cost that was confirmed in it."""


class Statement(NamedTuple):
    """What the platform said of an hour at some moment."""

    at: int
    hour: Hour
    number: int
    visitors: int
    signups: int
    conversions: int

    def fields(self) -> Mapping[str, Any]:
        """As the platform sends it."""
        key = self.hour.key
        return {
            "organization_id": key.organization_id,
            "event_id": key.event_id,
            "channel": key.channel,
            "hour_at": instant(key.hour),
            "updated_at": instant(self.at),
            "visitors": self.visitors,
            "signups": self.signups,
            "conversions": self.conversions,
            "revenue_minor": sum(self.hour.prices[: self.conversions]),
            "currency": self.hour.currency,
        }


def hours(stories: Iterable[Story], now: int) -> dict[Key, Hour]:
    """Every hour that has passed by `now` and in which something came through the platform."""
    found: dict[Key, Hour] = {}

    def hour(event: Any, channel: str, at: int) -> Hour | None:
        began = at - at % HOUR
        if began + HOUR > now:
            return None
        key = Key(event.organization_id, event.event_id, channel, began)
        if key not in found:
            found[key] = Hour(key, event.venue.currency)
        return found[key]

    for story in stories:
        event = story.event
        if event.organization_id not in ORGANIZATIONS:
            continue
        for registration in story.registrations:
            if registration.channel not in CHANNELS:
                continue
            if begun := hour(event, registration.channel, registration.changes[0].at):
                begun.signups += 1
            confirmed = next(
                (c for c in registration.changes if c.state.status == "confirmed"), None
            )
            if confirmed and (done := hour(event, registration.channel, confirmed.at)):
                done.prices.append(confirmed.state.price_minor)
    return found


def statements(seed: int, hour: Hour, now: int) -> Iterator[Statement]:
    """What was said of an hour by `now`: at first too little, at last what really was."""
    dice = Dice(seed, "platform-hour", *hour.key)
    ended = hour.key.hour + HOUR
    moments = [ended + int(dice.between(4, 12) * MINUTE)]
    again = (dice.random() < RESTATED) + (dice.random() < RESTATED_TWICE)
    for _ in range(again):
        moments.append(moments[-1] + int(dice.between(0.5 * HOUR, (LAST_RESTATEMENT - HOUR) / 2)))
    signups, conversions = hour.signups, len(hour.prices)
    visitors = max(signups, conversions) * (2 + dice.below(9)) + dice.below(5)
    for number, at in enumerate(moments):
        left = again - number
        if at <= now:
            yield Statement(
                at,
                hour,
                number,
                visitors - left * (visitors // 8),
                signups,
                max(0, conversions - left * dice.below(3)),
            )
