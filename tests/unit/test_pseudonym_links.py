"""What raw is told of people, and that it is told again where ClickHouse was away."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import stamina

from loaders import pseudonym_links
from loaders.errors import GatehouseError
from loaders.privacy import Privacy
from loaders.pseudonym_links import tell_of_people


class Raw:
    """ClickHouse, as far as it is told; away for the first so many times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, away: int) -> None:
        self.away = away
        self.asked = 0
        self.told: list[Any] = []
        fake: Any = self
        monkeypatch.setattr(pseudonym_links, "Server", fake)

    def from_env(self) -> "Raw":
        return self

    @contextmanager
    def connect(self) -> Iterator["Raw"]:
        self.asked += 1
        if self.asked <= self.away:
            raise GatehouseError("ClickHouse is away.", "Start it.")
        yield self

    def query(self, *_arguments: Any, **_options: Any) -> "Raw":
        return self

    result_rows: tuple[Any, ...] = ()

    def insert(self, table: str, rows: list[Any], *_arguments: Any, **_options: Any) -> None:
        self.told += [(table, *row) for row in rows]


@pytest.fixture
def rotated() -> Iterator[Privacy]:
    privacy = Privacy("k1:0123456789abcdef,k2:fedcba9876543210")
    privacy.person("usr-1")
    with stamina.set_testing(True, attempts=3):
        yield privacy


def test_links_are_told_again_where_clickhouse_was_away(
    monkeypatch: pytest.MonkeyPatch, rotated: Privacy
) -> None:
    raw = Raw(monkeypatch, away=2)
    tell_of_people(rotated)
    link = ("pseudonym_links", rotated.pseudonym("usr-1"), rotated.lasting("usr-1"))
    assert (raw.told, raw.asked) == ([link], 3)
    assert not rotated.links


def test_links_that_could_not_be_told_are_kept_for_the_next_load(
    monkeypatch: pytest.MonkeyPatch, rotated: Privacy
) -> None:
    raw = Raw(monkeypatch, away=9)
    with pytest.raises(GatehouseError):
        tell_of_people(rotated)
    assert (raw.asked, len(rotated.links)) == (3, 1)
