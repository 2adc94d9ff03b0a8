"""Which people and anime frames are kept for the test, of every model and for good, and who for limits.

Nobody is listed, so that no name has to stand in the repository: a person of the portraits is a test person
if the hash of the normalised name says so. Other sources leave out whoever is a test person of the
portraits, by normalised name. A few of the others, of all sources, are development people: limits and choices
are made on them, so no model learns them, and what is reported on them says so.
"""

import csv
import hashlib
import re
import unicodedata
from pathlib import Path

TEST_SHARE = 0.36
DEVELOPMENT_SHARE = 0.06
FRAME_TEST_SHARE = 0.15
HELD_OUT_STYLE = "paprika"
"""The CartoonGAN style that no model is trained on."""


def normalise(name: str) -> str:
    """First and last name in ASCII lower case, no initials or suffixes: `Jón Q. Doe, Jr.` -> `jon doe`."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = [w for w in re.split(r"[^a-z]+", ascii_name.replace("'", "")) if len(w) > 1]
    words = [w for w in words if w not in {"jr", "sr", "ii", "iii", "iv"}]
    return " ".join([words[0], words[-1]]) if len(words) > 1 else " ".join(words)


def is_test_person(name: str) -> bool:
    """Whether a person of the portraits is kept for the test."""
    return _draw(normalise(name), 0) < TEST_SHARE


def is_development_person(name: str) -> bool:
    """Whether a person of any source, who is not kept for the test, is kept for setting limits."""
    return _draw(normalise(name), 4) < DEVELOPMENT_SHARE


def is_test_frame(file_name: str) -> bool:
    """Whether a frame of `drawn/anime` is kept for the test of the detector."""
    return _draw(file_name, 0) < FRAME_TEST_SHARE


def _draw(name: str, start: int) -> float:
    """A number from 0 to 1 that a name always draws, from four bytes of its hash."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[start : start + 4], "big") / 2**32


def test_names(people_csv: Path) -> set[str]:
    """Normalised names of the test people among the portraits' `people.csv`."""
    with people_csv.open(newline="", encoding="utf-8") as file:
        return {normalise(row["name"]) for row in csv.DictReader(file) if is_test_person(row["name"])}
