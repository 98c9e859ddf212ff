"""What dbt wrote into its target folder, and what stands on what there."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any


def read(path: Path) -> dict[str, Any]:
    """One of the files; {} where there is none to be read."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}  # none yet, or dbt is writing it
    return found


def made_at(artifact: Mapping[str, Any]) -> float | None:
    """When dbt wrote it, in seconds since 1970."""
    if not artifact:
        return None
    return datetime.fromisoformat(artifact["metadata"]["generated_at"]).timestamp()


def tables(manifest: Mapping[str, Any], source: str) -> list[str]:
    """The ids of the tables of a source, or of the one that a lane of its own fills."""
    return [
        unique_id
        for unique_id, table in manifest.get("sources", {}).items()
        if source in (table["source_name"], table["name"])
    ]


def node(manifest: Mapping[str, Any], unique_id: str) -> Mapping[str, Any]:
    """A model, seed, snapshot, test or unit test by its id; {} where it is gone."""
    every: dict[str, Mapping[str, Any]] = manifest.get("nodes", {}) | manifest.get("unit_tests", {})
    return every.get(unique_id, {})


def ancestors(manifest: Mapping[str, Any], unique_id: str) -> set[str]:
    """The ids of everything that a node stands on."""
    found: set[str] = set()
    waiting = [unique_id]
    while waiting:
        for parent in manifest["parent_map"].get(waiting.pop(), []):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def link(unique_id: str) -> str:
    """Where dbt's site tells of a node."""
    return f"index.html#!/{unique_id.split('.')[0]}/{unique_id}" if unique_id else ""
