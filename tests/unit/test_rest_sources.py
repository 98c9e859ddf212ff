"""Gate management and the integrated platform: their doors, cursors, tokens and tries."""

import json
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from dlt.sources.helpers.rest_client.auth import APIKeyAuth

from loaders import gate_management, integrated_platform, rest
from loaders.batch import Batch, Report
from loaders.door import RefusedError
from loaders.errors import GatehouseError
from loaders.gate_management import GATE_MINUTES, GATES
from loaders.integrated_platform import ANALYTICS, PROFILES
from loaders.privacy import Privacy
from loaders.rest import Api, Feed, Reader, Token
from tests.rest_sources import (
    API_KEY,
    CLIENT,
    START,
    Sources,
    hour,
    minute,
    profile,
    serving,
    written,
)

KEYS = "k1:a-secret-for-this-test-only"
PRIVACY = Privacy(KEYS)


class Raw:
    """Where batches land in place of ClickHouse: what came, and the state that came with it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.letters: list[Any] = []
        self.packages = 0
        self.cursors: dict[str, str] = {}
        state = {"sources": {"s": {"resources": {"lists": self.cursors}}}}
        self.pipeline: Any = SimpleNamespace(state=state, default_schema_name="s")
        monkeypatch.setattr(rest, "lists", lambda batch, cursors: (batch, cursors))
        monkeypatch.setattr(rest, "land", lambda _pipeline, data: self._land(*data))

    def _land(self, batch: Batch, cursors: dict[str, str]) -> None:
        self.packages += 1
        self.cursors |= cursors
        self.letters += batch.letters
        for item in batch.items():
            table = item.data
            if "payload" in table.schema.names:
                self.rows.setdefault(item.meta.table_name, []).extend(table.to_pylist())

    def of(self, feed: Feed) -> list[dict[str, Any]]:
        return self.rows.get(feed.table, [])


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> Raw:
    monkeypatch.setenv("GATEHOUSE_PRIVACY_KEYS", KEYS)
    return Raw(monkeypatch)


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    monkeypatch.setattr(rest, "_JITTER_SECONDS", 0.01)
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0.01")
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "3")
    with serving(Sources()) as served:
        yield served


def gates_api(sources: Sources, key: str = API_KEY, page_size: int = 3) -> Api:
    auth = APIKeyAuth(name="X-API-Key", api_key=key)
    return Api("gate_management", f"{sources.url}/gate", auth, page_size)


def platform_api(sources: Sources, secret: str = CLIENT[1], page_size: int = 3) -> Api:
    url = f"{sources.url}/platform"
    token = Token(
        access_token_url=f"{url}/oauth/token",
        client_id=CLIENT[0],
        client_secret=secret,
        session=rest.session(),
    )
    return Api("integrated_platform", url, token, page_size)


def load(raw: Raw, api: Api, feed: Feed, batch_rows: int = 100, overlap: int = 600) -> Report:
    report = Report("source", feed.name)
    Reader(api, raw.pipeline, lambda *_: None, batch_rows, 15, overlap).load(feed, report)
    return report


def refusal(feed: Feed, record: dict[str, Any]) -> str:
    """Why a record was refused; empty if it was not."""
    try:
        payload = feed.door(PRIVACY).admit(record)
        feed.row(record, payload)
    except RefusedError as refused:
        return f"{refused.reason} {refused.detail}"
    return ""


def without(record: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != field}


@pytest.mark.parametrize(
    ("feed", "record"),
    [
        (GATE_MINUTES, minute(0)),
        (GATE_MINUTES, minute(0, queue_length=None, service_seconds_p50=2.25, battery=3)),
        (GATE_MINUTES, minute(0, rejects={**minute(0)["rejects"], "expired": 2})),
        (ANALYTICS, hour(0)),
        (ANALYTICS, hour(0, revenue_minor=-500, locale="en")),
        (PROFILES, profile(0)),
        (PROFILES, {"user_id": "u", "updated_at": "2026-03-01T12:00:00+09:00", "segment": "x"}),
        (PROFILES, profile(0, country=None, email=None)),
    ],
)
def test_a_record_that_keeps_to_the_schema_lands(feed: Feed, record: dict[str, Any]) -> None:
    assert refusal(feed, record) == ""


@pytest.mark.parametrize(
    ("feed", "record", "reason"),
    [
        *(
            (GATE_MINUTES, without(minute(0), field), f"schema {field}: required")
            for field in minute(0)
        ),
        *((ANALYTICS, without(hour(0), field), f"schema {field}: required") for field in hour(0)),
        (PROFILES, without(profile(0), "user_id"), "schema user_id: required"),
        (GATE_MINUTES, minute(0, entries="3"), "schema entries: type"),
        (GATE_MINUTES, minute(0, entries=-1), "schema entries: minimum"),
        (GATE_MINUTES, minute(0, lane=300), "schema lane: maximum"),
        (GATE_MINUTES, minute(0, rejects={}), "schema rejects.duplicate: required"),
        (GATE_MINUTES, minute(0, minute_at="noon"), "schema minute_at"),
        (GATE_MINUTES, minute(0, minute_at="2026-03-01T12:00:60Z"), "schema minute_at"),
        (ANALYTICS, hour(0, conversions=2**40), "schema conversions: maximum"),
        (ANALYTICS, hour(0, currency="euro"), "schema currency: pattern"),
        (PROFILES, profile(0, country="Germany"), "schema country: pattern"),
        (GATES, {"gate_id": "g", "venue_id": "v", "zone": "North", "lanes": 0}, "schema lanes"),
    ],
)
def test_a_record_that_does_not_is_refused_by_path_and_rule(
    feed: Feed, record: dict[str, Any], reason: str
) -> None:
    assert refusal(feed, record).startswith(reason)


def test_new_fields_are_told_wherever_they_stand() -> None:
    door = GATE_MINUTES.door(PRIVACY)
    door.admit(minute(0, battery=3, rejects={**minute(0)["rejects"], "expired": 2}))
    assert door.new_fields == {"battery": 1, "rejects.expired": 1}


def test_a_profile_lands_without_anything_that_says_who_it_is() -> None:
    record = profile(7)
    payload = PROFILES.door(PRIVACY).admit(record)
    assert PROFILES.row(record, payload)[1] == PRIVACY.pseudonym("usr-00000007")
    for secret in ("usr-", "kim", "Kim", "1234567", "@"):
        assert secret not in payload
    assert json.loads(payload)["email"] == PRIVACY.pseudonym("kim7@example.com")
    assert json.loads(payload)["segment"] == "business"


def test_a_person_who_is_refused_is_named_by_pseudonym_alone(sources: Sources, raw: Raw) -> None:
    sources.know(profile(7, segment=None))
    load(raw, platform_api(sources), PROFILES)
    assert [letter.position for letter in raw.letters] == [
        f"profiles/{PRIVACY.pseudonym('usr-00000007')}/2026-03-01T12:07:00Z"
    ]
    assert "usr-00000007" in PRIVACY.unseal(raw.letters[0].payload_sealed).decode()


def test_pages_are_read_to_the_end_and_the_next_run_reads_only_what_came_since(
    sources: Sources, raw: Raw
) -> None:
    sources.report(*(minute(number) for number in range(10)))
    api = gates_api(sources)
    assert load(raw, api, GATE_MINUTES).landed == 10
    assert [row["minute_at"].minute for row in raw.of(GATE_MINUTES)] == list(range(10))
    assert load(raw, api, GATE_MINUTES).read == 0
    sources.now += timedelta(minutes=5)
    sources.report(minute(0, reported_at=written(sources.now), entries=4))
    assert load(raw, api, GATE_MINUTES).landed == 1


def test_a_gate_that_reports_hours_late_and_a_corrected_minute_are_read(
    sources: Sources, raw: Raw
) -> None:
    sources.now = START + timedelta(minutes=30)
    sources.report(minute(0), minute(1))
    api = gates_api(sources)
    load(raw, api, GATE_MINUTES)
    sources.now = START + timedelta(hours=9)
    late = written(START + timedelta(hours=8))
    sources.report(minute(2, reported_at=late), minute(0, reported_at=late, entries=5))
    assert load(raw, api, GATE_MINUTES).landed == 2


def test_a_report_that_is_shown_later_than_it_is_dated_is_read_for_the_overlap(
    sources: Sources, raw: Raw
) -> None:
    sources.now = START + timedelta(minutes=30)
    sources.report(minute(28))
    api = gates_api(sources)
    load(raw, api, GATE_MINUTES)
    sources.now += timedelta(minutes=5)
    sources.report(minute(24))  # came in at 12:25, shown after 12:30
    report = load(raw, api, GATE_MINUTES)
    assert {row["minute_at"].minute for row in raw.of(GATE_MINUTES)} == {24, 28}
    assert report.landed == 2, "what lies in the overlap comes again"


def test_many_reports_of_one_instant_are_each_read_once(sources: Sources, raw: Raw) -> None:
    at = START + timedelta(hours=1)
    sources.report(*(minute(n, reported_at=written(at)) for n in range(20)))
    sources.gates_api.metrics._open.clear()
    load(raw, gates_api(sources), GATE_MINUTES)
    assert sorted(row["minute_at"].minute for row in raw.of(GATE_MINUTES)) == list(range(20))


def test_a_page_is_the_same_when_it_is_asked_for_again(sources: Sources) -> None:
    sources.report(*(minute(number) for number in range(10)))
    first = [page.records for page in gates_api(sources).pages("metrics")]
    sources.stage(status=503, times=1, skip=2)
    assert [page.records for page in gates_api(sources).pages("metrics")] == first
    assert [len(page) for page in first] == [3, 3, 3, 1]


def test_a_run_that_dies_between_pages_is_gone_on_with(sources: Sources, raw: Raw) -> None:
    sources.report(*(minute(number) for number in range(40)))
    sources.stage(status=500, times=3, skip=4)
    api = gates_api(sources)
    report = load(raw, api, GATE_MINUTES, batch_rows=3, overlap=60)
    assert "status 500" in report.error
    assert report.landed == 12
    assert raw.cursors["gate_minutes"] == "2026-03-01T12:10:00.000Z"
    assert load(raw, api, GATE_MINUTES, overlap=60).error == ""
    assert {row["minute_at"].minute for row in raw.of(GATE_MINUTES)} == set(range(40))


def test_one_record_that_is_dated_wrongly_does_not_move_the_cursor_past_the_others(
    sources: Sources, raw: Raw
) -> None:
    sources.report(*(minute(number) for number in range(10)))
    sources.report(minute(1, reported_at="2200-01-01T00:00:00Z"), at=START + timedelta(minutes=2))
    sources.stage(status=500, times=3, skip=1)
    api = gates_api(sources)
    load(raw, api, GATE_MINUTES)
    assert raw.cursors["gate_minutes"] == "2026-03-01T12:01:00.000Z"
    load(raw, api, GATE_MINUTES)
    assert {row["minute_at"].minute for row in raw.of(GATE_MINUTES)} == set(range(10))


def test_a_bad_record_does_not_stop_its_page(sources: Sources, raw: Raw) -> None:
    sources.report(minute(0), minute(1, entries="3"), minute(2))
    sources.report("no object", None, [1], at=START + timedelta(minutes=2))
    report = load(raw, gates_api(sources), GATE_MINUTES)
    assert report.landed == 2
    assert report.refused == {"schema": 1, "not_object": 3}
    assert {letter.reason for letter in raw.letters} == {"schema", "not_object"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [(2**70, "schema"), ("\ud800", "not_json")],
    ids=["past 64 bits", "half a pair"],
)
def test_what_json_allows_and_nobody_can_hold_is_refused_alone(
    value: Any, reason: str, sources: Sources, raw: Raw
) -> None:
    page = {
        "data": [minute(0), minute(1, entries=value), minute(2)],
        "next_cursor": None,
        "as_of": "2026-03-01T13:00:00Z",
    }
    sources.stage(status=200, body=json.dumps(page))
    report = load(raw, gates_api(sources), GATE_MINUTES)
    assert report.landed == 2
    assert report.refused == {reason: 1}


@pytest.mark.parametrize(
    ("body", "is_page"),
    [
        ('{"data": [], "next_cursor": null, "as_of": "2026-03-01T12:00:00Z"}', True),
        ('{"data": []}', False),
        ('{"data": {}, "next_cursor": null, "as_of": "2026-03-01T12:00:00Z"}', False),
        ('{"data": [], "next_cursor": null, "as_of": "soon"}', False),
        ("[]", False),
        ("<html>", False),
        ("[" * 100_000, False),
    ],
)
def test_an_answer_of_another_shape_is_an_error_and_no_last_page(
    body: str, is_page: bool, sources: Sources, raw: Raw
) -> None:
    sources.stage(status=200, body=body)
    report = load(raw, gates_api(sources), GATE_MINUTES)
    assert (report.error == "") == is_page
    assert is_page or "without data, next_cursor and as_of" in report.error


def test_a_wrong_key_ends_the_source_and_names_the_variables(sources: Sources, raw: Raw) -> None:
    with pytest.raises(GatehouseError, match=r"status 401.*SOURCES__GATE_MANAGEMENT__\*"):
        load(raw, gates_api(sources, key="another"), GATE_MINUTES)
    with pytest.raises(GatehouseError, match=r"status 401.*SOURCES__INTEGRATED_PLATFORM__\*"):
        load(raw, platform_api(sources, secret="another"), ANALYTICS)


def test_retry_after_is_honoured_and_three_tries_are_the_end(sources: Sources, raw: Raw) -> None:
    sources.report(minute(0))
    sources.stage(status=429, times=1, headers={"Retry-After": "1"})
    assert load(raw, gates_api(sources), GATE_MINUTES).landed == 1
    sources.stage(status=429, times=3)
    assert "status 429" in load(raw, gates_api(sources), GATE_MINUTES).error


def test_nobody_who_answers_is_told_with_the_variable(raw: Raw, sources: Sources) -> None:
    sources.url = "http://127.0.0.1:9"
    with pytest.raises(GatehouseError, match="SOURCES__GATE_MANAGEMENT__BASE_URL"):
        load(raw, gates_api(sources), GATE_MINUTES)


def test_a_token_that_expires_between_pages_is_renewed(sources: Sources, raw: Raw) -> None:
    sources.state(*(hour(number) for number in range(10)))
    api = platform_api(sources)
    sources.stage(status=401, times=1, skip=2)
    assert load(raw, api, ANALYTICS).landed == 10
    sources.portal.tokens.clear()
    sources.now += timedelta(hours=1)
    sources.state(hour(0, updated_at=written(sources.now), conversions=3))
    assert load(raw, api, ANALYTICS).landed == 1
    assert len(sources.portal.tokens) == 1


def test_restated_hours_and_changed_profiles_come_again(sources: Sources, raw: Raw) -> None:
    sources.state(hour(0), hour(1))
    sources.know(profile(1), profile(2))
    api = platform_api(sources)
    load(raw, api, ANALYTICS)
    load(raw, api, PROFILES)
    sources.now += timedelta(days=1)
    later = written(sources.now)
    sources.state(hour(0, updated_at=later, conversions=9))
    sources.know(profile(1, updated_at=later, segment="press"))
    assert load(raw, api, ANALYTICS).landed == 1
    assert load(raw, api, PROFILES).landed == 1
    assert len({row["hour_at"] for row in raw.of(ANALYTICS)}) == 2


def test_a_list_without_times_is_read_whole_every_time(sources: Sources, raw: Raw) -> None:
    for _ in range(2):
        assert load(raw, gates_api(sources), GATES).landed == 1
    assert raw.cursors == {}
    assert raw.of(GATES)[0]["record_id"] == "ven-1-g1"


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("metrics", {"from": "yesterday"}),
        ("metrics", {"cursor": "made up"}),
        ("metrics", {"page_size": "0"}),
        ("gates", {"page_size": "5001"}),
    ],
)
def test_the_stand_in_refuses_parameters_that_make_no_sense(
    path: str, params: dict[str, str], sources: Sources
) -> None:
    with pytest.raises(GatehouseError, match="status 400"):
        list(gates_api(sources).pages(path, **params))


def test_the_stand_in_turns_away_who_asks_too_often(sources: Sources, raw: Raw) -> None:
    sources.gates_api.allowance._calls = 1
    list(gates_api(sources).pages("gates"))
    sources.gates_api.allowance._window_seconds = 1
    assert load(raw, gates_api(sources), GATES).landed == 1, "after the second it is told to wait"


@pytest.mark.parametrize("module", [gate_management, integrated_platform])
def test_every_feed_fills_its_columns(module: Any) -> None:
    samples = {"gate_minutes": minute(0), "analytics": hour(0), "profiles": profile(0)}
    samples["gates"] = {"gate_id": "g", "venue_id": "v", "zone": "North", "lanes": 2}
    for feed in module.FEEDS.values():
        record = samples[feed.name]
        assert len(feed.row(record, "{}")) == len(feed.columns)
