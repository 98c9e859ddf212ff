"""S-Attend's integrated platform: OAuth2 client credentials, `/platform/analytics`, `/profiles`.

A token lives for minutes. Hours are restated for two days, and come again by their `updated_at`.
"""

from sandbox.integrated_platform.app import Portal, api

__all__ = ["Portal", "api"]
