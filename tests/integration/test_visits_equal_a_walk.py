"""Visits, as the models pair them, against a walk through each person's scans that knows no SQL.

Hypothesis draws evenings: people with one ticket or none, gates that scan twice, refusals, exits
that nobody scanned, other events meanwhile, clocks that are off, scanners that replay hours later,
copies of messages. They land in two builds, shuffled, so the second one meets much of what the
first has paired already.
"""

import json
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loaders.landing import ddl
from sandbox import processes
from sandbox.settings import password
from tests.integration.driving import dbt
from tests.sandboxes import Sandbox

CASES = 1500
BEGINNING = datetime(2026, 3, 1, 10, tzinfo=UTC)
REENTRY = timedelta(minutes=5)
# Around five minutes, and so long that people are elsewhere meanwhile.
GAPS = [0, 1, 60, 299, 300, 301, 900, 3600, 3 * 3600]
MODELS = ["stg_user_app__events", "fct_app_events", "fct_scans", "fct_visits"]
EVENTS = ["dim_events", "stg_event_management__events", "stg_event_management__sessions"]
REST = [
    "int_app_sessions_seen",
    "stg_event_management__registrations",
    "stg_event_management__venues",
]


class Scan(NamedTuple):
    """One ticket held before one scanner."""

    gap: int  # seconds since the one before
    person: int
    event: int
    direction: str
    result: str
    is_override: bool
    has_ticket: bool
    offset: int  # seconds that the scanner's clock is ahead
    delay: int  # seconds that it keeps the scan
    copies: int
    is_garbled: bool  # its time cannot be read


class Case(NamedTuple):
    ends: list[int | None]  # when each event ends, in seconds; None where nobody knows
    scans: list[Scan]


class Told(NamedTuple):
    """A scan with its one instant, as it should come out."""

    at: datetime
    received_at: datetime
    seq: int
    message_id: str
    event_id: str
    user_key: str
    scan: Scan

    @property
    def order(self) -> tuple[datetime, datetime, int, str]:
        return self.at, self.received_at, self.seq, self.message_id

    @property
    def lets_in(self) -> bool:
        return self.scan.direction == "in" and self.is_admitted

    @property
    def is_admitted(self) -> bool:
        return self.scan.result == "ok" or self.scan.is_override


scan = st.builds(
    Scan,
    st.sampled_from(GAPS),
    st.integers(0, 1),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from(["in", "in", "out"]),
    st.sampled_from(["ok", "ok", "ok", "duplicate"]),
    st.sampled_from([False, False, True]),
    st.booleans(),
    st.sampled_from([0, 0, 0, 0, 119, -7200, 7200]),
    st.sampled_from([0, 0, 0, 1800, 6 * 3600]),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([False] * 15 + [True]),
)
# In the middle of what is scanned, after all of it, or long after the last message of all.
ends = st.lists(st.sampled_from([1800, 4 * 3600, 30 * 3600, 10**7, None]), min_size=2, max_size=2)
cases = st.builds(Case, ends, st.lists(scan, min_size=1, max_size=14))


def drawn() -> list[Case]:
    """The cases, as hypothesis draws them."""
    found: list[Case] = []

    @settings(
        max_examples=CASES,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def test_visits_equal_a_walk_through_the_scans(new_sandbox: Callable[..., Sandbox]) -> None:
    sandbox, found = new_sandbox(), drawn()
    processes.up(sandbox.settings)
    client = clickhouse_connect.get_client(
        host=sandbox.settings.host,
        port=sandbox.settings.clickhouse_http_port,
        username="loader",
        password=password("loader"),
        settings={"async_insert": 0},
    )
    for name in ("user_app", "event_management", "pseudonym_links"):
        client.command(ddl(name))
    ends = _land_events(client, found)
    told, rows = [], []
    for number, case in enumerate(found):
        for place, scan in enumerate(case.scans):
            one, landed = _tell(number, place, case)
            told.append(one)
            rows += landed
            assert scan is one.scan
    random.Random(3).shuffle(rows)
    for part in (rows[::2], rows[1::2]):
        _land(client, part)
        ran = dbt(sandbox, "run", "-s", *MODELS, *EVENTS, *REST)
        assert ran.returncode == 0, ran.stdout
    reader = clickhouse_connect.get_client(
        host=sandbox.settings.host,
        port=sandbox.settings.clickhouse_http_port,
        username="transformer",
        password=password("transformer"),
    )
    effects, visits = _walk(told, ends)
    scans = reader.query("select message_id, scan_effect, scanned_at from marts.fct_scans")
    assert _differences({key: value for key, *value in map(_utc, scans.result_rows)}, effects) == []
    columns = (
        "event_id, user_key, visit_number, entered_at, left_at, coalesce(imputed_by, ''),"
        " is_walk_up, re_entries_count, repeats_count, dwell_seconds"
    )
    paired = reader.query(f"select {columns} from marts.fct_visits").result_rows
    assert _differences({tuple(row[:3]): row[3:] for row in map(_utc, paired)}, visits) == []
    assert len(visits) > 2500
    assert len({visit[2] for visit in visits.values()}) == 4  # each way of imputing, and none
    _never_twice_inside(visits)


def _tell(number: int, place: int, case: Case) -> tuple[Told, list[list[Any]]]:
    """The scan, and the rows in which it lands."""
    scan = case.scans[place]
    happened = BEGINNING + timedelta(seconds=sum(s.gap for s in case.scans[: place + 1]))
    sent = happened + timedelta(seconds=scan.delay)
    received = sent + timedelta(milliseconds=250)
    ahead = timedelta(seconds=scan.offset)
    at = happened
    if scan.is_garbled:
        at = received
    elif abs(received - (sent + ahead)) > timedelta(minutes=2):
        at = happened + timedelta(milliseconds=250)  # what the way took stays in it
    elif happened + ahead > received:
        at = received
    else:
        at = happened + ahead
    key, seq = f"m-{number}-{place}", 100 * number + place
    one = Told(
        at, received, seq, key, f"e-{number}-{scan.event}", f"u-{number}-{scan.person}", scan
    )
    payload = {
        "user_id": one.user_key,
        "gate_id": f"g-{place}",
        "properties": {
            "result": scan.result,
            "lane": 1,
            "is_override": scan.is_override,
            "registration_id": f"r-{number}" if scan.has_ticket else None,
        },
    }
    rows = [
        [
            "user_app", key, "check_in" if scan.direction == "in" else "check_out", one.event_id,
            None if scan.is_garbled else happened + ahead, sent + ahead,
            received + timedelta(hours=copy), seq + copy, "rest", json.dumps(payload), "1",
        ]
        for copy in range(scan.copies + 1)
    ]  # fmt: skip
    return one, rows


def _walk(
    told: list[Told], ends: dict[str, datetime | None]
) -> tuple[dict[Any, list[Any]], dict[Any, list[Any]]]:
    """What each scan did, and the visits that came of it."""
    as_of = max(one.received_at for one in told)
    people: dict[tuple[str, str], list[Told]] = defaultdict(list)
    last_scans: dict[str, datetime] = {}
    entries: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        people[one.event_id, one.user_key].append(one)
        if one.is_admitted:
            last_scans[one.event_id] = max(one.at, last_scans.get(one.event_id, one.at))
        if one.lets_in:
            entries[one.user_key].append(one)
    effects: dict[Any, list[Any]] = {}
    visits: dict[Any, list[Any]] = {}
    for (event_id, user_key), mine in people.items():
        stays: list[dict[str, Any]] = []
        inside = False
        for one in sorted(mine, key=lambda one: one.order):
            effect = "refused"
            if one.is_admitted and one.scan.direction == "in":
                if inside:
                    effect = "repeat"
                elif stays and one.at - stays[-1]["left"] < REENTRY:
                    effect = "re_entry"
                else:
                    effect = "entry"
                    stays.append({"entered": one.at, "again": 0, "repeats": 0, "tickets": 0})
                stay = stays[-1]
                if not inside:
                    stay["seen"] = one.at
                stay["left"], inside = None, True
                stay["again"] += effect == "re_entry"
                stay["repeats"] += effect == "repeat"
                stay["tickets"] += one.scan.has_ticket
            elif one.is_admitted:
                effect = "exit" if inside else "stray_exit"
                if inside:
                    stays[-1]["left"] = one.at
                inside = False
            effects[one.message_id] = [effect, one.at]
        for visit_number, stay in enumerate(stays, 1):
            left, how = stay["left"], ""
            if left is None:
                left, how = _impute(
                    stay["seen"], ends[event_id], last_scans[event_id], as_of,
                    [e.at for e in entries[user_key] if e.event_id != event_id],
                )  # fmt: skip
            dwell = None if left is None else (left - stay["entered"]) // timedelta(seconds=1)
            visits[event_id, user_key, visit_number] = [
                stay["entered"], left, how, not stay["tickets"], stay["again"], stay["repeats"],
                dwell,
            ]  # fmt: skip
    return effects, visits


def _impute(
    seen: datetime,
    ends_at: datetime | None,
    last_scan: datetime,
    as_of: datetime,
    elsewhere: list[datetime],
) -> tuple[datetime | None, str]:
    later = [at for at in elsewhere if at > seen]
    if ends_at is None:
        closing = (last_scan, "last_scan")
    elif ends_at <= as_of:
        closing = (max(ends_at, seen), "event_end")
    else:
        return (min(later), "entry_elsewhere") if later else (None, "")
    return (min(later), "entry_elsewhere") if later and min(later) < closing[0] else closing


def _never_twice_inside(visits: dict[Any, list[Any]]) -> None:
    """Of one person's visits to an event none begins before the one before it has ended."""
    previous: Any = None
    for key in sorted(visits):
        entered, left, *_ = visits[key]
        if previous and previous[0][:2] == key[:2]:
            assert previous[1] is not None
            assert previous[1] + REENTRY <= entered
        assert left is None or left >= entered
        previous = key, left


def _land_events(client: Client, found: list[Case]) -> dict[str, datetime | None]:
    ends: dict[str, datetime | None] = {}
    rows: list[list[Any]] = []
    for number, case in enumerate(found):
        for event, seconds in enumerate(case.ends):
            event_id = f"e-{number}-{event}"
            ends[event_id] = None
            if seconds is None:
                continue
            over = BEGINNING + timedelta(seconds=seconds)
            ends[event_id] = over
            times = {"doors_open_at": BEGINNING.isoformat(), "ends_at": over.isoformat()}
            data = {"event_id": event_id, "starts_at": BEGINNING.isoformat(), **times}
            rows.append(
                [
                    "event_management", "event-data", 0, len(rows), f"m-{event_id}",
                    "event.created", 1, BEGINNING, BEGINNING, json.dumps({"data": data}), "1",
                ]
            )  # fmt: skip
    columns = [
        "source", "topic", "partition", "offset", "message_id", "type", "schema_version",
        "source_at", "published_at", "payload", "_dlt_load_id",
    ]  # fmt: skip
    client.insert("raw.event_management__event_data", rows, column_names=columns)
    return ends


def _land(client: Client, rows: list[list[Any]]) -> None:
    columns = [
        "source", "message_id", "type", "event_id", "source_at", "sent_at", "received_at", "seq",
        "channel", "payload", "_dlt_load_id",
    ]  # fmt: skip
    client.insert("raw.user_app__events", rows, column_names=columns)


def _utc(row: Any) -> list[Any]:
    return [
        value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
        for value in row
    ]


def _differences(found: dict[Any, Any], expected: dict[Any, list[Any]]) -> list[Any]:
    """The first few keys on which they do not agree, with what each has."""
    keys = sorted(found.keys() | expected.keys())
    return [
        (key, found.get(key), expected.get(key))
        for key in keys
        if list(found.get(key) or []) != list(expected.get(key) or [])
    ][:3]
