"""The door: what every record passes before it may land.

A record is held against its JSON Schema, fields that the schema does not know are noted, and
identifiers are replaced. A record that fails is refused with a reason; it never stops its batch.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import jsonschema_rs
import orjson

from loaders.privacy import Privacy, is_anyone_forgotten

Record = dict[str, Any]
Normaliser = Callable[[str], str]
Rewrite = Callable[[Record, Privacy], Iterable[str]]
FORGOTTEN = "forgotten"


class RefusedError(Exception):
    """A record that may not land.

    Parameters
    ----------
    reason
        Kind of refusal: null_value, not_utf8, not_json, not_object, unknown_type or schema; or
        forgotten, of which no dead letter is kept.
    detail
        Path and rule that failed. Never a value: it could identify somebody.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def read_schema(name: str) -> dict[str, Any]:
    """Read a JSON Schema file of `loaders/schemas/`."""
    schema: dict[str, Any] = json.loads((files("loaders") / "schemas" / name).read_text())
    return schema


class Door:
    """Check and pseudonymise the records of one feed.

    Parameters
    ----------
    schema
        JSON Schema (draft 2020-12) of a record.
    private
        Fields to pseudonymise: dotted path of the field, and how its value is normalised before
        it is hashed. A path leads through every element of a list.
    known_fields
        For a record, the objects to search for new fields: the prefix of their path, the object,
        the names that the schema knows.
    privacy
        The keys.
    public
        Names of fields in an object that is to be pseudonymised which stay all the same: path of
        the object, the names.
    person
        Path of the private field that says whom the record is about, where it is about somebody:
        of whoever was forgotten no such record lands.
    rewrite
        Changes a record that passed before its fields are replaced, and says what it met that
        nobody knows.

    Attributes
    ----------
    new_fields
        Path of every field that the schema does not know, with the records that carried it; and
        what else was met that nobody knows.
    """

    def __init__(
        self,
        schema: dict[str, Any],
        private: Mapping[str, Normaliser],
        known_fields: Callable[[Record], list[tuple[str, Record, frozenset[str]]]],
        privacy: Privacy,
        public: Mapping[str, frozenset[str]] = MappingProxyType({}),
        person: str = "",
        rewrite: Rewrite = lambda _record, _privacy: (),
    ) -> None:
        self._rewrite = rewrite
        self._validator = jsonschema_rs.validator_for(schema, validate_formats=True)
        *parents_of_person, self._person = person.split(".")
        self._parents_of_person = tuple(parents_of_person)
        self._normalise_person = private.get(person, str)
        nothing: frozenset[str] = frozenset()
        self._private: dict[tuple[str, ...], list[tuple[str, Normaliser, frozenset[str]]]] = {}
        for path, normalise in private.items():
            *parents, key = path.split(".")
            found = self._private.setdefault(tuple(parents), [])
            found.append((key, normalise, public.get(path, nothing)))
        self._known_fields = known_fields
        self._privacy = privacy
        self.new_fields: Counter[str] = Counter()

    def parse(self, data: bytes | None) -> Record:
        """Read the bytes of a message as a JSON object.

        Raises
        ------
        RefusedError
            With reason null_value, not_utf8, not_json or not_object.
        """
        if data is None:
            raise RefusedError("null_value", "a record without a value")
        try:
            record = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            if not _is_utf8(data):
                raise RefusedError("not_utf8", "invalid UTF-8") from None
            raise RefusedError("not_json", f"line {error.lineno} column {error.colno}") from None
        if not isinstance(record, dict):
            raise RefusedError("not_object", f"a JSON {type(record).__name__}")
        return record

    def admit(self, record: Record) -> str:
        """Check a record, replace its identifiers in place, and return it as JSON to land.

        Raises
        ------
        RefusedError
            With reason unknown_type (its `type` is not one of the schema's), schema or forgotten.
        """
        if not self._validator.is_valid(record):
            raise self._refusal(record)
        if self._person and is_anyone_forgotten():
            for holder in _holders(record, self._parents_of_person):
                about = holder.get(self._person)
                if about and self._privacy.is_forgotten(self._normalise_person(str(about))):
                    raise RefusedError(FORGOTTEN, self._person)
        for prefix, fields, known in self._known_fields(record):
            if not known.issuperset(fields):
                self.new_fields.update([prefix + name for name in fields.keys() - known])
        if met := self._rewrite(record, self._privacy):
            self.new_fields.update(met)
        for parents, fields_of_parent in self._private.items():
            for holder in _holders(record, parents):
                for key, normalise, public in fields_of_parent:
                    if (value := holder.get(key)) is None:
                        continue
                    holder[key] = self._privacy.replace(value, normalise)
                    if public and isinstance(value, dict):
                        holder[key] |= {name: value[name] for name in public & value.keys()}
        return self._privacy.scrub(orjson.dumps(record).decode())

    def is_forgotten(self, data: bytes | None) -> bool:
        """Tell whether a record does not land because of whom it is about."""
        try:
            self.admit(self.parse(data))
        except RefusedError as refused:
            return refused.reason == FORGOTTEN or self._privacy.tells_of_forgotten(data or b"")
        return False

    def _refusal(self, record: Record) -> RefusedError:
        errors = list(self._validator.iter_errors(record))
        for error in errors:
            if error.instance_path == ["type"] and error.kind.name == "enum":
                return RefusedError("unknown_type", "type: enum")
        return RefusedError("schema", "; ".join(sorted({_rule(error) for error in errors})))


def source_time(text: str, field: str) -> datetime:
    """Read an RFC 3339 time that passed its schema, as UTC.

    Raises
    ------
    RefusedError
        When it is well-formed but no instant that the warehouse can hold (a leap second).
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedError("schema", f"{field}: not an instant") from None


def _holders(value: Any, parents: tuple[str, ...]) -> list[Record]:
    """Return the objects at the end of a path."""
    if isinstance(value, list):
        return [holder for element in value for holder in _holders(element, parents)]
    if not isinstance(value, dict):
        return []
    return _holders(value.get(parents[0]), parents[1:]) if parents else [value]


def _rule(error: jsonschema_rs.ValidationError) -> str:
    path = [str(part) for part in error.instance_path]
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        path.append(error.kind.property)
    return f"{'.'.join(path) or 'record'}: {error.kind.name}"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
