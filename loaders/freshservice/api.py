"""Freshservice's API: one answer at a time, within the account's budget."""

import math
import os
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import orjson
import stamina
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from urllib3.util import make_headers

from loaders.errors import FeedError, GatehouseError
from loaders.freshservice.budget import Budget, Call

TRIES = 3
_REFUSALS = 20
_TIMEOUT = 60
_CONNECTIONS = 32
_NUMBER = re.compile(r"(?<=/)\d+")


class Page(NamedTuple):
    """A page of a list: its records, whether another follows, and when it was read."""

    records: list[Any]
    more: bool
    at: datetime


class StatusError(FeedError):
    """An answer that is no success.

    Parameters
    ----------
    status, code
        The HTTP status, and the `code` in the body where there is one.
    """

    def __init__(self, url: str, status: int, code: str = "") -> None:
        remedy = "The next load resumes where this one stopped."
        if status == 403:
            remedy = "Check the rights of the key's agent."
        if status == 429:
            remedy = "The account's rate limit is used up; the next load resumes here."
        super().__init__(f"Freshservice answered {url} with status {status}.", remedy)
        self.status = status
        self.code = code

    @property
    def is_not_in_plan(self) -> bool:
        """Whether the account's plan lacks the module."""
        return self.code == "require_feature"


class _PassingError(Exception):
    """What a later try may change; carries what to raise when none does."""

    def __init__(self, final: GatehouseError) -> None:
        super().__init__()
        self.final = final


class Api:
    """The API's answers. Used by several threads.

    Parameters
    ----------
    base_url
        For example `https://acme.freshservice.com/api/v2`.
    api_key
        Sent as the user of HTTP Basic, as the vendor wants it.
    page_size
        Records of a page, at most 100.
    budget
        What every try passes, the failed ones too: the API charges for them.

    Attributes
    ----------
    now
        The source's present, by the `Date` of its latest answer.
    """

    def __init__(self, base_url: str, api_key: str, page_size: int, budget: Budget) -> None:
        self._base_url = base_url.rstrip("/")
        self._page_size = page_size
        self._budget = budget
        # urllib3 itself: dlt's client would try again past the budget, and requests costs three
        # times as much processor a call, of which a first load makes a hundred thousand.
        self._pool = _pool(base_url, make_headers(accept_encoding=True, basic_auth=f"{api_key}:X"))
        self.now = datetime.now(UTC)

    def page(
        self, path: str, key: str = "", tries: int = TRIES, until: float = math.inf, **params: Any
    ) -> Page:
        """Return a page of the list at a path, which stands under a key (the path's last word).

        Raises
        ------
        GatehouseError
            When the API refuses, stays away for three tries, or answers something else.
        """
        key = key or path.rpartition("/")[2]
        params["per_page"] = self._page_size
        response, at = self._answer(path, tries, until, params)
        records = _under(response, key)
        if not isinstance(records, list):
            raise FeedError(
                f"Freshservice answered {self._base_url}/{path} without a list under '{key}'.",
                "The next load asks for this page again.",
            )
        return Page(records, 'rel="next"' in response.headers.get("link", ""), at)

    def view(
        self, path: str, key: str, tries: int = TRIES, until: float = math.inf, **params: Any
    ) -> Page:
        """Return the object at a path as a page of one; an empty one where it is null."""
        response, at = self._answer(path, tries, until, params)
        record = _under(response, key)
        if record is _NOTHING:
            raise FeedError(
                f"Freshservice answered {self._base_url}/{path} without '{key}'.",
                "The next load asks again.",
            )
        return Page([] if record is None else [record], False, at)

    def stop(self) -> None:
        """Let no call wait for the budget any more: the run is over."""
        self._budget.stop()

    def _answer(
        self, path: str, tries: int, until: float, params: Mapping[str, Any]
    ) -> tuple[urllib3.BaseHTTPResponse, datetime]:
        try:
            for attempt in stamina.retry_context(_PassingError, attempts=TRIES, wait_initial=1.0):
                with attempt:
                    return self._try(path, attempt.num >= tries, until, params)
        except _PassingError as error:
            raise error.final from None
        raise AssertionError  # retry_context returns or raises

    def _try(
        self, path: str, is_last: bool, until: float, params: Mapping[str, Any]
    ) -> tuple[urllib3.BaseHTTPResponse, datetime]:
        url = f"{self._base_url}/{path}"
        response = self._send(path, url, until, params)
        at = self._read_clock(response)
        if response.status < 400:
            return response, at
        if response.status == 401:
            raise GatehouseError(
                f"Freshservice answered {url} with status 401.",
                "Check SOURCES__FRESHSERVICE__API_KEY.",
            )
        error = StatusError(url, response.status, _code(response))
        if response.status >= 500 and not is_last:
            raise _PassingError(error)
        raise error

    def _send(
        self, path: str, url: str, until: float, params: Mapping[str, Any]
    ) -> urllib3.BaseHTTPResponse:
        """Send until the API does not refuse for its rate limit."""
        includes = params.get("include", "").count(",") + ("include" in params)
        kind = _NUMBER.sub("{id}", path) + (f"?include={params['include']}" if includes else "")
        for _ in range(_REFUSALS):
            call = self._budget.take(kind, includes, until)
            response = self._ask(url, params, call)
            if response.status != 429:
                self._budget.answered(call, response.headers)
                return response
            self._budget.refuse(call, response.headers)
        raise StatusError(url, 429)

    def _ask(self, url: str, params: Mapping[str, Any], call: Call) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request("GET", url, fields=params, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            self._budget.lost(call)
            raise _PassingError(
                GatehouseError(
                    f"Freshservice at {url} does not answer ({type(error).__name__}).",
                    "Check SOURCES__FRESHSERVICE__BASE_URL; the next load resumes where this "
                    "stopped.",
                )
            ) from None

    def _read_clock(self, response: urllib3.BaseHTTPResponse) -> datetime:
        try:
            self.now = parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
        except (KeyError, ValueError):
            self.now = datetime.now(UTC)
        return self.now


def _pool(base_url: str, headers: Mapping[str, str]) -> urllib3.PoolManager:
    """Keep connections open, through the proxy and with the certificates of the environment."""
    settings: dict[str, Any] = {
        "headers": headers,
        "timeout": _TIMEOUT,
        "retries": False,
        "maxsize": _CONNECTIONS,
        "ca_certs": os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH,
    }
    if proxy := select_proxy(base_url, get_environ_proxies(base_url)):
        return urllib3.ProxyManager(proxy, **settings)
    return urllib3.PoolManager(**settings)


_NOTHING = object()


def _under(response: urllib3.BaseHTTPResponse, key: str) -> Any:
    try:
        return orjson.loads(response.data)[key]
    except (ValueError, KeyError, TypeError):
        return _NOTHING


def _code(response: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(orjson.loads(response.data)["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def deadline(seconds: float) -> float:
    """Return the end of a run that may last so long; 0 is without end."""
    return time.monotonic() + seconds if seconds else math.inf
