"""Replay: dead letters go through the door again, after what refused them was mended."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import dlt
import pyarrow as pa
from cryptography.fernet import InvalidToken

from loaders import freshservice, gate_management, integrated_platform, user_app
from loaders.batch import Batch, Report
from loaders.dead_letters import DeadLetter
from loaders.door import Door, Record, RefusedError
from loaders.errors import GatehouseError
from loaders.event_management import EVENT_DATA
from loaders.landing import ddl, land, open_pipeline
from loaders.privacy import Privacy
from loaders.ticket_events import TICKET_EVENTS
from loaders.topic import Position

_TOPICS = {feed.source: feed for feed in (EVENT_DATA, TICKET_EVENTS)}
_LISTS = {module.SOURCE: module.FEEDS for module in (gate_management, integrated_platform)}


def open_letter(privacy: Privacy, letter: DeadLetter) -> bytes:
    """Return what the source sent.

    Raises
    ------
    GatehouseError
        When none of the privacy keys sealed it.
    """
    try:
        return privacy.unseal(letter.payload_sealed)
    except InvalidToken:
        raise GatehouseError(
            f"Dead letter {letter.dead_letter_id} was sealed with a key that is not among "
            "GATEHOUSE_PRIVACY_KEYS.",
            "Put the earlier key back in front of the current one.",
        ) from None


def replay(letters: list[DeadLetter]) -> list[Report]:
    """Land those that pass the door now, under the identity they had; leave the others open.

    Killed half-way, it is run again: a record that landed twice is counted once by its identity.

    Returns
    -------
    list of Report
        One per source and feed.
    """
    privacy = Privacy.from_env()
    feeds: dict[tuple[str, str], list[DeadLetter]] = {}
    for letter in letters:
        feeds.setdefault((letter.source, letter.feed), []).append(letter)
    return [_replay_feed(privacy, *feed, found) for feed, found in feeds.items()]


class _Entrance(NamedTuple):
    """What a feed's records pass on their way into raw."""

    door: Door
    table: str
    columns: pa.Schema
    statement: str
    row: Callable[[Record, str, DeadLetter], tuple[Any, ...]]


def _entrance(privacy: Privacy, source: str, feed: str) -> _Entrance:
    if topic := _TOPICS.get(source):

        def message(record: Record, payload: str, letter: DeadLetter) -> tuple[Any, ...]:
            assert letter.source_at is not None  # noqa: S101  the broker's timestamp, always there
            return topic.row(record, payload, Position.read(letter.position), letter.source_at)

        return _Entrance(topic.door(privacy), topic.table, topic.columns, topic.statement, message)
    if of_source := _LISTS.get(source):
        listed = of_source[feed]
        return _Entrance(
            listed.door(privacy),
            listed.table,
            listed.columns,
            listed.statement,
            lambda record, payload, _letter: listed.row(record, payload),
        )
    if source == user_app.SOURCE:
        return _Entrance(
            user_app.door(privacy),
            user_app.TABLE,
            user_app.COLUMNS,
            ddl(user_app.SOURCE),
            lambda record, payload, _letter: user_app.row(record, payload, "replay"),
        )
    name = feed.partition("?")[0]
    return _Entrance(
        freshservice.door(freshservice.ENTITIES[name], privacy),
        f"{freshservice.SOURCE}__{name}",
        freshservice.columns_of(name),
        freshservice.table_of(name),
        lambda record, payload, letter: freshservice.row(
            record, payload, freshservice.parent_of(letter.position)
        ),
    )


def _replay_feed(privacy: Privacy, source: str, feed: str, letters: list[DeadLetter]) -> Report:
    report = Report(source, feed)
    entrance = _entrance(privacy, source, feed)
    gate = entrance.door
    report.new_fields = gate.new_fields
    batch = Batch(report, entrance.table, entrance.columns, privacy)
    for letter in letters:
        try:
            record = gate.parse(open_letter(privacy, letter) or None)
            payload = gate.admit(record)
            row = entrance.row(record, payload, letter)
        except RefusedError as refused:
            report.read += 1
            report.refused[refused.reason] += 1
            continue
        batch.add(row)
        batch.letters.append(replace(letter, status="replayed"))
    with open_pipeline(source, [entrance.statement]) as pipeline:
        land(pipeline, replayed(batch))
    return report


@dlt.resource(name="replayed", write_disposition="append")
def replayed(batch: Batch) -> Any:
    """Yield the rows, and their dead letters with the new status."""
    yield from batch.items()
