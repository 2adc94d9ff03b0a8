"""Photos of people by name: one folder a person, every picture let in, every address in the ledger.

    python -m training.collect people NAMES.csv --out photos

NAMES.csv has the columns name and gender, and query where another word finds the person better. Interrupted
with Ctrl-C or killed, the same command goes on; an address that is in the ledger is never asked again.
"""

import csv
import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from training.collect.door import CollectError, Door
from training.collect.ledger import KEPT, LEFT_OUT, Entry, Ledger
from training.collect.sources import Found, Name, Source
from webcast.errors import ImageError, WebcastError
from webcast.images import open_image

NAMES = Path(__file__).with_name("names.csv")


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
    names: Sequence[Name], source: Source, door: Door, out: Path, count: int, workers: int = 4
) -> list[str]:
    """Fetch up to `count` photos of everybody; returns a sentence for each person who could not be had."""
    problems = []
    with tqdm(names, desc="people", unit="person") as bar:
        for person in bar:
            bar.set_postfix_str(person.name)
            try:
                collect_person(person, source, door, out / folder_name(person.name), count, workers)
            except CollectError as error:
                problems.append(f"{person.name}: {error}")
    return problems


def collect_person(person: Name, source: Source, door: Door, folder: Path, count: int, workers: int) -> None:
    ledger = Ledger(folder)
    missing = count - sum(entry.outcome == KEPT for entry in ledger)
    wanted = (found for found in source(door, person, 3 * count) if found.url not in ledger)
    pool = ThreadPoolExecutor(workers)
    try:
        for _ in islice(
            (kept for kept in _fetched(pool, workers, wanted, door, ledger) if kept), max(0, missing)
        ):
            pass
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _fetched(
    pool: ThreadPoolExecutor, workers: int, wanted: Iterator[Found], door: Door, ledger: Ledger
) -> Iterator[bool]:
    """Whether each photo was kept, as they come; no more are under way than there are workers."""
    under_way: set[Future[bool]] = set()
    for found in wanted:
        under_way.add(pool.submit(fetch_photo, found, door, ledger))
        if len(under_way) >= workers:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    yield from (future.result() for future in under_way)


def fetch_photo(found: Found, door: Door, ledger: Ledger) -> bool:
    """Fetch one photo into the ledger's folder, if it is a picture; whatever becomes of it is noted."""
    try:
        body = door.fetch(found.url, referer=found.page or None).body
        picture = open_image(body)
    except (CollectError, ImageError) as error:
        ledger.add(Entry(found.url, LEFT_OUT, why=str(error)))
        return False
    name = f"{hashlib.sha256(body).hexdigest()[:16]}.jpg"
    if any(entry.file == name for entry in ledger):
        ledger.add(Entry(found.url, LEFT_OUT, why="the same file as another address gave"))
        return False
    partial = ledger.folder / f".{name}.partial"
    picture.save(partial, format="JPEG", quality=95)
    partial.replace(ledger.folder / name)
    ledger.add(
        Entry(
            found.url,
            KEPT,
            name,
            page=found.page,
            author=found.author,
            licence=found.licence,
            date=found.date,
        )
    )
    return True


def folder_name(name: str) -> str:
    """A person's name as a folder's, in any script, without what paths may not hold."""
    clean = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", unicodedata.normalize("NFC", name)).strip(" .")
    return clean[:80] or "person"
