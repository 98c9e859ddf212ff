"""How tickets are read while they change.

They are read since a cursor, oldest change first. Every page asks anew for what changed since the
last ticket seen, instead of for page two: a ticket that changes while we read moves to the end, and
with page numbers the one behind it would slip through the edge. It also keeps clear of any cap on
the number of a page.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from loaders.errors import FeedError, GatehouseError
from loaders.freshservice.api import Api

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Tickets:
    """The tickets of one filter, changed since a cursor, oldest change first.

    Parameters
    ----------
    since, overlap
        The cursor of the last run, and how far before it this one begins.
    params
        What else the list is asked for: workspace_id, include, filter.

    Attributes
    ----------
    cursor
        `updated_at` up to which everything was read.
    error
        Why reading ended early. What was read until then is to be landed first.
    done
        Whether the end was reached.
    """

    def __init__(self, api: Api, since: datetime, overlap: timedelta, **params: Any) -> None:
        self._api = api
        self._params = params
        self._since = max(EPOCH, since - overlap)
        self.cursor = since
        self._seen: set[tuple[Any, Any]] = set()
        self._number = 1
        self._falling = False
        self._next, self._ended = self._since, False
        self.error: GatehouseError | None = None
        self.done = False

    def read(self, rows: int) -> Iterator[Any]:
        """Yield up to about that many tickets, each version once."""
        while rows > 0 and not self.done:
            try:
                page, more, _ = self._api.page(
                    "tickets",
                    updated_since=instant(self._since),
                    order_by="updated_at",
                    order_type="asc",
                    page=self._number,
                    **self._params,
                )
                yield from (fresh := self._unseen(page))
                rows -= len(fresh)
                self._advance(page, more)
            except GatehouseError as error:
                self.error = error
                self.done = True

    def _unseen(self, page: list[Any]) -> list[Any]:
        fresh = []
        for ticket in page:
            version = _version(ticket)
            if version not in self._seen:
                self._seen.add(version)
                fresh.append(ticket)
        return fresh

    def _advance(self, page: list[Any], more: bool) -> None:
        times = [t for t in (updated_at(ticket) for ticket in page) if t]
        if times != sorted(times):
            raise FeedError(
                "Freshservice did not sort tickets by updated_at, so the cursor cannot be trusted.",
                "Nothing is lost; report the account's API version.",
            )
        last = times[-1] if times else self._since
        if self._falling:
            self._number -= 1
        elif more and last <= self._since:
            self._number += 1  # a bulk edit: more tickets share one updated_at than fill a page
            return
        else:
            self._next, self._ended = last, not more
            self._number -= 1
        # On the way up, a ticket that changed let the ones behind it slip to a page already read;
        # on the way down they can only be read twice.
        self._falling = self._number > 0
        if not self._falling:
            self._since, self._number, self.done = self._next, 1, self._ended
            self.cursor = max(self.cursor, self._since)


def updated_at(ticket: Any) -> datetime | None:
    """Return when a ticket says it was changed; None where it does not, or not readably."""
    try:
        return datetime.fromisoformat(ticket["updated_at"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def instant(at: datetime) -> str:
    """Write an instant as the API does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _version(ticket: Any) -> tuple[Any, Any]:
    if isinstance(ticket, dict):
        return repr(ticket.get("id")), repr(ticket.get("updated_at"))
    return repr(ticket), None
