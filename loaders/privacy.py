"""Pseudonyms and seals: the keyed replacement of identifiers, and the encryption of dead letters.

Keys come as `GATEHOUSE_PRIVACY_KEYS="k1:secret,k2:another"`. The last one is current; the earlier
ones stay so that what they sealed can be opened and what they hashed can be recognised: whoever is
seen is linked to the pseudonym that they had under the first of them (`raw.pseudonym_links`). A
key that is retired (`-k1:secret`) opens and recognises, and nobody is linked to it any more.

Who was forgotten is known by marks: hashes of pseudonyms, which tell the door to let nothing of
theirs in and name nobody in a table (`raw.forgotten`).
"""

import base64
import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from cryptography.fernet import Fernet, MultiFernet

from loaders.errors import GatehouseError

VARIABLE = "GATEHOUSE_PRIVACY_KEYS"
_MIN_SECRET = 16
# So many pseudonyms a process remembers to have linked; then it begins anew, and links some again.
_LINKED_AT_ONCE = 200_000
_LONGEST = 320  # characters of an identifier: as many as an e-mail address may have
_Key = tuple[str, "hashlib._Hash", "hashlib._Hash"]

# What may still hide in fields that nobody declared: e-mail addresses and international phone
# numbers. Matched on the text of a whole payload, so neither may fire on an ISO timestamp.
_STRAY_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_STRAY_PHONE = re.compile(r"\+\d[\d ()-]{6,16}\d")
_PHONE_NOISE = re.compile(r"[^\d+]")

# What stands in a text where somebody who was forgotten was named.
NOBODY = "forgotten"
# The marks, as raw last told them to this process: every door in it, whoever made it, goes by them.
_marks: frozenset[str] = frozenset()


def remember_forgotten(marks: Iterable[str]) -> None:
    """Let every door of this process go by these marks from now on."""
    global _marks
    _marks = frozenset(marks)


def is_anyone_forgotten() -> bool:
    """Tell whether there are marks at all: most of the time nobody need look for one."""
    return bool(_marks)


def mark(pseudonym: str) -> str:
    """Return the mark of a pseudonym; `loaders/forget/run.py` has the same in SQL."""
    return hashlib.sha256(b"forgotten:" + pseudonym.encode()).hexdigest()[:32]


class Privacy:
    """Replace and seal with the keys of `GATEHOUSE_PRIVACY_KEYS`.

    Parameters
    ----------
    keys
        `id:secret` pairs, comma separated, the current one last; a secret has at least 16
        characters. One that is retired has a minus before its id.

    Attributes
    ----------
    links, marks
        What a load has to tell raw before the records that bear them land: (pseudonym, the one
        under the first key), and marks under the current key of who was forgotten under another.

    Raises
    ------
    GatehouseError
        When the keys are missing or malformed. Never shows them.
    """

    def __init__(self, keys: str) -> None:
        given = [pair.strip().partition(":") for pair in keys.split(",") if pair.strip()]
        pairs = [(i.removeprefix("-"), secret) for i, _, secret in given]
        is_retired = [i.startswith("-") for i, _, _ in given]
        if (
            any(not i.isalnum() or len(secret) < _MIN_SECRET for i, secret in pairs)
            or len({i for i, _ in pairs}) < len(pairs)
            or not pairs
            or is_retired[-1]
        ):
            raise GatehouseError(
                f"{VARIABLE} is missing or malformed.",
                f"Set it to id:secret pairs, the current one last; ids are letters and digits, "
                f"each another, secrets at least {_MIN_SECRET} characters.",
            )
        self._keys = [(f"{i}.", *_hmac_states(secret.encode())) for i, secret in pairs]
        self._prefix, self._inner, self._outer = self._keys[-1]
        self._first = self._keys[is_retired.index(False)]
        self._is_rotated = self._first is not self._keys[-1]
        self._linked: set[str] = set()
        # Filled by who reads and emptied by who lands, in another thread.
        self.links: deque[tuple[str, str]] = deque()
        self.marks: deque[str] = deque()
        seals = [Fernet(_fernet_key(secret.encode())) for _, secret in reversed(pairs)]
        self._seal = MultiFernet(seals)

    @classmethod
    def from_env(cls) -> "Privacy":
        """Read the keys from the environment."""
        return cls(os.environ.get(VARIABLE, ""))

    def pseudonym(self, value: str) -> str:
        """Return `<key id>.<32 hex>`: HMAC-SHA-256 (RFC 2104) of the value, cut to 128 bits.

        Of whoever was forgotten it is `NOBODY`.
        """
        if _marks and self.is_forgotten(value):
            return NOBODY
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(value.encode())
        outer.update(inner.digest())
        return self._prefix + outer.digest()[:16].hex()

    def person(self, value: str) -> str:
        """Return the pseudonym of what people are told apart by, and link it to their first."""
        pseudonym = self.pseudonym(value)
        if self._is_rotated and pseudonym not in self._linked and pseudonym != NOBODY:
            if len(self._linked) >= _LINKED_AT_ONCE:
                self._linked.clear()
            self._linked.add(pseudonym)
            self.links.append((pseudonym, _pseudonym(self._first, value)))
        return pseudonym

    def lasting(self, value: str) -> str:
        """Return the pseudonym under the first key: while that is listed, a rotation leaves it."""
        if _marks and self.is_forgotten(value):
            return NOBODY
        return _pseudonym(self._first, value)

    def pseudonyms(self, value: str) -> list[str]:
        """Return the pseudonyms of a value under every key, whoever was forgotten."""
        return [_pseudonym(key, value) for key in self._keys]

    def is_forgotten(self, value: str) -> bool:
        """Tell whether a value, normalised as its field is, is of somebody who was forgotten."""
        if not _marks:
            return False
        of_keys = [mark(one) for one in self.pseudonyms(value)]
        if _marks.isdisjoint(of_keys):
            return False
        if of_keys[-1] not in _marks:
            self.marks.append(of_keys[-1])
        return True

    def tells_of_forgotten(self, data: bytes) -> bool:
        """Tell whether bytes that nobody could read as a record name one who was forgotten."""
        return bool(_marks) and any(mark(one) in _marks for one in self.pseudonyms_in(data))

    def pseudonyms_in(self, data: bytes) -> Iterator[str]:
        """Yield the pseudonyms of whatever in a sealed record may be an identifier.

        It may be broken anywhere: what stands between quotes is taken, closed or not, and what
        looks like an address or a number.
        """
        text = data.decode(errors="replace")
        words = {*text.split('"'), *_STRAY_EMAIL.findall(text), *_STRAY_PHONE.findall(text)}
        for word in words | {_unescaped(word) for word in words if "\\" in word}:
            if len(word) <= _LONGEST:
                for form in spellings(word):
                    yield from self.pseudonyms(form)

    def replace(self, value: object, normalise: Callable[[str], str]) -> object:
        """Pseudonymise a JSON value, lists and objects element by element.

        Null and the empty string stay what they are: they identify nobody, and completeness is
        measured downstream. Whoever was forgotten is null.
        """
        if value is None or value == "":
            return value
        if isinstance(value, str):
            make = self.person if self._is_rotated and normalise is not text else self.pseudonym
            replaced = make(normalise(value))
            return None if replaced == NOBODY else replaced
        if isinstance(value, list):
            return [self.replace(element, normalise) for element in value]
        if isinstance(value, dict):
            return {key: self.replace(element, normalise) for key, element in value.items()}
        return self.replace(str(value), normalise)

    def scrub(self, text: str) -> str:
        """Replace e-mail addresses and phone numbers wherever they stand in a text."""
        if "@" in text:  # rare once the declared fields are replaced, and the search is dear
            text = _STRAY_EMAIL.sub(lambda found: self.person(email(found.group())), text)
        return _STRAY_PHONE.sub(lambda found: self.person(phone(found.group())), text)

    def seal(self, data: bytes) -> str:
        """Encrypt (Fernet) what only the holder of the key may read again."""
        return self._seal.encrypt(data).decode()

    def unseal(self, token: str) -> bytes:
        """Decrypt what `seal` made, with the current key or an earlier one.

        Raises
        ------
        cryptography.fernet.InvalidToken
            When none of the keys made it.
        """
        return self._seal.decrypt(token.encode())


def email(value: str) -> str:
    """Normalise an e-mail address, so that one person has one pseudonym in every source."""
    return value.strip().lower()


def phone(value: str) -> str:
    """Normalise a phone number to its digits and a leading plus."""
    return _PHONE_NOISE.sub("", value)


def name(value: str) -> str:
    """Normalise a person's full name, so that one in prose finds its person."""
    return " ".join(value.split()).casefold()


def verbatim(value: str) -> str:
    """Leave a value as it is: an opaque id."""
    return value


def text(value: str) -> str:
    """Leave a value as it is: free text, or whatever else nobody is told apart by."""
    return value


def spellings(value: str) -> set[str]:
    """Return a value as each of the normalisers leaves it."""
    digits = set() if any(map(str.isalpha, value)) else {phone(value)}
    return ({value, value.strip(), email(value), name(value)} | digits) - {"", "+"}


def _unescaped(word: str) -> str:
    try:
        return str(json.loads(f'"{word}"'))
    except ValueError:
        return word


def _pseudonym(key: _Key, value: str) -> str:
    prefix, inner, outer = key
    inner, outer = inner.copy(), outer.copy()
    inner.update(value.encode())
    outer.update(inner.digest())
    return prefix + outer.digest()[:16].hex()


def _hmac_states(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """Return the two keyed states of HMAC-SHA-256 (RFC 2104).

    Copying them costs a third of `hmac.digest`, and every record has several identifiers.
    """
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return (
        hashlib.sha256(bytes(byte ^ 0x36 for byte in block)),
        hashlib.sha256(bytes(byte ^ 0x5C for byte in block)),
    )


def _fernet_key(secret: bytes) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"seal:" + secret).digest())
