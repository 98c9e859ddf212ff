"""Freshservice: the REST API v2.

```
/tickets (+stats; also filter=deleted, filter=spam)      -> raw.freshservice__tickets
/tickets/{id} (+assets) of every ticket that changed     -> raw.freshservice__ticket_views
/tickets/{id}/<name> of every ticket that changed        -> raw.freshservice__<name>
/requesters /agents /groups /departments /locations
/business_hours /sla_policies /asset_types /products
/assets (+type_fields; also trashed=true) /vendors
/contracts /purchase_orders /applications /releases
/problems /changes (+stats; also filter=deleted)         -> raw.freshservice__<name>
/problems, changes, releases/{id}/time_entries, tasks    -> raw.freshservice__<name>
/applications/{id}/users, installations, licenses        -> raw.freshservice__application_<name>
                     which ids a list showed, and when   -> raw.freshservice__sweeps
                          what the API could not show    -> raw.freshservice__unanswered
                                       refused records   -> raw.dead_letters
```

`run.py` reads top to bottom what a run does. Tickets are read since a cursor (`window.py`); the
other lists are read whole (`lists.py`); what hangs on a ticket is asked for when the ticket changed
(`due.py`, `children.py`). Every call passes the account's budget (`api.py`, `budget.py`), and every
record the door (`records.py`, `private.py`, `activities.py`).
"""

from loaders.freshservice.private import PRIVATE
from loaders.freshservice.records import (
    COLUMNS,
    ENTITIES,
    SOURCE,
    Parent,
    columns_of,
    door,
    parent_of,
    row,
)
from loaders.freshservice.run import TICKET_FILTERS, load, raw_tables, table_of

__all__ = [
    "COLUMNS",
    "ENTITIES",
    "PRIVATE",
    "SOURCE",
    "TICKET_FILTERS",
    "Parent",
    "columns_of",
    "door",
    "load",
    "parent_of",
    "raw_tables",
    "row",
    "table_of",
]
