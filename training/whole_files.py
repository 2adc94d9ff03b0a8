"""Files that are never there by half."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which stands aside until it is whole and then takes the place of what was there."""
    aside = path.with_suffix(".partial")
    with aside.open("wb") as file:
        yield file
    aside.replace(path)
