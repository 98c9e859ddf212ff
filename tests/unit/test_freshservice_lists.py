"""Lists whose records come and go while they are read, and which children are asked for."""

import random
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.batch import Report
from loaders.errors import GatehouseError
from loaders.freshservice import children, keys
from loaders.freshservice.api import Page, StatusError
from loaders.freshservice.budget import OutOfTimeError
from loaders.freshservice.due import Due
from loaders.freshservice.lists import PARTS, read_whole
from loaders.freshservice.records import Parent, Taker, content_id, parent_of
from loaders.privacy import Privacy

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PRIVACY = Privacy("k1:a-secret-for-this-test-only")


class Shelf:
    """A list and its bin, in pages of three; `between` runs before every page but the first."""

    def __init__(self, ids: list[int], binned: list[int] | None = None) -> None:
        self.ids, self.binned = ids, binned or []
        self.between: Callable[[], None] = lambda: None
        self.calls = 0
        self.now = NOW

    def page(self, _path: str, page: int, trashed: str = "false", **_params: Any) -> Page:
        if self.calls:
            self.between()
        self.calls += 1
        found = self.binned if trashed == "true" else self.ids
        shown = [{"id": record} for record in found[3 * (page - 1) : 3 * page]]
        return Page(shown, len(found) > 3 * page, NOW)


def ids(records: list[Any]) -> set[int]:
    return {record["id"] for record in records}


@given(st.integers(0, 20), st.integers(0, 2**32))
def test_no_record_is_missed_because_others_went_while_the_list_was_read(
    count: int, seed: int
) -> None:
    shelf, dice = Shelf(list(range(1, count + 1))), random.Random(seed)
    stays = set(dice.sample(shelf.ids, count // 2))

    def vanish() -> None:
        for record in dice.sample(shelf.ids, min(2, len(shelf.ids))):
            if record not in stays:
                shelf.ids.remove(record)

    known = frozenset(shelf.ids)
    shelf.between = vanish
    any_api: Any = shelf
    assert stays <= ids(read_whole(any_api, "requesters", known).records)


def test_a_list_that_lacks_nothing_is_read_once() -> None:
    shelf: Any = Shelf(list(range(10)))
    read_whole(shelf, "requesters", frozenset(range(10)))
    assert shelf.calls == 4


def test_who_is_restored_from_the_bin_while_both_are_read_is_not_gone() -> None:
    shelf: Any = Shelf([1, 2], binned=[7])

    def restore() -> None:
        if shelf.binned and shelf.calls == 1:
            shelf.ids.append(shelf.binned.pop())

    shelf.between = restore
    read = read_whole(shelf, "assets", frozenset({1, 2, 7}), PARTS["assets"])
    assert ids(read.records) == {1, 2, 7}
    assert {r["id"]: r["trashed"] for r in read.records} == {1: False, 2: False, 7: False}


class Desk:
    """Answers a view of every ticket but those that are gone; `tickets` shows the others."""

    now = NOW

    def __init__(self, shown: list[int], hidden: list[int]) -> None:
        self.shown, self.hidden = shown, hidden
        self.viewed: list[str] = []

    def page(self, _path: str, filter: str = "", **_params: Any) -> Page:  # noqa: A002
        found = [] if filter else self.shown
        return Page([{"id": i, "updated_at": NOW.isoformat()} for i in found], False, NOW)

    def view(self, path: str, _key: str) -> Page:
        self.viewed.append(path)
        if int(path.rpartition("/")[2]) in self.hidden:
            return Page([{}], False, NOW)
        raise StatusError(path, 404)


def test_a_ticket_is_gone_only_after_it_was_asked_for_by_its_number() -> None:
    desk: Any = Desk(shown=[1, 2, 3], hidden=[5])
    swept, gone = keys.read_keys(desk, {1, 2, 4, 5}, 0)
    assert swept.record_ids == (1, 2, 3, 5)
    assert gone == {4}
    assert desk.viewed == ["tickets/4", "tickets/5"]


class Children:
    """Answers lists of children as told, by the end of their path."""

    now = NOW

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def page(self, path: str, **_params: Any) -> Page:
        self.asked.append(path)
        answer = self.answers.get(path.rpartition("/")[2], [])
        if isinstance(answer, Exception):
            raise answer
        return Page(answer, False, NOW)

    def view(self, path: str, _key: str, **params: Any) -> Page:
        return self.page(path, **params)

    def stop(self) -> None:
        pass


def due(feed: str, *parents: int) -> list[Due]:
    return [Due(feed, Parent("ticket", number), NOW) for number in parents]


def read(api: Any, todo: list[Due], until: float = float("inf")) -> list[children.Answer]:
    return list(children.read_all(api, todo, workers=2, until=until))


def test_a_survey_that_nobody_answered_is_read_all_the_same() -> None:
    nothing: Any
    for nothing in ([], StatusError("url", 404)):
        [answer] = read(Children(csat_response=nothing), due("csat_responses", 1))
        assert (answer.records, answer.error) == ([], None)


def test_what_fails_is_told_and_the_rest_goes_on() -> None:
    api = Children(activities=StatusError("url", 500), conversations=[{"id": 1}])
    answers = read(api, [*due("activities", 1), *due("conversations", 1)])
    assert {a.due.feed: (a.status, len(a.records)) for a in answers} == {
        "activities": (500, 0),
        "conversations": (200, 1),
    }


def test_a_source_that_only_fails_is_left_alone() -> None:
    api = Children(activities=StatusError("url", 503))
    with pytest.raises(GatehouseError, match="503"):
        read(api, due("activities", *range(1000)))
    assert len(api.asked) < 500


def test_what_failed_before_may_fail_again_without_ending_the_run() -> None:
    api = Children(activities=StatusError("url", 500))
    todo = [wanted._replace(tries=1) for wanted in due("activities", *range(200))]
    assert len(read(api, todo)) == 200


def test_a_module_that_the_plan_lacks_is_asked_for_a_few_times_at_most() -> None:
    api = Children(tasks=StatusError("url", 403, "require_feature"))
    answers = read(api, due("tasks", *range(1000)))
    assert len(api.asked) == len(answers) <= 2 * children._AHEAD + 2
    assert all(answer.error and answer.status == 403 for answer in answers)


def test_a_run_whose_time_is_up_ends_with_what_it_has() -> None:
    assert read(Children(), due("activities", 1, 2, 3), until=0.0) == []

    class Slow(Children):
        def page(self, path: str, **_params: Any) -> Page:
            if len(self.asked) == 5:
                raise OutOfTimeError
            return super().page(path)

    assert len(read(Slow(), due("activities", *range(100)))) <= 5


def test_a_child_lands_under_its_parent_and_a_refused_one_says_whose_it_was() -> None:
    taker = Taker("time_entries", Report("freshservice", "time_entries"), PRIVACY)
    batch, parent = taker.batch(), Parent("change", 12)
    good = {"id": 5, "time_spent": "120:30", "agent_id": 1, "updated_at": "2026-01-02T03:04:05Z"}
    assert taker.take([good, {"id": 6}], batch, parent) == (5, 6)
    [landed] = batch._rows
    assert landed[:4] == ("freshservice", "change", 12, 5)
    [letter] = batch.letters
    assert letter.position == "change/12/time_entries/6"
    assert parent_of(letter.position) == parent
    assert parent_of("tickets/6") is None


def test_activities_without_an_id_get_one_of_their_content() -> None:
    told = {"actor": {"id": 1, "name": "A B"}, "content": "created this ticket"}
    first = {**told, "created_at": "2026-01-02T03:04:05Z"}
    later = {**told, "created_at": "2026-01-02T03:04:06Z"}

    def landed(*records: dict[str, Any]) -> list[int]:
        taker = Taker("activities", Report("freshservice", "activities"), PRIVACY)
        batch = taker.batch()
        taker.take([deepcopy(record) for record in records], batch, Parent("ticket", 1))
        return [row[3] for row in batch._rows]

    once = landed(first, later)
    assert len({*once}) == 2
    assert landed(first, later) == once
    assert landed(later, first) == once[::-1]
    twice = landed(first, first)
    assert twice[0] == once[0] != twice[1]
    assert 0 <= content_id("x", 1) < 2**63
