"""Every source at its own pace, and a build after what landed: `gatehouse schedule`.

Nothing is kept between two runs. What starts finds everything due, each load goes on from where
its source's last one stopped, and a build looks for what landed since the last one: so it may be
killed at any instant and started again.

dbt runs in this process, which spares a build its start: imports, and reading the project, which
is read again only when one of its files changed. Once an hour it also asks what fell silent.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dlt.common.configuration import configspec
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.configuration.specs import BaseConfiguration

from loaders.batch import Report
from loaders.errors import GatehouseError

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

# What a dbt project is made of.
_FOLDERS = ("models", "macros", "seeds", "snapshots", "tests")
_FILES = ("dbt_project.yml", "profiles.yml", "selectors.yml")
# No table is stale before it was silent for so long.
_LOOK_SECONDS = 3600.0


@configspec
class Cadence(BaseConfiguration):
    """How often a source is loaded: the section `schedule` of the configuration, in seconds."""

    event_management: float = None  # type: ignore[assignment]
    ticket_events: float = None  # type: ignore[assignment]
    user_app: float = None  # type: ignore[assignment]
    gate_management: float = None  # type: ignore[assignment]
    integrated_platform: float = None  # type: ignore[assignment]
    freshservice: float = None  # type: ignore[assignment]
    freshservice_replica: float = None  # type: ignore[assignment]

    @classmethod
    def of(cls, sources: Iterable[str]) -> dict[str, float]:
        """Return what dlt's configuration says of some sources."""
        paces = resolve_configuration(cls(), sections=("schedule",))
        return {name: float(paces[name]) for name in sources}


@dataclass
class Timetable:
    """When each source is due next.

    Attributes
    ----------
    every
        Seconds between two loads, by source.
    next
        When the next one is due, by the clock that `due` is asked with.
    """

    every: dict[str, float]
    next: dict[str, float] = field(default_factory=dict)

    def due(self, now: float) -> list[str]:
        """Return the sources that are due, all of them at first, and when they are again.

        Where loads took longer than a source's pace what was missed is not made up for: the next
        one brings it all.
        """
        found = [name for name in self.every if self.next.get(name, now) <= now]
        for name in found:
            self.next[name] = now + self.every[name]
        return found

    def pause(self, now: float) -> float:
        """Return the seconds until the next one is due."""
        return max(0.0, min(self.next.values()) - now)


@dataclass(frozen=True)
class Built:
    """What a build came to.

    Attributes
    ----------
    counts
        Nodes by status, in dbt's words: success, pass, warn, error, fail, skipped.
    problems
        What did not go well, a line each.
    ok
        Whether dbt calls it a success: warnings are one.
    """

    counts: Counter[str]
    problems: list[str]
    ok: bool
    seconds: float


class Dbt:
    """`dbt build` in this process, with the project read once.

    Parameters
    ----------
    project
        The folder of dbt_project.yml.
    """

    def __init__(self, project: Path) -> None:
        self._project = project
        self._manifest: Manifest | None = None
        self._read_at = 0.0

    def build(self, arguments: Iterable[str] = ()) -> Built:
        """Build, and test what was built; unit tests, which test the SQL alone, are left to others.

        Parameters
        ----------
        arguments
            Further ones of `dbt build`.

        Raises
        ------
        GatehouseError
            When the project cannot be read.
        """
        # dbt takes three seconds to import, which every other command would wait for.
        from dbt.artifacts.schemas.run import RunExecutionResult

        started = time.monotonic()
        with _inside(self._project):
            done = self._run("build", "--exclude-resource-type", "unit_test", *arguments)
        results = done.result.results if isinstance(done.result, RunExecutionResult) else []
        problems = [
            f"{result.status}: {result.node.name}: {result.message}"
            for result in results
            if result.status in ("error", "fail", "warn")
        ]
        if done.exception:
            problems.append(f"error: {done.exception}")
        counts = Counter(str(result.status) for result in results)
        return Built(counts, problems, done.success, time.monotonic() - started)

    def find_silent(self) -> str:
        """Ask which raw tables are stale, once an hour, and leave the answer in sources.json.

        Returns
        -------
        str
            A line; nothing where none is, or where it was asked less than an hour ago.
        """
        with _inside(self._project):
            noted = Path(os.environ.get("DBT_TARGET_PATH", "target")) / "sources.json"
            if noted.exists() and time.time() - noted.stat().st_mtime < _LOOK_SECONDS:
                return ""
            done = self._run("source", "freshness")
        if done.exception:
            return f"error: dbt source freshness: {done.exception}"
        silent = sorted(
            f"{result.node.source_name}.{result.node.name}"
            for result in getattr(done.result, "results", ())
            if result.status in ("error", "runtime error")
        )
        return f"silent: {', '.join(silent)}" if silent else ""

    def _run(self, *command: str) -> "dbtRunnerResult":
        """Run dbt with the project as it is now, read only if it changed."""
        from dbt.cli.main import dbtRunner
        from dbt.contracts.graph.manifest import Manifest

        changed_at = max(path.stat().st_mtime for path in self.files())
        if self._manifest is None or changed_at > self._read_at:
            parsed = dbtRunner().invoke(["--log-level", "none", "parse"])
            if not isinstance(parsed.result, Manifest):
                raise GatehouseError(
                    f"dbt cannot read {self._project}: {parsed.exception}", "Run `dbt parse`."
                )
            self._manifest, self._read_at = parsed.result, changed_at
        return dbtRunner(manifest=self._manifest).invoke(["--log-level", "none", *command])

    def files(self) -> Iterable[Path]:
        """Yield the files that the project is made of."""
        yield from (self._project / name for name in _FILES)
        for folder in _FOLDERS:
            yield from (self._project / folder).rglob("*.*")


def run(
    timetable: Timetable,
    load: Callable[[list[str]], list[Report]],
    build: Callable[[], Built],
    look: Callable[[], None],
    *,
    once: bool,
) -> bool:
    """Load what is due and build when something landed, again and again.

    Parameters
    ----------
    timetable
        The sources.
    load, build
        Do it, and tell of it.
    look
        Tell what fell silent, at each turn: nothing lands then that would be built.
    once
        Return after the first turn.

    Returns
    -------
    bool
        Whether the last turn went well.
    """
    has_news = True  # of a process before this one, for all that is known
    while True:
        reports = load(timetable.due(time.monotonic()))
        has_news |= any(report.landed or report.refused for report in reports)
        went_well = not any(report.error for report in reports)
        if has_news:
            built = build()
            went_well &= built.ok
            has_news = not built.ok
        look()
        if once:
            return went_well
        time.sleep(timetable.pause(time.monotonic()))


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Be in a folder: dbt looks for its project where it is called."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
