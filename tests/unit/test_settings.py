from datetime import date, timedelta
from pathlib import Path

import pytest

from sandbox.settings import Settings, SettingsError, environment, freeze, world_file


def settings_of(tmp_path: Path, **variables: str) -> Settings:
    return Settings.from_env({"GATEHOUSE_STATE": str(tmp_path), **variables})


def test_nothing_needs_to_be_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env({})
    assert settings.state == tmp_path / ".gatehouse"
    assert settings.host == "127.0.0.1"
    assert settings.clickhouse_http_port == 18123
    assert settings.clickhouse_tcp_port == 19000
    assert settings.kafka_port == 19092
    assert settings.sources_port == 18080
    assert settings.start == date.today() - timedelta(days=90)
    assert (settings.seed, settings.scale, settings.days, settings.dirt) == (1, 1, 90, 0.01)


def test_an_empty_variable_is_an_unset_one(tmp_path: Path) -> None:
    assert settings_of(tmp_path, GATEHOUSE_KAFKA_PORT="").kafka_port == 19092


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GATEHOUSE_KAFKA_PORT", "abc"),
        ("GATEHOUSE_KAFKA_PORT", "0"),
        ("GATEHOUSE_SOURCES_PORT", "65536"),
        ("GATEHOUSE_CLICKHOUSE_HTTP_PORT", "18123.0"),
        ("GATEHOUSE_CLICKHOUSE_TCP_PORT", "-1"),
        ("GATEHOUSE_SANDBOX_SEED", "one"),
        ("GATEHOUSE_SANDBOX_SCALE", "0"),
        ("GATEHOUSE_SANDBOX_SCALE", "nan"),
        ("GATEHOUSE_SANDBOX_START", "01.02.2026"),
        ("GATEHOUSE_SANDBOX_DAYS", "1.5"),
        ("GATEHOUSE_SANDBOX_DIRT", "2"),
    ],
)
def test_a_bad_value_is_one_line_with_variable_and_remedy(
    tmp_path: Path, variable: str, value: str
) -> None:
    with pytest.raises(SettingsError) as error:
        settings_of(tmp_path, **{variable: value})
    message = str(error.value)
    assert message.startswith(f"{variable} is {value!r}, not a ")
    assert "unset it for" in message
    assert "\n" not in message


def test_two_parts_on_one_port_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"GATEHOUSE_KAFKA_PORT and GATEHOUSE_SOURCES_PORT"):
        settings_of(tmp_path, GATEHOUSE_KAFKA_PORT="18080")


def test_the_world_stays_as_it_was_at_the_first_up(tmp_path: Path) -> None:
    freeze(settings_of(tmp_path, GATEHOUSE_SANDBOX_SEED="7", GATEHOUSE_SANDBOX_START="2026-01-31"))
    later = settings_of(tmp_path)
    assert (later.seed, later.start) == (7, date(2026, 1, 31))
    freeze(later)


def test_another_world_in_the_same_state_is_refused(tmp_path: Path) -> None:
    freeze(settings_of(tmp_path, GATEHOUSE_SANDBOX_SCALE="0.25"))
    freeze(settings_of(tmp_path, GATEHOUSE_SANDBOX_SCALE="0.250"))
    with pytest.raises(SettingsError, match=r"GATEHOUSE_SANDBOX_SCALE is 2, .* made with 0\.25"):
        freeze(settings_of(tmp_path, GATEHOUSE_SANDBOX_SCALE="2"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"seed": 1}', '{"seed": null}'])
def test_a_damaged_world_file_stops_up_but_not_down(tmp_path: Path, content: str) -> None:
    world_file(tmp_path).parent.mkdir()
    world_file(tmp_path).write_text(content)
    settings = settings_of(tmp_path)
    with pytest.raises(SettingsError, match="is damaged: run `make clean`"):
        freeze(settings)


def test_the_environment_points_at_this_sandbox(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, GATEHOUSE_KAFKA_PORT="1", GATEHOUSE_SOURCES_PORT="2")
    env = environment(settings)
    assert Settings.from_env(env) == settings
    assert env["SOURCES__EVENT_MANAGEMENT__BOOTSTRAP_SERVERS"] == "127.0.0.1:1"
    assert env["SOURCES__FRESHSERVICE__BASE_URL"] == "http://127.0.0.1:2/api/v2"
    assert len(env["GATEHOUSE_PRIVACY_KEYS"].removeprefix("k1:")) >= 32
