"""Whose turn it is at a host: one request at a time, with a pause, over all threads and processes of a run.

A file for each host holds when it may be asked next; whoever wants to ask takes that moment and writes the
next one, under a lock that the system gives back where its holder is killed.
"""

import hashlib
import time
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
        file = self.folder / hashlib.sha256(host.encode()).hexdigest()[:16]
        with FileLock(f"{file}.lock", poll_interval=0.01):
            turn = max(time.monotonic(), float(file.read_text()) if file.is_file() else 0.0)
            file.write_text(repr(turn + seconds_between))
        return turn
