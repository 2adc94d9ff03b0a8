"""Cast-back: draw a photo of a person, and see whether another photo of that person is found in a gallery.

The whole way is measured, detection and crop included: a face that is not found counts as not cast. The
people are the test people of `training.split`, whom no model trained here has seen; the drawings are
published ones, one style of which no model has seen either, and our own renderer's, reported apart.
"""

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from training.faces import FacePhoto, read_rgb, test_photos
from training.loop import seeded
from training.render import SCHOOLS, render
from training.split import normalise
from webcast.types import Detector, Panel

Embed = Callable[[Sequence[Image.Image]], np.ndarray]


@dataclass(frozen=True)
class Heads:
    """Head crops by person; a person whose face was not found is missing."""

    crops: dict[str, Image.Image]
    people: tuple[str, ...]


def find_heads(detector: Detector, pictures: dict[str, Image.Image]) -> Heads:
    """The largest face of each person's picture, as the pipeline crops it."""
    crops = {}
    for person, picture in pictures.items():
        (faces,) = detector.detect([Panel(picture, person)])
        if faces:
            crops[person] = faces[0].crop
    return Heads(crops, tuple(pictures))


def gallery_pictures(data: Path, landmarks: Path) -> dict[str, Image.Image]:
    """The second portrait of every test person who has one."""
    photos = [p for p in test_photos(data, landmarks) if p.path.parent.name == "second"]
    return {p.person: Image.open(p.path).convert("RGB") for p in photos}


def published_drawings(data: Path, style: str, people: Sequence[str]) -> dict[str, Image.Image]:
    """The CartoonGAN drawing of each person's first portrait in one style."""
    with (data / "portraits/people.csv").open(newline="", encoding="utf-8") as file:
        names = {normalise(row["name"]): Path(row["first"]).name for row in csv.DictReader(file)}
    folder = data / "drawn/cartoongan" / style
    return {p: Image.open(folder / names[p]).convert("RGB") for p in people if (folder / names[p]).exists()}


def rendered_drawings(photos: Sequence[FacePhoto], seed: int) -> dict[str, Image.Image]:
    """Our renderer's drawing of each first portrait, the schools in turn."""
    firsts = [p for p in photos if p.path.parent.name == "first"]
    drawn = {}
    for number, photo in enumerate(firsts):
        image, _ = render(read_rgb(photo.path), photo.points, SCHOOLS[number % 3], seeded(seed, number))
        drawn[photo.person] = Image.fromarray(image)
    return drawn


def ranks(probes: Heads, gallery: Heads, embed_probe: Embed, embed_photo: Embed) -> np.ndarray:
    """The place of the right person for every probe whose person is meant to be in the gallery, from 1.

    One past the last place where the face was found on neither the drawing nor the photo.
    """
    wanted = [person for person in probes.people if person in gallery.people]
    places = np.full(len(wanted), len(gallery.people) + 1)
    similarity, rows, columns = similarities(probes, gallery, embed_probe, embed_photo)
    for number, person in enumerate(wanted):
        if person in rows and person in columns:
            line = similarity[rows.index(person)]
            places[number] = 1 + (line > line[columns.index(person)]).sum()
    return places


def similarities(
    probes: Heads, gallery: Heads, embed_probe: Embed, embed_photo: Embed
) -> tuple[np.ndarray, list[str], list[str]]:
    """Cosines float32 (probes, gallery), and whose the rows and columns are."""
    rows, columns = list(probes.crops), list(gallery.crops)
    drawn = embed_probe([probes.crops[person] for person in rows])
    photos = embed_photo([gallery.crops[person] for person in columns])
    return drawn @ photos.T, rows, columns


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    z, share = 1.96, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half


def share(hits: int, count: int) -> str:
    """A share in % with its 95 % interval."""
    low, high = wilson(hits, count)
    return f"{100 * hits / count:.0f} ({100 * low:.0f}-{100 * high:.0f})"


def raw_pixels(images: Sequence[Image.Image]) -> np.ndarray:
    """The baseline embedding: 32 x 32 RGB pixels, mean taken off, as unit vectors (N, 3072)."""
    pixels = np.stack(
        [np.asarray(i.resize((32, 32), Image.Resampling.BOX), np.float32).ravel() for i in images]
    )
    pixels -= pixels.mean(1, keepdims=True)
    return pixels / np.linalg.norm(pixels, axis=1, keepdims=True)


def person_places(similarity: np.ndarray, owners: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """The place, from 1, of each probe's person among the people of a gallery, by their best portrait.

    `similarity` is (probes, portraits); `owners` and `wanted` are person ids of columns and rows.
    """
    people = list(dict.fromkeys(owners))
    columns = np.array([people.index(owner) for owner in owners])
    best = np.stack([similarity[:, columns == n].max(1) for n in range(len(people))], 1)
    own = best[np.arange(len(wanted)), [people.index(person) for person in wanted]]
    return 1 + (best > own[:, None]).sum(1)
