"""What was fetched, what was left out and why: a file of JSON lines that only grows, one line an address.

A run that was killed goes on after the last whole line. Rejects of `training.curate` are lines too, so that
what a person threw away does not come back.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

KEPT, LEFT_OUT, REJECTED = "kept", "left out", "rejected"


@dataclass(frozen=True, slots=True)
class Entry:
    """One address: its outcome, the file it became in the ledger's folder, and what is known of it.

    `date` is the picture's, as the site says it, and `fetched` the day when it was fetched.
    """

    url: str
    outcome: str
    file: str = ""
    why: str = ""
    page: str = ""
    author: str = ""
    licence: str = ""
    date: str = ""
    fetched: str = ""


class Ledger:
    """The entries of a folder's `ledger.jsonl` by address."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "ledger.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self._entries = {entry.url: entry for entry in _read(self.path)}
        self._taken = {entry.file for entry in self._entries.values() if entry.file}
        if self.path.is_file() and not self.path.read_bytes().endswith(b"\n"):
            with self.path.open("ab") as file:  # killed while it wrote a line
                file.write(b"\n")

    def __contains__(self, url: str) -> bool:
        return url in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def entry_of(self, file: str) -> Entry | None:
        """The entry that became a file of the folder."""
        return next((entry for entry in self if entry.file == file), None)

    def take(self, file: str) -> bool:
        """Whether no address became this file yet; from now on it is taken."""
        is_free = file not in self._taken
        self._taken.add(file)
        return is_free

    def add(self, entry: Entry) -> None:
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        self._entries[entry.url] = entry


def _read(path: Path) -> list[Entry]:
    if not path.is_file():
        return []
    entries = []
    # A line may be cut inside a letter, and may hold U+2028, which splitlines() takes for an end.
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            entries.append(Entry(**json.loads(line)))
        except (ValueError, TypeError):  # half a line
            continue
    return entries
