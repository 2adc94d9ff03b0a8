"""Composes comic pages of which every face's box is known, and pages on which there is no face at all.

A page is paper, panels between gutters, a scene or a pasted head in each, speech bubbles and lettering. All
of it is drawn by this file, but for the heads, which the caller brings with their boxes; the same generator
state gives the same page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from webcast.types import Box

GUTTER_PX = 12
SMALLEST_FACE_PX = 56
INK = (25, 22, 30)
WORDS = (
    "wait",
    "what",
    "no",
    "who is there",
    "run",
    "you again",
    "why me",
    "rain",
    "never mind",
    "look up",
    "oh",
)

Painter = Callable[[ImageDraw.ImageDraw, int, int, np.random.Generator], None]


def compose(
    faces: Sequence[tuple[Image.Image, Box]], size: tuple[int, int], rng: np.random.Generator
) -> tuple[Image.Image, list[Box]]:
    """A page of `size` (width, height) pixels with each of `faces` in a panel of its own.

    Takes RGB pictures with the canonical face box of the one face in each. Gives the RGB page, and the boxes
    in page pixels in the order of `faces`. Panels left over hold scenes without a face; bubbles never cover
    one.
    """
    page = Image.new("RGB", size, _paper(rng))
    panels = sorted(
        layout(size, len(faces) + int(rng.integers(0, 3) if faces else rng.integers(2, 8)), rng),
        key=lambda p: -min(p.width, p.height),
    )
    boxes = []
    for panel, (image, box) in zip(panels, faces, strict=False):
        picture, placed = _portrait(image, box, (panel.width, panel.height), rng)
        _mount(page, picture, panel)
        boxes.append(placed.shifted(panel.x0, panel.y0))
    for panel in panels[len(faces) :]:
        _mount(page, scene((panel.width, panel.height), rng), panel)
    _letter(page, boxes, rng)
    return page, boxes


def faceless(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """A page of `size` (width, height) pixels on which nobody is: scenes, bubbles and lettering."""
    return compose([], size, rng)[0]


def layout(size: tuple[int, int], count: int, rng: np.random.Generator) -> list[Box]:
    """At least `count` panels (and one) that tile the page, found by cutting the largest one in two."""
    panels = [Box(GUTTER_PX, GUTTER_PX, size[0] - GUTTER_PX, size[1] - GUTTER_PX)]
    while len(panels) < count:
        largest = max(panels, key=lambda panel: panel.area)
        panels.remove(largest)
        panels += _halves(largest, rng.uniform(0.4, 0.6))
    return panels


def scene(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """A drawn background of `size` pixels without a face, drawn at twice the size for smooth edges."""
    width, height = 2 * size[0], 2 * size[1]
    canvas = _gradient((width, height), rng)
    draw = ImageDraw.Draw(canvas)
    for painter in rng.choice(len(SCENES), size=int(rng.integers(1, 3)), replace=False):
        SCENES[painter](draw, width, height, rng)
    return canvas.resize(size, Image.Resampling.LANCZOS)


def _halves(panel: Box, cut: float) -> list[Box]:
    if panel.height >= panel.width:
        middle = round(panel.y0 + cut * panel.height)
        return [
            Box(panel.x0, panel.y0, panel.x1, middle - GUTTER_PX // 2),
            Box(panel.x0, middle + GUTTER_PX // 2, panel.x1, panel.y1),
        ]
    middle = round(panel.x0 + cut * panel.width)
    return [
        Box(panel.x0, panel.y0, middle - GUTTER_PX // 2, panel.y1),
        Box(middle + GUTTER_PX // 2, panel.y0, panel.x1, panel.y1),
    ]


def _mount(page: Image.Image, picture: Image.Image, panel: Box) -> None:
    page.paste(picture, (panel.x0, panel.y0))
    ImageDraw.Draw(page).rectangle((panel.x0, panel.y0, panel.x1 - 1, panel.y1 - 1), outline=INK, width=3)


def _portrait(
    image: Image.Image, box: Box, size: tuple[int, int], rng: np.random.Generator
) -> tuple[Image.Image, Box]:
    """One head on a panel: its picture fills it where the face still fits, else the head is on a scene."""
    cover = max(size[0] / image.width, size[1] / image.height)
    fits = cover * max(box.width, box.height) < 0.9 * min(size)
    if fits and rng.random() < 0.5:
        return _fill(image, box, size, cover * rng.uniform(1.0, 1.15), rng)
    side = max(SMALLEST_FACE_PX, rng.uniform(0.25, 0.7) * min(size))
    return _stand(image, box, size, side / max(box.width, box.height), rng)


def _fill(image, box, size, scale, rng) -> tuple[Image.Image, Box]:
    grown, placed = _scaled(image, box, scale)
    x = _slide(grown.width - size[0], placed.x1 - size[0], placed.x0, rng)
    y = _slide(grown.height - size[1], placed.y1 - size[1], placed.y0, rng)
    return grown.crop((x, y, x + size[0], y + size[1])), placed.shifted(-x, -y)


def _slide(room: int, lowest: int, highest: int, rng: np.random.Generator) -> int:
    """Where to start a window, 0 to `room`, so that the face between `lowest` and `highest` stays inside."""
    low, high = max(0, lowest), min(room, highest)
    return int(rng.integers(low, high + 1)) if low <= high else max(0, min(room, (lowest + highest) // 2))


def _stand(image, box, size, scale, rng) -> tuple[Image.Image, Box]:
    head, placed = _scaled(image, box, scale)
    x = int(rng.integers(0, max(1, size[0] - placed.width))) - placed.x0
    y = int(rng.integers(0, max(1, size[1] - placed.height))) - placed.y0
    panel = scene(size, rng)
    panel.paste(head, (x, y), _head_mask(head.size, placed) if rng.random() < 0.6 else None)
    return panel, placed.shifted(x, y)


def _scaled(image: Image.Image, box: Box, scale: float) -> tuple[Image.Image, Box]:
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    corners = (round(value * scale) for value in (box.x0, box.y0, box.x1, box.y1))
    return image.resize(size, Image.Resampling.LANCZOS), Box(*corners)


def _head_mask(size: tuple[int, int], box: Box) -> Image.Image:
    """Opaque on an oval around the head, fading to nothing at its rim and at the picture's edges."""
    reach, fade = 0.45 * box.width, max(2, box.width // 12)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse(
        (box.x0 - reach, box.y0 - 1.4 * reach, box.x1 + reach, box.y1 + reach), fill=255
    )
    frame = Image.new("L", size)
    ImageDraw.Draw(frame).rectangle((2 * fade, 2 * fade, size[0] - 2 * fade, size[1]), fill=255)
    return ImageChops.darker(mask, frame).filter(ImageFilter.GaussianBlur(fade))


def _letter(page: Image.Image, faces: Sequence[Box], rng: np.random.Generator) -> None:
    """Speech bubbles and loud words wherever no face is."""
    draw = ImageDraw.Draw(page)
    for _ in range(int(rng.integers(1, 5))):
        width = int(rng.integers(page.width // 8, page.width // 3))
        height = int(width * rng.uniform(0.4, 0.7))
        x = int(rng.integers(0, max(1, page.width - width)))
        y = int(rng.integers(0, max(1, page.height - height)))
        bubble = Box(x, y, x + width, y + height)
        if any(bubble.overlap(face) for face in faces):
            continue
        if rng.random() < 0.75:
            _bubble(draw, bubble, rng)
        else:
            word = str(rng.choice(WORDS)).upper() + "!"
            draw.text(
                (x, y),
                word,
                _colour(rng),
                ImageFont.load_default(height * 0.6),
                stroke_width=3,
                stroke_fill="white",
            )


def _bubble(draw: ImageDraw.ImageDraw, at: Box, rng: np.random.Generator) -> None:
    shape = draw.ellipse if rng.random() < 0.6 else draw.rectangle
    shape((at.x0, at.y0, at.x1, at.y1), fill="white", outline=INK, width=3)
    lines = int(rng.integers(1, 4))
    size = at.height / (lines + 3)
    words = [" ".join(rng.choice(WORDS, size=int(rng.integers(1, 4)))) for _ in range(lines)]
    centre = ((at.x0 + at.x1) / 2, (at.y0 + at.y1) / 2)
    draw.multiline_text(
        centre, "\n".join(words), INK, ImageFont.load_default(size), anchor="mm", align="center"
    )


def _paper(rng: np.random.Generator) -> tuple[int, int, int]:
    return (255, 255, 255) if rng.random() < 0.7 else (18, 18, 22)


def _colour(rng: np.random.Generator, low: int = 20, high: int = 245) -> tuple[int, int, int]:
    return tuple(int(value) for value in rng.integers(low, high, size=3))


def _gradient(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    top, bottom = np.array(_colour(rng, 120)), np.array(_colour(rng, 60))
    ramp = np.linspace(0, 1, 64)[:, None, None]
    column = (top * (1 - ramp) + bottom * ramp).round().astype(np.uint8)
    return Image.fromarray(column).resize(size, Image.Resampling.BILINEAR)


def _city(draw, width, height, rng) -> None:
    x = 0
    while x < width:
        broad, tall = int(rng.integers(width // 12, width // 4)), int(rng.integers(height // 4, height))
        draw.rectangle((x, height - tall, x + broad, height), fill=_colour(rng), outline=INK, width=4)
        pane = max(8, broad // int(rng.integers(4, 9)))
        light = _colour(rng, 120)
        for wx in range(x + pane // 2, x + broad - pane, pane * 3 // 2):
            for wy in range(height - tall + pane // 2, height, pane * 2):
                draw.rectangle((wx, wy, wx + pane * 0.8, wy + pane), fill=light, outline=INK, width=2)
        x += broad


def _trees(draw, width, height, rng) -> None:
    draw.rectangle((0, height * 0.75, width, height), fill=_colour(rng))
    for _ in range(int(rng.integers(3, 9))):
        x, crown = rng.uniform(0, width), rng.uniform(0.1, 0.25) * height
        green = _colour(rng)
        draw.rectangle(
            (x - crown / 8, height * 0.6, x + crown / 8, height * 0.85), fill=_colour(rng, 20, 120)
        )
        for dx, dy in rng.uniform(-0.6, 0.6, size=(6, 2)) * crown:
            spot = (
                x + dx - crown / 2,
                height * 0.5 + dy - crown / 2,
                x + dx + crown / 2,
                height * 0.5 + dy + crown / 2,
            )
            draw.ellipse(spot, fill=green, outline=INK, width=3)


def _speed_lines(draw, width, height, rng) -> None:
    cx, cy = rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height
    for angle in rng.uniform(0, 2 * np.pi, size=120):
        near, far = rng.uniform(0.15, 0.4) * min(width, height), 1.5 * max(width, height)
        ends = [(cx + r * np.cos(angle), cy + r * np.sin(angle)) for r in (near, far)]
        draw.line(ends, fill=INK, width=int(rng.integers(1, 9)))


def _screentone(draw, width, height, rng) -> None:
    step, ink = int(rng.integers(10, 40)), _colour(rng)
    for row, y in enumerate(range(0, height, step)):
        radius = step * 0.45 * y / height + 1
        for x in range(step // 2 * (row % 2), width, step):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)


def _things(draw, width, height, rng) -> None:
    """Round things with round things on them, as dice and buttons: the nearest to a face that is none."""
    for _ in range(int(rng.integers(2, 7))):
        r = rng.uniform(0.06, 0.2) * min(width, height)
        x, y = rng.uniform(r, width - r), rng.uniform(r, height - r)
        shape = draw.ellipse if rng.random() < 0.6 else draw.rectangle
        shape((x - r, y - r, x + r, y + r), fill=_colour(rng, 100), outline=INK, width=5)
        for dx, dy in rng.uniform(-0.6, 0.6, size=(int(rng.integers(1, 6)), 2)) * r:
            draw.ellipse(
                (x + dx - r / 8, y + dy - r / 8, x + dx + r / 8, y + dy + r / 8), fill=_colour(rng, 0, 120)
            )


def _room(draw, width, height, rng) -> None:
    draw.rectangle((0, height * 0.65, width, height), fill=_colour(rng))
    for x in range(0, width, max(20, width // 10)):
        draw.line(((x, height * 0.65), (2 * x - width / 2, height)), fill=INK, width=2)
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(0, 0.8) * width, rng.uniform(0.05, 0.5) * height
        w, h = rng.uniform(0.1, 0.3, size=2) * (width, height)
        draw.rectangle((x, y, x + w, y + h), fill=_colour(rng), outline=INK, width=5)
        draw.line(((x, y + h / 2), (x + w, y + h / 2)), fill=INK, width=4)
        draw.line(((x + w / 2, y), (x + w / 2, y + h)), fill=INK, width=4)


def _strokes(draw, width, height, rng) -> None:
    """Hair, grass, water or cloth: bundles of bent strokes."""
    for _ in range(int(rng.integers(20, 80))):
        start = rng.uniform(0, 1, size=2) * (width, height)
        steps = np.cumsum(rng.normal(rng.normal(0, 9, size=2), 4, size=(20, 2)), axis=0)
        draw.line(
            [tuple(p) for p in start + steps],
            fill=_colour(rng),
            width=int(rng.integers(2, 14)),
            joint="curve",
        )


def _clouds(draw, width, height, rng) -> None:
    for _ in range(int(rng.integers(2, 6))):
        x, y, r = rng.uniform(0, width), rng.uniform(0, 0.6 * height), rng.uniform(0.04, 0.1) * width
        for dx, dy in rng.uniform(-1.5, 1.5, size=(8, 2)) * (r, r / 3):
            draw.ellipse((x + dx - r, y + dy - r / 2, x + dx + r, y + dy + r / 2), fill=(250, 250, 252))


SCENES: tuple[Painter, ...] = (_city, _trees, _speed_lines, _screentone, _things, _room, _strokes, _clouds)
