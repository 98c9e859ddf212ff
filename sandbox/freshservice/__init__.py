"""A stand-in of the Freshservice REST API v2, faithful where a loader could stumble.

    app ─> gate (Basic auth) ─> limits (per minute and account) ─┬─> tickets   ─┐
                                                                 ├─> children  ─┼─> payloads
                                                                 ├─> directory ─┤
                                                                 ├─> cases     ─┤
                                                                 └─> estate    ─┘

What it answers comes from the world's service desk as of the world's clock. Oddities of the real
API that clients met (30-day window, links that end, deleted tickets under their filter alone,
statistics with an internal ticket id, zones by their Rails names) are kept on purpose. A page that
shifts while it is read is had by moving the clock between two of its pages.
"""

from sandbox.freshservice.account import Account
from sandbox.freshservice.app import api

__all__ = ["Account", "api"]
