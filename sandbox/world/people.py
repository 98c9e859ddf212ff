"""Who lives in the world: people, by number, the same in every system that knows them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from sandbox.world.names import FIRST, LAST, MAIL_DOMAINS


class Person(NamedTuple):
    """A person as they are; each system writes them down in its own way."""

    number: int
    first_name: str
    last_name: str
    email: str
    phone: str

    @property
    def full_name(self) -> str:
        """As it is printed on a badge."""
        return f"{self.first_name} {self.last_name}"

    @property
    def user_id(self) -> str:
        """The key of the person in the attendee systems."""
        return f"usr-{self.number:08d}"


@lru_cache(maxsize=1 << 14)
def person(seed: int, number: int) -> Person:
    """The number-th person, by arithmetic: half a million messages name one, dice would be slow."""
    mixed = (number * 2654435761 + seed * 40503 + 12345) & 0xFFFFFFFF
    first, first_slug = FIRST[(mixed >> 3) % len(FIRST)]
    last, last_slug = LAST[(mixed >> 11) % len(LAST)]
    domain = MAIL_DOMAINS[(mixed >> 19) % len(MAIL_DOMAINS)]
    return Person(
        number,
        first,
        last,
        f"{first_slug}.{last_slug}{number}@{domain}",
        f"+1-555-{mixed % 1000:03d}-{number % 10000:04d}",
    )


def as_typed(email: str, number: int) -> str:
    """An e-mail address as its owner types it: now and then in capitals or after a blank."""
    habit = number % 40
    if habit == 0:
        return email.title()
    if habit == 1:
        return email.upper()
    if habit == 2:
        return f" {email}"
    return email
