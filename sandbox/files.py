"""Files that a kill at any instant leaves either old or new, never half."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write a file beside its place and move it there; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).replace(path)


def keep_tail(path: Path, limit: int) -> None:
    """Drop all but the last `limit` bytes of a file that has grown past twice that."""
    if path.exists() and path.stat().st_size > 2 * limit:
        with path.open("rb") as file:
            file.seek(-limit, os.SEEK_END)
            tail = file.read()
        path.write_bytes(tail)


def last_lines(path: Path, count: int) -> str:
    """The end of a text file, or nothing where there is no file."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
