"""The user app's stand-in in this process, with messages of the test's own."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from aiohttp import web

from sandbox.faults import FAULTS, Fault, Faults, staged_faults
from sandbox.user_app import Backend, api
from sandbox.user_app.log import Log
from sandbox.world.moments import moment

START = datetime(2026, 3, 1, tzinfo=UTC)
CLIENT = ("me", "a-secret-of-the-test")


class Told(NamedTuple):
    received_at: int
    seq: int
    body: Any
    dropped: bool = False


def view(number: int, **changes: Any) -> dict[str, Any]:
    """A message of a person who looks at a page."""
    return {
        "message_id": f"m-{number}",
        "type": "view",
        "user_id": f"usr-{number % 7:08d}",
        "event_id": "evt-1",
        "timestamp": "2026-03-01T01:00:00+01:00",
        "sent_at": "2026-03-01T01:00:01+01:00",
        "device_info": {
            "os": "iOS",
            "os_version": "26.1",
            "model": "iPhone 17",
            "app_version": "4.2.0",
            "device_id": f"dev-{number % 7}",
        },
        "location": {"lat": 52.5, "lon": 13.4, "zone": "North"},
        "properties": {"page": "agenda"},
        **changes,
    }


class Phones:
    """The server of the app, its clock and what phones sent it."""

    def __init__(self, first: int = 0, start: datetime = START) -> None:
        self.first = first
        self.told: list[Told] = []
        self.now = start
        self.faults = Faults(lambda seconds: self.move(timedelta(seconds=seconds)))
        self.log = Log(self, lambda: self.now, START)
        self.backend = Backend(self.log, *CLIENT)
        self.url = ""
        self.stop: Callable[[], None]
        """Let the server end in order; given by whoever serves."""
        self.hang: Callable[[float], None]
        """Let the server do nothing for some seconds; given by whoever serves."""

    def send(self, body: Any, *, dropped: bool = False) -> None:
        """Let a second pass and a message come in."""
        self.move(timedelta(seconds=1))
        self.told.append(Told(moment(self.now), self.first + len(self.told), body, dropped))

    def move(self, by: timedelta) -> None:
        self.now += by

    def stage(self, **fault: Any) -> None:
        self.faults.add(Fault.from_json({"path_prefix": "/user-app", **fault}))

    @property
    def told_until(self) -> int:
        return moment(self.now)

    def app_messages(self, since_ms: int, until_ms: int) -> Iterator[Told]:
        return (told for told in self.told if since_ms < told.received_at <= until_ms)


@contextmanager
def serving(phones: Phones) -> Iterator[Phones]:
    """Serve on a free port for the length of the block."""
    loop, started = asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application(middlewares=[staged_faults])
        app[FAULTS] = phones.faults
        app.add_subapp("/user-app", api(phones.backend))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        phones.url = f"http://127.0.0.1:{runner.addresses[0][1]}/user-app"
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        started.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)

    def stop() -> None:
        if thread.is_alive():
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)

    def hang(seconds: float) -> None:
        loop.call_soon_threadsafe(time.sleep, seconds)

    phones.stop = stop
    phones.hang = hang
    try:
        yield phones
    finally:
        stop()
        loop.close()
