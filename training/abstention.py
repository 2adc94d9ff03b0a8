"""When to abstain: the limit under which a face resembles nobody in a gallery more than strangers would.

The limit is set on the development people of `training.split`: drawings of theirs, in ways that are learned
and in others that are not, are shown to a gallery of all of them, without whoever is drawn. It is then
measured on other people, with that person in the gallery and without, through the gallery's own search and
the vote's own firmness.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from training.castback import Embed, Heads, find_heads
from training.faces import FacePhoto, development_photos
from training.loop import seeded
from training.stories import DEVELOPMENT, FILTERS, OUR_SCHOOLS, Draw
from webcast.gallery import Gallery
from webcast.types import Ballot, Detector, Face, Person, Portrait
from webcast.vote import firmness, tally

KINDS = (FILTERS, OUR_SCHOOLS, DEVELOPMENT)
"""Ways of drawing by their kind: filters, our renderer, and what no model learned."""
SET_FOR = 0.96
"""The part of absent people on whom it abstains, for every kind of drawing; 0.9 is wanted of test people."""


@dataclass(frozen=True)
class Answers:
    """How often an answer was given: of drawn people in the gallery, rightly or not, and of others."""

    present: int
    answered: int
    right: int
    absent: int
    abstained: int


def development_probes(data: Path, landmarks: Path, detector: Detector) -> tuple[list[list[Heads]], Heads]:
    """Development people who have two photos, drawn in each way of each of `KINDS`, and a gallery of
    everybody's first photo."""
    photos: defaultdict[str, list[FacePhoto]] = defaultdict(list)
    for photo in development_photos(data, landmarks):
        photos[photo.person].append(photo)
    gallery = {person: Image.open(found[0].path).convert("RGB") for person, found in photos.items()}
    second = {person: found[1] for person, found in photos.items() if len(found) > 1}
    kinds = [[find_heads(detector, drawn(second, draw)) for draw in kind.values()] for kind in KINDS]
    return kinds, find_heads(detector, gallery)


def drawn(photos: Mapping[str, FacePhoto], draw: Draw) -> dict[str, Image.Image]:
    """A drawing of each person's photo."""
    return {
        person: Image.fromarray(draw(photo, seeded(11, number))[0])
        for number, (person, photo) in enumerate(photos.items())
    }


def limit_for(kinds: Sequence[Sequence[Heads]], gallery: Gallery, embed_probe: Embed) -> float:
    """The standout under which to abstain: for each kind of drawing `SET_FOR` of absent people have less."""
    limits = []
    for ways in kinds:
        standouts = [standouts_of_absent(heads, gallery, embed_probe) for heads in ways]
        limits.append(float(np.quantile(np.concatenate(standouts), SET_FOR)))
    return max(limits)


def standouts_of_absent(probes: Heads, gallery: Gallery, embed_probe: Embed) -> np.ndarray:
    """The standout of each drawn face in a gallery without the one drawn."""
    return np.array([ballot.standout for _, ballot in _ballots(probes, gallery, embed_probe, False)])


def answers(probes: Heads, gallery: Gallery, embed_probe: Embed, limit: float) -> Answers:
    """What the vote says of each drawn face, with the one drawn in the gallery and without."""
    present = list(_ballots(probes, gallery, embed_probe, True))
    absent = list(_ballots(probes, gallery, embed_probe, False))
    people = len(gallery.people)
    named = [(person, _answer(ballot, people, limit)) for person, ballot in present]
    return Answers(
        present=len(present),
        answered=sum(answer is not None for _, answer in named),
        right=sum(answer == person for person, answer in named),
        absent=len(absent),
        abstained=sum(_answer(ballot, people - 1, limit) is None for _, ballot in absent),
    )


def _ballots(
    probes: Heads, gallery: Gallery, embed_probe: Embed, with_person: bool
) -> Iterator[tuple[str, Ballot]]:
    """Each person whose face was found on drawing and photo, and that face's ballot."""
    there = {person.id for person in gallery.people}
    people = [person for person in probes.crops if person in there]
    vectors = embed_probe([probes.crops[person] for person in people])
    for person, vector in zip(people, vectors, strict=True):
        searched = gallery if with_person else without(gallery, person)
        votes, standout = searched.search(vector[None])[0]
        crop = probes.crops[person]
        yield person, Ballot(Face(None, None, crop, "", 1.0), crop, crop, votes, standout)


def _answer(ballot: Ballot, people: int, limit: float) -> str | None:
    """The person named, or None where the vote abstains."""
    standings = tally([ballot])
    measured, _ = firmness([ballot], standings, [1] * people, limit)
    return standings[0].person.id if measured.firm else None


def gallery_of(crops: dict[str, Image.Image], embed: Embed) -> Gallery:
    """A gallery of one portrait a person."""
    portraits = tuple(Portrait(Person(person, person), crop) for person, crop in crops.items())
    return Gallery(portraits, embed(list(crops.values())), "", "", "measured", "")


def without(gallery: Gallery, person: str) -> Gallery:
    kept = [index for index, portrait in enumerate(gallery.portraits) if portrait.person.id != person]
    portraits = tuple(gallery.portraits[index] for index in kept)
    return Gallery(portraits, gallery.embeddings[kept], "", "", "measured", "")
