"""The page, and everything that it shows."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from loaders import journal
from loaders.errors import GatehouseError
from loaders.exporter import BUILDS
from loaders.health import artifacts, problems, summaries, words
from loaders.health.problems import ERROR, GOOD, LEVELS, UNKNOWN, Problem
from loaders.health.server import LAYERS, NOTHING, ask_clickhouse


def page(target: Path) -> str:
    """Make the page out of what lies in dbt's target folder, the state folder and ClickHouse."""
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    templates.filters |= {
        "age": words.age,
        "bytes": words.size,
        "count": "{:,}".format,
        "figure": words.figure,
        "words": words.plain,
    }
    now = datetime.now(UTC).timestamp()
    facts = read(target)
    return templates.get_template("page.html").render(now=now, layers=LAYERS, **facts)


def read(target: Path) -> dict[str, Any]:
    """Everything that the page shows."""
    manifest = artifacts.read(target / "manifest.json")
    results = artifacts.read(target / "run_results.json")
    freshness = artifacts.read(target / "sources.json")
    if results.get("args", {}).get("which") not in BUILDS:
        results = {}
    loads = {path.stem: journal.last(path) for path in sorted(journal.folder().glob("*.json"))}
    stored, found = NOTHING, []
    try:
        stored = ask_clickhouse()
    except GatehouseError as error:
        found.append(Problem(ERROR, error.problem, error.remedy, (), ""))

    found += problems.of_loads(loads, manifest)
    found += problems.of_build(results, manifest, measured=bool(stored["measured"]))
    found += problems.of_freshness(freshness)
    found += problems.of_measurements(stored["measured"], manifest)
    found.sort(key=lambda problem: LEVELS.index(problem.level))
    level = found[0].level if found else GOOD if results else UNKNOWN
    return {
        "level": level,
        "problems": found,
        "build": summaries.last_build(results, manifest),
        "reports": summaries.reports(manifest, found, stored["built"]),
        "sources": summaries.sources(manifest, loads, freshness, stored),
        "freshness_at": artifacts.made_at(freshness),
        "stored": summaries.layers(manifest, stored),
        "measured": stored["measured"],
    }
