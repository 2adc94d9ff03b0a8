"""The values that travel between the stages, and what each stage promises.

Data flows one way: `Panel -> Face -> upscaled -> realized -> embedding -> Ballot -> CastResult`.
Pictures are PIL images in mode RGB. Between stages they travel in lists of equal length and order;
tensors stay inside a stage. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from PIL import Image


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in whole pixels, half open: it holds x0 <= x < x1 and y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        return max(0, self.width) * max(0, self.height)

    def shifted(self, dx: int, dy: int) -> Box:
        return Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)

    def overlap(self, other: Box) -> int:
        """Pixels that both boxes hold."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0, width) * max(0, height)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        shared = self.overlap(other)
        union = self.area + other.area - shared
        return shared / union if union else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One page, panel or strip: an RGB picture that `images.py` has let in, and its name."""

    image: Image.Image
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One drawn face. `box` is the face (hairline to chin) on the panel; `crop` is the square head around it.

    `points` are left eye, right eye, tip of the nose, left and right corner of the mouth, (x, y) in pixels of
    the panel, left and right as the picture shows them, where the detector finds them; then the crop is
    upright (`align.align_head`).
    """

    panel: Panel
    box: Box
    crop: Image.Image
    detector: str
    likelihood: float
    points: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can be cast. `gender` and `born` (a year) are what the gallery's maker wrote, or None."""

    id: str
    name: str
    gender: str | None = None
    born: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One photo of a person, where it came from and under which licence."""

    person: Person
    image: Image.Image
    source: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """One of a face's nearest portraits; `rank` starts at 1.

    `similarity` is a cosine, -1 to 1, or for a Euclidean distance d it is 1 / (1 + d), 0 to 1.
    """

    portrait: Portrait
    similarity: float
    rank: int


@dataclass(frozen=True, slots=True, eq=False)
class Ballot:
    """What one face became and how it voted.

    `standout` is how far the nearest portrait lies above where the best of as many strangers would, in
    standard deviations of this face's similarity to every portrait.
    """

    face: Face
    upscaled: Image.Image
    realized: Image.Image
    votes: tuple[Vote, ...]
    standout: float


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's place in the result: the votes, and the sum of their similarities."""

    person: Person
    votes: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Firmness:
    """How far a result can be trusted.

    `vote_share` is the winner's part of all votes, `margin` its lead over the second as a part of all
    votes, `agreement` the part of the faces whose nearest portrait is the winner's, all 0 to 1.
    `chance` is the probability that somebody would get at least as many votes if each face voted for
    portraits drawn at random. `firm` is False where the result is no firmer than chance.
    """

    vote_share: float
    margin: float
    agreement: float
    chance: float
    firm: bool


@dataclass(frozen=True, slots=True)
class Sources:
    """Which weights and which gallery gave a result: an id and a revision each."""

    weights: str
    weights_revision: str
    gallery: str
    gallery_revision: str


@dataclass(frozen=True, slots=True, eq=False)
class CastResult:
    """Who gets the part: people best first, every face's ballot, and sentences the user should read."""

    standings: tuple[Standing, ...]
    ballots: tuple[Ballot, ...]
    firmness: Firmness
    sources: Sources
    notices: tuple[str, ...] = field(default=())


class Detector(Protocol):
    """Finds drawn faces."""

    def detect(self, panels: Sequence[Panel]) -> list[list[Face]]:
        """The faces of each panel, largest first; an empty list where there is none."""
        ...


class Upscaler(Protocol):
    """Enlarges pictures."""

    def upscale(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        """RGB pictures of any size in, the same pictures a whole factor larger out."""
        ...


class Realizer(Protocol):
    """Turns drawn heads into photo-like ones (domain A to domain B)."""

    def realize(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        """Square RGB head crops of any size in, square RGB pictures of the weights' size out."""
        ...


class Embedder(Protocol):
    """Turns heads into vectors that can be compared.

    `id` names the network and its input, `revision` the weights (the first hex digits of their SHA-256).
    Two galleries may be compared only if both are equal. An `id` that ends in -euclidean belongs to vectors
    that are compared by Euclidean distance, all others to vectors that are compared by cosine.
    """

    id: str
    revision: str

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Square RGB head crops in, float32 (N, D) out; for cosine each row has length 1."""
        ...
