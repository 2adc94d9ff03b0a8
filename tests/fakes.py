"""Stages that are quick and plain: a face is a patch of colour on white, and its colours are its vector."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from webcast.caster import Caster, Stages
from webcast.characters import Clustering
from webcast.gallery import Gallery, build_gallery
from webcast.images import crop_head
from webcast.types import Box, Face, Panel

COLOURS = {"Ada": "#c03030", "Ben": "#30c030", "Cem": "#3030c0", "Dua": "#c0c030", "Eli": "#c030c0"}


class PatchDetector:
    """Every patch of colour on white is a face."""

    def detect(self, panels: Sequence[Panel]) -> list[list[Face]]:
        return [self._faces(panel) for panel in panels]

    def _faces(self, panel: Panel) -> list[Face]:
        pixels = np.asarray(panel.image).astype(int)
        coloured = (pixels.max(axis=2) - pixels.min(axis=2) > 60).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(coloured)
        found = [
            Box(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in stats[1:] if min(w, h) >= 16
        ]
        found.sort(key=lambda box: (-box.area, box.x0))
        return [Face(panel, box, crop_head(panel.image, box), "patch", 1.0) for box in found]


class Enlarger:
    """Four times larger; counts its calls."""

    calls = 0

    def upscale(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        self.calls += 1
        return [image.resize((image.width * 4, image.height * 4)) for image in images]


class Greyer:
    """A realizer that gives 128 px pictures without colour."""

    def realize(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        return [image.resize((128, 128)).convert("L").convert("RGB") for image in images]


class ColourEmbedder:
    """The colours of the middle of a picture, as a unit vector of length 12; counts its calls."""

    id = "colours-12"

    def __init__(self, revision: str = "000000000001") -> None:
        self.revision, self.calls = revision, 0

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        self.calls += 1
        rows = [np.asarray(image.resize((8, 8)), np.float32)[3:5, 3:5].ravel() - 100 for image in images]
        vectors = np.stack(rows)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def stages(firm_standout: dict[str, float] | None = None) -> Stages:
    made = (PatchDetector(), Enlarger(), Greyer(), ColourEmbedder())
    how = Clustering(limit=0.3, colour_weight=0.2)
    return Stages(*made, "fakes", "f00000000000", "direct", firm_standout or {}, clustering=how)


def page(*colours: str, size: tuple[int, int] = (300, 400)) -> Image.Image:
    """A white page with a square patch of 60 px for each colour, the first a little larger."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for number, colour in enumerate(colours):
        x, y, side = 20 + 90 * (number % 3), 20 + 90 * (number // 3), 60 - 2 * number
        draw.rectangle((x, y, x + side - 1, y + side - 1), fill=colour)
    return image


def photos(folder: Path, each: int = 3, people: dict[str, str] = COLOURS) -> Path:
    """A folder `person name/photo.png` with `each` photos, every one a patch of the person's colour."""
    for name, colour in people.items():
        (folder / name).mkdir(parents=True)
        for number in range(each):
            photo = Image.new("RGB", (200, 200), "white")
            ImageDraw.Draw(photo).rectangle((50, 50, 140 + number, 140 + number), fill=colour)
            photo.save(folder / name / f"{number}.png")
    return folder


def gallery(folder: Path, each: int = 3, people: dict[str, str] = COLOURS) -> Gallery:
    return build_gallery(photos(folder, each, people), ColourEmbedder(), PatchDetector())[0]


def caster(folder: Path, each: int = 3) -> Caster:
    return Caster(stages(), gallery(folder, each))
