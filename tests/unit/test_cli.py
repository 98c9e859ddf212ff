"""What the command line says when it cannot go on."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from loaders.cli import app


@pytest.mark.parametrize(
    ("source", "variables"),
    [
        ("freshservice", ["SOURCES__FRESHSERVICE__BASE_URL", "SOURCES__FRESHSERVICE__API_KEY"]),
        ("event_management", ["SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS"]),
    ],
)
def test_what_is_not_configured_is_named(
    source: str, variables: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setenv("GATEHOUSE_PRIVACY_KEYS", "k1:a-secret-for-this-test-only")
    for variable in variables:
        monkeypatch.delenv(variable, raising=False)
    ran = CliRunner().invoke(app, ["load", source])
    assert ran.exit_code == 1
    assert ran.exception is None or isinstance(ran.exception, SystemExit)
    for variable in variables:
        assert variable in " ".join(ran.output.split())
