"""Where the company is: regions, and the offices in them."""

from __future__ import annotations

from typing import NamedTuple

FIRST_LOCATION_ID = 21000520001


class Location(NamedTuple):
    """A place; a region has no address and no parent."""

    location_id: int
    name: str
    parent_location_id: int | None
    line1: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    zipcode: str | None = None


AMERICAS, EMEA, APAC = (FIRST_LOCATION_ID + number for number in range(3))
LOCATIONS = (
    Location(AMERICAS, "Americas", None),
    Location(EMEA, "EMEA", None),
    Location(APAC, "APAC", None),
    Location(
        21000520011, "New York", AMERICAS, "350 Fifth Avenue", "New York", "NY", "US", "10118"
    ),
    Location(21000520012, "Austin", AMERICAS, "500 Congress Avenue", "Austin", "TX", "US", "78701"),
    Location(21000520013, "Berlin", EMEA, "Straße des 17. Juni 1", "Berlin", None, "DE", "10557"),
    Location(21000520014, "London", EMEA, "1 Exhibition Way", "London", None, "GB", "E16 1XL"),
    Location(21000520015, "Seoul", APAC, "영동대로 513", "Seoul", None, "KR", "06164"),
)
