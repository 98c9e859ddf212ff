"""Looking for people: does anything that identifies somebody of the sandbox's world stand there?"""

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from sandbox.freshservice.ticket_text import TicketText
from sandbox.settings import USERS, Settings, password
from sandbox.world.names import FIRST, LAST
from sandbox.world.people import person
from sandbox.world.world import World
from tests.integration.driving import world
from tests.sandboxes import Sandbox, ask

_SHAPES = (
    ("usr-", re.compile(r"usr-\d+")),
    ("+1", re.compile(r"\+1-?555-?\d{3}-?\d{4}")),
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w.-]+")
_ESCAPED = re.compile(r"\\u[0-9a-f]{4}")
_FIRST_NAMES = tuple(f"{name.lower()} " for name, _ in FIRST)
_LAST_NAMES = tuple(name.lower() for name, _ in LAST)
# What people write around the things that they tell, and what they have written about them.
_FREE_TEXT = ("regards, ", "call me: ", "nothing helped so far", "es eilt nicht", "안녕하세요")
# Whose nature it is to know them: the stand-ins' side, and what they wrote down for the tests.
_SOURCES = ("truth", "broker", "data")


def emails_of(world: World) -> set[str]:
    """The addresses of everybody: agents, requesters and attendees."""
    now, seed = world.end_of_history, world.parameters.seed
    found = {one.person.email for one in (*world.desk.agents(now), *world.desk.requesters(now))}
    for record in world.event_records():
        user_id = str((record.message or {}).get("data", {}).get("user_id") or "")
        if user_id.startswith("usr-"):
            found.add(person(seed, int(user_id[4:])).email)
    return found


def identifiers(text: str, emails: set[str]) -> set[str]:
    """Whatever in a text identifies one of them or is in somebody's own words, in any spelling."""
    text = text.lower()
    if "\\u" in text:
        text = _ESCAPED.sub(lambda code: chr(int(code.group()[2:], 16)), text)
    found = {hit for start, shape in _SHAPES if start in text for hit in shape.findall(text)}
    if "@" in text:
        found |= {email for email in _EMAIL.findall(text) if email in emails}
    return found | {*_names(text), *(words for words in _FREE_TEXT if words in text)}


def _names(text: str) -> Iterator[str]:
    """First names before a last name: to look for one first name after the other is the fastest."""
    for first in _FIRST_NAMES:
        at = text.find(first)
        while at >= 0:
            if text.startswith(_LAST_NAMES, at + len(first)):
                yield text[at : at + len(first) + 12]
            at = text.find(first, at + len(first))


def tables(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Every table that a role may read, as (role, table, text of its rows); none of them twice."""
    seen: set[tuple[str, ...]] = set()
    for role in USERS:
        client = clickhouse_connect.get_client(
            host=settings.host,
            port=settings.clickhouse_http_port,
            username=role,
            password=password(role),
        )
        if role == "operator":
            client.command("system flush logs")
        found = client.query(
            """
            select database || '.' || table, groupArray('`' || name || '`')
            from system.columns
            where
                type like '%String%'
                and (
                    database not in ('system', 'INFORMATION_SCHEMA', 'information_schema')
                    or (currentUser() = 'operator' and database = 'system' and table = 'query_log')
                )
            group by 1
            order by 1
            """
        ).result_rows
        for table, columns in found:
            if (table, *columns) in seen:
                continue
            seen.add((table, *columns))
            rows = client.raw_query(f"select {', '.join(columns)} from {table} format TSVRaw")
            yield role, table, rows.decode(errors="replace")
        client.close()


def files(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Every file that loaders, dbt and the servers leave behind, unpacked."""
    # os.walk passes over folders that go while it looks, as ClickHouse's do when parts are merged.
    found = (Path(folder) / name for folder, _, names in os.walk(settings.state) for name in names)
    for path in found:
        inside = path.relative_to(settings.state).parts
        sandbox = path.is_relative_to(settings.root)
        if path.is_file() and not (sandbox and {*inside[:-1]} & {*_SOURCES} and path.name != "log"):
            content = path.read_bytes()
            unpacked = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
            yield path, unpacked.decode(errors="replace")


def found_in(sandbox: Sandbox, emails: set[str]) -> dict[str, set[str]]:
    """Whoever is found, by table and role or file."""
    tables_read = {f"{name}, read by {role}": text for role, name, text in tables(sandbox.settings)}
    assert len(tables_read) > 10
    files_read = {str(path): text for path, text in files(sandbox.settings)}
    hits = {place: identifiers(t, emails) for place, t in (tables_read | files_read).items()}
    return {place: who for place, who in hits.items() if who}


def assert_nobody_in(sandbox: Sandbox) -> None:
    """Hold tables and files to telling of nobody, and the search to finding who was planted."""
    here = world(sandbox)
    emails = emails_of(here)
    told = b"".join(record.value or b"" for record in here.event_records())
    messages = told.decode(errors="replace")  # dirt, too
    assert {hit[:4] for hit in identifiers(messages, emails)} >= {"usr-", "+1-5", "anna"}
    born = here.desk.tickets(here.end_of_history)[0].birth
    prose = json.dumps(TicketText(here.desk.seed, born).plain)
    assert {*_FREE_TEXT} & identifiers(prose, emails)
    assert found_in(sandbox, emails) == {}


def assert_the_search_finds(sandbox: Sandbox, planted: str) -> None:
    """Plant somebody in a table, a log and a statement: the search has to tell of all three."""
    log = sandbox.settings.state / "logs" / "planted.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text(f"could not read {planted}")
    make = "create table staging.planted engine = MergeTree order by who as select '{}' as who"
    ask(sandbox.settings, "transformer", make.format(planted))
    try:
        places = found_in(sandbox, set())
    finally:
        ask(sandbox.settings, "transformer", "drop table staging.planted")
        log.unlink()
    told = ("staging.planted, read by ", "system.query_log, read by operator", str(log))
    for place in told:
        assert any(place in found for found in places), (place, places)
    assert all(any(place in found for place in told) for found in places), places


def rows_with(sandbox: Sandbox, pseudonyms: list[str]) -> dict[str, int]:
    """How many rows of which tables hold one of these, hidden ones too, and the query log."""
    with as_eraser(sandbox) as client:
        found = {
            table: client.query(
                f"select count() from {table} where {_named(columns, pseudonyms)} "
                "settings apply_deleted_mask = 0"
            ).result_rows[0][0]
            for table, _, columns in _text_columns(client)
        }
    assert len(found) > 50
    return {table: count for table, count in found.items() if count}


def rows_without(sandbox: Sandbox, pseudonyms: list[str]) -> dict[str, Counter[int]]:
    """Every table's rows that hold none of these, as checksums; when they were built is left out.

    Of tables that merge copies away it is those that differ. What sums up without a name is not
    looked at.
    """
    found = {}
    with as_eraser(sandbox) as client:
        for table, engine, columns in _text_columns(client):
            if table.startswith("raw.forg") or engine.startswith("Aggregating"):
                continue
            row = "cityHash64(toString(tuple(* except('^_?built_at$'))))"
            rows = client.query(
                f"select {row}, count() from {table} "
                f"where not {_named(columns, pseudonyms)} group by 1"
            ).result_rows
            once = engine.startswith("Replacing")
            found[table] = Counter({one: 1 if once else count for one, count in rows})
    return found


@contextmanager
def as_eraser(sandbox: Sandbox) -> Iterator[Client]:
    """Connect as who may read everything."""
    client = clickhouse_connect.get_client(
        host=sandbox.settings.host,
        port=sandbox.settings.clickhouse_http_port,
        username="eraser",
        password=password("eraser"),
    )
    yield client
    client.close()


def _text_columns(client: Client) -> list[tuple[str, str, list[str]]]:
    found = client.query(
        """
        select
            columns.database || '.' || table,
            any(engine),
            groupArray(columns.name)
        from system.columns
        inner join system.tables
            on columns.database = tables.database and columns.table = tables.name
        where
            columns.database in (
                'raw', 'staging', 'snapshots', 'marts', 'realtime', 'seeds', 'failures'
            )
            and type like '%String%'
            and engine like '%MergeTree'
        group by 1
        """
    ).result_rows
    return [(table, engine, columns) for table, engine, columns in found]


def _named(columns: list[str], pseudonyms: list[str]) -> str:
    texts = (f"ifNull(toString(`{name}`), '')" for name in columns)
    return f"multiSearchAny(concatWithSeparator(' ', '', {', '.join(texts)}), {pseudonyms})"
