"""Raw, staging, facts and rollups, as the views in `models/audit/` compare them."""

from typing import Any

from loaders.audit.windows import Window
from loaders.errors import GatehouseError
from loaders.landing import Server

VIEWS = ("audit_attendance", "audit_service_desk")


def of_layers() -> list[Window]:
    """Compare raw, staging, facts and rollups.

    Raises
    ------
    GatehouseError
        When nothing has been built.
    """
    with Server.from_env("operator").connect() as client:
        for view in VIEWS:
            if not client.command(f"exists table quality.{view}"):
                raise GatehouseError(f"There is no quality.{view}.", "Run `dbt build`.")
        rows = [
            row
            for view in VIEWS
            for row in client.query(
                f"""
                select
                    source,
                    step,
                    layer_above as above,
                    layer_below as below,
                    toString(window_day) as name,
                    above_records_count as above_records,
                    below_records_count as below_records,
                    above_checksum,
                    below_checksum,
                    is_unbuilt
                from quality.{view}
                order by name
                """,  # noqa: S608  the names of our own views
                # The keys of three months may be many.
                settings={"max_bytes_before_external_group_by": 2 * 2**30},
            ).named_results()
        ]
    return [Window(**row, remedy=_rebuild(row)) for row in rows]


def _rebuild(row: dict[str, Any]) -> str:
    rebuild = f"un `dbt build --full-refresh -s {row['below'].partition('.')[2]}+`."
    if row["step"] == "raw_to_staging" and row["above_records"] < row["below_records"]:
        return f"If raw has lost records, load {row['name']} again from the source; then r{rebuild}"
    return f"R{rebuild}"
