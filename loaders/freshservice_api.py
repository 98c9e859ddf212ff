"""Freshservice's API: its pages, and how tickets are read while they change.

Tickets are read since a cursor, oldest change first. Every page asks anew for what changed since
the last ticket seen, instead of for page two: a ticket that changes while we read moves to the
end, and with page numbers the one behind it would slip through the edge.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from dlt.sources.helpers.requests import Client as RetryingSession

from loaders.errors import FeedError, GatehouseError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Api:
    """The API's lists, one page at a time.

    Parameters
    ----------
    base_url
        For example `https://acme.freshservice.com/api/v2`.
    api_key
        Sent as the user of HTTP Basic, as the vendor wants it.
    page_size
        Records of a page, at most 100.
    """

    def __init__(self, base_url: str, api_key: str, page_size: int) -> None:
        self._base_url = base_url.rstrip("/")
        # Three tries by .dlt/config.toml; honours Retry-After.
        self._session = RetryingSession().session
        self._auth = (api_key, "X")
        self._page_size = page_size

    def page(self, name: str, **params: Any) -> tuple[list[Any], bool]:
        """Return the records of a page, and whether the API says that another follows.

        Raises
        ------
        GatehouseError
            When the API refuses, stays away for three tries, or answers something else.
        """
        url = f"{self._base_url}/{name}"
        try:
            response = self._session.get(
                url, params={**params, "per_page": self._page_size}, auth=self._auth
            )
            records = response.json()[name]
        except requests.HTTPError as error:
            raise _refused(
                url, error.response.status_code if error.response is not None else 0
            ) from None
        except (requests.ConnectionError, requests.Timeout) as error:
            raise GatehouseError(
                f"Freshservice at {url} does not answer ({type(error).__name__}).",
                "Check SOURCES__FRESHSERVICE__BASE_URL; the next load resumes where this stopped.",
            ) from None
        except (ValueError, KeyError, TypeError):
            records = None
        if not isinstance(records, list):
            raise FeedError(
                f"Freshservice answered {url} without a list under '{name}'.",
                "What came before it has landed; the next load asks for this page again.",
            )
        return records, "next" in response.links


def _refused(url: str, status: int) -> GatehouseError:
    problem = f"Freshservice answered {url} with status {status}."
    if status == 401:
        return GatehouseError(problem, "Check SOURCES__FRESHSERVICE__API_KEY.")
    if status == 429:
        return GatehouseError(
            problem,
            "The account's rate limit is used up; the next load resumes where this stopped.",
        )
    if status == 403:
        return FeedError(problem, "Check the rights of the key's agent and the plan's features.")
    return FeedError(problem, "The next load resumes where this one stopped.")


class Tickets:
    """The tickets of one filter, changed since a cursor, oldest change first.

    Attributes
    ----------
    cursor
        `updated_at` up to which everything was read.
    error
        Why reading ended early. What was read until then is to be landed first.
    done
        Whether the end was reached.
    """

    def __init__(
        self, api: Api, ticket_filter: str, since: datetime, workspace_id: int, overlap: timedelta
    ) -> None:
        self._api = api
        self._params = {"workspace_id": workspace_id, "include": "stats"}
        if ticket_filter:
            self._params["filter"] = ticket_filter
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
                page, more = self._api.page(
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
