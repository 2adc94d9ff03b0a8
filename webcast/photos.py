"""A folder of photos, `person name/photo.jpg`, with what its maker wrote in people.csv and photos.csv."""

import csv
import re
import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from webcast.errors import GalleryError
from webcast.types import Person

PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture not yet let in: whom it shows, its file or that file's bytes, what to call it, its origin."""

    person: Person
    file: Path | bytes
    label: str
    source: str = ""
    licence: str = ""


def find_photos(folder: Path) -> Iterator[Photo]:
    """The photos of a folder in the order of their paths.

    The person is the folder that a photo lies in, at any depth; a photo in no folder is of whom its file
    name says. Hidden files and files that are not pictures by their suffix are passed over. Names are
    normalised (NFC), for macOS writes Hangul in pieces. Raises `GalleryError` for an unreadable CSV.
    """
    about, origins = read_people(folder / "people.csv"), read_origins(folder / "photos.csv")
    people, taken = {}, set()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in inside.parts)
        if is_hidden or path.suffix.lower() not in PICTURE_SUFFIXES or not path.is_file():
            continue
        key = unicodedata.normalize("NFC", inside.parent.name or path.stem)
        row = about.get(key, {})
        if key not in people:
            name = row.get("name") or key
            born = birth_year(row.get("born"), path=folder / "people.csv")
            people[key] = Person(unique_id(name, taken), name, row.get("gender") or None, born)
            taken.add(people[key].id)
        origin = row | origins.get(unicodedata.normalize("NFC", inside.as_posix()), {})
        yield Photo(people[key], path, str(inside), origin.get("source", ""), origin.get("licence", ""))


def read_people(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a `people.csv` by folder, empty where there is none.

    Columns: name, and if wanted gender, born (a year), source, licence, and folder where that is not the
    name (a name with a slash in it cannot be a folder's).
    """
    return {row.get("folder") or row["name"]: row for row in _rows(path, "name")}


def read_origins(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a `photos.csv` by file (its path inside the folder), empty where there is none.

    Columns: file, source, licence; what a photo has here counts before what its person has.
    """
    rows = {row["file"]: row for row in _rows(path, "file")}
    return {
        file: {key: row[key] for key in ("source", "licence") if row.get(key)} for file, row in rows.items()
    }


def _rows(path: Path, needed: str) -> list[dict[str, str]]:
    """The tidied rows of a CSV that has the needed column; none where there is no file."""
    if not path.is_file():
        return []
    try:
        lines = unicodedata.normalize("NFC", path.read_text(encoding="utf-8-sig")).splitlines()
        rows = [_tidy(row) for row in csv.DictReader(lines, restkey="", restval="")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GalleryError(f"{path} cannot be read: save it as CSV in UTF-8 ({error}).") from None
    if rows and needed not in rows[0]:
        raise GalleryError(f"{path} needs a column called {needed}; it has {', '.join(rows[0])}.")
    return rows


def _tidy(row: dict[str, str]) -> dict[str, str]:
    """The row with trimmed cells and lower-case columns; cells beyond the last column are dropped."""
    return {column.strip().lower(): cell.strip() for column, cell in row.items() if column}


def birth_year(told: str | int | None, path: Path) -> int | None:
    """The year in a cell, None where nothing is told; a date counts as its year (1990-05-17)."""
    text = str(told if told is not None else "").strip()
    if not text:
        return None
    found = re.fullmatch(r"(\d{4})(\.0|[-./].*)?", text)
    if not found:
        raise GalleryError(f"{path} has {text!r} under born; write a year such as 1990.")
    return int(found[1])


def unique_id(name: str, taken: Container[str]) -> str:
    """A short id that is safe in a path: letters and digits of any script, joined by hyphens."""
    slug = re.sub(r"[\W_]+", "-", name.lower()).strip("-")[:60] or "person"
    unique, number = slug, 2
    while unique in taken:
        unique, number = f"{slug}-{number}", number + 1
    return unique
