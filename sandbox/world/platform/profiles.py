"""The people whom the platform knows: those who came through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sandbox.world.dice import Dice, Weighted
from sandbox.world.happenings import Story
from sandbox.world.moments import DAY, MINUTE, instant
from sandbox.world.people import as_typed, person
from sandbox.world.platform.hours import CHANNELS, ORGANIZATIONS
from sandbox.world.venues import VENUES

SEGMENTS = Weighted(
    ("consumer", 58.0), ("business", 22.0), ("student", 12.0), ("partner", 5.0), ("press", 3.0)
)
COUNTRIES = tuple(sorted({venue.country for venue in VENUES}))


class Profile(NamedTuple):
    """A person as the platform has them after the latest change."""

    at: int
    number: int
    seed: int
    segment: str
    country: str | None
    organization_id: str
    has_phone: bool

    def fields(self) -> Mapping[str, Any]:
        """As the platform sends it."""
        who = person(self.seed, self.number)
        return {
            "user_id": who.user_id,
            "updated_at": instant(self.at),
            "segment": self.segment,
            "country": self.country,
            "organization_id": self.organization_id,
            "email": as_typed(who.email, who.number),
            "full_name": who.full_name,
            "phone": who.phone if self.has_phone else None,
        }


def profiles(seed: int, stories: Iterable[Story], now: int) -> Iterator[Profile]:
    """Everyone who has come by `now`, as they are then."""
    first: dict[int, tuple[int, str, str]] = {}
    for story in stories:
        event = story.event
        if event.organization_id not in ORGANIZATIONS:
            continue
        for registration in story.registrations:
            if registration.channel not in CHANNELS:
                continue
            came = registration.changes[0]
            known = first.get(came.state.user)
            if came.at <= now and (known is None or came.at < known[0]):
                first[came.state.user] = came.at, event.organization_id, event.venue.country
    for number, (came_at, organization_id, country) in first.items():
        yield _profile(seed, number, came_at, organization_id, country, now)


def _profile(
    seed: int, number: int, came_at: int, organization_id: str, nearby: str, now: int
) -> Profile:
    dice = Dice(seed, "profile", number)
    at, segment = came_at + int(dice.between(0, 5) * MINUTE), SEGMENTS.draw(dice)
    mood = dice.random()
    country = nearby if mood < 0.8 else dice.one_of(COUNTRIES) if mood < 0.95 else None
    has_phone = dice.chance(0.6)
    moved_at = at + int(dice.between(5, 60) * DAY)
    if dice.chance(0.12) and moved_at <= now:
        at, segment = moved_at, SEGMENTS.draw(dice)
    return Profile(min(at, now), number, seed, segment, country, organization_id, has_phone)
