"""The last build, the reports, the sources and the layers, a line for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loaders.health import artifacts
from loaders.health.problems import GOOD, LEVEL_OF, LEVELS, UNKNOWN, Problem


@dataclass
class Report:
    """A reader of the warehouse, as dbt's exposures name it."""

    label: str
    owner: str
    link: str
    built_at: float | None  # the oldest of what it reads
    level: str
    problems: list[int] = field(default_factory=list)  # their numbers on the page


def last_build(results: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Sum the last build up, or {} where there is none to be read."""
    if not results:
        return {}
    arguments = results["args"]
    chosen = [*arguments.get("select", ()), *filter(None, [arguments.get("selector")])]
    # Unit tests say nothing of what was built, and not every build runs them.
    tests = [it for it in results["results"] if it["unique_id"].startswith("test.")]
    known = [it for it in manifest.get("nodes", {}) if it.startswith("test.")]
    return {
        "command": " ".join(["dbt", arguments["which"], *chosen]),
        "at": artifacts.made_at(results),
        "seconds": results["elapsed_time"],
        "tests": len(tests),
        "passed": sum(it["status"] == "pass" for it in tests),
        "known": len(known),
    }


def reports(
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
            artifacts.link(unique_id),
            min(ages, default=None),
            GOOD if ages else UNKNOWN,
        )
        below = artifacts.ancestors(manifest, unique_id)
        for number, problem in enumerate(problems, start=1):
            if below.intersection(problem.about):
                report.problems.append(number)
                report.level = min(report.level, problem.level, key=LEVELS.index)
        found.append(report)
    return sorted(found, key=lambda report: (LEVELS.index(report.level), report.label))


def sources(
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
        statuses = [
            judged[table] for table in artifacts.tables(manifest, source) if table in judged
        ]
        found.append(
            {
                "name": source,
                "landed_at": stored["landed"].get(source),
                "loaded_at": noted.get("finished_at"),
                "failed": noted.get("failed", False),
                "letters": stored["letters"].get(source, 0),
                "tables": len(statuses),
                "silent": sum(status in LEVEL_OF for status in statuses),
            }
        )
    return found


def layers(manifest: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
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
