"""Composes episodes whose characters are known: strips of panels, bubbles and scenes, with everybody's faces.

A main character is one person drawn in one style from all their photos, seen again and again: near and far,
turned over, tilted, in other light. Extras are other people who are seen once. The same generator state gives
the same episode.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from PIL import Image

from training.drawings import filtered
from training.faces import FacePhoto, face_square, read_rgb
from training.heads import HEAD_PX, surroundings
from training.pages import compose
from training.render import SCHOOLS, render
from webcast.types import Box

BREADTH_PX = 800
TILT_DEGREES = 9
LIGHT = 0.12  # how far a scene's light changes each colour
DOT_PITCH_PX = 5.0  # of printed tone

Picture = tuple[np.ndarray, np.ndarray]  # RGB uint8 (HEAD_PX, HEAD_PX, 3) and its landmarks (478, 2)
Style = Callable[[np.ndarray, np.ndarray, np.random.Generator], Picture]
Draw = Callable[[FacePhoto, np.random.Generator], Picture]


@dataclass(frozen=True, eq=False)
class Role:
    """Somebody of an episode: who was drawn, and each drawing of them."""

    person: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, eq=False)
class Story:
    """An episode as one strip, JPEG, with box and person of each face on it; `mains` are seen often."""

    strip: bytes
    faces: tuple[tuple[Box, str], ...]
    mains: tuple[str, ...]


def draw_photo(style: Style, photo: FacePhoto, rng: np.random.Generator) -> Picture:
    """Draws a photo's face with what lies around it."""
    return style(*surroundings(read_rgb(photo.path), photo.points), rng)


def draw_published(style: str, photo: FacePhoto, rng: np.random.Generator) -> Picture:
    """The CartoonGAN drawing of a first portrait in a style."""
    drawing = read_rgb(photo.path.parents[2] / "drawn/cartoongan" / style / photo.path.name)
    scale = drawing.shape[0] / read_rgb(photo.path).shape[0]
    return surroundings(drawing, photo.points * scale)


def sketch(picture: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> Picture:
    """Coloured pencil (OpenCV's, after Gastal and Oliveira 2011); nothing is trained on it."""
    drawn = cv2.pencilSketch(picture, sigma_s=40, sigma_r=0.1, shade_factor=0.05)[1]
    return drawn, points


def poster(picture: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> Picture:
    """Nine flat colours found by k-means under thresholded lines; nothing is trained on it."""
    smooth = cv2.bilateralFilter(picture, 9, 40, 7)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 8, 1.0)
    cv2.setRNGSeed(0)
    _, labels, palette = cv2.kmeans(
        smooth.reshape(-1, 3).astype(np.float32), 9, None, stop, 1, cv2.KMEANS_PP_CENTERS
    )
    flat = palette[labels.ravel()].reshape(picture.shape)
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 1.2)
    lines = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, 11, 5)
    return np.where(lines[..., None] > 0, flat, 35).astype(np.uint8), points


def ink(picture: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> Picture:
    """Black ink on white, an extended difference of Gaussians (Winnemoeller, Kyprianidis, Olsen 2012)."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    fine, broad = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (1.1, 1.76))
    sharp = 19 * fine - 18 * broad
    drawn = 255 * np.where(sharp >= 0.55, 1, 1 + np.tanh(6 * (sharp - 0.55)))
    return cv2.cvtColor(drawn.clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2RGB), points


def screentone(picture: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> Picture:
    """Black and white with two tones of dots and thresholded lines, as printed comics have them."""
    grey = cv2.bilateralFilter(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 9, 40, 7)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    u, v = ((d / 2**0.5) % DOT_PITCH_PX - DOT_PITCH_PX / 2 for d in (x + y, x - y))
    radius = np.array([DOT_PITCH_PX, 2.2, 1.3, 0])[np.digitize(grey, [60, 120, 180])]
    toned = np.where(np.hypot(u, v) < radius, 30, 255)
    smooth = cv2.GaussianBlur(grey, (0, 0), 1)
    lines = cv2.adaptiveThreshold(smooth, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 6)
    drawn = np.where(lines > 0, toned, 20).astype(np.uint8)
    return cv2.cvtColor(drawn, cv2.COLOR_GRAY2RGB), points


def watercolour(picture: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> Picture:
    """Pale washes with darker edges on rough paper."""
    wash = picture
    for _ in range(3):
        wash = cv2.medianBlur(wash, 7)
    edges = cv2.morphologyEx(wash, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).mean(2, keepdims=True)
    grain = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 1, picture.shape[:2]), (0, 0), 1.5)
    drawn = 255 - 0.62 * (255.0 - wash) - 0.6 * edges + 18 * grain[..., None]
    return drawn.clip(0, 255).astype(np.uint8), points


def undrawn(picture: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> Picture:
    """The photo as it is."""
    return picture, points


def filter_way(picture: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> Picture:
    """One of the filters that the embedder learns from."""
    return filtered(picture, points, rng), points


def rendered(school: str, picture: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> Picture:
    """One of our own schools, which the embedder learns from."""
    return render(picture, points, school, rng)


UNSEEN: dict[str, Draw] = {"pencil": partial(draw_photo, sketch), "poster": partial(draw_photo, poster)}
"""No model learns from them, and no limit is set on them: what they measure is of styles unseen."""
REFERENCE: dict[str, Draw] = {"photos, undrawn": partial(draw_photo, undrawn)}
"""What the same people give whom nobody drew: about as much as any style of theirs could."""
DEVELOPMENT: dict[str, Draw] = {
    style.__name__: partial(draw_photo, style) for style in (ink, screentone, watercolour)
}
"""No model learns from them either, so limits that are set on them hold for more than what is learned."""
FILTERS: dict[str, Draw] = {"filters": partial(draw_photo, filter_way)}
OUR_SCHOOLS: dict[str, Draw] = {
    f"our renderer, {school}": partial(draw_photo, partial(rendered, school)) for school in SCHOOLS
}
LEARNED = FILTERS | OUR_SCHOOLS


def tell(
    mains: Sequence[Role], extras: Sequence[Role], each: tuple[int, int], rng: np.random.Generator
) -> Story:
    """A strip on which each main role is seen between `each[0]` and `each[1]` times, each extra once."""
    seen = [role for role in mains for _ in range(int(rng.integers(each[0], each[1] + 1)))]
    seen += list(extras)
    rng.shuffle(seen)
    pages, faces, top = [], [], 0
    while seen:
        count = int(rng.choice([1, 1, 2, 2, 3]))
        shown, seen = seen[:count], seen[count:]
        pictures = [appearance(role, rng) for role in shown]
        height = int(rng.integers(520, 1000))
        page, boxes = compose(pictures, (BREADTH_PX, height), rng)
        gap = int(rng.integers(60, 200))
        faces += [(box.shifted(0, top + gap), role.person) for box, role in zip(boxes, shown, strict=True)]
        pages.append((top + gap, page))
        top += gap + height
    strip = Image.new("RGB", (BREADTH_PX, top + 60), "white")
    for y, page in pages:
        strip.paste(page, (0, y))
    file = io.BytesIO()
    strip.save(file, "JPEG", quality=95)
    return Story(file.getvalue(), tuple(faces), tuple(role.person for role in mains))


def appearance(role: Role, rng: np.random.Generator) -> tuple[Image.Image, Box]:
    """One of the role's drawings as one panel shows it, turned, tilted and lit anew, and its face box."""
    picture, points = role.pictures[rng.integers(len(role.pictures))]
    centre, side = face_square(points)
    middle = HEAD_PX / 2
    turn = cv2.getRotationMatrix2D((middle, middle), rng.uniform(-1, 1) * TILT_DEGREES, 1.0)
    turned = cv2.warpAffine(picture, turn, (HEAD_PX, HEAD_PX), borderMode=cv2.BORDER_REPLICATE)
    x, y = turn @ [*centre, 1]
    if rng.random() < 0.5:
        turned, x = turned[:, ::-1], HEAD_PX - x
    light = 1 + LIGHT * rng.uniform(-1, 1, 3)
    lit = np.clip(turned * light, 0, 255).astype(np.uint8)
    half = side / 2
    corners = (round(v) for v in (x - half, y - half, x + half, y + half))
    return Image.fromarray(lit), Box(*corners)
