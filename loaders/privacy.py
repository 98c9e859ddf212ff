"""Pseudonyms and seals: the keyed replacement of identifiers, and the encryption of dead letters.

Keys come as `GATEHOUSE_PRIVACY_KEYS="k1:secret,k2:another"`. The last one is current; the earlier
ones stay so that what they sealed can be opened and what they hashed can be recognised.
"""

import base64
import hashlib
import os
import re
from collections.abc import Callable

from cryptography.fernet import Fernet, MultiFernet

from loaders.errors import GatehouseError

VARIABLE = "GATEHOUSE_PRIVACY_KEYS"
_MIN_SECRET = 16

# What may still hide in fields that nobody declared: e-mail addresses and international phone
# numbers. Matched on the text of a whole payload, so neither may fire on an ISO timestamp.
_STRAY_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_STRAY_PHONE = re.compile(r"\+\d[\d ()-]{6,16}\d")
_PHONE_NOISE = re.compile(r"[^\d+]")


class Privacy:
    """Replace and seal with the keys of `GATEHOUSE_PRIVACY_KEYS`.

    Parameters
    ----------
    keys
        `id:secret` pairs, comma separated, the current one last; a secret has at least 16
        characters.

    Raises
    ------
    GatehouseError
        When the keys are missing or malformed. Never shows them.
    """

    def __init__(self, keys: str) -> None:
        pairs = [pair.strip().partition(":") for pair in keys.split(",") if pair.strip()]
        if not pairs or any(not i.isalnum() or len(s) < _MIN_SECRET for i, _, s in pairs):
            raise GatehouseError(
                f"{VARIABLE} is missing or malformed.",
                f"Set it to id:secret pairs, the current one last; ids are letters and digits, "
                f"secrets at least {_MIN_SECRET} characters.",
            )
        self._prefix = pairs[-1][0] + "."
        self._inner, self._outer = _hmac_states(pairs[-1][2].encode())
        seals = [Fernet(_fernet_key(secret.encode())) for _, _, secret in reversed(pairs)]
        self._seal = MultiFernet(seals)

    @classmethod
    def from_env(cls) -> "Privacy":
        """Read the keys from the environment."""
        return cls(os.environ.get(VARIABLE, ""))

    def pseudonym(self, value: str) -> str:
        """Return `<key id>.<32 hex>`: HMAC-SHA-256 (RFC 2104) of the value, cut to 128 bits."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(value.encode())
        outer.update(inner.digest())
        return self._prefix + outer.digest()[:16].hex()

    def replace(self, value: object, normalise: Callable[[str], str]) -> object:
        """Pseudonymise a JSON value, lists and objects element by element.

        Null and the empty string stay what they are: they identify nobody, and completeness is
        measured downstream.
        """
        if value is None or value == "":
            return value
        if isinstance(value, str):
            return self.pseudonym(normalise(value))
        if isinstance(value, list):
            return [self.replace(element, normalise) for element in value]
        if isinstance(value, dict):
            return {key: self.replace(element, normalise) for key, element in value.items()}
        return self.pseudonym(normalise(str(value)))

    def scrub(self, text: str) -> str:
        """Replace e-mail addresses and phone numbers wherever they stand in a text."""
        if "@" in text:  # rare once the declared fields are replaced, and the search is dear
            text = _STRAY_EMAIL.sub(lambda found: self.pseudonym(email(found.group())), text)
        return _STRAY_PHONE.sub(lambda found: self.pseudonym(phone(found.group())), text)

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
    """Leave a value as it is: an opaque id, or free text."""
    return value


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
