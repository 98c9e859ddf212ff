"""S-Attend's gate management: `GET /gate/metrics` and `GET /gate/gates`, with an API key.

Metrics are asked for by when they were reported: a gate that was offline reports hours late, and a
report may be corrected by a later one.
"""

from sandbox.gate_management.app import Gates, api

__all__ = ["Gates", "api"]
