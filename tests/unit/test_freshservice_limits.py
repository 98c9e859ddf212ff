"""What the stand-in's account may do in a minute, and how it says that it was too much."""

from collections.abc import Iterator
from dataclasses import asdict

import pytest
import requests

from sandbox.freshservice.limits import PLANS, Limiter, Limits
from sandbox.settings import PLANS as NAMES
from sandbox.settings import Settings, SettingsError
from tests.unit.test_freshservice_standin import Server, serve


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serve(dirt=0)


def limits(server: Server, **asked: object) -> dict[str, object]:
    answer = requests.post(f"{server.url}/sandbox/limits", json=asked, timeout=10)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("plan", "total", "listing", "viewing"),
    [
        ("starter", 100, 40, 50),
        ("growth", 200, 70, 80),
        ("pro", 400, 120, 140),
        ("enterprise", 500, 140, 160),
    ],
)
def test_a_plan_has_the_limits_that_the_vendor_names(
    plan: str, total: int, listing: int, viewing: int
) -> None:
    found = PLANS[plan]()
    assert (found.total, found.view_ticket, found.window_seconds) == (total, viewing, 60)
    for name in ("list_tickets", "list_requesters", "list_agents", "list_assets"):
        assert getattr(found, name) == listing


def test_the_plan_is_a_setting_that_is_no_part_of_the_world() -> None:
    assert set(NAMES) == set(PLANS)
    settings = Settings.from_env({"GATEHOUSE_SANDBOX_PLAN": "growth"})
    assert settings.plan == "growth"
    assert "plan" not in settings.world
    with pytest.raises(SettingsError, match="not one of demo"):
        Settings.from_env({"GATEHOUSE_SANDBOX_PLAN": "platinum"})


def test_the_budget_of_a_window_is_never_overrun_and_what_was_refused_is_counted() -> None:
    now = 0.0
    limiter = Limiter(Limits(total=10, list_tickets=3, window_seconds=2), clock=lambda: now)
    let_through = 0
    for number in range(60):
        now = number * 0.1
        verdict = limiter.charge(("list_tickets", "unknown")[number % 2], number % 3)
        let_through += verdict.retry_after is None
        assert verdict.retry_after in (None, 1, 2)
    usage = limiter.usage()
    assert len(usage["windows"]) == 3
    assert usage["most_credits_in_a_window"] <= 10
    assert all(window["calls"]["list_tickets"] <= 3 for window in usage["windows"])
    assert usage["refused"] == 60 - let_through > 0
    assert sum(usage["calls"].values()) == let_through
    limiter.forget()
    assert limiter.usage()["refused"] == 0


def test_a_shorter_window_ends_sooner(server: Server) -> None:
    limits(server, total=2, window_seconds=3)
    codes = [server.get("/groups").status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert server.get("/groups").headers["Retry-After"] in ("1", "2", "3")
    while server.get("/groups").status_code == 429:
        pass
    usage = requests.get(f"{server.url}/sandbox/limits", timeout=10).json()["usage"]
    assert usage["refused"] >= 2
    assert usage["most_credits_in_a_window"] == 2
    requests.delete(f"{server.url}/sandbox/limits", timeout=10)
    shown = requests.get(f"{server.url}/sandbox/limits", timeout=10).json()
    assert shown["usage"]["calls"] == {}
    assert shown["total"] == 2


def test_headers_may_be_decimal(server: Server) -> None:
    limits(server, decimal_headers=True, total=100)
    headers = server.get("/tickets", include="stats").headers
    assert headers["x-ratelimit-total"] == "100.0"
    assert headers["x-ratelimit-used-currentrequest"] == "3.0"
    assert headers["x-ratelimit-remaining"] == "97.0"


def test_modules_that_the_plan_lacks_ask_for_the_feature(server: Server) -> None:
    assert limits(server, plan="growth", total=1000)["total"] == 1000
    refused = server.get("/problems")
    assert refused.status_code == 403
    assert refused.json()["code"] == "require_feature"
    assert refused.headers["X-Ratelimit-Total"] == "1000"
    assert server.get("/groups").status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        {"total": 0},
        {"total": True},
        {"window_seconds": 0},
        {"decimal_headers": 1},
        {"depth_cap": -1},
        {"locked": "problems"},
        {"plan": "platinum"},
        {"speed": 1},
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_and_changes_nothing(
    server: Server, asked: dict[str, object]
) -> None:
    before = asdict(server.account.limits)
    body = {"list_agents": 5, **asked}
    refused = requests.post(f"{server.url}/sandbox/limits", json=body, timeout=10)
    assert refused.status_code == 400
    assert refused.json()["error"]
    assert asdict(server.account.limits) == before
