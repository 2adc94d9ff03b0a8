"""Turns, scales and moves a head so that its five points lie where they lie in everybody's crop.

The transform is the similarity (no reflection) with the least squared error (Umeyama 1991, IEEE PAMI 13(4)).
An upright frontal face gets the framing of `images.head_box`. Points are (x, y) on the picture, whose upper
left corner is (0, 0) and whose first pixel's centre is (0.5, 0.5), in the order left eye, right eye, tip of
the nose, left and right corner of the mouth; left and right are the picture's.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from webcast.errors import ImageError
from webcast.opencv import cv2

POINTS_ON_HEAD = np.array([(0.378, 0.456), (0.622, 0.456), (0.5, 0.590), (0.376, 0.701), (0.624, 0.701)])
"""The five points in parts of the head crop's side: means over 384 upright portraits, made symmetric."""


def align_head(
    image: Image.Image, points: Sequence[Sequence[float]], size_px: int | None = None
) -> Image.Image:
    """The upright square RGB head crop of a face, `size_px` a side, or as large as the head is on the page.

    Beyond the page's edge its last pixels are repeated. Raises ImageError where the points are one point or
    the head lies outside the picture.
    """
    return Image.fromarray(align_pixels(np.asarray(image), points, size_px))


def align_pixels(
    pixels: np.ndarray, points: Sequence[Sequence[float]], size_px: int | None = None
) -> np.ndarray:
    """`align_head` on uint8 (H, W, 3); for many heads of one page."""
    size_px = size_px or max(1, round(1 / _scale(head_matrix(points, 1))))
    return warp(pixels, head_matrix(points, size_px), size_px)


def head_matrix(points: Sequence[Sequence[float]], size_px: float) -> np.ndarray:
    """The transform from the picture to the head crop, float64 (2, 3)."""
    found = np.asarray(points, dtype=float)
    source = found @ [1, 1j]
    target = POINTS_ON_HEAD @ [1, 1j] * size_px
    offset = source - source.mean()
    spread = float((abs(offset) ** 2).sum())
    if not np.isfinite(spread) or spread < 1e-6:
        raise ImageError(f"The five points {found.round(1).tolist()} are no face's.")
    turn = (offset.conj() * (target - target.mean())).sum() / spread
    move = target.mean() - turn * source.mean()
    return np.array([[turn.real, -turn.imag, move.real], [turn.imag, turn.real, move.imag]])


def transform(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (N, 2) under a matrix (2, 3)."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def warp(pixels: np.ndarray, matrix: np.ndarray, size_px: int) -> np.ndarray:
    """uint8 (H, W, 3) under a similarity (2, 3) that leads to a square of (size_px, size_px, 3).

    What gets much smaller is reduced by area first, so that fine lines do not break up.
    """
    height, width = pixels.shape[:2]
    corners = np.array([(0, 0), (size_px, 0), (0, size_px), (size_px, size_px)], dtype=float)
    back = cv2.invertAffineTransform(matrix)
    low = np.maximum(np.floor(transform(corners, back).min(0)) - 2, 0).astype(int)
    high = np.minimum(np.ceil(transform(corners, back).max(0)) + 2, (width, height)).astype(int)
    if (low >= high).any():
        raise ImageError(f"The head lies outside the picture of {width} x {height} px.")
    # OpenCV warps nothing of 32768 px or more, which a strip is: only what the crop shows is handed over.
    part = pixels[low[1] : high[1], low[0] : high[0]]
    shrink = min(1.0, 1.5 * _scale(matrix))
    size = [max(1, round(side * shrink)) for side in high - low]
    if shrink < 1:
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    ratio = size / (high - low)
    # From here on, as OpenCV counts, where a pixel's centre is a whole number.
    linear = matrix[:, :2] / ratio
    move = matrix @ [*low, 1] + linear @ (0.5, 0.5) - 0.5
    return cv2.warpAffine(
        np.ascontiguousarray(part),
        np.column_stack([linear, move]),
        (size_px, size_px),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _scale(matrix: np.ndarray) -> float:
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))
