"""Who may be cast: several galleries as one, and only those people whom the filters let through.

A filter never lets anybody in whom it cannot judge: with an age range, whoever has no year of birth is out.
"""

from __future__ import annotations

import datetime
import hashlib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from webcast.dataset import StoredPortrait
from webcast.errors import GalleryError
from webcast.gallery import Gallery
from webcast.photos import unique_id
from webcast.types import Person, Portrait


@dataclass(frozen=True, slots=True)
class Filters:
    """Whom to consider: everybody by default.

    `gender` is a word of the gallery's column (female, male). `youngest` and `oldest` are ages in years,
    both included, as of this year. `shortlist` and `without` are ids or names of people; with a shortlist
    nobody else is considered, and whoever is in `without` never is.
    """

    gender: str | None = None
    youngest: int | None = None
    oldest: int | None = None
    shortlist: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def select(gallery: Gallery, filters: Filters) -> Gallery:
    """The gallery with those people alone whom the filters let through; the same one if all are.

    Raises `GalleryError`, with what to change, for a name that nobody has, for an empty range of ages, and
    where nobody is left.
    """
    people = gallery.people
    kept = set(people)
    for wanted, passes in _tests(people, filters):
        still = {person for person in kept if passes(person)}
        if not still:
            raise GalleryError(f"Nobody of {gallery.name} is left {wanted}; change the filters.")
        kept = still
    return keep(gallery, kept)


def keep(gallery: Gallery, people: set[Person]) -> Gallery:
    """The portraits of those people, of whom there is at least one."""
    rows = [index for index, portrait in enumerate(gallery.portraits) if portrait.person in people]
    if len(rows) == len(gallery.portraits):
        return gallery
    portraits = tuple(gallery.portraits[row] for row in rows)
    return replace(gallery, portraits=portraits, embeddings=gallery.embeddings[rows])


def join(galleries: Sequence[Gallery]) -> Gallery:
    """Several galleries as one, in their order; people of one name, gender and year of birth are one person.

    Raises `GalleryError` where there is none, or where they were made by different embedders.
    """
    if not galleries:
        raise GalleryError("There is no gallery to cast from; give at least one.")
    first = galleries[0]
    if len(galleries) == 1:
        return first
    for other in galleries[1:]:
        if (other.embedder_id, other.embedder_revision) != (first.embedder_id, first.embedder_revision):
            raise GalleryError(
                f"The galleries {first.name} and {other.name} were made by different embedders; "
                "rebuild one of them with the weights of the other."
            )
    digest = hashlib.sha256("\0".join(gallery.revision for gallery in galleries).encode())
    return Gallery(
        tuple(_with_own_ids(galleries)),
        np.concatenate([gallery.embeddings for gallery in galleries]),
        first.embedder_id,
        first.embedder_revision,
        " + ".join(gallery.name for gallery in galleries),
        digest.hexdigest()[:12],
    )


def ages(person: Person) -> int | None:
    """How old the person becomes this year; None where the gallery does not say."""
    return None if person.born is None else datetime.date.today().year - person.born


def _tests(people: Sequence[Person], filters: Filters) -> list[tuple[str, Callable[[Person], bool]]]:
    """What each filter that is set asks for, in words that follow "is left", and its test of a person."""
    tests = []
    if filters.gender:
        tests.append((f"whose gender is {filters.gender}", lambda p: p.gender == filters.gender))
    if filters.youngest is not None or filters.oldest is not None:
        tests.append(_age_test(filters.youngest, filters.oldest))
    if filters.shortlist:
        listed = _named(people, filters.shortlist)
        tests.append(("on the shortlist", lambda p: p in listed))
    if filters.without:
        left_out = _named(people, filters.without)
        tests.append(("beside those left out", lambda p: p not in left_out))
    return tests


def _age_test(youngest: int | None, oldest: int | None) -> tuple[str, Callable[[Person], bool]]:
    low, high = youngest if youngest is not None else 0, oldest if oldest is not None else 200
    if low > high:
        raise GalleryError(f"The ages from {low} to {high} hold nobody; give the lower one first.")

    def passes(person: Person) -> bool:
        age = ages(person)
        return age is not None and low <= age <= high

    return f"from {low} to {high} years old (whoever has no year of birth is left out)", passes


def _named(people: Sequence[Person], names: Sequence[str]) -> set[Person]:
    """The people of these ids, or of these names (ids) whatever their case, where it is nobody's id."""
    found = set()
    for name in names:
        key = _folded(name)
        matches = {person for person in people if person.id == name} or {
            person for person in people if key in (_folded(person.id), _folded(person.name))
        }
        if not matches:
            raise GalleryError(f"Nobody in the gallery is called {name!r}; check the name.")
        found |= matches
    return found


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _with_own_ids(galleries: Sequence[Gallery]) -> list[Portrait]:
    """All portraits, people of one name as one person; another one's id that is taken gets a number."""
    portraits, known, taken = [], {}, set()
    for gallery in galleries:
        for person in gallery.people:
            who = (_folded(person.name), person.gender, person.born)
            if who not in known:
                known[who] = replace(person, id=unique_id(person.id, taken))
                taken.add(known[who].id)
        portraits += [
            _shown_as(known[(_folded(p.person.name), p.person.gender, p.person.born)], p)
            for p in gallery.portraits
        ]
    return portraits


def _shown_as(person: Person, portrait: Portrait) -> Portrait:
    """The portrait as one of that person."""
    if portrait.person == person:
        return portrait
    if isinstance(portrait, StoredPortrait):
        return StoredPortrait(person, portrait.encoded, portrait.source, portrait.licence)
    return replace(portrait, person=person)
