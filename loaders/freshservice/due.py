"""Which parents are to be asked for their children: read off raw itself, no cursor is kept.

A parent is due for a feed when no sweep of it is as new as the parent's newest landed version. What
the API could not show is due again after an hour, four hours, and so on up to a week.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

from loaders.freshservice.records import SOURCE, Parent
from loaders.freshservice.sweeps import from_milliseconds

# Kind of the parent -> its list, which is also the end of its raw table's name.
PARENTS = {
    "ticket": "tickets",
    "problem": "problems",
    "change": "changes",
    "release": "releases",
    "application": "applications",
}
_FIRST_PAUSE_SECONDS = 3600
_LONGEST_PAUSE_SECONDS = 7 * 86400

# The parent's newest version says whether it can have such children at all.
_PAYLOAD = "argMax(payload, source_at)"
_NEVER = "0"
_CLOSED_AT = """
    coalesce(
        parseDateTime64BestEffortOrNull(JSONExtractString(payload, 'stats', 'closed_at'), 3),
        parseDateTime64BestEffortOrNull(JSONExtractString(payload, 'stats', 'resolved_at'), 3),
        changed_at
    )
"""
# A survey is answered weeks after the ticket was closed, and the ticket does not change by it.
_ANSWER_MAY_HAVE_COME = f"""
    arrayExists(
        day -> {_CLOSED_AT} + toIntervalDay(day) <= {{now:DateTime64(3, 'UTC')}}
            and swept.read_at < {_CLOSED_AT} + toIntervalDay(day),
        {{again_days:Array(UInt16)}}
    )
"""


class Rule(NamedTuple):
    """When a feed's parents are due, beside having changed."""

    applies: str = "1"
    """To which parents, by their newest version."""
    again: str = _NEVER
    """When one that has not changed is asked again."""


RULES = {
    "csat_responses": Rule("JSONExtractInt(payload, 'status') in (4, 5)", _ANSWER_MAY_HAVE_COME),
    "requested_items": Rule("JSONExtractString(payload, 'type') = 'Service Request'"),
}


class Due(NamedTuple):
    """A list of a parent that is to be read."""

    feed: str
    parent: Parent
    changed_at: datetime
    tries: int = 0
    """How often in a row it was asked for in vain."""
    rests: bool = False
    """Whether it was asked for in vain too lately to be asked for again."""


def due(
    client: Client,
    parent_type: str,
    feeds: Sequence[str],
    now: datetime,
    horizon: timedelta | None,
    again_days: Sequence[int],
) -> list[Due]:
    """Return what is due, and what rests, the newest change first.

    Parameters
    ----------
    feeds
        Children of that kind of parent, in the order in which they are read.
    now
        The source's present.
    horizon
        How far back a parent may have changed last; None for ever.
    again_days
        Days after the closing of a ticket on which its survey is asked for once more.
    """
    plain = [feed for feed in feeds if feed not in RULES]
    since = now - horizon if horizon else datetime.fromtimestamp(0, now.tzinfo)
    found: list[Due] = []
    for names, rule in [(plain, Rule()), *(([f], RULES[f]) for f in feeds if f in RULES)]:
        parameters = {"feeds": names, "now": now, "since": since, "again_days": list(again_days)}
        found += _ask(client, parent_type, rule, parameters)
    order = {feed: number for number, feed in enumerate(feeds)}
    return sorted(found, key=lambda d: (-d.changed_at.timestamp(), -d.parent.id, order[d.feed]))


def _ask(client: Client, parent_type: str, rule: Rule, parameters: dict[str, Any]) -> Iterator[Due]:
    payload = _PAYLOAD if rule != Rule() else "''"
    rows = client.query(
        f"""
        with
        parents as (
            select
                record_id as parent_id,
                ifNull(max(source_at), toDateTime64(0, 3, 'UTC')) as changed_at,
                {payload} as payload
            from raw.{SOURCE}__{PARENTS[parent_type]}
            where ifNull(source_at, now64()) >= {{since:DateTime64(3, 'UTC')}}
            group by parent_id
        ),
        swept as (
            select
                feed,
                parent_id,
                ifNull(parent_at, toDateTime64(0, 3, 'UTC')) as parent_at,
                read_at
            from raw.{SOURCE}__sweeps final
            where parent_type = {{parent_type:String}}
        ),
        unanswered as (
            select feed, parent_id, tries, asked_at
            from raw.{SOURCE}__unanswered final
            where parent_type = {{parent_type:String}}
        ),
        joined as (
            select
                feeds.feed as feed,
                parents.parent_id as parent_id,
                changed_at,
                if(unanswered.asked_at > swept.read_at, unanswered.tries, 0) as tries,
                unanswered.asked_at + toIntervalSecond(least(
                    {_LONGEST_PAUSE_SECONDS},
                    {_FIRST_PAUSE_SECONDS} * pow(4, least(toInt32(tries), 20) - 2)
                )) as asks_again_at
            from parents
            cross join (select arrayJoin({{feeds:Array(String)}}) as feed) as feeds
            left join swept on feeds.feed = swept.feed and parents.parent_id = swept.parent_id
            left join unanswered
                on feeds.feed = unanswered.feed and parents.parent_id = unanswered.parent_id
            where {rule.applies}
                and (swept.feed = '' or swept.parent_at < changed_at or {rule.again})
        )
        select
            feed,
            parent_id,
            toUnixTimestamp64Milli(changed_at),
            tries,
            tries > 1 and asks_again_at > {{now:DateTime64(3, 'UTC')}}
        from joined
        """,  # noqa: S608  constants; what varies is bound
        parameters={"parent_type": parent_type, **parameters},
        settings={"join_use_nulls": 0},
    ).result_rows
    for feed, parent_id, changed_at, tries, rests in rows:
        at = from_milliseconds(changed_at)
        yield Due(feed, Parent(parent_type, parent_id), at, tries, bool(rests))
