"""What raw is told of people before their records land: who they were under an earlier key."""

from collections import deque
from typing import TypeVar

import stamina
from clickhouse_connect.driver.external import ExternalData

from loaders.errors import GatehouseError
from loaders.landing import Server
from loaders.privacy import Privacy

_Told = TypeVar("_Told")


@stamina.retry(on=GatehouseError, attempts=3, wait_initial=1.0, wait_jitter=0.5)
def tell_of_people(privacy: Privacy) -> None:
    """Tell raw of the people whom a door has linked or found forgotten since the last time.

    Whoever lands records does so before, and not in the same package: no build may see a record
    and not yet whom it names. Three tries, as for the records.

    Raises
    ------
    GatehouseError
        When ClickHouse is still away after the last try, or refuses.
    """
    links = _taken(privacy.links)
    marks = _taken(privacy.marks)
    if not links and not marks:
        return
    try:
        with Server.from_env().connect() as client:
            if links:
                # The earlier one may have been linked itself, at the rotation before.
                earlier = ExternalData(
                    file_name="earlier",
                    data="\n".join(first for _, first in links).encode(),
                    fmt="TSV",
                    structure="pseudonym String",
                )
                found = client.query(
                    "select pseudonym, first_pseudonym from raw.pseudonym_links "
                    "where pseudonym in (select pseudonym from earlier)",
                    external_data=earlier,
                )
                firsts: dict[str, str] = dict(found.result_rows)  # type: ignore[arg-type]
                rows = [(pseudonym, firsts.get(first, first)) for pseudonym, first in links]
                names = ["pseudonym", "first_pseudonym"]
                client.insert("pseudonym_links", rows, names, database="raw")
            if marks:
                client.insert("forgotten", [(one,) for one in marks], ["mark"], database="raw")
    except BaseException:
        privacy.links.extend(links)
        privacy.marks.extend(marks)
        raise


def _taken(queue: deque[_Told]) -> list[_Told]:
    return [queue.popleft() for _ in range(len(queue))]
