"""Whose turn it is at a host: one request at a time, with a pause, over all threads and processes of a run.

A file for each host holds when it may be asked next; whoever wants to ask takes that moment and writes the
next one, under a lock that the system gives back where its holder is killed.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock


class Turns:
    """The turns in a folder that several processes share; without one, those of this process's threads."""

    def __init__(self, folder: Path | None = None) -> None:
        self._own = None if folder else TemporaryDirectory(prefix="webcast-turns-")
        self.folder = folder or Path(self._own.name)

    def take(self, host: str, seconds_between: float) -> float:
        """The moment of `time.monotonic()` at which the host may be asked, which nobody else is given."""
        with self._next_of(host) as (file, free_at):
            turn = max(time.monotonic(), free_at)
            file.write_text(repr(turn + seconds_between))
        return turn

    def hold(self, host: str, seconds: float) -> None:
        """Nobody is given a turn at the host before so many seconds are over."""
        with self._next_of(host) as (file, free_at):
            file.write_text(repr(max(free_at, time.monotonic() + seconds)))

    @contextmanager
    def _next_of(self, host: str) -> Iterator[tuple[Path, float]]:
        """The file of a host, and the moment that is in it, under its lock."""
        file = self.folder / hashlib.sha256(host.encode()).hexdigest()[:16]
        with FileLock(f"{file}.lock", poll_interval=0.01):
            yield file, float(file.read_text()) if file.is_file() else 0.0
