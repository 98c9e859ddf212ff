"""What a `dbt build` costs that finds nothing new, beside dbt's own floor for as many nodes.

`make bench` loads a small sandbox, builds it until nothing is left to do, and then builds by turns
this project and its twin: as many tables, views, incremental models, snapshots, seeds, tests and
unit tests, each of which says `select 1` and nothing else, with the same profile and threads;
for materialized views, which are few, it has none. What
is told is the median of wall time and of processor seconds, and the ratio of each: of all, as one
who types `dbt build` has it, and without unit tests, as `gatehouse schedule` builds.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import time
from collections import Counter, defaultdict
from pathlib import Path

from sandbox import processes
from tests.sandboxes import throwaway

PROJECT = Path(__file__).parents[1]
ONE = "select 1 as one"
WAYS: dict[str, list[str]] = {
    "dbt build": [],
    "without unit tests": ["--exclude-resource-type", "unit_test"],
}


def kinds(env: dict[str, str]) -> Counter[str]:
    """Count this project's nodes: models by how they are materialized, the others by type."""
    listed = subprocess.run(
        ["dbt", "--quiet", "ls", "--output", "json", "--output-keys", "resource_type", "config",
         "--exclude-resource-type", "source", "--exclude-resource-type", "exposure"],
        env=env, cwd=PROJECT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = Counter[str]()
    for line in listed.splitlines():
        node = json.loads(line)
        is_model = node["resource_type"] == "model"
        found[node["config"]["materialized"] if is_model else node["resource_type"]] += 1
    return found


def write_twin(folder: Path, nodes: Counter[str]) -> None:
    """Write a project of as many nodes, none of which does anything."""
    for name in ("models", "seeds", "snapshots", "tests"):
        (folder / name).mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(
        "{name: twin, version: '1.0', profile: gatehouse,"
        " flags: {send_anonymous_usage_stats: false}}"
    )
    shutil.copy(PROJECT / "profiles.yml", folder)
    for kind in ("table", "view", "incremental"):
        for number in range(nodes[kind]):
            path = folder / "models" / f"floor_{kind}_{number}.sql"
            path.write_text(f"{{{{ config(materialized='{kind}') }}}} {ONE}")
    for number in range(nodes["seed"]):
        (folder / "seeds" / f"floor_seed_{number}.csv").write_text("one\n1\n")
    for number in range(nodes["snapshot"]):
        (folder / "snapshots" / f"floor_snapshot_{number}.sql").write_text(
            f"{{% snapshot floor_snapshot_{number} %}}"
            "{{ config(unique_key='one', strategy='check', check_cols='all') }}"
            f" {ONE} {{% endsnapshot %}}"
        )
    for number in range(nodes["test"]):
        path = folder / "tests" / f"floor_test_{number}.sql"
        path.write_text(f"{ONE} from {{{{ ref('floor_table_0') }}}} where false")
    units = [
        {"name": f"unit_{number}", "model": "floor_table_0", "given": [],
         "expect": {"rows": [{"one": 1}]}}
        for number in range(nodes["unit_test"])
    ]  # fmt: skip
    (folder / "models" / "units.yml").write_text(json.dumps({"unit_tests": units}))


def build(project: Path, env: dict[str, str], arguments: list[str]) -> dict[str, float]:
    """Build once; returns the seconds by the clock and of dbt's processor."""
    target = Path(env["GATEHOUSE_STATE"]) / f"target-{project.name}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    subprocess.run(
        ["dbt", "--quiet", "build", *arguments, "--target-path", str(target)],
        env=env, cwd=project, check=True,
    )  # fmt: skip
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "dbt's processor": cpu}


def main() -> None:
    """Load, build until nothing is new, then measure both by turns."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, default=Path(".gatehouse/bench/floor"))
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    folder = chosen.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    sandbox = throwaway(folder)
    env = {**os.environ, **sandbox.env}
    processes.up(sandbox.settings)
    try:
        subprocess.run(["gatehouse", "load"], env=env, cwd=PROJECT, check=True)
        nodes = kinds(env)
        twin = folder / "twin"
        write_twin(twin, nodes)
        for project in (PROJECT, PROJECT, twin):
            build(project, env, [])
        took: dict[tuple[str, Path], list[dict[str, float]]] = defaultdict(list)
        for _ in range(chosen.rounds):
            for way, arguments in WAYS.items():
                for project in (PROJECT, twin):
                    took[way, project].append(build(project, env, arguments))
    finally:
        processes.down(sandbox.settings)
    print(", ".join(f"{count} {kind}s" for kind, count in nodes.most_common()))
    print(f"{'medians, s':40}{'nothing new':>12}{'floor':>8}{'ratio':>8}")
    for way in WAYS:
        for name in ("wall", "dbt's processor"):
            ours, floor = (
                statistics.median(found[name] for found in took[way, project])
                for project in (PROJECT, twin)
            )
            print(f"{f'{way}, {name}':40}{ours:12.1f}{floor:8.1f}{ours / floor:8.2f}")


if __name__ == "__main__":
    main()
