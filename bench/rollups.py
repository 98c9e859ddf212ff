"""What each question that rollups exist for costs there, and what it costs on the facts.

`python -m bench.rollups` asks the shorter history of `bench.incremental` for scans, unique people
and the gates' own entries: of an event, a gate, a zone and of everything, by hour, day, week and
month. Fact and rollup are asked by turns, the query cache off; medians are told, and the answers
must be equal.
"""

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.incremental import World
from sandbox import processes
from tests.sandboxes import throwaway

BUCKETS = {
    "hourly": ("date_hour", "toStartOfHour"),
    "daily": ("date_day", "toDate"),
    "weekly": ("date_week", "toMonday"),
    "monthly": ("date_month", "toStartOfMonth"),
}


class Measure(NamedTuple):
    """One number, as the fact and as its rollups tell it."""

    name: str
    fact: str
    of_fact: str
    at: str
    gate: str
    rollup: str
    of_rollup: str
    within: str = "true"


MEASURES = [
    Measure("scans", "fct_scans", "count()", "scanned_at", "gate_id",
            "rollup_attendance", "sum(scans_count)"),
    Measure("people", "fct_visits", "uniqExact(user_key)", "entered_at", "entry_gate_id",
            "rollup_attendance", "groupBitmapMerge(visitors)", "visits_count > 0"),
    Measure("entries by counters", "fct_gate_minutes", "sum(entries_count)", "minute_at",
            "gate_id", "rollup_gates", "sum(entries_count)"),
]  # fmt: skip


class Question(NamedTuple):
    """One question in both forms."""

    name: str
    fact: str
    rollup: str


def questions(event: str, gate: str, zone: str) -> Iterator[Question]:
    """Every measure, by every grain, of each of the things that rollups know."""
    for measure in MEASURES:
        places = {
            "an event": (f"event_id = '{event}'", f"event_id = '{event}'"),
            "a gate": (f"{measure.gate} = '{gate}'", f"gate_id = '{gate}'"),
            "a zone": (f"zone = '{zone}'", f"zone = '{zone}'"),
            "all": ("true", "true"),
        }
        for place, (in_fact, in_rollup) in places.items():
            for grain, (column, bucket) in BUCKETS.items():
                yield Question(
                    f"{measure.name} of {place}, {grain}",
                    f"select {bucket}({measure.at}) as bucket, {measure.of_fact}"
                    f" from marts.{measure.fact} where {in_fact} group by bucket order by bucket",
                    f"select {column} as bucket, {measure.of_rollup}"
                    f" from marts.{measure.rollup}_{grain} where {in_rollup} and {measure.within}"
                    " group by bucket order by bucket",
                )
            yield Question(
                f"{measure.name} of {place}, in all",
                f"select {measure.of_fact} from marts.{measure.fact} where {in_fact}",
                f"select {measure.of_rollup} from marts.{measure.rollup}_monthly where {in_rollup}",
            )


def measure(world: World, rounds: int) -> None:
    """Ask everything by turns and print the medians."""
    with world.connect("reader") as client:
        busiest = "select event_id, any(gate_id), any(zone) from marts.fct_scans group by event_id"
        event, gate, zone = client.query(f"{busiest} order by count() desc limit 1").result_rows[0]
        print(f"{'':38}{'rows read':>24}{'fewer':>8}{'milliseconds':>18}{'faster':>8}")
        for question in questions(event, gate, zone):
            rows: dict[str, int] = {}
            times: dict[str, list[float]] = {"fact": [], "rollup": []}
            answers = []
            for _ in range(rounds):
                for form, statement in (("fact", question.fact), ("rollup", question.rollup)):
                    found = client.query(statement, settings={"use_query_cache": 0})
                    rows[form] = int(found.summary["read_rows"])
                    times[form].append(int(found.summary["elapsed_ns"]) / 1e6)
                    answers.append([tuple(map(str, row)) for row in found.result_rows])
            slow, fast = (statistics.median(times[form]) for form in ("fact", "rollup"))
            print(
                f"{question.name:38}{rows['fact']:14,}{rows['rollup']:10,}"
                f"{rows['fact'] / rows['rollup']:8.0f}{slow:10.1f}{fast:8.1f}{slow / fast:8.1f}"
                + ("" if answers[0] == answers[1] else "  answers differ")
            )


def main() -> None:
    """Start the world, measure, stop it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, default=Path(".gatehouse/bench"))
    options.add_argument("--rounds", type=int, default=11)
    chosen = options.parse_args()
    world = World("once", throwaway(chosen.folder.absolute() / "once"))
    processes.up(world.sandbox.settings)
    try:
        measure(world, chosen.rounds)
    finally:
        processes.down(world.sandbox.settings)


if __name__ == "__main__":
    main()
