"""Reads an episode and casts its characters; `Caster.read_episode` and `Caster.cast_episode` are this.

    pages -> parts -> faces -> embeddings and colours -> characters -> readings -> ballots -> joint assignment

What was computed of a face stays with the episode, so that after an edit only what is new is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from PIL import Image

from webcast.characters import Clustering, find_characters, odd_ones
from webcast.ensemble import assign, beats_strangers, percentile
from webcast.episode import Character, Episode, EpisodeCast, PagePart, Part, Reading, Sighting
from webcast.errors import EpisodeError
from webcast.gallery import Gallery
from webcast.images import fit
from webcast.intake import Sent, find_pages, read_parts
from webcast.looks import colours, judge
from webcast.selection import keep
from webcast.types import (
    Ballot,
    Box,
    Detector,
    Embedder,
    Face,
    Firmness,
    Panel,
    Person,
    Portrait,
    Sources,
    Standing,
)
from webcast.vote import VOTES_PER_FACE, firmness, tally

SAME_FACE = 0.5  # two boxes of overlapping parts that share so much of the smaller one are one face
CROP_PX = 384  # what heads are reduced to, for there may be thousands
SHOWN_PX = 512  # what was made of them is reduced to
MAX_FACES = 3000
STRANGERS_LIMIT = 0.9
"""A part is firm only if at least so many of the other faces are less similar to the person.

On development episodes the limit hardly matters (`python -m training.part_limits`): at 0.9 pass 17 of the 18
right parts and 100 of the 108 wrong ones; all 9 that are firm by their votes pass, 5 of them right.
"""
EMBED_BATCH, READ_BATCH = 32, 16

Progress = Callable[[str, int, int], Any]


class Reader(Protocol):
    """What makes readings of head crops: `caster.Stages`."""

    embedder: Embedder

    def way(self, similarity: str, gender: str | None) -> str:
        """A name for how it reads faces for a similarity and a character's gender."""
        ...

    def read(self, heads: Sequence[Image.Image], similarity: str, gender: str | None) -> list[Reading]:
        """Square RGB head crops in, as many readings out."""
        ...


def read_episode(
    sources: Sequence[Sent], detector: Detector, embedder: Embedder, how: Clustering, progress: Progress
) -> Episode:
    """The episode of some sources: its faces found, embedded, judged and joined into characters.

    Pages are opened one after the other and kept as JPEG. Raises `EpisodeError` where nothing can be read or
    no face is found.
    """
    notices: list[str] = []
    parts, faces = _find_faces(sources, detector, notices, progress)
    if not faces:
        raise EpisodeError("No drawn face was found on any page; try pages with larger, frontal faces.")
    sightings = _without_odd(_look_at(faces, embedder, progress), how)
    left_out = {sighting.number: sighting.reason for sighting in sightings if sighting.reason}
    characters = find_characters(sightings, how)
    return Episode(parts, sightings, characters, left_out, _name(embedder), notices=tuple(notices))


def cast_episode(
    episode: Episode,
    gallery: Gallery,
    reader: Reader,
    similarity: str,
    firm_standout: float | None,
    sources: Sources,
    progress: Progress,
) -> EpisodeCast:
    """Who of the gallery plays each main character, nobody two.

    Only faces of main characters that `reader` never read in this way are given to it; the episode that
    comes back keeps what it made. Raises `EpisodeError` where another embedder read the episode.
    """
    if episode.embedder != _name(reader.embedder):
        raise EpisodeError("The episode was read with another embedder; read its pages again.")
    genders = {number: c.gender for c in episode.mains for number in c.faces}
    episode = replace(episode, readings=_read_missing(episode, genders, similarity, reader, progress))
    votes = [_vote(episode, character, gallery, firm_standout) for character in episode.mains]
    parts = tuple(_parts(episode, votes, gallery, similarity))
    progress("vote", len(parts), len(parts))
    return EpisodeCast(episode, parts, sources, (*episode.notices, *_shortage(parts, gallery)))


def _name(embedder: Embedder) -> str:
    return f"{embedder.id} {embedder.revision}"


def _find_faces(
    sources: Sequence[Sent], detector: Detector, notices: list[str], progress: Progress
) -> tuple[tuple[PagePart, ...], list[Face]]:
    """All parts, and the faces on them in reading order; each face once, where parts overlap."""
    pages = find_pages(sources)
    parts: list[PagePart] = []
    faces: list[Face] = []
    for done, part, picture in read_parts(pages, notices):
        found = detector.detect([Panel(picture, part.name)])[0]
        found = [replace(face, panel=part, crop=fit(face.crop, CROP_PX)) for face in found]
        found.sort(key=lambda face: (face.box.y0, face.box.x0))
        faces = _without_twice(faces, found)
        parts.append(part)
        if len(faces) > MAX_FACES:
            raise EpisodeError(f"More than {MAX_FACES} faces were found; cast fewer pages at once.")
        progress("detect", done, len(pages))
    return tuple(parts), faces


def _without_twice(faces: Sequence[Face], found: Sequence[Face]) -> list[Face]:
    """Old and new faces; of a face that lies on two overlapping parts the larger box is kept."""
    kept = list(faces)
    for face in found:
        twin = next((other for other in reversed(kept) if _is_twin(face, other)), None)
        if twin is None:
            kept.append(face)
        elif face.box.area > twin.box.area:
            kept[kept.index(twin)] = face
    return kept


def _is_twin(face: Face, other: Face) -> bool:
    here, there = face.panel, other.panel
    if here.number != there.number + 1 or (here.page, here.episode) != (there.page, there.episode):
        return False
    a, b = _on_page(face), _on_page(other)
    return a.overlap(b) > SAME_FACE * min(a.area, b.area)


def _on_page(face: Face) -> Box:
    return face.box.shifted(face.panel.place.x0, face.panel.place.y0)


def _look_at(faces: Sequence[Face], embedder: Embedder, progress: Progress) -> tuple[Sighting, ...]:
    """Each face with what is computed of it, numbered in reading order."""
    rows = []
    for start in range(0, len(faces), EMBED_BATCH):
        rows.append(embedder.embed([face.crop for face in faces[start : start + EMBED_BATCH]]))
        progress("embed faces", min(start + EMBED_BATCH, len(faces)), len(faces))
    return tuple(
        Sighting(number, face, embedding, colours(face.crop), *judge(face))
        for number, (face, embedding) in enumerate(zip(faces, np.concatenate(rows), strict=True))
    )


def _without_odd(sightings: tuple[Sighting, ...], how: Clustering) -> tuple[Sighting, ...]:
    """The sightings; whatever is neither surely a face nor like another one gets that as its reason."""
    odd = odd_ones(find_characters(sightings, how), sightings)
    numbers = {number for character in odd for number in character.faces}
    return tuple(replace(s, reason="odd") if s.number in numbers else s for s in sightings)


def _read_missing(
    episode: Episode,
    genders: Mapping[int, str | None],
    similarity: str,
    reader: Reader,
    progress: Progress,
) -> dict[int, Reading]:
    """All readings, old and new, so that each face of `genders` has one for its gender."""
    readings, missing = dict(episode.readings), {}
    for number, gender in genders.items():
        made = readings.get(number)
        if made is None or made.way != reader.way(similarity, gender):
            missing.setdefault(gender, []).append(number)
    done, total = 0, sum(map(len, missing.values()))
    for gender, numbers in missing.items():
        for start in range(0, len(numbers), READ_BATCH):
            batch = numbers[start : start + READ_BATCH]
            crops = [episode.sightings[number].face.crop for number in batch]
            readings |= zip(batch, map(_small, reader.read(crops, similarity, gender)), strict=True)
            done += len(batch)
            progress("realize", done, total)
    return readings


def _small(reading: Reading) -> Reading:
    upscaled, realized = (fit(image, SHOWN_PX) for image in (reading.upscaled, reading.realized))
    return replace(reading, upscaled=upscaled, realized=realized)


@dataclass(frozen=True, slots=True, eq=False)
class _Voted:
    """How one character's faces voted, before parts are given: `gallery` is who may play it, if anybody."""

    character: Character
    probes: np.ndarray
    gallery: Gallery | None
    ballots: tuple[Ballot, ...] = ()
    standings: tuple[Standing, ...] = ()
    firmness: Firmness | None = None
    doubts: tuple[str, ...] = ()


def _vote(episode: Episode, character: Character, gallery: Gallery, firm_standout: float | None) -> _Voted:
    readings = [episode.readings[number] for number in character.faces]
    probes = np.stack([reading.probe for reading in readings])
    of_gender = {p for p in gallery.people if character.gender in (None, p.gender)}
    if not of_gender:
        doubt = f"Nobody in {gallery.name} has the gender {character.gender}, so nobody can play this part."
        return _Voted(character, probes, None, doubts=(doubt,))
    may_play = keep(gallery, of_gender)
    ballots = tuple(
        Ballot(episode.sightings[number].face, reading.upscaled, reading.realized, votes, standout)
        for number, reading, (votes, standout) in zip(
            character.faces, readings, may_play.search(probes, VOTES_PER_FACE), strict=True
        )
    )
    standings = tally(ballots)
    measured, doubts = firmness(ballots, standings, list(may_play.portraits_each.values()), firm_standout)
    return _Voted(character, probes, may_play, ballots, standings, measured, doubts)


def _parts(episode: Episode, votes: Sequence[_Voted], gallery: Gallery, similarity: str) -> Iterator[Part]:
    """Each character's part after the joint assignment, and what speaks for it and against."""
    if not votes:
        return
    people = gallery.people
    mean = np.stack([gallery.similarities(voted.probes).mean(0) for voted in votes])
    allowed = np.stack([[voted.character.gender in (None, p.gender) for p in people] for voted in votes])
    given = assign([voted.standings for voted in votes], mean, allowed, people)
    for row, (voted, person) in enumerate(zip(votes, given, strict=True)):
        place = strangers = portrait = None
        if person is not None:
            column = people.index(person)
            portrait = _nearest_portrait(person, voted.probes, gallery)
            others = _others(episode, votes, row, similarity)
            place = percentile(mean[row][allowed[row]], int(allowed[row][:column].sum()))
            strangers = beats_strangers(mean[row, column], _similarity_to(person, others, gallery))
        doubts = (*voted.doubts, *_doubts(voted, person, strangers))
        yield Part(
            voted.character,
            voted.character.faces if voted.ballots else (),
            voted.ballots,
            voted.standings,
            person,
            portrait,
            voted.firmness,
            place,
            strangers,
            firm=person is not None and not doubts,
            doubts=doubts,
        )


def _others(episode: Episode, votes: Sequence[_Voted], row: int, similarity: str) -> np.ndarray:
    """Vectors of the faces of everybody else, (N, D): for realized ones those that were realized."""
    if similarity == "realized":
        others = [voted.probes for place, voted in enumerate(votes) if place != row]
        return np.concatenate(others) if others else votes[row].probes[:0]
    own = votes[row].character.id
    numbers = [n for character in episode.characters if character.id != own for n in character.faces]
    return np.array([episode.sightings[n].embedding for n in numbers]).reshape(-1, votes[row].probes.shape[1])


def _nearest_portrait(person: Person, probes: np.ndarray, gallery: Gallery) -> Portrait:
    """That of the person's portraits which comes nearest to any of the faces."""
    found = [votes[0] for votes, _ in keep(gallery, {person}).search(probes, 1)]
    return max(found, key=lambda vote: vote.similarity).portrait


def _similarity_to(person: Person, probes: np.ndarray, gallery: Gallery) -> np.ndarray:
    """Similarity of each vector to that person's nearest portrait, (N,)."""
    return keep(gallery, {person}).similarities(probes)[:, 0] if len(probes) else np.empty(0)


def _doubts(voted: _Voted, person: Person | None, strangers: float | None) -> Iterator[str]:
    """What speaks against the part beside the votes, a sentence each."""
    if voted.gallery is None:
        return
    first = voted.standings[0].person
    if person is None:
        yield "Everybody who could play this part plays another one."
    elif person not in {standing.person for standing in voted.standings}:
        yield f"No face voted for {person.name}: everybody it voted for plays another part."
    elif person != first:
        yield f"The faces' own first choice, {first.name}, plays another part."
    if strangers is not None and strangers < STRANGERS_LIMIT:
        yield (
            f"This is no firmer than chance: {1 - strangers:.0%} of the episode's other faces resemble "
            f"{person.name} as much as this character does."
        )


def _shortage(parts: Sequence[Part], gallery: Gallery) -> Iterator[str]:
    if not parts:
        yield "Nobody is left to cast: every face is left out or every character dropped; bring some back."
    uncast = sum(part.person is None for part in parts)
    if uncast and len(gallery.people) < len(parts):
        yield (
            f"There are {len(parts)} main characters and {len(gallery.people)} people to play them, so "
            f"{uncast} of the parts stay open; let more people in, or drop characters."
        )
