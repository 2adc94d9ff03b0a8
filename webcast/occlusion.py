"""Why a face matched: each region of the head is covered in turn, and the match is measured again.

Paper: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (2013, arXiv 1311.2901).
Deliberate differences: it is a similarity that falls, not the probability of a class, and what covers a
region is the head itself, blurred, so that no grey square takes part in the match.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageFilter

from webcast.episode import Occlusion

GRID = 7  # regions a side
COVER = 0.25  # the side of what is covered, in sides of the head
SIDE_PX = 224
HOT = (255, 74, 95)

Similarity = Callable[[Sequence[Image.Image]], np.ndarray]


def occlude(head: Image.Image, similarity: Similarity) -> Occlusion:
    """Which regions of a square head carry its match; `similarity` compares pictures with a person, (N,)."""
    small = head.convert("RGB").resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    measured = similarity([small, *covered(small)])
    drop = (measured[0] - measured[1:]).reshape(GRID, GRID).astype(np.float32)
    return Occlusion(drop, heated(small, drop))


def covered(head: Image.Image) -> list[Image.Image]:
    """The head with one region after another blurred away, row by row."""
    blurred = head.filter(ImageFilter.GaussianBlur(COVER * SIDE_PX / 2))
    reach = round(COVER * SIDE_PX / 2)
    pictures = []
    for x, y in _centres():
        mask = Image.new("L", head.size)
        mask.paste(255, (x - reach, y - reach, x + reach, y + reach))
        pictures.append(Image.composite(blurred, head, mask.filter(ImageFilter.GaussianBlur(reach / 4))))
    return pictures


def heated(head: Image.Image, drop: np.ndarray) -> Image.Image:
    """The head, grey where covering changes nothing and red where the match falls most."""
    carried = np.clip(drop, 0, None)
    heat = Image.fromarray((255 * carried / max(float(carried.max()), 1e-6)).astype(np.uint8))
    mask = heat.resize(head.size, Image.Resampling.BICUBIC).point(lambda value: value * 0.7)
    return Image.composite(Image.new("RGB", head.size, HOT), head.convert("L").convert("RGB"), mask)


def _centres() -> list[tuple[int, int]]:
    places = np.linspace(COVER / 2, 1 - COVER / 2, GRID) * SIDE_PX
    return [(round(x), round(y)) for y in places for x in places]
