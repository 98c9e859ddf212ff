"""Tells the truth in a process of its own, beside the publishing: either takes a minute at scale 1.

The process makes the world anew, which is a sixth of its work, and ends when the truth is written.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from dataclasses import astuple
from datetime import datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

from sandbox.truth.files import write_truth
from sandbox.world import World
from sandbox.world.moments import moment
from sandbox.world.world import Parameters

# Forks of a process without threads, which this one is not.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["sandbox.truth.teller"])


class Teller:
    """Writes the files of the truth as of one moment after another."""

    def __init__(self, parameters: Parameters, folder: Path) -> None:
        self._parameters = parameters
        self._folder = folder
        self._process: BaseProcess | None = None
        self._asked: datetime | None = None

    @property
    def told_at(self) -> datetime | None:
        """The moment as of which the truth was asked for; None until it is written."""
        done = self._process is not None and self._process.exitcode == 0
        return self._asked if done else None

    @property
    def is_telling(self) -> bool:
        """Whether it is being written."""
        return self._process is not None and self._process.is_alive()

    def tell(self, now: datetime) -> None:
        """Begin to write the truth as of a moment; not while it is written as of another."""
        self._asked = now
        self._process = _FORKS.Process(
            target=_tell, args=(self._parameters, now, self._folder), daemon=True
        )
        self._process.start()

    def stop(self) -> None:
        """Write no further; the files are as of one moment or of another, each of them whole."""
        if self._process is not None:
            self._process.terminate()


def _tell(parameters: Parameters, now: datetime, folder: Path) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    world = World(*astuple(parameters))
    world.topic.advance(moment(now))
    write_truth(world, now, folder)


def _end_with_parent() -> None:
    """Who is started in its place tells the truth anew, into the same files."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
