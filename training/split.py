"""Which real people are kept for the test, of every model and for good.

Nobody is listed, so that no name has to stand in the repository: a person of the portraits is a test person
if the hash of the normalised name says so. Other sources leave out whoever is a test person of the
portraits, by normalised name.
"""

import csv
import hashlib
import re
import unicodedata
from pathlib import Path

TEST_SHARE = 0.36
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
    digest = hashlib.sha256(normalise(name).encode()).digest()
    return int.from_bytes(digest[:4], "big") < TEST_SHARE * 2**32


def test_names(people_csv: Path) -> set[str]:
    """Normalised names of the test people among the portraits' `people.csv`."""
    with people_csv.open(newline="", encoding="utf-8") as file:
        return {normalise(row["name"]) for row in csv.DictReader(file) if is_test_person(row["name"])}
