"""A whole ClickHouse server out of the wheel chdb-core: `python -m sandbox.clickhouse`.

The wheel carries all of ClickHouse as an extension module. Its `query` runs ClickHouse's own
clickhouse-local, and that one can listen: it reads `config.xml` from its working folder, opens its
ports on `SYSTEM START LISTEN`, and serves for as long as its statements run. One of them here reads
standard input, which is a pipe of ours: closing it ends the server in order. The ports close before
the local session does, as its user is open to nobody only while the session lasts.

This is a private entry of the wheel, tried on the version below and promised by nobody. Everything
that depends on it is in this file.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import os
import signal
import sys
import threading
from pathlib import Path
from types import ModuleType

from sandbox import clickhouse_config
from sandbox.settings import DATABASES, Settings

CHDB_CORE = "26.9.0"

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}

SERVE = "; ".join(
    [
        *(f"CREATE DATABASE IF NOT EXISTS {database}" for database in DATABASES),
        "SYSTEM START LISTEN HTTP",
        "SYSTEM START LISTEN TCP",
        "SELECT * FROM file('-', 'LineAsString', 'line String') FORMAT Null",
        "SYSTEM STOP LISTEN HTTP",
        "SYSTEM STOP LISTEN TCP",
    ]
)


def folder_of(settings: Settings) -> Path:
    """Where the server stands: its configuration, its log of errors and its data."""
    return settings.root / "clickhouse"


def load_engine() -> ModuleType:
    """Load the extension alone, as `import chdb` opens and closes a connection, which breaks it.

    After that connection, for one, CREATE TABLE ... ENGINE = Kafka fails with "Shutdown was
    called". The library finds its own libraries from its folder, and its memory allocator must not
    be mixed with one that is already loaded: hence the folder and, where it exists, DEEPBIND.
    """
    package = importlib.util.find_spec("chdb")
    if package is None or package.origin is None:
        raise SystemExit(f"chdb-core {CHDB_CORE} is not installed: run `make env`")
    folder = Path(package.origin).parent
    loader = importlib.machinery.ExtensionFileLoader("_chdb", str(folder / "_chdb.abi3.so"))
    spec = importlib.machinery.ModuleSpec(loader.name, loader, origin=loader.path)
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | getattr(os, "RTLD_DEEPBIND", 0))
    try:
        with contextlib.chdir(folder):
            engine = importlib.util.module_from_spec(spec)
            loader.exec_module(engine)
    finally:
        sys.setdlopenflags(flags)
    return engine


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code is 1 if the server ended by itself."""
    folder = folder_of(settings)
    folder.mkdir(parents=True, exist_ok=True)
    clickhouse_config.write(settings, folder)
    engine = load_engine()
    os.chdir(folder)

    read_end, write_end = os.pipe()
    os.dup2(read_end, sys.stdin.fileno())
    os.close(read_end)
    # Blocked before any thread exists, so that every thread inherits it and only ours is told.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    asked = threading.Event()

    def close_on_signal() -> None:
        signal.sigwait(STOP_SIGNALS)
        asked.set()
        os.close(write_end)

    threading.Thread(target=close_on_signal, daemon=True).start()
    # TabSeparated becomes the default format over HTTP; with CSV clients misread their handshake.
    result = engine.query(SERVE, "TabSeparated", path="data")
    if asked.is_set():
        return 0
    problem = result.error_message().partition(", Stack trace")[0]
    sys.stderr.write(f"The server ended by itself. {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(serve(Settings.from_env()))
