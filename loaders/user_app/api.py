"""The app's API: tokens that expire, and pages of messages."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from http import HTTPStatus
from typing import Any

from dlt.sources.helpers.requests import RequestException
from requests import HTTPError, Response

from loaders.errors import GatehouseError
from loaders.rest import Token, session

CREDENTIALS = "SOURCES__USER_APP__CLIENT_ID and __CLIENT_SECRET"


class Api:
    """The API with our credentials. Used by one thread at a time.

    Parameters
    ----------
    base_url
        For example `https://api.example.com/user-app`.
    client_id, client_secret
        Of OAuth2 client credentials.
    """

    def __init__(self, base_url: str, client_id: str, client_secret: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session = session()
        self._token = Token(
            access_token_url=f"{self.base_url}/oauth/token",
            client_id=client_id,
            client_secret=client_secret,
            session=self._session,
        )

    def token(self, *, renewed: bool = False) -> str:
        """Return a bearer token: the one that we have, unless it expired or is to be renewed.

        Raises
        ------
        GatehouseError
            When none is given.
        """
        if renewed or self._token.access_token is None or self._token.is_token_expired():
            try:
                self._token.obtain_token()
            except RequestException as error:
                raise self._failed(error) from None
        return str(self._token.access_token)

    def pages(self, since: datetime, until: datetime | None, limit: int) -> Iterator[list[bytes]]:
        """Yield what was received from an instant on and before another, oldest first.

        Each message is the line of its envelope. Without an end it is the server's present.

        Raises
        ------
        GatehouseError
            When the API refuses, stays away for three tries, or answers something else.
        """
        params: dict[str, Any] = {"from": since.isoformat(), "limit": limit}
        if until:
            params["until"] = until.isoformat()
        # The next page comes while this one is read: a backlog takes half the time.
        with ThreadPoolExecutor(1) as ahead:
            coming: Future[Response] | None = ahead.submit(self._get, params)
            while coming:
                response = coming.result()
                cursor = response.headers.get("X-Next-Cursor")
                params = {"cursor": cursor, "limit": limit}
                coming = ahead.submit(self._get, params) if cursor else None
                yield response.content.split(b"\n")[:-1]

    def _get(self, params: dict[str, Any]) -> Response:
        url = f"{self.base_url}/v2/messages"
        try:
            response: Response = self._session.get(url, params=params, auth=self._token)
        except RequestException as error:
            raise self._failed(error) from None
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise self._failed(HTTPError(response=response))
        kind = response.headers.get("Content-Type", "")
        is_whole = response.content.endswith(b"\n") or not response.content
        if not kind.startswith("application/x-ndjson") or not is_whole:
            raise GatehouseError(
                f"The user app answered {url} with something else than lines of messages.",
                "The next load asks for this page again.",
            )
        return response

    def _failed(self, error: RequestException) -> GatehouseError:
        response = error.response if isinstance(error, HTTPError) else None
        if response is None:
            return GatehouseError(
                f"The user app at {self.base_url} does not answer ({type(error).__name__}).",
                "Check SOURCES__USER_APP__BASE_URL; the next load resumes where this one stopped.",
            )
        where = (response.url or "").partition("?")[0]
        remedy = "The next load resumes where this one stopped."
        if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            remedy = f"Check {CREDENTIALS}."
        return GatehouseError(
            f"The user app answered {where} with status {response.status_code}.", remedy
        )
