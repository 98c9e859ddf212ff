"""S-Attend's gate management: `GET /gate/metrics` and `GET /gate/gates`, with an API key.

Metrics are asked for by when they were reported. A gate that was offline reports hours late, a
report may be corrected by a later one, and every gate's reports are shown a little after they came
in: by how much is the gate's own.
"""

from sandbox.gate_management.app import Gates, api

__all__ = ["Gates", "api"]
