"""Phones: the devices of visitors, and what they do with the app while they are at an event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

from sandbox.world.attendance.habits import Habits
from sandbox.world.attendance.scans import Stay, Visit
from sandbox.world.dice import Dice, Stream, Weighted
from sandbox.world.moments import HOUR, MINUTE, SECOND

MODELS = (
    ("iOS", ("17.6", "18.1", "18.2"), ("iPhone 13", "iPhone 15", "iPhone 16 Pro", "iPad mini")),
    ("Android", ("13", "14", "15"), ("Pixel 8", "SM-S921B", "Redmi Note 13", "  moto g54 ")),
)
SPELLINGS = {
    "iOS": ("iOS", "iOS", "iOS", "ios", "IOS"),
    "Android": ("Android", "Android", "android"),
}
APP_VERSIONS = ("5.1.0", "5.2.0", "5.2.1", "6.0.0-beta2")
HOMES = tuple(timezone(timedelta(minutes=m)) for m in (-480, -300, 0, 60, 330, 345, 540, 630))
PAGES = Weighted(
    ("programme", 40.0), ("map", 22.0), ("session", 20.0), ("speakers", 10.0), ("faq", 8.0)
)
POLLS = ("Yes", "No", "Maybe", "Ask me later")
QUESTIONS = (
    "Will the slides be shared?",
    "How does this scale beyond one site?",
    "¿Habrá una grabación?",
    "Is there a discount for members? Write me: {email}",
    "Wo finde ich den Ausgang? 🚪",
    "질문 있습니다: 언제 다시 열리나요?",
)
SCORES = Weighted((1, 4.0), (2, 6.0), (3, 16.0), (4, 40.0), (5, 34.0))


class Phone(NamedTuple):
    """A visitor's device."""

    info: dict[str, str]
    clock: int
    """What its clock is off by, in milliseconds: seconds at most."""
    home: tzinfo | None
    """The zone it writes its times in; None for wherever it is."""


@lru_cache(maxsize=1 << 13)
def phone_of(seed: int, user: int) -> Phone:
    """A person's phone: the same at every event."""
    dice = Dice(seed, "phone", user)
    os, versions, models = MODELS[dice.below(2)]
    info = {
        "os": dice.one_of(SPELLINGS[os]),
        "os_version": dice.one_of(versions),
        "model": dice.one_of(models),
        "app_version": dice.one_of(APP_VERSIONS),
        "device_id": f"dev-{dice.token()}",
    }
    home = dice.one_of(HOMES) if dice.chance(0.3) else None
    return Phone(info, int(dice.between(-2500, 2500)), home)


class Act:
    """One thing done in the app."""

    mark = "a"
    """See Scan."""
    number: int
    sent_at: int
    received_at: int
    __slots__ = (
        "at",
        "number",
        "properties",
        "received_at",
        "sent_at",
        "session_id",
        "type",
        "user",
    )

    def __init__(
        self, at: int, kind: str, user: int, session_id: str | None, properties: dict[str, Any]
    ) -> None:
        self.at = at
        """When it was done, by the one true clock."""
        self.type = kind
        self.user = user
        self.session_id = session_id
        self.properties = properties


class Hour(NamedTuple):
    """A session as it really took place."""

    session_id: str
    starts_at: int
    ends_at: int


class Sitting(NamedTuple):
    """One person in one session, from when to when."""

    session_id: str
    user: int
    joined_at: int
    left_at: int
    is_leave_missing: bool


def use_app(
    stays: Iterable[Stay], hours: list[Hour], habits: Habits, seed: int, event_id: str
) -> tuple[list[Act], list[Sitting]]:
    """All that visitors do in the app, in order, and the sessions they really sat in."""
    dice, acts, sittings = Stream(seed, "app", event_id), list[Act](), list[Sitting]()
    for stay in stays:
        if stay.visits and dice.random() < habits.app:
            for sitting in _sit(stay, hours, habits, dice):
                sittings.append(sitting)
                acts += _acts_in(sitting, dice)
            acts += _acts_around(stay, dice)
    acts.sort(key=lambda act: act.at)
    for number, act in enumerate(acts):
        act.number = number
    return acts, sittings


def _sit(stay: Stay, hours: list[Hour], habits: Habits, dice: Dice) -> Iterator[Sitting]:
    user = stay.guest.user
    for hour in hours:
        visit = _visit_during(stay.visits, hour)
        if not visit or dice.random() >= habits.joins:
            continue
        joined = max(hour.starts_at + int(dice.between(-5, 7) * MINUTE), visit.entered_at + MINUTE)
        left = hour.ends_at + int(dice.between(0, 3) * MINUTE)
        mood = dice.random()
        if mood < 0.2:
            left = joined + int((left - joined) * dice.between(0.2, 0.9))
        left = min(left, visit.left_at - 10 * SECOND)
        if left - joined < 3 * MINUTE:
            continue
        if mood > 0.95 and left - joined > 15 * MINUTE:
            # Out for a telephone call, and back in.
            middle = (joined + left) // 2
            yield Sitting(hour.session_id, user, joined, middle - 2 * MINUTE, False)
            joined = middle + 2 * MINUTE
        yield Sitting(hour.session_id, user, joined, left, dice.chance(0.3))


def _visit_during(visits: list[Visit], hour: Hour) -> Visit | None:
    for visit in visits:
        if min(visit.left_at, hour.ends_at) - max(visit.entered_at, hour.starts_at) > 5 * MINUTE:
            return visit
    return None


def _acts_in(sitting: Sitting, dice: Dice) -> Iterator[Act]:
    session_id, user, joined, left, is_leave_missing = sitting
    yield Act(joined, "session_join", user, session_id, {})
    if not is_leave_missing:
        yield Act(left, "session_leave", user, session_id, {})
    mood = dice.random()
    if mood < 0.24:
        at = joined + int((left - joined) * dice.random())
        poll = {"poll_id": f"{session_id}-p{1 + dice.below(2)}", "option": dice.one_of(POLLS)}
        yield Act(at, "poll_answer", user, session_id, poll)
    elif mood < 0.32:
        at = joined + int((left - joined) * dice.random())
        text = dice.one_of(QUESTIONS).format(email=f"visitor{user}@example.com")
        yield Act(at, "question", user, session_id, {"text": text})
    if dice.random() < 0.22:
        at = left + int(dice.between(10 * SECOND, 25 * MINUTE))
        yield Act(at, "rating", user, session_id, {"score": SCORES.draw(dice)})


def _acts_around(stay: Stay, dice: Dice) -> Iterator[Act]:
    user, first, last = stay.guest.user, stay.visits[0], stay.visits[-1]
    for _ in range(1 + dice.below(3)):
        at = first.entered_at + int((last.left_at - first.entered_at) * dice.between(-0.1, 1.0))
        yield Act(at, "view", user, None, {"page": PAGES.draw(dice)})
    if dice.random() < 0.25:
        at = last.left_at + int(12 * HOUR * dice.random() ** 4)
        yield Act(at, "rating", user, None, {"score": SCORES.draw(dice)})
