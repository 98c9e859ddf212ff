"""What the audit takes for a difference, and what it tells to do about it."""

import json
import zlib
from typing import Any, NamedTuple

import pytest
from kafka import TopicPartition
from typer.testing import CliRunner

from loaders.audit import Tally, Window, run, steps, topics
from loaders.batch import Tell
from loaders.cli import app
from loaders.errors import GatehouseError

ENDS = {TopicPartition("t", 0): 3, TopicPartition("t", 1): 0}
BEGINS = {TopicPartition("t", 0): 1, TopicPartition("t", 1): 0}


class Message(NamedTuple):
    topic: str
    partition: int
    offset: int


class FakeConsumer:
    """Partition 0 of a topic, whose next poll brings up to two messages."""

    def __init__(self, offsets: list[int]) -> None:
        self.messages = [Message("t", 0, offset) for offset in offsets]
        self.at = dict.fromkeys(ENDS, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at[partition] = offset

    def position(self, partition: TopicPartition, timeout_ms: float) -> int:
        assert timeout_ms == 0
        return self.at[partition]

    def poll(self, **_options: Any) -> dict[TopicPartition, list[Message]]:
        partition = TopicPartition("t", 0)
        found = [m for m in self.messages if m.offset >= self.at[partition]][:2]
        if found:
            self.at[partition] = found[-1].offset + 1
        return {partition: found} if found else {}


def window(
    above: tuple[int, int] = (2, 7), below: tuple[int, int] = (2, 7), unbuilt: bool = False
) -> Window:
    return Window(
        "user_app", "raw_to_staging", "raw.a", "staging.b", "2026-11-20",
        above[0], below[0], above[1], below[1], unbuilt, "Run this.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("below", "unbuilt", "state"),
    [
        ((2, 7), False, "agrees"),
        ((2, 7), True, "agrees"),
        ((1, 7), False, "differs"),
        ((2, 8), False, "differs"),  # as many, but other ones
        ((1, 3), True, "waits"),
    ],
)
def test_a_window_agrees_by_count_and_checksum(
    below: tuple[int, int], unbuilt: bool, state: str
) -> None:
    assert window(below=below, unbuilt=unbuilt).state == state


def test_a_tally_is_held_against_raw_both_ways() -> None:
    tally = Tally()
    for name in ("b", "a"):
        tally.add(1, name)
    tally.add(2, "c")
    a, b, c = (zlib.crc32(name.encode()) for name in ("a", "b", "c"))
    raw = [(1, 2, a + b), (3, 1, 5)]
    assert list(tally.against(raw)) == [
        (1, (2, 2, a + b, a + b)),
        (2, (1, 0, c, 0)),
        (3, (0, 1, 0, 5)),
    ]


def test_a_topic_is_read_from_what_it_still_has_to_what_was_committed() -> None:
    consumer: Any = FakeConsumer([0, 1, 2, 3, 4])
    read = list(topics._records(consumer, BEGINS, ENDS))
    assert [record.offset for record in read] == [1, 2]


def test_a_broker_that_has_less_than_was_committed_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(topics, "_SILENCE_SECONDS", -1)
    consumer: Any = FakeConsumer([0])
    with pytest.raises(GatehouseError, match="though its group has committed more"):
        list(topics._records(consumer, BEGINS, ENDS))


def test_steps_are_counted_by_state() -> None:
    windows = [window(), window(below=(1, 7)), window(below=(1, 7), unbuilt=True)]
    assert steps(windows) == [
        {
            "source": "user_app",
            "step": "raw_to_staging",
            "tables": 1,
            "windows": 3,
            "records": 6,
            "differ": 1,
            "wait": 1,
        }
    ]


@pytest.mark.parametrize(
    ("windows", "error", "code"),
    [
        ([window()], "", 0),
        ([window(below=(1, 3), unbuilt=True)], "", 0),
        ([window(), window(below=(1, 7))], "", 1),
        ([window()], "Kafka is away.", 1),
    ],
)
def test_the_exit_code_says_whether_all_agrees(
    windows: list[Window], error: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare(_tell: Tell) -> list[Window]:
        if error:
            raise GatehouseError(error, "Start it.")
        return []

    monkeypatch.setattr(run, "SOURCES", {"user_app": compare})
    monkeypatch.setattr(run, "of_layers", lambda: windows)
    ran = CliRunner().invoke(app, ["audit"])
    assert ran.exit_code == code
    told = " ".join(ran.output.split())
    assert ("differs: user_app, 2026-11-20" in told) == (code == 1 and not error)
    assert ("Run this." in told) == (code == 1 and not error)
    assert ("Kafka is away. Start it." in told) == bool(error)
    ran = CliRunner().invoke(app, ["audit", "--json"])
    assert ran.exit_code == code
    assert json.loads(ran.stdout)["agrees"] == (code == 0)
