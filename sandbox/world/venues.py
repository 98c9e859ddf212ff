"""Where events take place: halls and arenas in zones with every kind of clock."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sandbox.world.moments import zone


@dataclass(frozen=True, slots=True)
class Venue:
    """A place with a clock, a currency and a number of seats."""

    venue_id: str
    name: str
    timezone: str
    country: str
    currency: str
    capacity: int
    price_factor: int
    """Turns a price in US cents into the currency's minor unit, roughly."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone, loaded."""
        return zone(self.timezone)


VENUES = (
    Venue("ven-new-york-01", "Hudson Hall", "America/New_York", "US", "USD", 18000, 1),
    Venue("ven-new-york-02", "Pier 60 Loft", "America/New_York", "US", "USD", 2500, 1),
    Venue("ven-berlin-01", "Messe Spree", "Europe/Berlin", "DE", "EUR", 22000, 1),
    Venue("ven-berlin-02", "Kraftwerk Ost", "Europe/Berlin", "DE", "EUR", 3000, 1),
    Venue("ven-seoul-01", "한강 컨벤션홀", "Asia/Seoul", "KR", "KRW", 15000, 13),
    Venue("ven-seoul-02", "Gangnam Forum", "Asia/Seoul", "KR", "KRW", 4000, 13),
    Venue("ven-london-01", "Thames Arena", "Europe/London", "GB", "GBP", 20000, 1),
    Venue("ven-chicago-01", "Lakeside Center", "America/Chicago", "US", "USD", 12000, 1),
    Venue("ven-denver-01", "Red Mesa Amphitheatre", "America/Denver", "US", "USD", 9000, 1),
    Venue("ven-los-angeles-01", "Sunset Expo", "America/Los_Angeles", "US", "USD", 16000, 1),
    Venue("ven-phoenix-01", "Saguaro Dome", "America/Phoenix", "US", "USD", 14000, 1),
    Venue("ven-toronto-01", "Harbour Square", "America/Toronto", "CA", "CAD", 11000, 1),
    Venue("ven-sao-paulo-01", "Arena Paulista", "America/Sao_Paulo", "BR", "BRL", 25000, 5),
    Venue("ven-lisbon-01", "Pavilhão do Tejo", "Europe/Lisbon", "PT", "EUR", 10000, 1),
    Venue("ven-paris-01", "Halle de la Seine", "Europe/Paris", "FR", "EUR", 13000, 1),
    Venue("ven-istanbul-01", "Boğaz Kongre", "Europe/Istanbul", "TR", "TRY", 8000, 30),
    Venue("ven-dubai-01", "Marina Exhibition Hall", "Asia/Dubai", "AE", "AED", 17000, 4),
    Venue("ven-bengaluru-01", "Lalbagh Centre", "Asia/Kolkata", "IN", "INR", 9000, 80),
    Venue("ven-kathmandu-01", "Himal Hall", "Asia/Kathmandu", "NP", "NPR", 2000, 130),
    Venue("ven-tokyo-01", "Sumida Big Roof", "Asia/Tokyo", "JP", "JPY", 19000, 1),
    Venue("ven-sydney-01", "Darling Pavilion", "Australia/Sydney", "AU", "AUD", 12000, 1),
    Venue("ven-adelaide-01", "Torrens Stage", "Australia/Adelaide", "AU", "AUD", 3500, 1),
    Venue("ven-auckland-01", "Waitematā Centre", "Pacific/Auckland", "NZ", "NZD", 5000, 1),
    Venue("ven-nairobi-01", "Savannah Dome", "Africa/Nairobi", "KE", "KES", 6000, 130),
)
