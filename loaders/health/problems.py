"""What fails or warns: loads, models, tests, silent sources, metrics past their limits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loaders.health import artifacts, words

ERROR, WARN, UNKNOWN, GOOD = LEVELS = ("error", "warn", "unknown", "good")  # worst first
# What dbt and the metrics call it.
LEVEL_OF = {
    "error": ERROR,
    "fail": ERROR,
    "runtime error": ERROR,
    "skipped": ERROR,
    "warn": WARN,
}
_MEASUREMENTS, _VIOLATIONS = "fct_quality_measurements", "fct_rule_violations"


@dataclass(frozen=True)
class Problem:
    """Something that fails or warns, and what it is about."""

    level: str
    what: str
    detail: str
    about: Sequence[str]  # nodes of dbt, by their ids
    link: str


def of_loads(loads: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterable[Problem]:
    """Tell of loads that failed."""
    for source, noted in loads.items():
        if noted.get("failed"):
            why = "`gatehouse load` says why; the next good one reads what this one did not"
            tables = artifacts.tables(manifest, source)
            yield Problem(ERROR, f"the last load of {source} failed", why, tables, "")


def of_build(
    results: Mapping[str, Any], manifest: Mapping[str, Any], *, measured: bool
) -> Iterable[Problem]:
    """Tell of models that were not built and tests that did not pass."""
    for result in results.get("results", []):
        level = LEVEL_OF.get(result["status"])
        if level is None:
            continue
        node = artifacts.node(manifest, result["unique_id"])
        kind, _, name, *more = result["unique_id"].split(".")
        is_limit = (node.get("test_metadata") or {}).get("name") == "stays_within_limits"
        if is_limit and measured:
            continue  # its metrics are told one by one
        if kind in ("test", "unit_test"):
            attached = node.get("attached_node")
            about = [attached] if attached else node.get("depends_on", {}).get("nodes", [])
            what = words.claim(more[0] if kind == "unit_test" else name)
        else:
            about = [result["unique_id"]]
            what = f"{name} was not built"
        detail = (result.get("message") or result["status"]).strip().splitlines()[0]
        if kind == "test" and result.get("failures"):
            detail = f"found {result['failures']:,}; the query that finds them is the test's code"
        yield Problem(level, what, detail, about, artifacts.link(about[0] if about else ""))


def of_freshness(freshness: Mapping[str, Any]) -> Iterable[Problem]:
    """Tell of sources that fell silent."""
    for result in freshness.get("results", []):
        level = LEVEL_OF.get(result["status"])
        if level is None:
            continue
        source, table = result["unique_id"].split(".")[2:4]
        if "max_loaded_at" in result:
            landed = datetime.fromisoformat(result["max_loaded_at"]).timestamp()
            silent = words.age(artifacts.made_at(freshness), landed)
            detail = f"nothing has landed for {silent}" if landed else "empty"
        else:
            detail = str(result.get("error"))
        what, link = f"{source}.{table} fell silent", artifacts.link(result["unique_id"])
        yield Problem(level, what, detail, [result["unique_id"]], link)


def of_measurements(measured: Sequence[Any], manifest: Mapping[str, Any]) -> Iterable[Problem]:
    """Tell of metrics past their limits."""
    for metric, source, what, status, value, warn, error, _ in measured:
        level = LEVEL_OF.get(status)
        if level is None:
            continue
        limit = error if level == ERROR else warn
        told_in = _VIOLATIONS if "rule" in metric else _MEASUREMENTS
        yield Problem(
            level,
            words.plain(f"{source}: {metric}") + (f" of {words.plain(what)}" if what else ""),
            f"{words.figure(value, metric)}, where {words.figure(limit, metric)} is the limit",
            artifacts.tables(manifest, source),
            artifacts.link(f"model.gatehouse.{told_in}"),
        )
