"""Dead letters: whom the sealed records name, and what only they say of somebody.

A record that was refused may be the only one that tells an account's address, or the only one
that names somebody by the registration that they hold.
"""

from collections.abc import Iterator
from typing import Any

import orjson
from cryptography.fernet import InvalidToken

from loaders.forget.worklist import WorkList
from loaders.privacy import Privacy, email


class Letters:
    """Open the dead letters, and put on the list what they say.

    Attributes
    ----------
    unreadable
        How many none of the keys opens: whose they are nobody can say.
    """

    def __init__(self, todo: WorkList, privacy: Privacy) -> None:
        self._todo = todo
        self._privacy = privacy
        self.unreadable = 0

    def add_accounts(self) -> None:
        """Put on the list, for who follows links, each account with the address beside it."""
        pairs = {pair for _, _, data in self._open() for pair in _accounts_in(_read(data))}
        of_keys = (
            zip(self._privacy.pseudonyms(user), self._privacy.pseudonyms(address), strict=True)
            for user, address in pairs
        )
        self._todo.add(
            "account", {f"{user} {address}" for both in of_keys for user, address in both}
        )

    def add_theirs(self, registrations: set[str]) -> None:
        """Put on the list those that name them, or a registration that nobody else held."""
        named = self._todo.values("person")
        found: set[str] = set()
        for letter_id, position, data in self._open():
            if (
                not named.isdisjoint(self._privacy.pseudonyms_in(data))
                or any(value in position for value in named)
                or not registrations.isdisjoint(data.decode(errors="replace").split('"'))
            ):
                found.add(letter_id)
        self._todo.add("dead_letter", found)

    def _open(self) -> Iterator[tuple[str, str, bytes]]:
        self.unreadable = 0
        letters = "select dead_letter_id, position, payload_sealed from raw.dead_letters"
        with self._todo.client.query_rows_stream(letters) as rows:
            for letter_id, position, sealed in rows:
                try:
                    yield letter_id, position, self._privacy.unseal(sealed)
                except InvalidToken:
                    self.unreadable += 1


def _read(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _accounts_in(value: Any) -> Iterator[tuple[str, str]]:
    """Yield user id and address wherever one object has both."""
    if isinstance(value, dict):
        user, address = value.get("user_id"), value.get("email")
        if isinstance(user, str) and isinstance(address, str) and user and address:
            yield user, email(address)
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _accounts_in(part)
