"""The rules that the dbt project keeps: who may read what, and that everything is described."""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

from tests import dashboards

ROOT = Path(__file__).parents[2]
LAYERS = ["source", "seed", "staging", "snapshots", "marts", "realtime", "audit"]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Any:
    target = str(tmp_path_factory.mktemp("target"))
    where = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT), "--target-path", target]
    parsed = dbtRunner().invoke(["parse", "--quiet", "--log-path", target, *where])
    assert parsed.success, parsed.exception
    return parsed.result


def models(manifest: Any) -> list[Any]:
    found = [node for node in manifest.nodes.values() if node.resource_type == "model"]
    assert len(found) > 20
    return found


def layer(unique_id: str, manifest: Any) -> str:
    kind = unique_id.split(".")[0]
    return {"source": "source", "seed": "seed", "snapshot": "snapshots"}.get(
        kind
    ) or manifest.nodes[unique_id].fqn[1]


def test_only_staging_realtime_and_the_audit_read_sources_and_nothing_reads_what_is_downstream(
    manifest: Any,
) -> None:
    for model in models(manifest):
        own = layer(model.unique_id, manifest)
        for parent in model.depends_on.nodes:
            read = layer(parent, manifest)
            assert LAYERS.index(read) <= LAYERS.index(own), f"{model.name} reads {parent}"
            assert own != "realtime" or read in ("source", "realtime"), f"{model.name}: {parent}"
            allowed = ("staging", "realtime", "audit")
            assert read != "source" or own in allowed, f"{model.name}: {parent}"


def test_every_model_is_in_one_part_of_the_warehouse(manifest: Any) -> None:
    unions = [selector["definition"]["union"] for selector in manifest.selectors.values()]
    paths = [part["value"] for union in unions for part in union]
    for model in models(manifest):
        parts = [path for path in paths if fnmatch(model.original_file_path, f"{path}*")]
        assert len(parts) == 1, f"{model.name} is in {parts} of selectors.yml"


def test_every_model_begins_with_its_grain(manifest: Any) -> None:
    for model in models(manifest):
        assert model.raw_code.startswith("-- One row per "), model.name
        assert model.description.startswith("One row per "), model.name
        assert re.search(r"select \* from \w+( -- noqa: \w+)?\s*$", model.raw_code), model.name


def test_every_model_source_seed_and_column_is_described(manifest: Any) -> None:
    described = [
        *(n for n in manifest.nodes.values() if n.resource_type in ("model", "seed", "snapshot")),
        *manifest.sources.values(),
    ]
    for node in described:
        assert node.description, node.unique_id
        for column in node.columns.values():
            assert column.description, f"{node.unique_id}.{column.name}"
    for macro in manifest.macros.values():
        if macro.package_name == "gatehouse":
            assert macro.description, macro.unique_id


def test_every_fact_dimension_and_rollup_has_a_contract_with_types(manifest: Any) -> None:
    for model in models(manifest):
        if model.name.startswith(("fct_", "dim_", "rollup_")):
            assert model.config.contract.enforced, model.name
            for column in model.columns.values():
                assert column.data_type, f"{model.name}.{column.name}"


def test_every_model_has_a_group_with_somebody_to_write_to(manifest: Any) -> None:
    owners = {group.name: group.owner.email for group in manifest.groups.values()}
    for model in models(manifest):
        assert owners[model.group], model.name
    assert {model.group for model in models(manifest)} == owners.keys()


def test_every_source_says_when_it_is_stale(manifest: Any) -> None:
    for source in manifest.sources.values():
        # Of what goes wrong the less the better: that none came is no reason to worry.
        if source.source_name != "landing" and source.name != "unanswered":
            assert source.freshness, source.unique_id
            assert source.freshness.error_after.count, source.unique_id
            assert source.loaded_at_field == "landed_at", source.unique_id


def test_every_test_of_ours_has_a_claim_for_a_name(manifest: Any) -> None:
    tests = [node for node in manifest.nodes.values() if node.resource_type == "test"]
    assert len(tests) > 40
    for test in tests:
        assert re.fullmatch(r"\w+?__[a-z0-9_]+", test.name), test.name


def test_every_rollup_has_the_same_columns_but_for_its_bucket(manifest: Any) -> None:
    families: dict[str, dict[str, list[str]]] = {}
    for model in models(manifest):
        if model.name.startswith("rollup_"):
            family, _, grain = model.name.rpartition("_")
            columns = [c for c in model.columns if not c.startswith("date_")]
            families.setdefault(family, {})[grain] = columns
    assert families["rollup_tickets"].keys() == {"hourly", "daily", "weekly", "monthly"}
    for family, grains in families.items():
        # A family has the grains that its readers ask for: a day's backlog has no weekly sum.
        assert grains.keys() <= {"hourly", "daily", "weekly", "monthly"}, family
        assert len({tuple(columns) for columns in grains.values()}) == 1, family


def test_every_dashboard_is_an_exposure_of_the_tables_that_it_reads(manifest: Any) -> None:
    read: dict[str, set[str]] = {name: set() for name in dashboards.dashboards()}
    for query in dashboards.queries():
        read[query.dashboard] |= query.tables() if query.user else set()
    exposed = {
        exposure.name.removeprefix("grafana_"): {
            node.split(".")[-1] for node in exposure.depends_on.nodes
        }
        for exposure in manifest.exposures.values()
        if exposure.name.startswith("grafana_")
    }
    assert exposed == read
