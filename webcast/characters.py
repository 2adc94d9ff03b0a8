"""Who is who in an episode: faces joined into characters without being told how many there are.

Average linkage (Sokal and Michener 1958; scipy's) over a distance of three parts: cosine between the
embeddings of the drawings, less what they share for being drawn in one style; colours of hair, skin and eyes;
and place: two faces side by side in one picture are seldom one character. Joining ends at a distance that is
calibrated with the embedder (`training.episodes`) and stands in the weights' config.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from webcast.episode import Character, Sighting
from webcast.looks import may_be_none

SIDE_BY_SIDE = 0.15  # what is added for two faces at one height of one part
PLAIN_FACES = 20  # development F1 is the same, to within 0.004, from 20 to 50
MOST_COLOUR = 0.6  # colours further apart than this say no more: light and screentone change them


@dataclass(frozen=True, slots=True)
class Clustering:
    """How faces are joined with one embedder: up to which distance, and how much colours count."""

    limit: float
    colour_weight: float


def find_characters(sightings: Sequence[Sighting], how: Clustering) -> tuple[Character, ...]:
    """The characters of the good sightings, most present first, each one's best faces first."""
    good = [sighting for sighting in sightings if sighting.reason is None]
    if not good:
        return ()
    labels = join(distances(good, how.colour_weight), how.limit)
    groups = [[s for s, own in zip(good, labels, strict=True) if own == label] for label in set(labels)]
    groups.sort(key=presence)
    return tuple(Character(f"c{number}", best_first(group)) for number, group in enumerate(groups, start=1))


def odd_ones(characters: Sequence[Character], sightings: Sequence[Sighting]) -> tuple[Character, ...]:
    """Those characters that are one face, like nobody else's, of which the detector is unsure too."""
    return tuple(
        character
        for character in characters
        if len(character.faces) == 1 and may_be_none(sightings[character.faces[0]].face)
    )


def presence(group: Sequence[Sighting]) -> tuple[int, int, int]:
    """A key that sorts groups of sightings by presence: how many, how large, then who comes first."""
    return -len(group), -sum(s.face.box.area for s in group), min(s.number for s in group)


def best_first(group: Sequence[Sighting]) -> tuple[int, ...]:
    """The numbers of the sightings, the best face first."""
    return tuple(s.number for s in sorted(group, key=lambda s: (-s.quality, s.number)))


def join(apart: np.ndarray, limit: float) -> list[int]:
    """A label for each of N faces, from their distances (N, N): average linkage up to the limit."""
    if len(apart) == 1:
        return [1]
    tree = linkage(squareform(apart, checks=False), "average")
    return fcluster(tree, limit, "distance").tolist()


def distances(sightings: Sequence[Sighting], colour_weight: float) -> np.ndarray:
    """How far each two sightings are apart, float (N, N), 0 on the diagonal."""
    own = without_style(np.stack([sighting.embedding for sighting in sightings]))
    colours = np.stack([sighting.colours for sighting in sightings])
    cosine = 1 - np.clip(own @ own.T, -1, 1)
    apart = cosine + colour_weight * colour_distances(colours)
    apart += SIDE_BY_SIDE * side_by_side(sightings)
    np.fill_diagonal(apart, 0)
    return apart


def without_style(embeddings: np.ndarray) -> np.ndarray:
    """Unit vectors (N, D) less what all of them share, again of length 1.

    Faces of different people are nearer to each other in a style that the embedder never saw. What they share
    is their mean, taken as if `PLAIN_FACES` more faces shared nothing: so one character alone keeps what is
    theirs.
    """
    own = embeddings - embeddings.sum(0) / (len(embeddings) + PLAIN_FACES)
    return own / np.linalg.norm(own, axis=1, keepdims=True)


def colour_distances(colours: np.ndarray) -> np.ndarray:
    """How unlike the colours (N, 9) are, 0 to `MOST_COLOUR`: hair counts half, skin and eyes a quarter."""
    scaled = colours.reshape(-1, 3, 3) / 100 * np.array([0.5, 1, 1])  # lightness changes with every scene
    hair, skin, eyes = (squareform(pdist(scaled[:, part])) for part in range(3))
    return np.minimum(MOST_COLOUR, hair / 2 + skin / 4 + eyes / 4)


def side_by_side(sightings: Sequence[Sighting]) -> np.ndarray:
    """True (N, N) for two faces of one part whose heights overlap by half."""
    parts = np.array([sighting.face.panel.number for sighting in sightings])
    spans = np.array([(s.face.box.y0, s.face.box.y1) for s in sightings], dtype=float)
    shared = np.minimum.outer(spans[:, 1], spans[:, 1]) - np.maximum.outer(spans[:, 0], spans[:, 0])
    heights = spans[:, 1] - spans[:, 0]
    return np.equal.outer(parts, parts) & (shared > np.minimum.outer(heights, heights) / 2)


def nearest_character(
    sighting: Sighting, characters: Sequence[Character], sightings: Mapping[int, Sighting]
) -> Character | None:
    """The character whose faces are on average most similar to this one; None where there is none."""

    def similarity(character: Character) -> float:
        faces = np.stack([sightings[number].embedding for number in character.faces])
        return float((faces @ sighting.embedding).mean())

    return max((c for c in characters if c.faces), key=similarity, default=None)
