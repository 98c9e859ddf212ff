"""The compose file, as far as it can be checked where no Docker runs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from loaders.loads import SOURCES

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "monitoring"
FILE = MONITORING / "compose.yaml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def given() -> set[str]:
    example = (MONITORING / "compose" / "env.example").read_text()
    return set(re.findall(r"^(\w+)=", example, re.M))


def test_it_is_what_the_schema_of_compose_files_wants() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    ran = subprocess.run([*check, FILE], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_every_mounted_file_is_there_and_nothing_is_open_to_others(compose: dict[str, Any]) -> None:
    mounted = []
    for name, service in compose["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                mounted.append(source)
                assert (MONITORING / source).exists(), f"{name}: {source}"
            else:
                assert source in compose["volumes"], f"{name}: {source}"
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"
    assert len(mounted) > 8


def test_whatever_it_asks_for_is_in_the_example(compose: dict[str, Any]) -> None:
    asked = set(re.findall(r"\$\{(\w+):\?\}", FILE.read_text()))
    asked |= {secret["environment"] for secret in compose["secrets"].values()}
    granted = (ROOT / "loaders" / "grants.sql").read_text()
    users = set(re.findall(r"^(?:grant|revoke) .* (?:to|from) (\w+);$", granted, re.M))
    of_dbt = {"transformer", "ci"}
    asked |= {f"DBT_ENV_SECRET_{user.upper()}_PASSWORD" for user in of_dbt}
    asked |= {f"GATEHOUSE_{user.upper()}_PASSWORD" for user in users - of_dbt}
    assert "GATEHOUSE_READER_PASSWORD" in asked
    assert asked <= given()


def test_every_source_has_its_address(compose: dict[str, Any]) -> None:
    known = given() | compose["x-gatehouse"]["environment"].keys()
    for source in SOURCES:
        # The replica is read where there is one.
        if source != "freshservice_replica":
            assert any(name.startswith(f"SOURCES__{source.upper()}__") for name in known), source


def test_prometheus_looks_where_the_services_are(compose: dict[str, Any]) -> None:
    for path in (MONITORING / "compose" / "targets").glob("*.yml"):
        service = yaml.safe_load(path.read_text())[0]["targets"][0].split(":")[0]
        assert service in compose["services"]
        assert (MONITORING / "prometheus" / "targets" / path.name).exists()
