"""The weekly sweep of all ticket ids: a ticket that was erased says nothing, it is only missing.

The three filters are read one after the other, so a ticket that is deleted or restored meanwhile
may show up under none. What is missing is asked for by its number before it counts as gone.
"""

from datetime import timedelta

from clickhouse_connect.driver.client import Client

from loaders.freshservice.api import Api, StatusError
from loaders.freshservice.records import SOURCE
from loaders.freshservice.sweeps import ACCOUNT, Sweep
from loaders.freshservice.window import EPOCH, Tickets

FEED = "tickets"
# A ticket may be deleted, or marked as spam, while the others are read, more often than restored.
FILTERS = ("", "spam", "deleted")


def read_keys(api: Api, known: set[int], workspace_id: int) -> tuple[Sweep, set[int]]:
    """Return the ids of all tickets, and which of the known ones are gone."""
    ids: set[int] = set()
    began_at = api.now
    for ticket_filter in FILTERS:
        params = {"filter": ticket_filter} if ticket_filter else {}
        reader = Tickets(api, EPOCH, timedelta(), workspace_id=workspace_id, **params)
        while not reader.done:
            ids.update(
                ticket["id"]
                for ticket in reader.read(10_000)
                if isinstance(ticket, dict) and isinstance(ticket.get("id"), int)
            )
        if reader.error:
            raise reader.error
    gone = {ticket_id for ticket_id in sorted(known - ids) if _is_gone(api, ticket_id)}
    shown = tuple(sorted(ids | (known - gone)))
    return Sweep(FEED, ACCOUNT, None, shown, began_at), gone


def known_keys(client: Client) -> set[int]:
    """Return the ids that the last sweep showed, and those that landed since."""
    rows = client.query(
        f"""
        with
        last as (
            select max(landed_at) as landed_at
            from raw.{SOURCE}__sweeps
            where feed = '{FEED}' and parent_type = ''
        )
        select arrayJoin(record_ids) as ticket_id
        from raw.{SOURCE}__sweeps final
        where feed = '{FEED}' and parent_type = ''
        union distinct
        select record_id from raw.{SOURCE}__tickets where landed_at > (select landed_at from last)
        """  # noqa: S608  constants
    ).result_rows
    return {ticket_id for (ticket_id,) in rows}


def _is_gone(api: Api, ticket_id: int) -> bool:
    try:
        api.view(f"tickets/{ticket_id}", "ticket")
    except StatusError as error:
        if error.status == 404:
            return True
        raise
    return False
