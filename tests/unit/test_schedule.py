"""Sources are loaded at their own pace, and what landed is built."""

import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from loaders import loads, schedule
from loaders.batch import Report
from loaders.schedule import Built, Cadence, Timetable


def built(*, ok: bool = True) -> Built:
    return Built(Counter(), [], ok, 0.0)


def test_every_source_has_a_pace_in_the_configuration() -> None:
    assert set(Cadence.of(loads.SOURCES)) == set(loads.SOURCES)
    assert all(seconds >= 60 for seconds in Cadence.of(loads.SOURCES).values())


def test_all_is_due_at_first_and_then_each_at_its_own_pace() -> None:
    timetable = Timetable({"often": 300, "seldom": 3600})
    assert timetable.due(0) == ["often", "seldom"]
    assert timetable.pause(20) == 280
    assert timetable.due(299) == []
    assert timetable.due(300) == ["often"]
    assert timetable.due(3600) == ["often", "seldom"]


def test_what_was_missed_while_loads_took_long_is_one_load() -> None:
    timetable = Timetable({"often": 300})
    timetable.due(0)
    assert timetable.pause(1000) == 0
    assert timetable.due(1000) == ["often"]
    assert timetable.due(1001) == []


def nothing() -> None:
    """Nothing to look for."""


@pytest.mark.parametrize(("report", "ok"), [(Report("a", "f"), True), (Report("a", "f"), False)])
def test_the_first_turn_builds_whatever_landed_before_it(report: Report, ok: bool) -> None:
    went_well = schedule.run(
        Timetable({"a": 300}), lambda _due: [report], lambda: built(ok=ok), nothing, once=True
    )
    assert went_well == ok


def test_a_source_that_failed_is_told_and_the_others_are_built() -> None:
    builds = []

    def build() -> Built:
        builds.append(1)
        return built()

    reports = [Report("a", "f", error="no answer"), Report("b", "f", landed=3)]
    assert not schedule.run(
        Timetable({"a": 1, "b": 1}), lambda _due: reports, build, nothing, once=True
    )
    assert builds == [1]


def test_nothing_is_built_where_nothing_landed_and_a_failed_build_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class EndedError(Exception):
        pass

    said = []
    outcomes = iter([built(), built(ok=False), built()])
    landed = iter([0, 0, 5, 0, 0])

    def load(_due: list[str]) -> list[Report]:
        try:
            report = Report("a", "f", landed=next(landed))
        except StopIteration:
            raise EndedError from None
        said.append(f"load {report.landed}")
        return [report]

    def build() -> Built:
        said.append("build")
        return next(outcomes)

    monkeypatch.setattr(schedule.time, "sleep", lambda _seconds: None)
    with pytest.raises(EndedError):
        schedule.run(Timetable({"a": 300}), load, build, lambda: said.append("look"), once=False)
    # It is looked for what is silent whether anything landed or not.
    assert said == [
        *("load 0", "build", "look"), *("load 0", "look"), *("load 5", "build", "look"),
        *("load 0", "build", "look"), *("load 0", "look"),
    ]  # fmt: skip


def test_what_is_silent_is_looked_for_once_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    asked = []
    results = [
        SimpleNamespace(status=status, node=SimpleNamespace(source_name="gates", name=name))
        for status, name in (("pass", "a"), ("error", "c"), ("warn", "d"), ("error", "b"))
    ]

    def answer(_dbt: schedule.Dbt, *command: str) -> SimpleNamespace:
        asked.append(command)
        (tmp_path / "sources.json").write_text("{}")
        return SimpleNamespace(exception=None, result=SimpleNamespace(results=results))

    monkeypatch.setattr(schedule.Dbt, "_run", answer)
    dbt = schedule.Dbt(tmp_path)
    assert dbt.find_silent() == "silent: gates.b, gates.c"
    assert dbt.find_silent() == ""
    os.utime(tmp_path / "sources.json", (0, 0))
    dbt.find_silent()
    assert asked == [("source", "freshness")] * 2


def test_the_files_of_the_project_are_seen_to_change() -> None:
    root = Path(loads.__file__).parent.parent
    files = set(schedule.Dbt(root).files())
    assert root / "dbt_project.yml" in files
    assert root / "models/marts/shared/dim_dates.sql" in files


def test_a_scheduled_build_leaves_out_unit_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(_dbt: schedule.Dbt, *command: str) -> SimpleNamespace:
        asked.append(command)
        return SimpleNamespace(exception=None, success=True, result=None)

    monkeypatch.setattr(schedule.Dbt, "_run", answer)
    schedule.Dbt(tmp_path).build(["--selector", "attendance"])
    assert asked == [("build", "--exclude-resource-type", "unit_test", "--selector", "attendance")]
