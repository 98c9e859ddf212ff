"""The audit: what each layer holds against the one before it, window by window.

source -> raw is compared here, as only loaders can talk to sources; raw -> staging -> facts ->
rollups in `models/audit/`, whose views are read here. Either way a window has a count and a
checksum on both sides: the sum of a hash of each record's identity, copies counted once.

A topic is compared up to what the consumer group has committed, the app's messages and the lists
of gates and platform up to the last that landed: what came since is for the next load. What a
source keeps no longer, or raw after its three months, is not compared, and neither is what a source
still has of the forgotten.

`run.py` is the order of it, `windows.py` what is compared, `topics.py`, `app.py` and `lists.py`
hold raw against the sources, and `layers.py` asks the views.
"""

from loaders.audit.run import SOURCES, audit
from loaders.audit.windows import STEPS, Tally, Window, steps

__all__ = ["SOURCES", "STEPS", "Tally", "Window", "audit", "steps"]
