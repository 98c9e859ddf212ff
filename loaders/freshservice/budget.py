"""The account's budget of calls, kept by what the API's own answers say of it.

Every answer tells how many credits the account has per minute, how many are left, and what the call
cost (`X-Ratelimit-Total`, `-Remaining`, `-Used-CurrentRequest`). No limit stands here: plans
differ, `include` costs more than is documented, and other keys draw on the same account.

A call waits while it would overrun what is left. When the minute is over nobody knows what is left,
so one call goes ahead and asks. Where a minute began is not told: it is taken to have begun when we
first saw it, which is never too early. A refusal (429) closes the account, or where credits are
left that kind of call alone, for as long as `Retry-After` says.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# The dearest include that is documented, and only until the first answer tells what it costs.
_GUESSED_INCLUDE_CREDITS = 3


class OutOfTimeError(Exception):
    """A call would have had to wait for longer than its run may last."""


@dataclass
class Call:
    """A call on its way."""

    kind: str
    cost: int
    answered_before: int
    """Credits answered when it was sent: what has been since, ran beside it."""


@dataclass
class _Kind:
    """One kind of call, for example the list of tickets with their statistics."""

    cost: int
    sent: int = 0
    """In this minute."""
    limit: int | None = None
    """How many a minute allows; None until one was refused."""
    refused_at: int = 0
    """How many had gone out when one was last refused."""
    may_be_more: bool = True
    """Whether a little more is tried: what a minute that we saw late teaches is too little."""
    closed_until: float = -math.inf


@dataclass
class Budget:
    """Let calls through as long as the account can pay for them; used by several threads.

    Parameters
    ----------
    share_for_others
        The part of the account's credits that stays for its other keys, 0 to 1.
    window_seconds
        Length of the API's minute.
    """

    share_for_others: float
    window_seconds: float = 60
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[threading.Condition, float | None], object] = threading.Condition.wait
    refused: Counter[str] = field(default_factory=Counter)
    """Calls that the API refused with 429, by kind: `account` where the whole account was."""

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._kinds: dict[str, _Kind] = {}
        self._opened = -math.inf
        self._closed_until = -math.inf
        self._total = 0
        self._left: int | None = None
        """None: not known, in a minute that no answer has told of yet."""
        self._silent = False
        """The API does not tell: nothing to keep to but its refusals."""
        self._flying = 0
        self._answered = 0
        self._stopped = False

    def take(self, kind: str, includes: int = 0, until: float = math.inf) -> Call:
        """Wait until the account can pay for a call of that kind, and count it.

        Raises
        ------
        OutOfTimeError
            When that would be after `until`, by the clock.
        """
        with self._changed:
            known = self._kinds.setdefault(kind, _Kind(1 + includes * _GUESSED_INCLUDE_CREDITS))
            while (pause := self._pause(known)) > 0:
                if self._stopped or self.clock() + (0 if pause == math.inf else pause) > until:
                    raise OutOfTimeError
                self.wait(self._changed, None if pause == math.inf else pause)
            known.sent += 1
            self._flying += known.cost
            return Call(kind, known.cost, self._answered)

    def answered(self, call: Call, headers: Mapping[str, str]) -> None:
        """Take in what an answer tells. The headers' names may have any case."""
        with self._changed:
            left = self._land(call, headers)
            if left is None:
                self._silent = self._left is None
            elif self._is_new_minute(call, left):
                self._open(left)
            else:
                self._left = min(self._left if self._left is not None else left, left)
            self._changed.notify_all()

    def refuse(self, call: Call, headers: Mapping[str, str]) -> None:
        """Take in a refusal: wait as long as it says."""
        with self._changed:
            left = self._land(call, headers)
            known = self._kinds[call.kind]
            known.sent -= 1
            reopens = self.clock() + (_number(headers, "retry-after") or self.window_seconds)
            if left is not None and left >= known.cost:
                known.closed_until = reopens
                known.may_be_more = known.sent != known.refused_at
                known.limit = known.refused_at = max(1, known.sent)
                self.refused[call.kind] += 1
            else:
                self._closed_until = reopens
                self.refused["account"] += 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def lost(self, call: Call) -> None:
        """Take in that no answer came."""
        with self._changed:
            self._flying -= call.cost
            self._answered += call.cost
            self._changed.notify_all()

    def _land(self, call: Call, headers: Mapping[str, str]) -> int | None:
        self._flying -= call.cost
        self._answered += call.cost
        self._total = int(_number(headers, "x-ratelimit-total") or self._total)
        cost = _number(headers, "x-ratelimit-used-currentrequest")
        if cost is not None:
            self._kinds[call.kind].cost = max(1, int(cost))
        left = _number(headers, "x-ratelimit-remaining")
        return None if left is None else int(left)

    def _pause(self, known: _Kind) -> float:
        """Seconds to wait before such a call; infinite until another is answered."""
        now = self.clock()
        closed = max(self._closed_until, known.closed_until) - now
        if closed > 0:
            return closed
        ends = self._opened + self.window_seconds - now
        if ends <= 0 or self._left is None:
            if self._silent and self._left is None:
                return 0
            if self._flying:
                return math.inf
            self._left = None
            return 0
        reserve = math.ceil(self._total * self.share_for_others)
        affordable = self._left - self._flying - known.cost >= reserve
        allowed = known.limit is None or known.sent < known.limit
        return 0 if affordable and allowed else ends

    def _is_new_minute(self, call: Call, left: int) -> bool:
        """More is left than before. Answers may overtake each other, so what other calls cost that
        were on their way together with this one, and may still be, proves nothing.
        """
        beside = self._answered - call.answered_before + self._flying
        return self._left is None or left > self._left + beside

    def _open(self, left: int) -> None:
        self._opened, self._left = self.clock(), left
        for known in self._kinds.values():
            known.sent = 0
            if known.limit is not None and known.may_be_more:
                known.limit += 1 + known.limit // 10


def _number(headers: Mapping[str, str], name: str) -> float | None:
    """Read a header, which may be missing, or look like "100.0"."""
    for key, value in headers.items():
        if key.lower() == name:
            try:
                return float(value)
            except ValueError:
                return None
    return None
