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

from training.collect.door import CollectError, Door, Refused
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
    """Fetch up to `count` photos of everybody; returns a sentence for each thing that could not be had."""
    problems = []
    with tqdm(names, desc="people", unit="person") as bar:
        for person in bar:
            bar.set_postfix_str(person.name)
            folder = out / folder_name(person.name)
            try:
                told = collect_person(person, source, door, folder, count, workers)
            except CollectError as error:
                told = [str(error)]
            problems += [f"{person.name}: {sentence}" for sentence in told]
    return problems


def collect_person(
    person: Name, source: Source, door: Door, folder: Path, count: int, workers: int
) -> list[str]:
    """Fetch what is missing of `count` photos; returns a sentence for each failure that may pass.

    Raises `CollectError` where the source does not answer. Ctrl-C ends every fetch that is under way.
    """
    ledger, problems = Ledger(folder), []
    missing = count - sum(entry.outcome == KEPT for entry in ledger)
    if missing <= 0:
        return []
    wanted = (found for found in source(door, person, 3 * count) if found.url not in ledger)
    pool = ThreadPoolExecutor(workers)
    try:
        outcomes = _fetched(pool, workers, wanted, door, ledger, problems)
        kept = sum(1 for _ in islice((outcome for outcome in outcomes if outcome), missing))
    except KeyboardInterrupt:
        door.hang_up()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if not kept and not any(ledger):
        problems.append("nothing was found; check the name, write another query, or take another --source.")
    return problems


def _fetched(
    pool: ThreadPoolExecutor,
    workers: int,
    wanted: Iterator[Found],
    door: Door,
    ledger: Ledger,
    problems: list[str],
) -> Iterator[bool]:
    """Whether each photo was kept, as they come; no more are under way than there are workers."""

    def outcome(future: Future[bool]) -> bool:
        try:
            return future.result()
        except CollectError as error:
            problems.append(str(error))
            return False

    under_way: set[Future[bool]] = set()
    for found in wanted:
        under_way.add(pool.submit(fetch_photo, found, door, ledger))
        if len(under_way) >= workers:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from map(outcome, done)
    yield from map(outcome, under_way)


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
    ledger.add(Entry(found.url, KEPT, name, **origin))
    return True


def folder_name(name: str) -> str:
    """A person's name as a folder's, in any script, without what paths may not hold."""
    clean = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", unicodedata.normalize("NFC", name)).strip(" .")
    return clean[:80] or "person"
