"""What all tables hold: rows and a checksum of each, to compare two states of a warehouse."""

from clickhouse_connect.driver.client import Client

# The hours that a ticket ever stood in: a history of its own, which no refresh rewrites.
HISTORIES = {"staging.int_ticket_hours_touched"}
STAMPS = ("built_at", "_built_at")


def checksums(client: Client, with_stamps: bool = False) -> dict[str, tuple[int, int]]:
    """Rows and a checksum of each table of staging and marts; it moves with any value of any row.

    Without stamps the tables that two ways of building made are compared: not when, nor a history.
    """
    columns: dict[str, list[str]] = {}
    for table, name, kind in client.query(
        "select database || '.' || table, name, type from system.columns"
        " where database in ('staging', 'marts') and table != 'model_builds' order by all"
    ).result_rows:
        if not with_stamps and (table in HISTORIES or name in STAMPS):
            continue
        state = kind.startswith("AggregateFunction")
        columns.setdefault(table, []).append(f"finalizeAggregation({name})" if state else name)
    checksum = "select count(), sum(cityHash64(toString(tuple({})))) from {}"
    found: dict[str, tuple[int, int]] = {}
    for table, names in columns.items():
        [(count, total)] = client.query(checksum.format(", ".join(names), table)).result_rows
        found[table] = (count, total)
    return found
