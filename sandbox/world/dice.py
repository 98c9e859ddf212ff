"""Where all randomness of the world comes from: one die per record, thrown by its name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import accumulate
from math import exp
from random import Random
from statistics import NormalDist
from struct import Struct
from typing import Generic, TypeVar

T = TypeVar("T")
_NUMBERS = Struct("<16I")
_NORMAL = NormalDist()


class Dice:
    """Random numbers that follow from (seed, kind, id): no record's fate hangs on another's.

    They are read off a hash of the name. A `random.Random` seeded per record gives the same, but
    costs 10 us before its first number against 2 us here, and the world throws a million dice.
    """

    __slots__ = ("_name", "_numbers", "_page")

    def __init__(self, seed: int, kind: str, *name: str | int) -> None:
        self._name = f"{seed}/{kind}/{'/'.join(map(str, name))}".encode()
        self._page = 0
        self._numbers: Iterator[int] = iter(())

    def _next(self) -> int:
        for number in self._numbers:
            return number
        salt = self._page.to_bytes(16, "little")
        self._numbers = iter(_NUMBERS.unpack(blake2b(self._name, salt=salt).digest()))
        self._page += 1
        return next(self._numbers)

    def random(self) -> float:
        """A number in [0, 1)."""
        return self._next() * 2**-32

    def chance(self, probability: float) -> bool:
        """True once in a while."""
        return self._next() * 2**-32 < probability

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * (self._next() * 2**-32)

    def below(self, limit: int) -> int:
        """An integer in [0, limit)."""
        return self._next() * limit >> 32

    def one_of(self, options: Sequence[T]) -> T:
        """One of several, all equally likely."""
        return options[self._next() * len(options) >> 32]

    def lognormal(self, median: float, sigma: float) -> float:
        """A positive number with a long tail: half of all draws lie below the median."""
        return median * exp(sigma * _NORMAL.inv_cdf((self._next() + 0.5) * 2**-32))

    def token(self) -> str:
        """Sixteen hex digits: an opaque id that does not repeat among millions."""
        return f"{self._next():08x}{self._next():08x}"


class Stream(Dice):
    """One long stream of numbers for a crowd that is made at once, never one by one.

    Its first number costs five times as much as a die's, every other a third.
    """

    __slots__ = ("_draw",)

    def __init__(self, seed: int, kind: str, *name: str | int) -> None:
        self._draw = Random(f"{seed}/{kind}/{'/'.join(map(str, name))}").random

    def _next(self) -> int:
        return int(self._draw() * 2**32)

    def random(self) -> float:
        """See Dice."""
        return self._draw()

    def chance(self, probability: float) -> bool:
        """See Dice."""
        return self._draw() < probability

    def between(self, low: float, high: float) -> float:
        """See Dice."""
        return low + (high - low) * self._draw()

    def below(self, limit: int) -> int:
        """See Dice."""
        return int(self._draw() * limit)

    def one_of(self, options: Sequence[T]) -> T:
        """See Dice."""
        return options[int(self._draw() * len(options))]


class Weighted(Generic[T]):
    """A loaded die: options with weights, summed once."""

    def __init__(self, *weighted: tuple[T, float]) -> None:
        self._options = [option for option, _ in weighted]
        self._reached = list(accumulate(weight for _, weight in weighted))

    def draw(self, dice: Dice) -> T:
        """One of the options, as likely as its weight."""
        return self._options[bisect_right(self._reached, dice.random() * self._reached[-1])]


def spread(number: int, offset: float = 0.0) -> float:
    """The number-th point of a sequence that fills [0, 1) evenly, however early it is cut.

    Sizes drawn this way vary as much as random ones, but their sum hardly does: that is how the
    world keeps its promised volume for every seed.
    """
    return (offset + number * 0.6180339887498949) % 1.0
