"""Reading tickets while they change: nothing slips through a page edge, nothing loops."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.errors import FeedError, GatehouseError
from loaders.freshservice.api import Page
from loaders.freshservice.window import Tickets

START = datetime(2026, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FakeApi:
    """Answers as the API does: sorted by updated_at then id, pages by number.

    `between` runs before every page but the first, so tickets can change while they are read.
    """

    def __init__(self, seconds: list[int], page_size: int = 3) -> None:
        self.updated = dict(enumerate(seconds, start=1))
        self.page_size = page_size
        self.between: Callable[[int], None] | None = None
        self.calls = 0
        self.reverse = False

    def page(self, name: str, **params: Any) -> Page:
        assert name == "tickets"
        if self.calls and self.between:
            self.between(self.calls)
        self.calls += 1
        assert self.calls < 500, "the reader loops"
        since = datetime.fromisoformat(params["updated_since"])
        order = sorted(self.updated.items(), key=lambda item: (item[1], item[0]))
        found = [(i, self._at(s)) for i, s in order if self._at(s) >= since]
        if self.reverse:
            found.reverse()
        first = (params["page"] - 1) * self.page_size
        page = found[first : first + self.page_size]
        shown = [{"id": i, "updated_at": at.isoformat()} for i, at in page]
        return Page(shown, len(found) > first + self.page_size, START)

    def _at(self, seconds: int) -> datetime:
        return START + timedelta(seconds=seconds)


def reader(
    api: Any, since: datetime = EPOCH, overlap: timedelta = timedelta(minutes=10)
) -> Tickets:
    return Tickets(api, since, overlap, workspace_id=0, include="stats")


def read_all(tickets: Tickets, rows: int = 5) -> list[tuple[int, str]]:
    found = []
    while not tickets.done:
        found += [(ticket["id"], ticket["updated_at"]) for ticket in tickets.read(rows)]
    return found


@given(st.lists(st.integers(0, 8), max_size=30), st.integers(1, 12))
def test_every_ticket_is_read_once_whatever_shares_an_updated_at(
    seconds: list[int], rows: int
) -> None:
    found = read_all(reader(FakeApi(seconds)), rows)
    assert sorted(i for i, _ in found) == list(range(1, len(seconds) + 1))


@given(st.lists(st.integers(0, 40), min_size=4, max_size=30), st.data())
def test_a_ticket_that_changes_while_we_read_hides_no_other(
    seconds: list[int], data: st.DataObject
) -> None:
    api = FakeApi(seconds)

    def touch(call: int) -> None:
        if call < 20:
            api.updated[data.draw(st.sampled_from(sorted(api.updated)))] = 100 + call

    api.between = touch
    tickets = reader(api)
    last = dict(read_all(tickets))
    api.between = None
    api.calls = 0
    # The next run, without its overlap, so that the overlap cannot hide a gap.
    last |= read_all(reader(api, tickets.cursor, overlap=timedelta()))
    assert last == {i: (START + timedelta(seconds=s)).isoformat() for i, s in api.updated.items()}


def test_no_page_is_deep_however_many_tickets_there_are() -> None:
    asked = []

    class Capped(FakeApi):
        def page(self, name: str, **params: Any) -> Page:
            asked.append(params["page"])
            return super().page(name, **params)

    assert len(read_all(reader(Capped(list(range(300)))), rows=50)) == 300
    assert set(asked) == {1}


def test_a_failure_ends_with_what_was_read_and_its_cursor() -> None:
    api = FakeApi([10, 20, 30, 40, 50])

    def fail(call: int) -> None:
        raise FeedError("page two is broken.", "Ask again.")

    api.between = fail
    tickets = reader(api)
    assert [i for i, _ in read_all(tickets)] == [1, 2, 3]
    assert isinstance(tickets.error, GatehouseError)
    assert tickets.cursor == START + timedelta(seconds=30)


def test_the_next_run_overlaps_the_cursor() -> None:
    api = FakeApi([0, 3000, 4000])
    again = reader(api, since=START + timedelta(seconds=4000))
    assert [i for i, _ in read_all(again)] == [3]
    earlier = reader(api, since=START + timedelta(seconds=3500))
    assert [i for i, _ in read_all(earlier)] == [2, 3]


def test_the_cursor_never_goes_back() -> None:
    tickets = reader(FakeApi([]), since=START)
    assert read_all(tickets) == []
    assert tickets.cursor == START


def test_an_api_that_does_not_sort_is_an_error_and_not_a_gap() -> None:
    api = FakeApi([10, 20, 30])
    api.reverse = True
    tickets = reader(api)
    read_all(tickets)
    assert tickets.error is not None
    assert "sort" in str(tickets.error)


@pytest.mark.parametrize("broken", [None, 7, "x", {"id": 1}, {"id": 1, "updated_at": "soon"}])
def test_a_ticket_without_a_time_is_passed_on_to_the_door(broken: Any) -> None:
    class Broken:
        def page(self, _name: str, **_params: Any) -> Page:
            return Page([broken], False, START)

    assert list(reader(Broken()).read(10)) == [broken]
