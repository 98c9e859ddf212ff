"""The regions that requesters work in, and when people there write tickets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.world.desk.calendars import RAILS_ZONES
from sandbox.world.dice import Dice
from sandbox.world.moments import zone

# Tickets by hour of the local day: nobody at night, a peak in the morning, a dent at lunch.
HOURS = (1, 1, 1, 1, 1, 2, 4, 12, 38, 62, 66, 58, 40, 46, 54, 48, 38, 24, 12, 7, 5, 4, 3, 2)
WEEKDAYS = (1.25, 1.1, 1.0, 0.98, 0.85, 0.22, 0.16)


@dataclass(frozen=True)
class Region:
    """A part of the company with its own clock and its own first line."""

    key: str
    share: float
    rails_zone: str
    language: str

    @property
    def zone(self) -> ZoneInfo:
        """The time zone under its usual name."""
        return zone(RAILS_ZONES[self.rails_zone])

    def weight(self, moment: datetime) -> float:
        """How many tickets the region writes at an instant, compared with others."""
        local = moment.astimezone(self.zone)
        return self.share * HOURS[local.hour] * WEEKDAYS[local.weekday()]


REGIONS = (
    Region("americas", 0.45, "Eastern Time (US & Canada)", "en"),
    Region("emea", 0.35, "Berlin", "de"),
    Region("apac", 0.20, "Seoul", "ko"),
)


def intensity(seed: int, hour: datetime) -> float:
    """Tickets written in an hour: the regions' curves, noise, and now and then an outage."""
    dice = Dice(seed, "hour", hour.isoformat())
    outage = 3.5 if dice.chance(0.004) else 1.0
    return outage * dice.lognormal(1.0, 0.22) * sum(region.weight(hour) for region in REGIONS)


def region_at(dice: Dice, moment: datetime) -> Region:
    """Where a ticket that was written at an instant most likely comes from."""
    weights = [region.weight(moment) for region in REGIONS]
    point = dice.random() * sum(weights)
    for region, weight in zip(REGIONS, weights, strict=True):
        point -= weight
        if point < 0:
            return region
    return REGIONS[0]
