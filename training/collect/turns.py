"""Whose turn it is at a host: one request at a time, with a pause, over all threads and processes of a run.

A file for each host holds when it may be asked next; whoever wants to ask takes that moment and writes the
next one, under a lock that the system gives back where its holder is killed.
"""

import hashlib
import json
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
        with self._moments_of(host) as moments:
            turn = max(time.monotonic(), *moments.values())
            moments["next"] = turn + seconds_between
        return turn

    def hold(self, host: str, seconds: float) -> None:
        """Nobody is given a turn at the host before so many seconds are over, as it asked."""
        with self._moments_of(host) as moments:
            moments["held"] = max(moments["held"], time.monotonic() + seconds)

    def held_for(self, host: str) -> float:
        """Seconds for which the host asked not to be asked; not above 0 where it did not."""
        with self._moments_of(host) as moments:
            return moments["held"] - time.monotonic()

    @contextmanager
    def _moments_of(self, host: str) -> Iterator[dict[str, float]]:
        """When a host may be asked next and until when it is held, to be changed under its lock."""
        file = self.folder / hashlib.sha256(host.encode()).hexdigest()[:16]
        with FileLock(f"{file}.lock", poll_interval=0.01):
            moments = json.loads(file.read_text()) if file.is_file() else {"next": 0.0, "held": 0.0}
            yield moments
            file.write_text(json.dumps(moments))
