"""Which drawn faces may vote: how small, blurred or turned one may be and still be told from others.

    python -m training.good_faces --data ../shared/data --landmarks DIR --weights webcast/bundle/weights

Development people (`training.split`) are drawn, and each drawing is looked for among a photo of every one of
them, not the photo that was drawn. Drawings are shown ever smaller and ever more blurred; how far heads are
turned is as the photos have it, which is never far. Shrinking a drawing leaves out that artists draw small
faces with fewer lines. `webcast.looks` says what was read off the tables.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from training.castback import find_heads, person_places
from training.drawings import filtered
from training.faces import FacePhoto, development_photos, face_square, read_rgb
from training.heads import surroundings
from training.loop import seeded
from training.prove import Report
from training.render import SCHOOLS, render
from webcast.build import load_stages
from webcast.caster import Stages
from webcast.looks import sharpness, turn
from webcast.types import Box, Face, Panel
from webcast.vote import VOTES_PER_FACE

SIDES_PX = (128, 64, 32, 24, 16, 12)
BLURS = (0.02, 0.04, 0.06, 0.08, 0.1)  # sigma in sides of the face
TURNS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
FULL_PX = 128
PAGE_PX = 480
EACH = 1  # photos of a person that are drawn
HIT = 0.4  # intersection over union from which on a box is that of the face


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawn head, RGB uint8, its face box as a square (centre, side in pixels), and whose it is."""

    pixels: np.ndarray
    centre: np.ndarray
    side: float
    person: str


def drawings(photos: Sequence[FacePhoto]) -> list[Drawing]:
    """Up to `EACH` drawings of everybody with two photos or more; their first photo is not drawn."""
    by_person: defaultdict[str, list[FacePhoto]] = defaultdict(list)
    for photo in photos:
        by_person[photo.person].append(photo)
    chosen = [photo for own in by_person.values() for photo in own[1 : 1 + EACH]]
    made = []
    for number, photo in enumerate(tqdm(chosen, desc="draw")):
        pixels, points = surroundings(draw_development(photo, number), photo.points)
        made.append(Drawing(pixels, *face_square(points), photo.person))
    return made


def draw_development(photo: FacePhoto, number: int) -> np.ndarray:
    """Every second one filtered, the others in our schools in turn; RGB uint8 of the photo's size."""
    image, rng = read_rgb(photo.path), seeded(11, number)
    if number % 2:
        return filtered(image, photo.points, rng)
    return render(image, photo.points, SCHOOLS[number // 2 % len(SCHOOLS)], rng)[0]


def shown(drawing: Drawing, side_px: float, blur: float) -> tuple[Image.Image, Box]:
    """A white page with the drawing on it, its face `side_px` broad and blurred, and where the face is."""
    scale = side_px / drawing.side
    size = round(len(drawing.pixels) * scale)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(drawing.pixels, (size, size), interpolation=way)
    if blur:
        small = cv2.GaussianBlur(small, (0, 0), blur * side_px)
    page = Image.new("RGB", (PAGE_PX, PAGE_PX), "white")
    start = (PAGE_PX - size) // 2
    page.paste(Image.fromarray(small), (start, start))
    x, y = drawing.centre * scale + start
    half = side_px / 2
    return page, Box(*(round(v) for v in (x - half, y - half, x + half, y + half)))


def found(stages: Stages, drawing: Drawing, side_px: float, blur: float = 0.0) -> Face | None:
    """The face as the detector finds it on its page; None where it does not."""
    page, box = shown(drawing, side_px, blur)
    (faces,) = stages.detector.detect([Panel(page, drawing.person)])
    best = max(faces, key=lambda face: face.box.iou(box), default=None)
    return best if best is not None and best.box.iou(box) >= HIT else None


def is_near(stages: Stages, faces: Sequence[Face], gallery: np.ndarray, people: list[str]) -> np.ndarray:
    """Whether each face's own person (its panel's name) is among the nearest of a vote, bool (N,)."""
    if not faces:
        return np.zeros(0, bool)
    vectors = stages.embedder.embed([face.crop for face in faces])
    wanted = [face.panel.name for face in faces]
    return person_places(vectors @ gallery.T, people, wanted) <= VOTES_PER_FACE


def measure_steps(
    report: Report,
    stages: Stages,
    drawn: Sequence[Drawing],
    gallery: tuple[np.ndarray, list[str]],
    steps: Sequence[tuple[float, float]],
) -> None:
    """A row for each (side in pixels, blur): what was found, what `looks` measures, and who is near."""
    for side_px, blur in steps:
        faces = [face for one in drawn if (face := found(stages, one, side_px, blur))]
        near = is_near(stages, faces, *gallery)
        sides = [min(face.box.width, face.box.height) for face in faces]
        sharp = [sharpness(face.crop) for face in faces]
        cells = (f"{np.median(sides):.0f}", f"{np.median(sharp):.0f}") if faces else ("", "")
        share = f"{near.mean():.0%}" if faces else ""
        report.row(side_px, blur, f"{len(faces)} of {len(drawn)}", *cells, share)


def measure_turns(
    report: Report, stages: Stages, drawn: Sequence[Drawing], gallery: tuple[np.ndarray, list[str]]
) -> None:
    """A row for each range of turns."""
    faces = [face for one in drawn if (face := found(stages, one, FULL_PX))]
    near, turns = is_near(stages, faces, *gallery), np.array([turn(face) for face in faces])
    for low, high in zip(TURNS, (*TURNS[1:], np.inf), strict=True):
        own = near[(turns >= low) & (turns < high)]
        report.row(f"{low} to {high}", len(own), f"{own.mean():.0%}" if len(own) else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/, lfw/ and drawn/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--weights", type=Path, required=True, help="the folder of weights to measure with")
    args = parser.parse_args()
    photos = development_photos(args.data, args.landmarks)
    stages, report, drawn = load_stages(args.weights, "cpu"), Report(), drawings(photos)
    firsts = {photo.person: Image.open(photo.path).convert("RGB") for photo in reversed(photos)}
    heads = find_heads(stages.photo_detector or stages.detector, firsts)
    gallery = stages.embedder.embed(list(heads.crops.values())), list(heads.crops)
    drawn = [one for one in drawn if one.person in heads.crops]
    report.say(f"`python -m {__spec__.name} {' '.join(sys.argv[1:])}`")
    header = "drawn, px", "blur", "found", "side, px", "sharpness", f"own person among {VOTES_PER_FACE}"
    report.table(f"Smaller and smaller, among {len(gallery[1])} people", header)
    measure_steps(report, stages, drawn, gallery, [(side, 0.0) for side in SIDES_PX])
    report.table("More and more blurred", header)
    measure_steps(report, stages, drawn, gallery, [(FULL_PX, blur) for blur in BLURS])
    report.table("Turned aside", ("turn", "faces", header[-1]))
    measure_turns(report, stages, drawn, gallery)


if __name__ == "__main__":
    main()
