"""Draws a picture over again as other artists might: what a style does beside the shapes, at random.

Few styles can be learned from, and there are as many as artists. So whoever learns from a drawing sees it
with its colours smoothed, its light evened, in fewer tones, under other lines, paler, or on rough paper; most
of these are off each time (domain randomization; Tobin et al. 2017, arXiv 1703.06907).
"""

import cv2
import numpy as np


def by_another_hand(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A head crop, RGB uint8 (H, W, 3), in, the same out."""
    unit = image.shape[1] / 64
    if rng.random() < 0.5:
        image = cv2.bilateralFilter(image, 2 * round(unit) + 3, rng.uniform(20, 70), 2.5 * unit)
    drawn = image.astype(np.float32) / 255
    light = drawn.mean(2)
    if rng.random() < 0.4:
        drawn = in_even_light(drawn, light, unit, rng)
    if rng.random() < 0.3:
        drawn = in_few_tones(drawn, int(rng.integers(2, 7)))
    if rng.random() < 0.6:
        drawn = drawn * lines(light, unit, rng)[..., None]
    if rng.random() < 0.3:
        drawn = 1 - (1 - drawn) * rng.uniform(0.25, 0.9)
    if rng.random() < 0.2:
        grain = cv2.GaussianBlur(rng.normal(0, 1, light.shape), (0, 0), rng.uniform(0.6, 1.5) * unit)
        grain /= grain.std()
        drawn = drawn + grain[..., None] * rng.uniform(0.01, 0.04)
    return np.uint8(np.clip(drawn, 0, 1) * 255)


def in_even_light(drawn: np.ndarray, light: np.ndarray, unit: float, rng: np.random.Generator) -> np.ndarray:
    """Large shadows taken out, in part or whole, as where shading is left to lines."""
    around = cv2.GaussianBlur(light, (0, 0), rng.uniform(3, 12) * unit)
    return drawn * ((rng.uniform(0.6, 0.9) / (around + 0.1)) ** rng.uniform(0.3, 1.0))[..., None]


def in_few_tones(drawn: np.ndarray, tones: int) -> np.ndarray:
    """Brightness in steps with soft edges, hues as they were."""
    grey = drawn.mean(2, keepdims=True)
    level = grey * tones
    nearest = np.floor(level) + 0.5
    return drawn + (nearest + 0.5 * np.tanh((level - nearest) * 4)) / tones - grey


def lines(light: np.ndarray, unit: float, rng: np.random.Generator) -> np.ndarray:
    """How much light ink lets through, (H, W): lines where it is darker than around, thick or thin."""
    reach = rng.uniform(0.5, 1.3) * unit
    darker = cv2.GaussianBlur(light, (0, 0), 1.6 * reach) - cv2.GaussianBlur(light, (0, 0), reach)
    ink = np.clip(rng.uniform(10, 60) * (darker - rng.uniform(0, 0.01)), 0, 1)
    return 1 - ink * rng.uniform(0.4, 1)
