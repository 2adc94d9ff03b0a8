"""Stability: of ten crops of one drawn page around a face, cut at random, how many agree on the winner.

Each crop goes the whole way, detection included; a crop on which no face is found agrees with none.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image

from training.castback import Embed, find_heads
from training.loop import seeded
from webcast.gallery import Gallery
from webcast.types import Box, Detector, Panel

CROPS = 10


def random_crops(page: Image.Image, face: Box, rng: np.random.Generator) -> list[Image.Image]:
    """`CROPS` rectangles of the page that hold the face box, each scaled to 70 to 140 % of its size."""
    crops = []
    for _ in range(CROPS):
        x0, y0 = rng.uniform(0, max(1, face.x0)), rng.uniform(0, max(1, face.y0))
        x1, y1 = rng.uniform(min(face.x1, page.width - 1), page.width), rng.uniform(face.y1, page.height)
        part = page.crop(tuple(round(edge) for edge in (x0, y0, x1, max(y1, face.y1))))
        scale = rng.uniform(0.7, 1.4)
        size = (max(64, round(part.width * scale)), max(64, round(part.height * scale)))
        crops.append(part.resize(size, Image.Resampling.BICUBIC))
    return crops


def agreement(detector: Detector, gallery: Gallery, embed: Embed, pages: Sequence[Image.Image]) -> np.ndarray:
    """For each page whose face is found, the share of its crops that agree on their commonest winner."""
    shares = []
    for number, page in enumerate(pages):
        (faces,) = detector.detect([Panel(page, "page")])
        if faces:
            crops = random_crops(page, faces[0].box, seeded(13, number))
            heads = find_heads(detector, {str(n): crop for n, crop in enumerate(crops)}).crops
            winners = Counter(
                votes[0].portrait.person for votes, _ in gallery.search(embed(list(heads.values())))
            )
            shares.append(max(winners.values(), default=0) / CROPS)
    return np.array(shares)
