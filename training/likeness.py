"""Whether a generated face could pass for a real person of the sources, as an embedder sees it."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from training.faces import aligned_head, read_landmarks, read_rgb
from training.split import normalise
from webcast.types import Embedder

CROP_PX = 256  # near to what a picture of the troupe has: a blurred one is like everybody
USUAL_SHARE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class LikenessCheck:
    """Real people's photos as unit vectors (N, D), and how near a stranger may come to the nearest of them.

    `limit` is what 95 % of the real people keep to: the similarity of their photo to the nearest photo of
    anybody else. A stranger below it is no more like a real person than real people are like each other.
    """

    embedder: Embedder
    embeddings: np.ndarray
    people: np.ndarray
    limit: float

    def nearest(self, crops: Iterable[Image.Image]) -> np.ndarray:
        """Similarity of every head crop to the nearest real person, (M,)."""
        return (self.embedder.embed(list(crops)) @ self.embeddings.T).max(1)

    def is_nobody(self, crops: Iterable[Image.Image]) -> bool:
        return bool((self.nearest(crops) < self.limit).all())


def load_check(embedder: Embedder, photos: Path, landmarks: Path) -> LikenessCheck:
    """From the photos of `photos/people.csv`, first and second; prints what the limit means."""
    points = read_landmarks(landmarks)
    with (photos / "people.csv").open(encoding="utf-8", newline="") as file:
        taken = [(normalise(r["name"]), r[c]) for r in csv.DictReader(file) for c in ("first", "second")]
    taken = [(person, photo) for person, photo in taken if photo in points]
    rng = np.random.default_rng(0)
    crops = [aligned_head(read_rgb(photos / photo), points[photo], CROP_PX, rng)[0] for _, photo in taken]
    embeddings = embedder.embed([Image.fromarray(crop) for crop in crops])
    people = np.array([person for person, _ in taken])
    print(f"{embedder.id}: ", end="")
    return LikenessCheck(embedder, embeddings, people, same_person_limit(embeddings, people))


def same_person_limit(embeddings: np.ndarray, people: np.ndarray) -> float:
    """The `USUAL_SHARE` quantile of photos' similarity to the nearest photo of another person."""
    similarity = embeddings @ embeddings.T
    same = people[:, None] == people
    nearest_other = np.where(same, -1.0, similarity).max(1)
    limit = float(np.quantile(nearest_other, USUAL_SHARE))
    own = similarity[same & ~np.eye(len(people), dtype=bool)]
    strangers = similarity[~same]
    passed, mistaken = 100 * (own >= limit).mean(), 100 * (strangers >= limit).mean()
    print(
        f"limit {limit:.3f}: above it lie {passed:.1f} % of {len(own) // 2} pairs of one person"
        f" and {mistaken:.3f} % of {len(strangers) // 2} pairs of two people"
    )
    return limit
