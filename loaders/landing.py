"""Landing in ClickHouse: the raw tables, the dlt pipelines, and what is tried again.

Only this module writes to ClickHouse. The raw tables are made from `loaders/ddl/` and not by dlt,
because dlt cannot say TTL, a server-side default or a column's comment; dlt finds them in place
and fills them.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import clickhouse_connect
import dlt
import stamina
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.normalizers.naming import NamingConvention
from dlt.destinations import clickhouse
from dlt.destinations.impl.clickhouse.configuration import ClickHouseClientConfiguration
from dlt.pipeline.exceptions import PipelineStepFailed
from filelock import FileLock, Timeout

from loaders.cluster import on_cluster
from loaders.errors import GatehouseError
from loaders.leftovers import clear_loaded, sweep_up
from loaders.privacy import remember_forgotten

# Answers of ClickHouse that a later try may change: no connection or time (159, 209, 210), busy
# or read-only for a while (164, 202, 242, 252, 319, 425), out of memory or disk (241, 243).
_PASSING = {"159", "164", "202", "209", "210", "241", "242", "243", "252", "319", "425"}

# The tables that every source needs.
ALWAYS_THERE = ("dead_letters", "forgotten", "pseudonym_links")

# So often a process that goes on landing asks who was forgotten meanwhile.
_ASK_SECONDS = 5.0


@dataclass
class Stopwatch:
    """Seconds that this process has waited for ClickHouse to take packages."""

    seconds: float = 0.0


LOADING = Stopwatch()


@dataclass(frozen=True)
class Server:
    """Where ClickHouse is and who we are there, from `GATEHOUSE_CLICKHOUSE_*`."""

    host: str
    http_port: int
    tcp_port: int
    secure: bool
    user: str
    password: str

    @classmethod
    def from_env(cls, user: str = "loader") -> "Server":
        """Read the address, and the password of one of the users of `loaders/grants.sql`.

        Raises
        ------
        GatehouseError
            When a variable is missing; it names the variable.
        """
        return cls(
            host=_env("GATEHOUSE_CLICKHOUSE_HOST"),
            http_port=int(_env("GATEHOUSE_CLICKHOUSE_HTTP_PORT")),
            tcp_port=int(_env("GATEHOUSE_CLICKHOUSE_TCP_PORT")),
            secure=os.environ.get("GATEHOUSE_CLICKHOUSE_SECURE", "false").lower() == "true",
            user=user,
            password=_env(f"GATEHOUSE_{user.upper()}_PASSWORD"),
        )

    @contextmanager
    def connect(self) -> Iterator[Client]:
        """Connect over HTTP for the length of the block.

        Raises
        ------
        GatehouseError
            When nobody answers, the login is refused, or a statement fails.
        """
        where = f"ClickHouse at {self.host}:{self.http_port}"
        try:
            client = clickhouse_connect.get_client(
                host=self.host,
                port=self.http_port,
                username=self.user,
                password=self.password,
                secure=self.secure,
                autogenerate_session_id=False,
            )
        except ClickHouseError as error:
            if "Code: 516" in str(error):
                raise GatehouseError(
                    f"{where} refused the login of user {self.user}.",
                    f"Set GATEHOUSE_{self.user.upper()}_PASSWORD to that user's password.",
                ) from None
            raise GatehouseError(
                f"{where} does not answer.",
                "Start it (`gatehouse up` for the sandbox) or set GATEHOUSE_CLICKHOUSE_HOST "
                "and GATEHOUSE_CLICKHOUSE_HTTP_PORT.",
            ) from None
        try:
            yield client
        except ClickHouseError as error:
            raise GatehouseError(
                f"{where} refused a statement of user {self.user}: {_one_line(error)}",
                "Compare the user's rights with loaders/grants.sql.",
            ) from error
        finally:
            client.close()


def ddl(name: str, **names: str) -> str:
    """Read a statement of `loaders/ddl/`, with the names in braces filled in."""
    return (files("loaders") / "ddl" / f"{name}.sql").read_text().format(**names)


def make_tables(statements: list[str]) -> None:
    """Run `create table if not exists` statements as the loader.

    Raises
    ------
    GatehouseError
        When ClickHouse does not let us in.
    """
    with Server.from_env().connect() as client:
        for statement in statements:
            for made in on_cluster(statement):
                client.command(made)


@contextmanager
def open_pipeline(source: str, tables: list[str]) -> Iterator[dlt.Pipeline]:
    """Make the raw tables if they are missing, and hold the source's pipeline alone.

    What a run left that was killed, or that ClickHouse refused, lands first: its package may have
    moved a cursor, so that nobody asks for its records again.

    Parameters
    ----------
    source
        Name of the source; one pipeline each.
    tables
        `create table if not exists` statements.

    Raises
    ------
    GatehouseError
        When another process loads the source, or ClickHouse does not let us in or refuses what was
        left.
    """
    make_tables([*tables, *(ddl(name) for name in ALWAYS_THERE), ddl("dlt_sentinel_table")])
    ask_who_is_forgotten()
    server = Server.from_env()
    state = Path(os.environ.get("GATEHOUSE_STATE", ".gatehouse")).absolute() / "dlt"
    state.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(state / f"{source}.lock", timeout=0):
            sweep_up(state / _name(source))
            pipeline = _pipeline(source, server, state)
            pipeline.sync_destination()
            with _told(pipeline):
                _finish(pipeline)
            yield pipeline
    except Timeout:
        raise GatehouseError(
            f"Another process is loading {source} with the state in {state}.",
            "Wait for it, or give this one a GATEHOUSE_STATE of its own.",
        ) from None


_asked_at: float | None = None  # by the monotonic clock; None before the first pipeline is opened


def ask_who_is_forgotten() -> None:
    """Let the doors of this process go by the marks that raw has now."""
    global _asked_at
    with Server.from_env().connect() as client:
        if client.command("exists table raw.forgotten"):
            found = client.query("select distinct mark from raw.forgotten")
            remember_forgotten(mark for (mark,) in found.result_rows)
    _asked_at = time.monotonic()


class Settled(clickhouse):
    """dlt's ClickHouse, which finds out once what is the same for all of a pipeline's packages.

    dlt resolves configuration and capabilities of its destination anew some thirty times per
    package, a third of what a small one costs.
    """

    def configuration(
        self, initial_config: ClickHouseClientConfiguration, accept_partial: bool = False
    ) -> ClickHouseClientConfiguration:
        """See `Destination.configuration`."""
        known = self.__dict__.setdefault("_configurations", {})
        key = (
            getattr(initial_config, "dataset_name", None),
            getattr(initial_config, "default_schema_name", None),
            accept_partial,
        )
        if key not in known:
            known[key] = super().configuration(initial_config, accept_partial)
        return cast(ClickHouseClientConfiguration, known[key])

    def capabilities(
        self,
        config: ClickHouseClientConfiguration | None = None,
        naming: NamingConvention | None = None,
    ) -> DestinationCapabilitiesContext:
        """See `Destination.capabilities`."""
        known = self.__dict__.setdefault("_capabilities", {})
        key = (config is None, type(naming))
        if key not in known:
            known[key] = super().capabilities(config, naming)
        return cast(DestinationCapabilitiesContext, known[key].copy())

    @property
    def destination_type(self) -> str:
        """What dlt keeps in its state: we are no destination of another type."""
        return "dlt.destinations.clickhouse"


def _name(source: str) -> str:
    return f"gatehouse_{source}"


def _pipeline(source: str, server: Server, state: Path) -> dlt.Pipeline:
    credentials = {
        "host": server.host,
        "port": server.tcp_port,
        "http_port": server.http_port,
        "username": server.user,
        "password": server.password,
        "database": "raw",
        "secure": int(server.secure),
    }
    return dlt.pipeline(
        _name(source),
        destination=Settled(credentials=credentials),
        dataset_name="",  # raw is the database: tables carry no prefix
        pipelines_dir=str(state),
    )


def land(pipeline: dlt.Pipeline, data: Any) -> None:
    """Land what a resource yields as one load package; its state moves with it, or not at all.

    Three tries, 1 s and then exponentially apart with jitter. After that the package stays in the
    pipeline's folder, and whoever opens the pipeline next lands it before anything new is read.

    Raises
    ------
    GatehouseError
        When ClickHouse refuses the package, or is still away after the last try.
    """
    with _told(pipeline):
        _finish(pipeline)
        pipeline.extract(data, loader_file_format="parquet")
        _finish(pipeline)
    if _asked_at is not None and time.monotonic() - _asked_at > _ASK_SECONDS:
        with suppress(GatehouseError):  # what has landed has landed; the next batch asks again
            ask_who_is_forgotten()


@contextmanager
def _told(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Tell in a line why a step failed."""
    try:
        yield
    except PipelineStepFailed as failed:
        cause = _root(failed)
        if isinstance(cause, GatehouseError):
            raise cause from None
        raise GatehouseError(
            f"Landing {pipeline.pipeline_name} stopped in step {failed.step}: {_one_line(cause)}",
            "Nothing was lost: the next load resumes where this one stopped.",
        ) from failed


@stamina.retry(on=lambda error: _is_passing(error), attempts=3, wait_initial=1.0, wait_jitter=0.5)
def _finish(pipeline: dlt.Pipeline) -> None:
    if pipeline.has_pending_data:
        began = time.monotonic()
        try:
            pipeline.normalize()
            pipeline.load()
            clear_loaded(Path(pipeline.working_dir))
        finally:
            LOADING.seconds += time.monotonic() - began


def _is_passing(error: Exception) -> bool:
    cause = _root(error)
    if isinstance(cause, OSError):
        return True
    text = str(cause)
    return any(f"Code: {code}" in text or f"code: {code}" in text for code in _PASSING)


def _root(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:400]


def _env(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise GatehouseError(f"{name} is not set.", "Set it, or use GATEHOUSE_TARGET=local.")
