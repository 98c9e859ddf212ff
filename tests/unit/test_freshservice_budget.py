"""The account's budget is never overrun, whatever the plan, the spelling, or who else calls.

The API here is the stand-in's own limiter, on a clock that only waiting moves: an hour of calls
takes a moment.
"""

import math
import random
import threading
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.freshservice.budget import Budget, OutOfTimeError
from sandbox.freshservice.limits import PLANS, Limiter, Limits

KINDS = {"list_tickets": 1, "view_ticket": 1, "list_assets": 1, "unknown": 0}


class Time:
    """A clock that stands still but for waiting and for what a call takes."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, _condition: threading.Condition, seconds: float | None) -> None:
        assert seconds is not None, "waits for an answer, but no call is on its way"
        self.now += seconds


class Desk:
    """The API: answers from the stand-in's limiter, and other keys that use the account too."""

    def __init__(self, limits: Limits, time: Time, share: float = 0.0) -> None:
        self.limiter = Limiter(limits, time)
        self.time = time
        self.budget = Budget(share, clock=time, wait=time.wait)
        self.refused: Counter[str] = Counter()

    def call(self, endpoint: str, until: float = math.inf) -> None:
        includes = KINDS[endpoint]
        while True:
            call = self.budget.take(endpoint, includes, until)
            verdict = self.limiter.charge(endpoint, includes)
            self.time.now += 0.05
            if verdict.retry_after is None:
                return self.budget.answered(call, verdict.headers)
            left = int(float(verdict.headers["X-Ratelimit-Remaining"]))
            self.refused["account" if left < verdict.cost else endpoint] += 1
            self.budget.refuse(call, verdict.headers)


@pytest.mark.parametrize("plan", ["starter", "growth", "pro", "enterprise"])
@pytest.mark.parametrize("decimal", [False, True])
def test_an_account_is_never_asked_for_more_than_it_has(plan: str, decimal: bool) -> None:
    limits = PLANS[plan]()
    limits.decimal_headers = decimal
    desk, dice = Desk(limits, time := Time()), random.Random(plan)
    for _ in range(3000):
        desk.call(dice.choice([*KINDS, "unknown", "unknown", "unknown"]))
    assert desk.refused["account"] == 0
    # Neither is the account left idle: but for the sub-limits it would take 3000 x 2 credits.
    spent = desk.limiter.usage()["credits"]
    minutes = (time.now - 1000) / 60
    assert spent / minutes > 0.5 * limits.total


def test_a_share_of_the_account_stays_for_others() -> None:
    desk = Desk(PLANS["growth"](), Time(), share=0.25)
    for _ in range(1000):
        desk.call("unknown")
    assert desk.limiter.usage()["most_credits_in_a_window"] <= 150


@given(st.lists(st.integers(0, 9), min_size=200, max_size=200), st.sampled_from([0, 0.1, 0.5]))
def test_what_other_keys_take_is_seen_in_the_next_answer(others: list[int], share: float) -> None:
    desk = Desk(PLANS["starter"](), Time(), share=share)
    for taken in others:
        for _ in range(taken):
            if desk.limiter.charge("unknown", 0).retry_after is not None:
                break
        desk.call("unknown")
    # What they take between an answer and the next call nobody can know; it is refused at most
    # once a minute, and then the wait is as long as the API says.
    windows = desk.limiter.usage()["windows"]
    assert desk.refused["account"] <= len(windows)


def test_a_sub_limit_is_learnt_by_one_refusal_and_does_not_stop_the_other_calls() -> None:
    desk = Desk(PLANS["pro"](), Time())
    for _ in range(1000):
        desk.call("list_tickets")
    refused = desk.limiter.usage()["refused"]
    assert 1 <= refused <= 4  # first 120 a minute, then a little more is tried now and then
    assert desk.limiter.usage()["calls"]["list_tickets"] == 1000


def test_an_api_that_does_not_tell_is_not_waited_for() -> None:
    time = Time()
    budget = Budget(0.1, clock=time, wait=time.wait)
    for _ in range(500):
        budget.answered(budget.take("any"), {})
    assert time.now == 1000.0
    call = budget.take("any")
    budget.refuse(call, {"Retry-After": "7"})
    budget.answered(budget.take("any"), {})
    assert time.now == 1007.0


def test_who_would_wait_past_the_end_of_the_run_is_told_so() -> None:
    desk = Desk(PLANS["starter"](), time := Time())
    for _ in range(100):
        desk.call("unknown", until=1050.0)
    with pytest.raises(OutOfTimeError):
        desk.call("unknown", until=1050.0)
    assert time.now < 1050.0
    desk.call("unknown")


def test_an_answer_that_was_overtaken_does_not_pass_for_a_new_minute() -> None:
    time = Time()
    limiter, budget = Limiter(Limits(total=10), time), Budget(0.0, clock=time, wait=time.wait)
    budget.answered(budget.take("any"), limiter.charge("any", 0).headers)
    calls = [budget.take("any") for _ in range(6)]
    answers = [limiter.charge("any", 0).headers for _ in calls]
    for late in (5, 0, 1, 2, 3, 4):  # the last comes first
        budget.answered(calls[late], answers[late])
    for _ in range(3):
        budget.take("any")
    with pytest.raises(OutOfTimeError):
        budget.take("any", until=time.now + 30)


class SharedTime(Time):
    """A clock for several threads: it moves only while none of them has a call on its way.

    So a thread that the machine holds up is late in its turn, but never by that clock.
    """

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.running = threads
        self.waiting: dict[int, float] = {}

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        me = threading.get_ident()
        self.waiting[me] = math.inf if seconds is None else self.now + seconds
        if len(self.waiting) == self.running:
            assert min(self.waiting.values()) < math.inf, "all wait for an answer, none is coming"
            self.now = max(self.now, min(self.waiting.values()))
        condition.wait(0.001)
        del self.waiting[me]


def test_several_threads_together_keep_within_the_budget() -> None:
    time = SharedTime(threads=8)
    limiter, lock = Limiter(Limits(total=100), time), threading.Lock()
    budget = Budget(0.0, clock=time, wait=time.wait)
    problems: list[Any] = []

    def work() -> None:
        for _ in range(100):
            call = budget.take("any", 1)
            with lock:
                verdict = limiter.charge("list_tickets", 1)
            threading.Event().wait(random.random() / 1000)  # answers overtake each other
            if verdict.retry_after is None:
                budget.answered(call, verdict.headers)
            else:
                problems.append(verdict)
                budget.refuse(call, verdict.headers)
        with lock:
            time.running -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems
    assert limiter.usage()["calls"]["list_tickets"] == 800
