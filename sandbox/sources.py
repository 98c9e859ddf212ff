"""The source systems of the sandbox in one process: `python -m sandbox.sources`.

    /api/v2/...        Freshservice                        (freshservice/)
    /gate/...          gate management                     (gate_management/)
    /platform/...      the integrated platform             (integrated_platform/)
    /user-app/...      the attendee app, socket and pages  (user_app/)
    topic event-data   event management, by its producer   (event_management.py)
    /sandbox/...       health, clock, faults, limits: the handles for people and tests

Behind the stand-ins a thread keeps up with the world's clock: it has the truth told beside it, lets
the topic grow, publishes what is missing, and looks every two seconds whether the broker lost it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

from sandbox import gate_management, integrated_platform, user_app
from sandbox.event_management import UNREACHABLE, Publisher, SpoiltError
from sandbox.faults import FAULTS, Faults, staged_faults
from sandbox.freshservice import Account, api
from sandbox.freshservice.limits import PLANS
from sandbox.gate_management import Gates
from sandbox.integrated_platform import Portal
from sandbox.settings import (
    FRESHSERVICE_API_KEY,
    GATE_MANAGEMENT_API_KEY,
    PLATFORM_CLIENT,
    USER_APP_CLIENT,
    Settings,
)
from sandbox.sources_admin import ADMIN, Admin, admin_routes
from sandbox.truth.teller import Teller
from sandbox.user_app.log import Log
from sandbox.world import World
from sandbox.world.clock import WorldClock
from sandbox.world.moments import moment

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 2.0
READY_SECONDS = 0.05
STOP_SECONDS = 4.0


class Keeper(threading.Thread):
    """Keeps truth and topic where the clock is. Everything it knows can be read at any time."""

    def __init__(self, world: World, clock: WorldClock, broker: str, truth: Path) -> None:
        super().__init__(name="keeper", daemon=True)
        self._world = world
        self._clock = clock
        self._teller = Teller(world.parameters, truth)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._kept: datetime | None = None
        self._told: datetime | None = None
        self.publisher = Publisher(world.topic, broker)
        self.to_publish: int | None = None
        """How many records there are; None until they are counted."""

    @property
    def truth_at(self) -> datetime | None:
        """The moment as of which the truth is written; None while it is being written."""
        return self._teller.told_at

    @property
    def published(self) -> int:
        """Records that are on the broker."""
        return self.publisher.published

    @property
    def problem(self) -> str | None:
        """What keeps records from the broker."""
        return self.publisher.problem

    def run(self) -> None:
        """Keep up until told to stop. A broker that is away is looked for again, for ever."""
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._keep_up()
            except UNREACHABLE as error:
                self._miss(f"the broker does not answer: {error}")
            self._wake.wait(LOOK_SECONDS)

    def nudge(self) -> None:
        """The clock has moved."""
        self.to_publish = None
        self._wake.set()

    def stop(self) -> None:
        """End soon; nothing is lost, the broker knows how far it came."""
        self._stopping.set()
        self._wake.set()
        self._teller.stop()

    def _keep_up(self) -> None:
        now = self._clock.now
        if self._told != now and not self._teller.is_telling:
            self._teller.tell(now)
            self._told = now
        if self._kept != now:
            with _no_collection():
                self._world.topic.advance(moment(now))
            self._kept = now
        if self.to_publish is None:
            self.to_publish = sum(self._world.topic.ends)
        if self.published < self.to_publish or self.publisher.has_lost_records():
            try:
                self.publisher.catch_up(self._stopping.is_set)
            except SpoiltError as error:
                LOG.warning("the topic is dropped and published anew: %s", error)
                self.publisher.start_over()

    def _miss(self, problem: str) -> None:
        if not self.problem:
            LOG.warning("%s; looking again every %.0f s", problem, LOOK_SECONDS)
        self.publisher.give_up(problem)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Make half a million objects that stay: looking for garbage among them takes as long as making
    them (22 s against 12 s at scale 1) and finds none.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    world = World(settings.seed, settings.scale, settings.start, settings.days, settings.dirt)
    clock = WorldClock(world.end_of_history)
    broker = f"{settings.host}:{settings.kafka_port}"
    keeper = Keeper(world, clock, broker, settings.root / "truth")

    def move_clock(seconds: int) -> None:
        clock.move(clock.now + timedelta(seconds=seconds))
        keeper.nudge()

    faults = Faults(move_clock)
    account = Account(world.desk, lambda: clock.now, FRESHSERVICE_API_KEY, PLANS[settings.plan]())

    async def ready() -> None:
        while world.happenings.told_until < moment(clock.now):
            await asyncio.sleep(READY_SECONDS)

    def now_ms() -> int:
        return moment(clock.now)

    gates = Gates(world.attendance, now_ms, ready, GATE_MANAGEMENT_API_KEY)
    portal = Portal(world.platform, now_ms, ready, *PLATFORM_CLIENT)
    log = Log(world.attendance, lambda: clock.now, world.opening)
    app_server = user_app.Backend(log, *USER_APP_CLIENT, user_app.CALLS_PER_MINUTE[settings.plan])

    app = web.Application(middlewares=[staged_faults])
    app[FAULTS] = faults
    app[ADMIN] = Admin(world, clock, faults, account.limiter, keeper)
    app.add_routes(admin_routes())
    app.add_subapp("/api/v2", api(account))
    app.add_subapp("/gate", gate_management.api(gates))
    app.add_subapp("/platform", integrated_platform.api(portal))
    app.add_subapp("/user-app", user_app.api(app_server))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.host, settings.sources_port).start()
    LOG.info("sources listen on %s:%d", settings.host, settings.sources_port)
    keeper.start()
    try:
        await _told_to_stop()
    finally:
        LOG.info("sources stop")
        keeper.stop()
        await runner.cleanup()
        await asyncio.to_thread(keeper.join, STOP_SECONDS)


async def _told_to_stop() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def main() -> int:
    """The process: settings from the environment, log on standard error."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    # The client reports every retry of a broker that is away; the keeper says it once.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    # The history stays, and a record that is sent leaves nothing behind: look for garbage rarely
    # (with the default thresholds, looking took a sixth of the time of publishing).
    gc.set_threshold(100_000, 50, 100)
    asyncio.run(serve(Settings.from_env()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
