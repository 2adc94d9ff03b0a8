"""The values of a whole episode: its pages, the faces seen on them, who they are, and who plays them.

All of them are frozen: an edit (`webcast.edits`) makes a new `Episode` that shares what has not changed, so
that nothing is detected or embedded twice. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from PIL import Image

from webcast.images import open_image
from webcast.types import Ballot, Box, Face, Firmness, Panel, Person, Portrait, Sources, Standing

MAIN_FACES = 2  # somebody who is seen once is an extra
MAIN_SHARE = 0.12  # of the faces of the one seen most
NOTHING_READ: Mapping[int, Reading] = MappingProxyType({})


class PagePart(Panel):
    """A page, or what lies between two gutters of a long strip, kept as JPEG and decoded when looked at.

    So an episode of any length fits into memory. `name` is what to call the part, `page` the name of the
    file it is from, `number` its place in reading order over everything from 0, `episode` which of several
    episodes it belongs to, and `place` where it lies on its page, in pixels of the page.
    """

    __slots__ = ("encoded", "episode", "number", "page", "place")

    def __init__(self, encoded: bytes, name: str, page: str, number: int, episode: int, place: Box) -> None:
        fields = {"encoded": encoded, "name": name, "page": page, "number": number}
        for key, value in (fields | {"episode": episode, "place": place}).items():
            object.__setattr__(self, key, value)  # Panel is frozen

    @property
    def image(self) -> Image.Image:
        return open_image(self.encoded)


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One drawn face of an episode and what is computed of it, once.

    `number` is its place in reading order from 0. `face.panel` is a `PagePart`, on which `face.box` lies.
    `embedding` is that of the drawing, float32 (D,) of length 1; `colours` is CIELAB of hair, skin and eyes,
    float32 (9,); `quality` is 0 to 1, high for a large, sharp, frontal face. `reason` says why it does
    not vote, one of `REASONS`, or is None.
    """

    number: int
    face: Face
    embedding: np.ndarray
    colours: np.ndarray
    quality: float
    reason: str | None = None

    @property
    def page_box(self) -> Box:
        """The face box in pixels of the whole page."""
        place = self.face.panel.place
        return self.face.box.shifted(place.x0, place.y0)


@dataclass(frozen=True, slots=True)
class Character:
    """Somebody of the story: the numbers of their good faces, best first.

    `id` stays through edits. `name` and `gender` ("female" or "male") are what the user says, or None.
    """

    id: str
    faces: tuple[int, ...]
    name: str | None = None
    gender: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the stages made of a face: enlarged, as a photo, and the vector that is compared, (D,).

    `way` says how, so that another way is not taken for it (`caster.Stages.way`).
    """

    upscaled: Image.Image
    realized: Image.Image
    probe: np.ndarray
    way: str


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """An episode as it was read: characters most present first, extras and dropped ones among them.

    `left_out` says of each face that does not vote why, by its number. `embedder` names the embedder of the
    drawings and its revision. `readings` holds what was made of the faces that voted so far, by number.
    """

    parts: tuple[PagePart, ...]
    sightings: tuple[Sighting, ...]
    characters: tuple[Character, ...]
    left_out: Mapping[int, str]
    embedder: str
    dropped: frozenset[str] = frozenset()
    readings: Mapping[int, Reading] = field(default_factory=lambda: NOTHING_READ)
    notices: tuple[str, ...] = ()

    @property
    def mains(self) -> tuple[Character, ...]:
        """Who gets a part: whoever is seen often enough and is not dropped; everybody, if nobody is."""
        there = [character for character in self.characters if character.id not in self.dropped]
        most = max((len(character.faces) for character in there), default=0)
        enough = max(MAIN_FACES, MAIN_SHARE * most)
        often = [character for character in there if len(character.faces) >= enough]
        return tuple(often or there)

    @property
    def extras(self) -> tuple[Character, ...]:
        """Who is seen too rarely to get a part."""
        mains = {character.id for character in self.mains} | self.dropped
        return tuple(character for character in self.characters if character.id not in mains)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The part of one main character: how its faces voted, and who plays it so that nobody plays two.

    `numbers` are the sightings of the ballots. `person` is None where everybody whom the faces could vote
    for has another part, and `portrait` is that portrait of theirs which is nearest to the faces. `firmness`
    is that of the first choice. `percentile` is the place of `person` in the gallery, 0 to 100, by mean
    similarity; `strangers` is the share of the episode's other faces that are less similar to `person` than
    this character's are on average, None where there are too few. `firm` is False where the part is no
    firmer than chance, and `doubts` says why.
    """

    character: Character
    numbers: tuple[int, ...]
    ballots: tuple[Ballot, ...]
    standings: tuple[Standing, ...]
    person: Person | None
    portrait: Portrait | None
    firmness: Firmness | None
    percentile: float | None
    strangers: float | None
    firm: bool
    doubts: tuple[str, ...]

    @property
    def first_choice(self) -> Person | None:
        """Whom the faces alone would choose."""
        return self.standings[0].person if self.standings else None


@dataclass(frozen=True, slots=True, eq=False)
class EpisodeCast:
    """Who plays whom in an episode, the most present first."""

    episode: Episode
    parts: tuple[Part, ...]
    sources: Sources
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Occlusion:
    """Which region of a drawn face carried its match with a portrait.

    `drop` is float32 (rows, columns): how much the similarity falls where that region is covered; below
    zero where it rises. `picture` is the head with the regions that matter coloured.
    """

    drop: np.ndarray
    picture: Image.Image
