"""S-Attend's integrated platform: what organisations' pages and campaigns brought, hour by hour.

```
GET /platform/analytics?updated_since=   hours new or restated -> raw.integrated_platform__analytics
GET /platform/profiles?updated_since=    people                -> raw.integrated_platform__profiles
                                             refused records   -> raw.dead_letters
```

An hour is restated for two days after it has passed, when late conversions are attributed. Both
lists are asked for by updated_at, so a restated hour comes again by itself.

The token is had for the client's credentials and renewed when it expires, or is refused earlier.
"""

from collections.abc import Callable
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration import with_config

from loaders.batch import Report, Tell
from loaders.door import Door, Normaliser, Record, read_schema, source_time
from loaders.landing import ddl, open_pipeline
from loaders.privacy import Privacy, email, phone, text, verbatim
from loaders.rest import Api, Feed, Reader, Token, session

SOURCE = "integrated_platform"
HOUR_COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("organization_id", pa.string()),
        ("event_id", pa.string()),
        ("channel", pa.string()),
        ("hour_at", pa.timestamp("ms", "UTC")),
        ("updated_at", pa.timestamp("ms", "UTC")),
        ("payload", pa.string()),
    ]
)
PROFILE_COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("record_id", pa.string()),
        ("source_at", pa.timestamp("ms", "UTC")),
        ("payload", pa.string()),
    ]
)
PRIVATE_IN_PROFILES: dict[str, Normaliser] = {
    "user_id": verbatim,
    "email": email,
    "full_name": text,
    "phone": phone,
}
PERSON = "user_id"
_SCHEMA = read_schema("platform_analytics_schema.json")


def _door(entity: str, private: dict[str, Normaliser]) -> Callable[[Privacy], Door]:
    known = frozenset(_SCHEMA["$defs"][entity]["properties"])

    def make(privacy: Privacy) -> Door:
        schema = {**_SCHEMA, "$ref": f"#/$defs/{entity}"}
        person = PERSON if PERSON in private else ""
        return Door(schema, private, lambda record: [("", record, known)], privacy, person=person)

    return make


def _hour(record: Record, payload: str) -> tuple[Any, ...]:
    return (
        SOURCE,
        record["organization_id"],
        record["event_id"],
        record["channel"],
        source_time(record["hour_at"], "hour_at"),
        source_time(record["updated_at"], "updated_at"),
        payload,
    )


def _profile(record: Record, payload: str) -> tuple[Any, ...]:
    """Return a profile as a row; by now its user_id is the pseudonym."""
    return SOURCE, record["user_id"], source_time(record["updated_at"], "updated_at"), payload


ANALYTICS = Feed(
    name="analytics",
    path="analytics",
    table=f"{SOURCE}__analytics",
    columns=HOUR_COLUMNS,
    statement=ddl(f"{SOURCE}_analytics"),
    door=_door("analytics", {}),
    row=_hour,
    key=("organization_id", "event_id", "channel", "hour_at", "updated_at"),
    reported_at="updated_at",
    since="updated_since",
)
PROFILES = Feed(
    name="profiles",
    path="profiles",
    table=f"{SOURCE}__profiles",
    columns=PROFILE_COLUMNS,
    statement=ddl("lists", table=f"{SOURCE}__profiles"),
    door=_door("profile", PRIVATE_IN_PROFILES),
    row=_profile,
    key=("user_id", "updated_at"),
    private_key=frozenset({"user_id"}),
    reported_at="updated_at",
    since="updated_since",
)
FEEDS = {feed.name: feed for feed in (ANALYTICS, PROFILES)}


@with_config(sections=("sources", SOURCE))
def connect(
    base_url: str = dlt.config.value,
    client_id: str = dlt.secrets.value,
    client_secret: str = dlt.secrets.value,
    page_size: int = dlt.config.value,
) -> Api:
    """Return the API, which nobody has asked yet."""
    token = Token(
        access_token_url=f"{base_url.rstrip('/')}/oauth/token",
        client_id=client_id,
        client_secret=client_secret,
        session=session(),
    )
    return Api(SOURCE, base_url, token, page_size)


@with_config(sections=("sources", SOURCE))
def load(
    reports: Callable[[str], Report],
    progress: Tell,
    batch_rows: int = dlt.config.value,
    flush_seconds: float = dlt.config.value,
    overlap_seconds: int = dlt.config.value,
) -> None:
    """Land the hours and profiles that changed since the last run.

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
