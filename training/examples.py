"""Draws the app's example pages: a short scene each, played by the demo troupe, one per school of drawing.

    python -m training.examples --troupe troupe --out webcast/bundle/examples

The troupe is a folder written by `training.troupe`. A page is kept only if the default detector finds every
face on it and nothing else; until then other actors and another pen are tried.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from training.faces import face_square, read_rgb
from training.render import draw, draw_style
from webcast.build import load_stages
from webcast.types import Box, Detector, Panel

PAGE_PX = (800, 1200)
INK = (24, 22, 30)
FONT = Path(__file__).parents[1] / "webcast/bundle/fonts/NanumGothicBold.ttf"
OVERSIZE = 1.5
"""Panels are drawn larger than they are printed, so that lines are thin and clean."""
HIT_IOU = 0.4
TRIES = 40


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A picture of the troupe: RGB uint8, its landmarks, and the silhouette (uint8, 256 px)."""

    image: np.ndarray
    points: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True, slots=True)
class Shot:
    """A panel: who is in it (0 the lead), in which picture, and what is said.

    The face box has its middle at `head` and the side `size`, in parts of the panel's size and height; the
    bubble's middle lies at `bubble`.
    """

    panel: Box
    who: int
    picture: int
    head: tuple[float, float]
    size: float
    words: str
    bubble: tuple[float, float]


TOP, MIDDLE, BOTTOM = Box(16, 16, 784, 424), Box(16, 440, 784, 800), Box(16, 816, 784, 1184)
UPPER = (Box(16, 16, 392, 424), Box(408, 16, 784, 424))
CENTRE = (Box(16, 440, 392, 800), Box(408, 440, 784, 800))
SCENES = {
    "romance": (
        Shot(TOP, 0, 0, (0.30, 0.58), 0.62, "다시 만났네.\nSo we meet again.", (0.74, 0.24)),
        Shot(CENTRE[0], 1, 1, (0.52, 0.58), 0.62, "You're late.", (0.32, 0.12)),
        Shot(CENTRE[1], 0, 1, (0.50, 0.58), 0.62, "비가 와서…", (0.70, 0.12)),
        Shot(BOTTOM, 0, 2, (0.70, 0.58), 0.62, "Then let's start\nfrom the beginning.", (0.25, 0.26)),
    ),
    "big-eyed": (
        Shot(UPPER[0], 0, 1, (0.50, 0.58), 0.62, "어?", (0.24, 0.12)),
        Shot(UPPER[1], 1, 0, (0.50, 0.58), 0.62, "Who's there?", (0.36, 0.11)),
        Shot(MIDDLE, 0, 0, (0.68, 0.58), 0.62, "It was you\nall along!", (0.22, 0.28)),
        Shot(BOTTOM, 0, 2, (0.32, 0.58), 0.62, "좋아, 해 보자.\nLet's do this!", (0.76, 0.26)),
    ),
}
"""One page for each school of drawing of `training.render`."""
PENS = {
    "romance": {
        "eye_scale": 1.3,
        "line_weight": 0.8,
        "line_reach": 0.007,
        "stroke_weight": 0.009,
        "skin_flatness": 0.7,
        "repaint_eyes": True,
        "hair_lift": 0.0,
        "saturation": 1.15,
        "background": 0.0,
    },
    "big-eyed": {
        "eye_scale": 2.1,
        "nose_scale": 0.6,
        "mouth_scale": 0.8,
        "line_weight": 0.4,
        "line_reach": 0.007,
        "stroke_weight": 0.011,
        "skin_flatness": 1.0,
        "smoothing": 3,
        "hair_lift": 0.0,
        "saturation": 1.2,
        "background": 0.0,
    },
}
"""What the examples fix of `render.Style`, so that the pages look their best."""


def read_troupe(folder: Path) -> dict[str, list[Portrait]]:
    """Every actor's pictures, by stage name."""
    actors: dict[str, list[Portrait]] = {}
    with np.load(folder / "landmarks.npz") as file:
        for path, points, mask in zip(file["paths"].tolist(), file["points"], file["masks"], strict=True):
            actors.setdefault(Path(path).parent.name, []).append(
                Portrait(read_rgb(folder / path), points, mask)
            )
    return actors


def draw_page(
    school: str, cast: list[list[Portrait]], rng: np.random.Generator
) -> tuple[Image.Image, list[Box]]:
    """A page (RGB, PAGE_PX) of `SCENES[school]`, and its face boxes; `cast` is the lead, then the other."""
    page, boxes = Image.new("RGB", PAGE_PX, "white"), []
    pens = [int(seed) for seed in rng.integers(2**32, size=len(cast))]
    for shot in SCENES[school]:
        photo, points = stage(cast[shot.who][shot.picture], backdrop(shot.panel, rng), shot)
        # A character is drawn with the same pen in every panel, or hair and eyes would change their colours.
        pen = np.random.default_rng(pens[shot.who])
        style = replace(draw_style(school, pen), **PENS[school])
        drawing, points = draw(photo, points, style, pen)
        size = (shot.panel.width, shot.panel.height)
        drawing = Image.fromarray(drawing).resize(size, Image.Resampling.LANCZOS)
        page.paste(drawing, (shot.panel.x0, shot.panel.y0))
        boxes.append(face_box(points / OVERSIZE).shifted(shot.panel.x0, shot.panel.y0))
    ink = ImageDraw.Draw(page)
    for shot in SCENES[school]:
        frame = (shot.panel.x0, shot.panel.y0, shot.panel.x1 - 1, shot.panel.y1 - 1)
        ink.rectangle(frame, outline=INK, width=4)
        speak(ink, shot)
    return page, boxes


def stage(portrait: Portrait, backdrop: Image.Image, shot: Shot) -> tuple[np.ndarray, np.ndarray]:
    """The actor cut out and put before the backdrop, OVERSIZE times the panel, and the landmarks there."""
    width, height = round(backdrop.width * OVERSIZE), round(backdrop.height * OVERSIZE)
    centre, side = face_square(portrait.points)
    scale = shot.size * height / side
    matrix = np.float32([[scale, 0, 0], [0, scale, 0]])
    matrix[:, 2] = np.array(shot.head) * (width, height) - scale * centre
    mask = cv2.resize(portrait.mask, portrait.image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    figure = cv2.warpAffine(portrait.image, matrix, (width, height), flags=cv2.INTER_CUBIC)
    alpha = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_CUBIC)[..., None] / 255
    wall = np.asarray(backdrop.resize((width, height)))
    points = (portrait.points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return np.uint8(figure * alpha + wall * (1 - alpha) + 0.5), points


def backdrop(panel: Box, rng: np.random.Generator) -> Image.Image:
    """Evening air in two pastel colours, with lights out of focus."""
    hue = rng.uniform(0, 180)
    hsv = np.uint8([[[hue, 70, 245]], [[(hue + rng.uniform(15, 40)) % 180, 50, 255]]])
    air = cv2.resize(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), (panel.width, panel.height))
    lights = air.copy()
    for x, y in rng.uniform(0, 1, (14, 2)) * (panel.width, panel.height):
        cv2.circle(lights, (int(x), int(y)), int(rng.uniform(12, 55)), (255, 255, 255), -1, cv2.LINE_AA)
    return Image.fromarray(cv2.GaussianBlur(cv2.addWeighted(air, 0.7, lights, 0.3, 0), (0, 0), 1.5))


def face_box(points: np.ndarray) -> Box:
    (x, y), side = face_square(points)
    return Box(*(round(float(v)) for v in (x - side / 2, y - side / 2, x + side / 2, y + side / 2)))


def speak(draw: ImageDraw.ImageDraw, shot: Shot) -> None:
    """A speech bubble around the words of a shot."""
    font = ImageFont.truetype(str(FONT), 24)
    x = shot.panel.x0 + shot.bubble[0] * shot.panel.width
    y = shot.panel.y0 + shot.bubble[1] * shot.panel.height
    left, top, right, bottom = draw.multiline_textbbox((x, y), shot.words, font, anchor="mm", align="center")
    around = (left - 34, top - 22, right + 34, bottom + 22)
    draw.rounded_rectangle(around, radius=0.48 * (around[3] - around[1]), fill="white", outline=INK, width=3)
    draw.multiline_text((x, y), shot.words, INK, font, anchor="mm", align="center")


def all_found(page: Image.Image, boxes: list[Box], detector: Detector) -> bool:
    """Whether the detector finds these faces and nothing else."""
    (found,) = detector.detect([Panel(page, "example")])
    hit = [any(face.box.iou(box) >= HIT_IOU for face in found) for box in boxes]
    return all(hit) and len(found) == len(boxes)


def example(
    school: str, actors: dict[str, list[Portrait]], names: list[str], seed: int, detector: Detector
) -> Image.Image:
    """The first page of a school on which every face is found; with `names`, played by these two."""
    for attempt in tqdm(range(TRIES), desc=school, unit="page"):
        rng = np.random.default_rng([len(school), seed + attempt])
        cast = names or rng.choice(list(actors), size=2, replace=False)
        page, boxes = draw_page(school, [actors[name] for name in cast], rng)
        if all_found(page, boxes, detector):
            return page
    raise SystemExit(f"The detector found all faces on none of {TRIES} {school} pages; try another --seed.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--troupe", type=Path, required=True, help="folder written by training.troupe")
    parser.add_argument("--out", type=Path, required=True, help="folder for one .png per school")
    parser.add_argument("--cast", nargs=2, metavar="NAME", help="lead and other, by stage name (any two)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other pages (%(default)s)")
    parser.add_argument("--school", choices=SCENES, action="append", help="only this one (both)")
    args = parser.parse_args()
    actors, detector = read_troupe(args.troupe), load_stages().detector
    args.out.mkdir(parents=True, exist_ok=True)
    for school in args.school or SCENES:
        page = example(school, actors, args.cast, args.seed, detector)
        page.save(args.out / f"{school}.png", optimize=True)


if __name__ == "__main__":
    main()
