"""What the company buys: from whom, of which type, and by which method its value declines."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.world.dice import Weighted

FIRST_VENDOR_ID = 21000085371
FIRST_PRODUCT_ID = 21000056898
HARDWARE, COMPUTER, GATE = 21000855267, 21000855272, 21000855310
LAPTOP, DESKTOP, SERVER = 21000855304, 21000855305, 21000855306
TURNSTILE, SCANNER = 21000855311, 21000855312
PRINTER, NETWORK, TERMINAL = 21000855276, 21000855280, 21000855282


class AssetType(NamedTuple):
    """A node of the tree of types; fields are defined on a node and inherited downwards."""

    type_id: int
    name: str
    parent_id: int | None
    visible: bool = True


ASSET_TYPES = (
    AssetType(21000855265, "Services", None),
    AssetType(HARDWARE, "Hardware", None),
    AssetType(COMPUTER, "Computer", HARDWARE),
    AssetType(LAPTOP, "Laptop", COMPUTER),
    AssetType(DESKTOP, "Desktop", COMPUTER),
    AssetType(SERVER, "Server", COMPUTER),
    AssetType(PRINTER, "Printer", HARDWARE),
    AssetType(NETWORK, "Network device", HARDWARE),
    AssetType(TERMINAL, "Payment terminal", HARDWARE),
    AssetType(GATE, "Gate equipment", HARDWARE),
    AssetType(TURNSTILE, "Turnstile", GATE),
    AssetType(SCANNER, "Handheld scanner", GATE),
    AssetType(21000855299, "Fax machine", HARDWARE, visible=False),
)


class Depreciation(NamedTuple):
    """A method with its life. The API names it by id alone: the rest is known to finance."""

    depreciation_id: int
    method: str
    """straight_line, declining_balance or sum_of_years."""
    years: int
    yearly_rate: str | None = None
    """Of a declining balance; None is the rate that arrives at the salvage value."""


STRAIGHT_5, STRAIGHT_3 = 21000004101, 21000004102
DECLINING_4, DECLINING_30 = 21000004103, 21000004104
SUM_OF_YEARS_5 = 21000004105
DEPRECIATIONS = {
    method.depreciation_id: method
    for method in (
        Depreciation(STRAIGHT_5, "straight_line", 5),
        Depreciation(STRAIGHT_3, "straight_line", 3),
        Depreciation(DECLINING_4, "declining_balance", 4),
        Depreciation(DECLINING_30, "declining_balance", 5, "0.30"),
        Depreciation(SUM_OF_YEARS_5, "sum_of_years", 5),
    )
}


class Vendor(NamedTuple):
    """A company that sells or leases something."""

    vendor_id: int
    name: str
    line1: str | None
    city: str | None
    country: str | None


VENDORS = {
    name: Vendor(FIRST_VENDOR_ID + number, name, *address)
    for number, (name, *address) in enumerate(
        (
            ("Northwind Computers", "12 Harbour Road", "Boston", "United States"),
            ("Havel Notebooks", "Am Ufer 3", "Potsdam", "Germany"),
            ("Serverhaus", "Rechenweg 9", "Frankfurt", "Germany"),
            ("Gatewerk", "Drehkreuzallee 1", "Hannover", "Germany"),
            ("Hangang Scan", "테헤란로 152", "Seoul", "South Korea"),
            ("Inkline", "400 Paper Street", "Rochester", "United States"),
            ("Meshworks", None, "San Jose", "United States"),
            ("Paypoint Terminals", "8 Till Lane", "London", "United Kingdom"),
            ("Big Office", None, None, None),
            ("Drawwell", "22 Rue du Trait", "Lyon", "France"),
            ("Cloudtop", None, "Seattle", "United States"),
            ("Rentit Leasing", "77 Finance Plaza", "Dublin", "Ireland"),
        )
    )
}


class Product(NamedTuple):
    """A model that is bought again and again."""

    product_id: int
    name: str
    type_id: int
    vendor: Vendor
    price: int
    """The usual price in the account's currency, which is the US dollar."""
    salvage_share: float
    depreciation_id: int | None
    life_years: int
    warranty_years: int
    prefix: str
    weight: float


# Name, type, vendor, price, share of salvage, depreciation, years of life and of warranty, prefix,
# weight.
_Row = tuple[str, int, str, int, float, int | None, int, int, str, float]
ROWS: tuple[_Row, ...] = (
    ("Wind 14", LAPTOP, "Northwind Computers", 1450, 0.1, STRAIGHT_3, 5, 3, "LT", 26.0),
    ("Havel X2", LAPTOP, "Havel Notebooks", 1900, 0.15, DECLINING_4, 5, 3, "LT", 16.0),
    ("Wind Tower", DESKTOP, "Northwind Computers", 980, 0.05, STRAIGHT_5, 6, 2, "DT", 9.0),
    ("Rack 2U", SERVER, "Serverhaus", 8600, 0.1, SUM_OF_YEARS_5, 7, 5, "SV", 5.0),
    ("Rack 4U", SERVER, "Serverhaus", 17400, 0.1, DECLINING_30, 7, 5, "SV", 2.0),
    ("Drehkreuz T3", TURNSTILE, "Gatewerk", 6200, 0.2, STRAIGHT_5, 10, 2, "TS", 8.0),
    ("Scan One", SCANNER, "Hangang Scan", 640, 0.0, STRAIGHT_3, 4, 1, "SC", 17.0),
    ("Badge Jet", PRINTER, "Inkline", 1250, 0.1, SUM_OF_YEARS_5, 6, 2, "PR", 6.0),
    ("Mesh AP", NETWORK, "Meshworks", 410, 0.0, STRAIGHT_5, 6, 2, "AP", 6.0),
    ("Mesh Core", NETWORK, "Meshworks", 5300, 0.1, DECLINING_4, 8, 5, "SW", 2.0),
    ("Till Go", TERMINAL, "Paypoint Terminals", 320, 0.0, None, 4, 1, "PT", 3.0),
)
PRODUCTS = tuple(
    Product(FIRST_PRODUCT_ID + number, row[0], row[1], VENDORS[row[2]], *row[3:])
    for number, row in enumerate(ROWS)
)
PRODUCT_DRAW = Weighted(*((product, product.weight) for product in PRODUCTS))
