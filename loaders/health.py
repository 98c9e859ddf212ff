"""The page of the warehouse's own health, for whoever doubts a number; `gatehouse docs` serves it.

    target/run_results.json   what the last build built and tested       --.
    target/sources.json       what `dbt source freshness` found            |
    target/manifest.json      which report stands on what                  +--> health.html
    .gatehouse/loads/*.json   how the last loads ended                     |
    ClickHouse, user monitor  rows, ages, metrics of quality, dead letters --'

It says what is wrong, which reports stand on that, and how old everything is. All of it lies where
loads and builds left it; the page is made anew for everybody who asks, and keeps nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from jinja2 import Environment, FileSystemLoader

from loaders import journal
from loaders.errors import GatehouseError
from loaders.exporter import BUILDS
from loaders.landing import Server

# Database -> what it is, in the order in which a record passes them.
LAYERS = {
    "raw": "what the sources sent",
    "staging": "typed, cleaned, counted once",
    "snapshots": "history of lists",
    "marts": "facts, dimensions, rollups",
    "quality": "what builds measured",
    "realtime": "filled as records land",
}
_ERROR, _WARN, _UNKNOWN, _GOOD = LEVELS = ("error", "warn", "unknown", "good")  # worst first
_LEVELS = {
    "error": _ERROR,
    "fail": _ERROR,
    "runtime error": _ERROR,
    "skipped": _ERROR,
    "warn": _WARN,
}
_MEASUREMENTS, _VIOLATIONS = "fct_quality_measurements", "fct_rule_violations"

_LANDED = r"""
    select
        extract(assumeNotNull(schema_name), '^gatehouse_(.*?)(?:_stream|_\\d+)?$') as source,
        max(toUnixTimestamp64Micro(inserted_at)) / 1e6 as at
    from raw._dlt_loads
    group by source
"""
_LETTERS = """
    select source, countIf(status = 'open') as letters
    from raw.dead_letters final
    group by source
"""
_BUILT = """
    select model, max(toUnixTimestamp64Micro(finished_at)) / 1e6 as at
    from staging.model_builds
    where finished_at is not null
    group by model
"""
_STORED = """
    select database, count() as tables, sum(total_rows) as rows, sum(total_bytes) as bytes
    from system.tables
    where
        database in {layers:Array(String)} and engine like '%MergeTree'
        and not startsWith(name, '_dlt') and name not in ('dlt_sentinel_table', 'model_builds')
    group by database
"""
_MEASURED = """
    select
        metric, source, field, toString(status) as status, value, warn_threshold, error_threshold,
        toUnixTimestamp64Micro(measured_at) / 1e6 as at
    from quality.fct_quality_measurements
    where measured_at = (select max(measured_at) from quality.fct_quality_measurements)
    order by metric, source, field
"""


@dataclass(frozen=True)
class Problem:
    """Something that fails or warns, and what it is about."""

    level: str
    what: str
    detail: str
    about: Sequence[str]  # nodes of dbt, by their ids
    link: str


@dataclass
class Report:
    """A reader of the warehouse, as dbt's exposures name it."""

    label: str
    owner: str
    link: str
    built_at: float | None  # the oldest of what it reads
    level: str
    problems: list[int] = field(default_factory=list)  # their numbers on the page


def page(target: Path) -> str:
    """Make the page out of what lies in dbt's target folder, the state folder and ClickHouse."""
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    templates.filters |= {
        "age": _age,
        "bytes": _bytes,
        "count": "{:,}".format,
        "figure": _figure,
        "words": _words,
    }
    now = datetime.now(UTC).timestamp()
    facts = read(target)
    return templates.get_template("health.html").render(now=now, layers=LAYERS, **facts)


def read(target: Path) -> dict[str, Any]:
    """Everything that the page shows."""
    manifest = _json(target / "manifest.json")
    results = _json(target / "run_results.json")
    freshness = _json(target / "sources.json")
    if results.get("args", {}).get("which") not in BUILDS:
        results = {}
    loads = {path.stem: journal.last(path) for path in sorted(journal.folder().glob("*.json"))}
    stored, away = _ask_clickhouse()

    problems = [
        *away,
        *_of_loads(loads, manifest),
        *_of_build(results, manifest, measured=bool(stored["measured"])),
        *_of_freshness(freshness),
        *_of_measurements(stored["measured"], manifest),
    ]
    problems.sort(key=lambda problem: LEVELS.index(problem.level))
    level = problems[0].level if problems else _GOOD if results else _UNKNOWN
    return {
        "level": level,
        "problems": problems,
        "build": _build(results, manifest),
        "reports": _reports(manifest, problems, stored["built"]),
        "sources": _sources(manifest, loads, freshness, stored),
        "freshness_at": _at(freshness),
        "stored": _stored(manifest, stored),
        "measured": stored["measured"],
    }


def _ask_clickhouse() -> tuple[dict[str, Any], list[Problem]]:
    found: dict[str, Any] = {"landed": {}, "letters": {}, "built": {}, "stored": [], "measured": []}
    try:
        with Server.from_env("monitor").connect() as client:
            for name, query in (("landed", _LANDED), ("letters", _LETTERS), ("built", _BUILT)):
                found[name] = {row[0]: row[1] for row in _rows(client, query)}
            found["stored"] = _rows(client, _STORED)
            found["measured"] = _rows(client, _MEASURED)
    except GatehouseError as error:
        return found, [Problem(_ERROR, error.problem, error.remedy, (), "")]
    return found, []


def _rows(client: Client, query: str) -> Sequence[Any]:
    try:
        return client.query(query, parameters={"layers": list(LAYERS)}).result_rows
    except ClickHouseError:
        return []  # before the first load or build its tables are not there


def _of_loads(loads: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterable[Problem]:
    for source, noted in loads.items():
        if noted.get("failed"):
            why = "`gatehouse load` says why; the next good one reads what this one did not"
            tables = _tables(manifest, source)
            yield Problem(_ERROR, f"the last load of {source} failed", why, tables, "")


def _of_build(
    results: Mapping[str, Any], manifest: Mapping[str, Any], *, measured: bool
) -> Iterable[Problem]:
    for result in results.get("results", []):
        level = _LEVELS.get(result["status"])
        if level is None:
            continue
        node = _node(manifest, result["unique_id"])
        kind, _, name, *more = result["unique_id"].split(".")
        is_limit = (node.get("test_metadata") or {}).get("name") == "stays_within_limits"
        if is_limit and measured:
            continue  # its metrics are told one by one
        if kind in ("test", "unit_test"):
            attached = node.get("attached_node")
            about = [attached] if attached else node.get("depends_on", {}).get("nodes", [])
            what = _claim(more[0] if kind == "unit_test" else name)
        else:
            about = [result["unique_id"]]
            what = f"{name} was not built"
        detail = (result.get("message") or result["status"]).strip().splitlines()[0]
        if kind == "test" and result.get("failures"):
            detail = f"found {result['failures']:,}; the query that finds them is the test's code"
        yield Problem(level, what, detail, about, _link(about[0] if about else ""))


def _of_freshness(freshness: Mapping[str, Any]) -> Iterable[Problem]:
    for result in freshness.get("results", []):
        level = _LEVELS.get(result["status"])
        if level is None:
            continue
        source, table = result["unique_id"].split(".")[2:4]
        if "max_loaded_at" in result:
            landed = datetime.fromisoformat(result["max_loaded_at"]).timestamp()
            detail = f"nothing has landed for {_age(_at(freshness), landed)}" if landed else "empty"
        else:
            detail = str(result.get("error"))
        what = f"{source}.{table} fell silent"
        yield Problem(level, what, detail, [result["unique_id"]], _link(result["unique_id"]))


def _of_measurements(measured: Sequence[Any], manifest: Mapping[str, Any]) -> Iterable[Problem]:
    for metric, source, what, status, value, warn, error, _ in measured:
        level = _LEVELS.get(status)
        if level is None:
            continue
        limit = error if level == _ERROR else warn
        yield Problem(
            level,
            _words(f"{source}: {metric}") + (f" of {_words(what)}" if what else ""),
            f"{_figure(value, metric)}, where {_figure(limit, metric)} is the limit",
            _tables(manifest, source),
            _link(f"model.gatehouse.{_VIOLATIONS if 'rule' in metric else _MEASUREMENTS}"),
        )


def _build(results: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Sum the last build up, or {} where there is none to be read."""
    if not results:
        return {}
    arguments = results["args"]
    chosen = [*arguments.get("select", ()), *filter(None, [arguments.get("selector")])]
    tests = [it for it in results["results"] if it["unique_id"].split(".")[0].endswith("test")]
    known = [it for it in manifest.get("nodes", {}) if it.startswith("test.")]
    return {
        "command": " ".join(["dbt", arguments["which"], *chosen]),
        "at": _at(results),
        "seconds": results["elapsed_time"],
        "tests": len(tests),
        "passed": sum(it["status"] == "pass" for it in tests),
        "known": len(known) + len(manifest.get("unit_tests", {})),
    }


def _reports(
    manifest: Mapping[str, Any], problems: Sequence[Problem], built: Mapping[str, float]
) -> list[Report]:
    """The reports, each with the problems of everything that it stands on."""
    found = []
    for unique_id, exposure in manifest.get("exposures", {}).items():
        models = [it.split(".")[-1] for it in exposure["depends_on"]["nodes"]]
        ages = [built[model] for model in models if model in built] or [built[""]] * ("" in built)
        report = Report(
            exposure["label"] or exposure["name"],
            exposure["owner"]["name"],
            _link(unique_id),
            min(ages, default=None),
            _GOOD if ages else _UNKNOWN,
        )
        below = _ancestors(manifest, unique_id)
        for number, problem in enumerate(problems, start=1):
            if below.intersection(problem.about):
                report.problems.append(number)
                report.level = min(report.level, problem.level, key=LEVELS.index)
        found.append(report)
    return sorted(found, key=lambda report: (LEVELS.index(report.level), report.label))


def _ancestors(manifest: Mapping[str, Any], unique_id: str) -> set[str]:
    found: set[str] = set()
    waiting = [unique_id]
    while waiting:
        for parent in manifest["parent_map"].get(waiting.pop(), []):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def _sources(
    manifest: Mapping[str, Any],
    loads: Mapping[str, Any],
    freshness: Mapping[str, Any],
    stored: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """A row for everything that loads, whether it has landed, failed, or never been heard of."""
    named = {it["source_name"] for it in manifest.get("sources", {}).values()} - {"landing"}
    judged = {it["unique_id"]: it["status"] for it in freshness.get("results", [])}
    found = []
    for source in sorted(named | loads.keys() | stored["landed"].keys()):
        noted = loads.get(source, {})
        statuses = [judged[table] for table in _tables(manifest, source) if table in judged]
        found.append(
            {
                "name": source,
                "landed_at": stored["landed"].get(source),
                "loaded_at": noted.get("finished_at"),
                "failed": noted.get("failed", False),
                "letters": stored["letters"].get(source, 0),
                "tables": len(statuses),
                "silent": sum(status in _LEVELS for status in statuses),
            }
        )
    return found


def _stored(manifest: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Tables, rows, bytes and the last build of each layer."""
    built: dict[str, float] = {}
    for node in manifest.get("nodes", {}).values():
        at = stored["built"].get(node["name"])
        if node["resource_type"] == "model" and at:
            built[node["schema"]] = max(at, built.get(node["schema"], 0))
    landed_at = max(stored["landed"].values(), default=None)
    return {
        database: {
            "tables": tables,
            "rows": rows,
            "bytes": size,
            # Realtime is filled by what lands; of snapshots only the build as a whole is noted.
            "at": landed_at
            if database in ("raw", "realtime")
            else built.get(database, stored["built"].get("")),
        }
        for database, tables, rows, size in stored["stored"]
    }


def _tables(manifest: Mapping[str, Any], source: str) -> list[str]:
    """The ids of the tables of a source, or of the one that a lane of its own fills."""
    return [
        unique_id
        for unique_id, table in manifest.get("sources", {}).items()
        if source in (table["source_name"], table["name"])
    ]


def _node(manifest: Mapping[str, Any], unique_id: str) -> Mapping[str, Any]:
    found = manifest.get("nodes", {}).get(unique_id) or manifest.get("unit_tests", {}).get(
        unique_id, {}
    )
    return found or {}


def _link(unique_id: str) -> str:
    """Where dbt's site tells of a node."""
    return f"index.html#!/{unique_id.split('.')[0]}/{unique_id}" if unique_id else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}  # none yet, or dbt is writing it
    return found


def _at(artifact: Mapping[str, Any]) -> float | None:
    if not artifact:
        return None
    return datetime.fromisoformat(artifact["metadata"]["generated_at"]).timestamp()


def _claim(name: str) -> str:
    """`fct_visits__end_after_they_begin` in words; what is before the claim may have `__` too."""
    about, _, claim = name.rpartition("__")
    return f"{about}: {_words(claim)}" if about else _words(name)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figure(value: float | None, metric: str) -> str:
    if value is None:
        return "-"
    if metric.endswith("_ratio"):
        return f"{100 * value:.3g}%"
    return f"{value:,.0f} s" if "_seconds" in metric else f"{value:,.1f}"


def _age(now: float | None, then: float | None) -> str:
    if not now or not then:
        return "-"
    seconds = max(0.0, now - then)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
