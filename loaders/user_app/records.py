"""The app's messages: their envelope, their door, and the rows that they become.

Both lanes send a message in the same envelope, {"seq", "received_at", "message"}: a frame of the
socket, a line of a page. Whichever brought it, it is read here.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pyarrow as pa

from loaders.batch import Batch, Report
from loaders.door import Door, Record, RefusedError, read_schema
from loaders.privacy import Privacy, text, verbatim

SOURCE = "user_app"
FEED = "messages"
TABLE = "user_app__events"
COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("message_id", pa.string()),
        ("type", pa.string()),
        ("event_id", pa.string()),
        ("source_at", pa.timestamp("ms", "UTC")),
        ("sent_at", pa.timestamp("ms", "UTC")),
        ("received_at", pa.timestamp("ms", "UTC")),
        ("seq", pa.uint64()),
        ("channel", pa.string()),
        ("payload", pa.string()),
    ]
)
# The ticket, the gate and the place stay: they name nobody by themselves. A device is its owner.
PRIVATE = {
    "user_id": verbatim,
    "device_info.device_id": verbatim,
    "properties.text": text,
}
PERSON = "user_id"
_SCHEMA = read_schema("user_app_schema_v2.json")
_MESSAGE = frozenset(_SCHEMA["properties"])
_NESTED = {name: frozenset(_SCHEMA["$defs"][name]["properties"]) for name in _SCHEMA["$defs"]}
_PROPERTIES = {
    **dict.fromkeys(("check_in", "check_out"), _NESTED["scan"]),
    **{name: _NESTED[name] for name in ("view", "poll_answer", "question", "rating")},
    **dict.fromkeys(("session_join", "session_leave"), frozenset[str]()),
}
# What a DateTime64 of ClickHouse can hold.
_YEARS = range(1900, 2299)


class Place(NamedTuple):
    """Where the server keeps a message: its number, and when it was taken."""

    seq: int
    received_at: datetime


class EnvelopeDoor(Door):
    """The door of an envelope: what it holds is held against the schema, and lands."""

    def parse(self, data: bytes | None) -> Record:
        """Read the bytes of an envelope; its received_at becomes an instant.

        Raises
        ------
        RefusedError
            See Door; with reason schema when it lacks what the server has to say.
        """
        record = super().parse(data)
        seq, received_at = record.get("seq"), record.get("received_at")
        record["received_at"] = _instant(received_at) if isinstance(received_at, str) else None
        if type(seq) is not int or not 0 <= seq < 2**63 or record["received_at"] is None:
            raise RefusedError("schema", "envelope: seq or received_at")
        return record

    def admit(self, record: Record) -> str:
        """See Door."""
        message = record.get("message")
        if not isinstance(message, dict):
            raise RefusedError("not_object", f"message: a JSON {type(message).__name__}")
        return super().admit(message)


Wanted = Callable[[Place | None], bool]


def door(privacy: Privacy) -> Door:
    """Return the door of the envelopes."""
    return EnvelopeDoor(_SCHEMA, PRIVATE, _known_fields, privacy, person=PERSON)


def _known_fields(message: Record) -> list[tuple[str, Record, frozenset[str]]]:
    return [
        ("", message, _MESSAGE),
        ("device_info.", message["device_info"], _NESTED["device_info"]),
        ("location.", message["location"] or {}, _NESTED["location"]),
        ("properties.", message["properties"], _PROPERTIES[message["type"]]),
    ]


class Taker:
    """Take envelopes of one lane through the door into batches.

    Parameters
    ----------
    report
        Is filled in.
    privacy
        The keys.
    channel
        See `row`.
    """

    def __init__(self, report: Report, privacy: Privacy, channel: str) -> None:
        self._report = report
        self._privacy = privacy
        self._channel = channel
        self._gate = door(privacy)
        report.new_fields = self._gate.new_fields

    def batch(self) -> Batch:
        """Return an empty batch."""
        return Batch(self._report, TABLE, COLUMNS, self._privacy)

    def take(self, data: bytes, batch: Batch, is_wanted: Wanted = lambda _: True) -> Place | None:
        """Add an envelope to a batch if it is wanted; return its place, if it tells.

        A refused one becomes a dead letter of the batch.
        """
        at = None
        try:
            envelope = self._gate.parse(data)
            at = Place(envelope["seq"], envelope["received_at"])
            if is_wanted(at):
                batch.add(row(envelope, self._gate.admit(envelope), self._channel))
        except RefusedError as refused:
            batch.refuse(str(at.seq) if at else "", refused, data, at and at.received_at)
        return at


def row(envelope: Record, payload: str, channel: str) -> tuple[Any, ...]:
    """Return a message as a row of `COLUMNS`.

    Parameters
    ----------
    envelope, payload
        The envelope that passed the door, and what the door made of its message.
    channel
        websocket, rest, or replay of a dead letter.
    """
    message = envelope["message"]
    return (
        SOURCE,
        message["message_id"],
        message["type"],
        message["event_id"],
        _instant(message["timestamp"]),
        _instant(message["sent_at"]),
        envelope["received_at"],
        envelope["seq"],
        channel,
        payload,
    )


def _instant(text: str) -> datetime | None:
    """Read a time of whatever clock; None where it is no instant that the warehouse can hold.

    One without an offset is none: nobody knows whose noon it was.
    """
    try:
        at = datetime.fromisoformat(text)
        if not at.tzinfo:
            return None
        # In UTC here: arrow takes 11 us to turn a time with another offset, and this half of one.
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in _YEARS else None
