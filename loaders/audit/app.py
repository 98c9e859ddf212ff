"""The app's messages against raw: what its REST shows, up to the last that landed."""

from datetime import UTC, datetime, timedelta
from datetime import time as midnight

import dlt
from dlt.common.configuration import with_config

from loaders import user_app
from loaders.audit.windows import KEPT, STEPS, Tally, Window, seconds_since
from loaders.batch import Tell
from loaders.door import RefusedError
from loaders.landing import Server, ask_who_is_forgotten
from loaders.privacy import Privacy, is_anyone_forgotten
from loaders.user_app.api import Api

_LANDED = f"""(
    select seq, received_at from raw.{user_app.TABLE}
    union all
    select toUInt64OrZero(position), assumeNotNull(source_at) from raw.dead_letters
    where source = '{user_app.SOURCE}' and notEmpty(position) and source_at is not null
)"""  # noqa: S608  names of our own


@with_config(sections=("sources", user_app.SOURCE))
def of_app(
    tell: Tell,
    base_url: str = dlt.config.value,
    client_id: str = dlt.secrets.value,
    client_secret: str = dlt.secrets.value,
    page_size: int = dlt.config.value,
) -> list[Window]:
    """Compare what the app's REST shows, up to the last that landed, with raw and the dead letters.

    Raises
    ------
    GatehouseError
        When the API or ClickHouse cannot go on.
    """
    api = Api(base_url, client_id, client_secret)
    ask_who_is_forgotten()
    door = user_app.door(Privacy.from_env())
    since = datetime.combine(datetime.now(UTC) - KEPT, midnight.min, UTC)
    tally = Tally()
    seen: set[int] = set()
    oldest = datetime.max.replace(tzinfo=UTC)
    with Server.from_env().connect() as client:
        statement = f"select max(received_at) from {_LANDED}"  # noqa: S608  names of our own
        newest = client.query(statement).result_rows[0][0].replace(tzinfo=UTC)
        if newest < since:
            return []
        for page in api.pages(since, newest + timedelta(milliseconds=1), page_size):
            for line in page:
                try:
                    envelope = door.parse(line)
                except RefusedError:
                    continue  # nobody knows its number: it is a dead letter without a position
                oldest = min(oldest, envelope["received_at"])
                if is_anyone_forgotten() and door.is_forgotten(line):
                    continue
                if envelope["seq"] not in seen:
                    seen.add(envelope["seq"])
                    tally.add(envelope["received_at"].date(), str(envelope["seq"]))
            tell(len(seen), 0, user_app.FEED)
        raw = client.query(
            f"""
            select toDate(received_at) as day, count(), sum(CRC32(toString(seq)))
            from (select seq, received_at from {_LANDED} limit 1 by seq)
            where
                received_at between {{oldest:DateTime64(3, 'UTC')}}
                and {{newest:DateTime64(3, 'UTC')}}
            group by day
            """,  # noqa: S608  names of our own
            parameters={"oldest": min(oldest, newest), "newest": newest},
        ).result_rows
    return [
        Window(
            user_app.SOURCE,
            STEPS[0],
            "REST messages",
            f"raw.{user_app.TABLE}",
            str(day),
            *numbers,
            remedy=f"Run `SOURCES__USER_APP__OVERLAP_SECONDS={seconds_since(day)} gatehouse load "
            f"{user_app.SOURCE}`: it looks for gaps so far back.",
        )
        for day, numbers in tally.against(raw)
    ]
