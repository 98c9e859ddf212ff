"""What the command line says when it cannot go on."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from loaders import freshservice
from loaders.cli import app
from loaders.loads import configured


@pytest.mark.parametrize(
    ("source", "variables"),
    [
        ("freshservice", ["SOURCES__FRESHSERVICE__BASE_URL", "SOURCES__FRESHSERVICE__API_KEY"]),
        ("event_management", ["SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS"]),
        ("ticket_events", ["SOURCES__TICKET_EVENTS__BOOTSTRAP_SERVERS"]),
        ("freshservice_replica", ["SOURCES__FRESHSERVICE_REPLICA__URL"]),
    ],
)
def test_what_is_not_configured_is_named(
    source: str, variables: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GATEHOUSE_STATE", str(tmp_path))
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setenv("GATEHOUSE_PRIVACY_KEYS", "k1:a-secret-for-this-test-only")
    for variable in variables:
        monkeypatch.delenv(variable, raising=False)
    ran = CliRunner().invoke(app, ["load", source])
    assert ran.exit_code == 1
    assert ran.exception is None or isinstance(ran.exception, SystemExit)
    for variable in variables:
        assert variable in " ".join(ran.output.split())


@pytest.mark.parametrize(
    ("is_set", "loaded"),
    [
        ([], ["freshservice"]),
        (["API_KEY"], ["freshservice"]),
        (["API_KEY", "REPLICA__URL"], ["freshservice", "freshservice_replica"]),
        (["REPLICA__URL"], ["freshservice_replica"]),
    ],
)
def test_the_desk_is_loaded_from_where_it_is_configured(
    is_set: list[str], loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "API_KEY": "SOURCES__FRESHSERVICE__API_KEY",
        "REPLICA__URL": "SOURCES__FRESHSERVICE_REPLICA__URL",
    }
    for name, variable in variables.items():
        monkeypatch.delenv(variable, raising=False)
        if name in is_set:
            monkeypatch.setenv(variable, "sqlite://")
    desk = [name for name in configured() if name.startswith(freshservice.SOURCE)]
    assert desk == loaded
