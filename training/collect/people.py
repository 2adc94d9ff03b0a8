"""Photos of people by name: one folder a person, every picture let in, every address in the ledger.

    python -m training.collect people NAMES.csv --out photos

NAMES.csv has the columns name and gender, and query where another word finds the person better. Interrupted
with Ctrl-C or killed, the same command goes on; an address that is in the ledger is never asked again.
"""

import csv
import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from training.collect.crew import spread
from training.collect.door import CollectError, Door, Refused
from training.collect.ledger import KEPT, LEFT_OUT, Entry, Ledger
from training.collect.sources import Found, Name, Source
from training.collect.turns import Turns
from webcast.errors import ImageError, WebcastError
from webcast.images import open_image

NAMES = Path(__file__).with_name("names.csv")
PROCESSES = 4


def read_names(path: Path) -> list[Name]:
    """The rows of a CSV with the columns name, gender and perhaps query."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WebcastError(f"{path} cannot be read; give a CSV in UTF-8 ({error}).") from None
    if not rows or not {"name", "gender"} <= rows[0].keys():
        raise WebcastError(f"{path} needs the columns name and gender, and a row for every person.")
    return [
        Name(row["name"].strip(), row["gender"].strip(), (row.get("query") or row["name"]).strip())
        for row in rows
    ]


def collect_people(
    names: Sequence[Name],
    source: Source,
    make_door: Callable[..., Door],
    out: Path,
    count: int,
    processes: int = PROCESSES,
) -> list[str]:
    """Fetch up to `count` photos of everybody; returns a sentence for each thing that could not be had.

    Each process works at one name at a time; the doors that `make_door(turns=...)` makes ask a host in turns.
    Raises `WebcastError` for less than one process, and where another run collects into the same folder.
    """
    if processes < 1:
        raise WebcastError(f"{processes} processes cannot fetch anything; say --processes 1 or more.")
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / ".collecting.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise WebcastError(f"Another run collects into {out}; wait for its end, or stop it.") from None
    with lock, TemporaryDirectory(prefix="webcast-turns-") as turns:
        doors = partial(make_door, turns=Turns(Path(turns)))
        work = partial(_collect_one, source, out, count)
        people = list({folder_name(person.name): person for person in names}.values())
        told = spread(work, people, doors, processes, "name")
    return [sentence for sentences in told for sentence in sentences]


def _collect_one(source: Source, out: Path, count: int, door: Door, person: Name) -> list[str]:
    try:
        told = collect_person(person, source, door, out / folder_name(person.name), count)
    except CollectError as error:
        told = [str(error)]
    return [f"{person.name}: {sentence}" for sentence in told]


def collect_person(person: Name, source: Source, door: Door, folder: Path, count: int) -> list[str]:
    """Fetch what is missing of `count` photos; returns a sentence for each failure that may pass.

    Raises `CollectError` where the source does not answer.
    """
    ledger, problems = Ledger(folder), []
    missing = count - sum(entry.outcome == KEPT for entry in ledger)
    if missing <= 0:
        return []
    for found in source(door, person, 3 * count):
        if found.url in ledger:
            continue
        try:
            missing -= fetch_photo(found, door, ledger)
        except CollectError as error:
            problems.append(str(error))
        if not missing:
            break
    if not any(ledger) and not problems:
        problems.append("nothing was found; check the name, write another query, or take another --source.")
    return problems


def fetch_photo(found: Found, door: Door, ledger: Ledger) -> bool:
    """Fetch one photo into the ledger's folder, if it is a picture; a no for good is noted.

    Raises `CollectError` for a failure that may pass, so that the next run asks again.
    """
    try:
        body = door.fetch(found.url, referer=found.page or None).body
        picture = open_image(body)
    except (Refused, ImageError) as error:
        ledger.add(Entry(found.url, LEFT_OUT, why=str(error)))
        return False
    name = f"{hashlib.sha256(body).hexdigest()[:16]}.jpg"
    if not ledger.take(name):
        ledger.add(Entry(found.url, LEFT_OUT, why="the same file as another address gave"))
        return False
    partial = ledger.folder / f".{name}.partial"
    picture.save(partial, format="JPEG", quality=95)
    partial.replace(ledger.folder / name)
    origin = {"page": found.page, "author": found.author, "licence": found.licence, "date": found.date}
    origin["fetched"] = datetime.now(UTC).date().isoformat()
    ledger.add(Entry(found.url, KEPT, name, **origin))
    return True


def folder_name(name: str) -> str:
    """A person's name as a folder's, in any script, without what paths may not hold."""
    clean = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", unicodedata.normalize("NFC", name)).strip(" .")
    return clean[:80] or "person"
