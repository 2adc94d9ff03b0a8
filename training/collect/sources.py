"""What a source of photos promises, and a photo that it names."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from training.collect.door import Door


@dataclass(frozen=True, slots=True)
class Name:
    """Whom to look for: the name and gender that the gallery gets, and the words for a search engine."""

    name: str
    gender: str
    query: str


@dataclass(frozen=True, slots=True)
class Found:
    """A photo on some site: its address, the page that shows it, and what the site says of its origin."""

    url: str
    page: str = ""
    author: str = ""
    licence: str = ""
    date: str = ""


class Source(Protocol):
    """One site: gives photos of a person, best first; raises `CollectError` where its shape changed."""

    def __call__(self, door: Door, person: Name, count: int) -> Iterator[Found]: ...
