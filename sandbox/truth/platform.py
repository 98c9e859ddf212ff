"""The truth of the integrated platform, as the files of it tell.

    platform_hours   per organisation, event, channel and hour: what was said last by now, how
                     often it was said, and under `real` what really was
    profiles         per person: as the platform has them now

Both leave out nothing for dirt; dirt.jsonl tells which records were spoilt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.world import World
from sandbox.world.moments import instant
from sandbox.world.platform.profiles import Profile

Row = Mapping[str, Any]


def platform_files(world: World, now: int) -> Iterator[tuple[str, Iterator[Row]]]:
    """Each file's name and its lines."""
    yield "platform_hours", _hours(world, now)
    yield "profiles", _profiles(world, now)


def _hours(world: World, now: int) -> Iterator[Row]:
    for said, really, times in world.platform.last_statements(now):
        whole = really.fields()
        yield {
            **said.fields(),
            "statements": times,
            "real": {name: whole[name] for name in ("visitors", "signups", "conversions")}
            | {"revenue_minor": whole["revenue_minor"]},
        }


def _profiles(world: World, now: int) -> Iterator[Row]:
    seen: dict[str, Profile] = {}
    for sent in world.platform.profiles(now):
        seen[sent.name] = sent.record
    for profile in seen.values():
        yield {
            "user_id": profile.fields()["user_id"],
            "segment": profile.segment,
            "country": profile.country,
            "organization_id": profile.organization_id,
            "updated_at": instant(profile.at),
        }
