"""S-Attend's gate management: what each lane of each gate counted, minute by minute.

```
GET /gate/metrics?from=   reported since the cursor   -> raw.gate_management__gate_minutes
GET /gate/gates           the gate list, whole        -> raw.gate_management__gates
                                    refused records   -> raw.dead_letters
```

A gate that was offline reports hours late, and a minute may be reported again, corrected. Windows
over minute_at would have to reach back as far as the longest outage; the API's window is over
reported_at, when the report came in. So the cursor goes by arrival, and `overlap_seconds` only has
to cover what the API shows later than it is dated: transactions that commit late, two polls' worth.

Which report of a minute holds is settled in staging.
"""

from collections.abc import Callable
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration import with_config
from dlt.sources.helpers.rest_client.auth import APIKeyAuth

from loaders.batch import Report, Tell
from loaders.door import Door, Record, read_schema, source_time
from loaders.landing import ddl, open_pipeline
from loaders.privacy import Privacy
from loaders.rest import Api, Feed, Reader

SOURCE = "gate_management"
MINUTE_COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("event_id", pa.string()),
        ("gate_id", pa.string()),
        ("lane", pa.uint8()),
        ("minute_at", pa.timestamp("ms", "UTC")),
        ("reported_at", pa.timestamp("ms", "UTC")),
        ("payload", pa.string()),
    ]
)
GATE_COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("record_id", pa.string()),
        ("source_at", pa.timestamp("ms", "UTC")),
        ("payload", pa.string()),
    ]
)
_SCHEMA = read_schema("gate_metrics_schema.json")


def _door(entity: str) -> Callable[[Privacy], Door]:
    fields = _SCHEMA["$defs"][entity]["properties"]
    nested = {name: it["properties"] for name, it in fields.items() if "properties" in it}

    def known_fields(record: Record) -> list[tuple[str, Record, frozenset[str]]]:
        below = [(f"{n}.", record[n], frozenset(known)) for n, known in nested.items()]
        return [("", record, frozenset(fields)), *below]

    def make(privacy: Privacy) -> Door:
        return Door({**_SCHEMA, "$ref": f"#/$defs/{entity}"}, {}, known_fields, privacy)

    return make


def _minute(record: Record, payload: str) -> tuple[Any, ...]:
    return (
        SOURCE,
        record["event_id"],
        record["gate_id"],
        record["lane"],
        source_time(record["minute_at"], "minute_at"),
        source_time(record["reported_at"], "reported_at"),
        payload,
    )


def _gate(record: Record, payload: str) -> tuple[Any, ...]:
    return SOURCE, record["gate_id"], None, payload


GATE_MINUTES = Feed(
    name="gate_minutes",
    path="metrics",
    table=f"{SOURCE}__gate_minutes",
    columns=MINUTE_COLUMNS,
    statement=ddl(f"{SOURCE}_gate_minutes"),
    door=_door("gate_minute"),
    row=_minute,
    key=("gate_id", "lane", "minute_at", "reported_at"),
    reported_at="reported_at",
    since="from",
    keeps_past=True,
)
GATES = Feed(
    name="gates",
    path="gates",
    table=f"{SOURCE}__gates",
    columns=GATE_COLUMNS,
    statement=ddl("lists", table=f"{SOURCE}__gates"),
    door=_door("gate"),
    row=_gate,
    key=("gate_id",),
)
FEEDS = {feed.name: feed for feed in (GATE_MINUTES, GATES)}


@with_config(sections=("sources", SOURCE))
def connect(
    base_url: str = dlt.config.value,
    api_key: str = dlt.secrets.value,
    page_size: int = dlt.config.value,
) -> Api:
    """Return the API, which nobody has asked yet."""
    return Api(SOURCE, base_url, APIKeyAuth(name="X-API-Key", api_key=api_key), page_size)


@with_config(sections=("sources", SOURCE))
def load(
    reports: Callable[[str], Report],
    progress: Tell,
    batch_rows: int = dlt.config.value,
    flush_seconds: float = dlt.config.value,
    overlap_seconds: int = dlt.config.value,
) -> None:
    """Land what was reported since the last run, and the gate list.

    Parameters
    ----------
    reports
        Gives the report of a feed, to be filled in.
    progress
        Told how far the run is.

    Raises
    ------
    GatehouseError
        When the whole source cannot go on. What ends one feed alone is in its report.
    """
    api = connect()
    with open_pipeline(SOURCE, [feed.statement for feed in FEEDS.values()]) as pipeline:
        reader = Reader(api, pipeline, progress, batch_rows, flush_seconds, overlap_seconds)
        for feed in FEEDS.values():
            reader.load(feed, reports(feed.name))
