"""A worker: one process with one pipeline of its own, told to stop by SIGTERM or by our death."""

import gc
import math
import signal
import threading
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from types import FrameType

from dlt.common.configuration.exceptions import ConfigFieldMissingException

from loaders import user_app
from loaders.batch import Batch, Report
from loaders.errors import GatehouseError
from loaders.landing import open_pipeline
from loaders.loads import TOPICS, explain, quiet_logs
from loaders.stream.member import Member, Streaming
from loaders.stream.telemetry import Beat
from loaders.topic import Feed, Reading, connect, partitions_of

Tell = Callable[[Beat], None]
SOURCES = (*TOPICS, user_app.SOURCE)


def work(source: str, number: int, supervisor: Connection) -> None:
    """Land what a source sends until told to stop; exit code 1 where it cannot go on.

    Parameters
    ----------
    source
        One of `SOURCES`.
    number
        Which of the source's workers this is; its pipeline is named after it.
    supervisor
        Is sent a `Beat` per batch; the last one of a worker that gives up tells why.
    """
    quiet_logs()
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which tells us
    threading.Thread(target=_stop_with_supervisor, args=(stopped,), daemon=True).start()
    gc.freeze()  # what was imported stays: no collection need look at it again

    def tell(beat: Beat) -> None:
        try:
            supervisor.send(beat)
        except OSError:
            stopped.set()

    try:
        if feed := TOPICS.get(source):
            _join(feed, number, tell, stopped)
        else:
            _listen(tell, stopped)
    except (GatehouseError, ConfigFieldMissingException) as error:
        tell(Beat.gave_up(source, type(error).__name__, explain(error)))
        raise SystemExit(1) from None


def _join(feed: Feed, number: int, tell: Tell, stopped: threading.Event) -> None:
    """Be a member of a topic's group."""
    settings, streaming = Reading.of(feed.source), Streaming.from_config()
    session = int(streaming.session_seconds * 1000)
    with (
        open_pipeline(f"{feed.source}_{number}", [feed.statement]) as pipeline,
        connect(
            feed.source,
            settings,
            session_timeout_ms=session,
            heartbeat_interval_ms=session // 6,
            # Also how long a rebalance waits for a member that died in it. We poll all the time.
            max_poll_interval_ms=3 * session,
        ) as (consumer, graveyard),
    ):
        partitions_of(consumer, settings.topic)
        consumer.subscribe([settings.topic])
        member = Member(feed, consumer, graveyard, pipeline, streaming, tell, stopped.is_set)
        member.run()


def _listen(tell: Tell, stopped: threading.Event) -> None:
    """Hear the app's socket."""
    report = Report(user_app.SOURCE, user_app.FEED)

    def landed(batch: Batch, seconds: float) -> None:
        tell(Beat.of(report).with_batch(batch, seconds))

    def is_over() -> bool:
        tell(Beat.of(report))
        return stopped.is_set()

    user_app.listen(lambda _feed: report, math.inf, landed, is_over)


def _stop_with_supervisor(stopped: threading.Event) -> None:
    supervisor = parent_process()
    assert supervisor  # noqa: S101
    supervisor.join()
    stopped.set()
