"""Which of the photos found under one name show one person: the consistent ones.

A search for a name brings namesakes, co-stars and crowds. The densest half of the faces is taken for the
person wanted; every face is then judged by its cosine to the mean of that core. `measure` says how well that
works: to the photos of development people (`training.split`), one foreign face is added for every four.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.collect.quality import good_face
from webcast.caster import Stages
from webcast.images import open_image
from webcast.main_faces import densest
from webcast.types import Embedder

MEASURED = Path(__file__).with_name("namesakes.json")
LIMIT = json.loads(MEASURED.read_text(encoding="utf-8"))["limit"]
"""Faces whose cosine to the core is lower are of somebody else; see NAMESAKES.md for what that costs."""

WANTED_RECALL = 0.9
FOREIGN_SHARE = 0.2
FEWEST_PHOTOS = 5


def consistency(vectors: np.ndarray) -> np.ndarray:
    """The cosine of each face, unit vectors (N, D), to the mean of the densest half, (N,) in -1 to 1."""
    if len(vectors) < 3:
        return np.ones(len(vectors))
    centre = vectors[densest(vectors, "cosine")]
    core = vectors[np.argsort(-(vectors @ centre))[: max(2, (len(vectors) + 1) // 2)]].mean(0)
    return vectors @ (core / np.linalg.norm(core))


@dataclass(frozen=True, slots=True)
class Point:
    """What one limit would do: the part of what is kept that is right, and of what is right that is kept."""

    limit: float
    precision: float
    recall: float


def curve(scores: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> list[Point]:
    """Over all names together, for limits from the lowest score to the highest."""
    score, truth = np.concatenate(scores), np.concatenate(right)
    points = []
    for limit in np.quantile(score, np.linspace(0, 0.6, 25)):
        kept = score >= limit
        points.append(Point(float(limit), float(truth[kept].mean()), float(kept[truth].mean())))
    return points


def at_recall(points: Sequence[Point], recall: float) -> Point:
    """The strictest limit that still keeps that part of what is right, to let few others in."""
    return max((point for point in points if point.recall >= recall), key=lambda point: point.limit)


def mixed_names(
    photos: dict[str, list[Path]], rng: np.random.Generator
) -> list[tuple[list[Path], np.ndarray]]:
    """For everybody with enough photos, those and foreign ones among them, and which are right."""
    everything = [(person, path) for person, paths in photos.items() for path in paths]
    names = []
    for person, paths in photos.items():
        if len(paths) < FEWEST_PHOTOS:
            continue
        others = [path for other, path in everything if other != person]
        count = max(1, round(len(paths) * FOREIGN_SHARE / (1 - FOREIGN_SHARE)))
        foreign = [others[i] for i in rng.choice(len(others), count, replace=False)]
        names.append((paths + foreign, np.arange(len(paths) + count) < len(paths)))
    return names


def embed_faces(stages: Stages, paths: Sequence[Path]) -> tuple[np.ndarray, list[int]]:
    """Unit vectors of the good faces of photos, as `portraits` finds them, and the photos' indices."""
    heads, has_face = [], []
    for index, path in enumerate(paths):
        face = good_face(stages.photo_detector or stages.detector, open_image(path), path.name)
        if face:
            heads.append(face.crop)
            has_face.append(index)
    vectors = stages.embedder.embed(heads) if heads else np.empty((0, 1), np.float32)
    return vectors, has_face


def notice_of(embedder: Embedder, limit: float) -> str:
    """A sentence where the default limit is used with another embedder than it was measured with."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    if limit != LIMIT or [embedder.id, embedder.revision] == measured["embedder"]:
        return ""
    return (
        f"The limit {LIMIT} of namesakes was not measured with this embedder; look at what is kept, and set "
        "--limit, or measure it: python -m training.collect namesakes --write."
    )


def measure(stages: Stages, photos: dict[str, list[Path]], seed: int = 0) -> tuple[list[Point], int]:
    """The curve over everybody with enough photos, and how many people that are."""
    names = mixed_names(photos, np.random.default_rng(seed))
    scores, right = [], []
    for paths, truth in tqdm(names, desc="names", unit="name"):
        vectors, has_face = embed_faces(stages, paths)
        scores.append(consistency(vectors))
        right.append(truth[has_face])
    return curve(scores, right), len(names)


def photos_by_person(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Photos grouped by their folder's name."""
    grouped: defaultdict[str, list[Path]] = defaultdict(list)
    for path in sorted(paths):
        grouped[path.parent.name].append(path)
    return dict(grouped)


def as_svg(points: Sequence[Point], side_px: int = 320) -> str:
    """The curve as a picture: recall to the right, precision upward, both from 0.5 to 1."""
    pad = 44

    def place(point: Point) -> str:
        x, y = (max(0.0, (value - 0.5) * 2) for value in (point.recall, point.precision))
        return f"{pad + x * side_px:.1f},{pad + (1 - y) * side_px:.1f}"

    size, line = side_px + 2 * pad, " ".join(place(point) for point in points)
    ticks = "".join(
        f'<text x="{pad + (v - 0.5) * 2 * side_px:.0f}" y="{size - pad + 18}">{v:.1f}</text>'
        f'<text x="{pad - 28}" y="{pad + (1 - (v - 0.5) * 2) * side_px + 4:.0f}">{v:.1f}</text>'
        for v in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" font-family="sans-serif" '
        f'font-size="12"><rect width="{size}" height="{size}" fill="white"/>'
        f'<rect x="{pad}" y="{pad}" width="{side_px}" height="{side_px}" fill="none" stroke="#999"/>{ticks}'
        f'<polyline points="{line}" fill="none" stroke="#d33" stroke-width="2"/>'
        f'<text x="{pad + side_px / 2 - 20:.0f}" y="{size - 8}">recall</text>'
        f'<text x="6" y="{pad - 14}">precision</text></svg>\n'
    )


def as_table(points: Sequence[Point]) -> str:
    rows = [f"| {p.limit:.3f} | {p.precision:.3f} | {p.recall:.3f} |" for p in points]
    return "\n".join(["| limit | precision | recall |", "|---|---|---|", *rows])
