"""Cuts the head of every training photo once, draws it in several ways, and keeps all of it in plain arrays.

    python -m training.drawings --data ../shared/data --landmarks DIR --out data/heads

Drawing costs more than training on the drawing, so each is made once. The folder holds `people.json`
and one array a way, `WAY.npy`, in the same order; a way that is there is not drawn again. Heads are upright,
as `webcast.align` turns them.

The ways: the photo itself, `training.render`'s three schools, OpenCV's filters (Gastal and Oliveira 2011,
doi 10.1145/2010324.1964964, and mean shift) under ink lines, and the published drawing where a photo has one.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from training.faces import FacePhoto, aligned_head, read_rgb, training_photos
from training.loop import seeded
from training.processes import fresh_processes
from training.render import SCHOOLS, draw_style, face_height, ink_lines, render
from training.whole_files import whole_file

ABOUT = "people.json"
SIDE_PX = 88
DRAWN_PX = 128  # drawn at this size and then reduced, for ink lines are thin
PHOTO, PUBLISHED, FILTERED = "photo", "published", "filtered"
WAYS = (PHOTO, PUBLISHED, *SCHOOLS, FILTERED)


def head(photo: FacePhoto, size_px: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The upright head of a photo, RGB uint8 (size_px, size_px, 3), and its landmarks."""
    return aligned_head(read_rgb(photo.path), photo.points, size_px, rng)


def published(photo: FacePhoto, rng: np.random.Generator) -> np.ndarray:
    """The published drawing of a photo; the photo itself where there is none, to be passed over."""
    if not photo.drawings:
        return head(photo, SIDE_PX, rng)[0]
    drawing = read_rgb(photo.drawings[rng.integers(len(photo.drawings))])
    points = photo.points * (drawing.shape[0] / read_rgb(photo.path).shape[0])
    return aligned_head(drawing, points, SIDE_PX, rng)[0]


def filtered(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A photo through one of OpenCV's filters, most of the time under ink lines, RGB uint8 as it came."""
    flatten = (
        partial(cv2.stylization, sigma_s=rng.uniform(10, 40), sigma_r=rng.uniform(0.15, 0.45)),
        partial(cv2.edgePreservingFilter, sigma_s=rng.uniform(10, 40), sigma_r=rng.uniform(0.2, 0.5)),
        partial(cv2.pyrMeanShiftFiltering, sp=rng.uniform(4, 10), sr=rng.uniform(12, 35)),
    )[rng.integers(3)]
    flat = flatten(image)
    if rng.random() < 0.75:
        style = draw_style(SCHOOLS[rng.integers(len(SCHOOLS))], rng)
        style = replace(style, line_weight=rng.uniform(0.4, 1))
        flat = flat * ink_lines(image, style, face_height(points))[..., None]
    return flat.astype(np.uint8)


def filtered_head(photo: FacePhoto, rng: np.random.Generator) -> np.ndarray:
    return reduced(filtered(*head(photo, DRAWN_PX, rng), rng))


def rendered(school: str, photo: FacePhoto, rng: np.random.Generator) -> np.ndarray:
    """In one of our schools; upright by the drawing's own points, as the pipeline would turn it."""
    drawing, points = render(*head(photo, DRAWN_PX, rng), school, rng)
    return aligned_head(drawing, points, SIDE_PX, rng)[0]


def reduced(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)


def draw_one(way: str, seed: int, numbered: tuple[int, FacePhoto]) -> np.ndarray:
    """What one way makes of one photo, uint8 (SIDE_PX, SIDE_PX, 3)."""
    cv2.setNumThreads(1)
    number, photo = numbered
    rng = seeded(seed, number)
    makers: dict[str, Callable[[FacePhoto, np.random.Generator], np.ndarray]] = {
        PHOTO: lambda photo, rng: head(photo, SIDE_PX, rng)[0],
        PUBLISHED: published,
        FILTERED: filtered_head,
    } | {school: partial(rendered, school) for school in SCHOOLS}
    return makers[way](photo, rng)


def draw_all(photos: list[FacePhoto], out: Path, seed: int, workers: int) -> None:
    """One array a way; what is interrupted is drawn again from the last whole way on."""
    for number, way in enumerate(WAYS):
        path = out / f"{way}.npy"
        if path.exists():
            continue
        with fresh_processes().Pool(workers) as pool:
            drawn = pool.imap(partial(draw_one, way, seed + number), enumerate(photos), chunksize=32)
            heads = list(tqdm(drawn, total=len(photos), desc=way, unit="head"))
        with whole_file(path) as file:
            np.save(file, np.stack(heads))


@dataclass(frozen=True)
class Heads:
    """The heads of all training photos: whose each is, of which kind, and its pictures by way.

    `ways` holds uint8 arrays (N, SIDE_PX, SIDE_PX, 3) in memory, all in the order of `people`.
    """

    people: list[str]
    is_portrait: list[bool]
    has_published: list[bool]
    ways: dict[str, np.ndarray]


def load(folder: Path) -> Heads:
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    about = {key: about[key] for key in ("people", "is_portrait", "has_published")}
    return Heads(**about, ways={path.stem: np.load(path) for path in sorted(folder.glob("*.npy"))})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with portraits/, lfw/ and drawn/cartoongan/"
    )
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--out", type=Path, required=True, help="the folder of arrays to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes that draw")
    args = parser.parse_args()
    photos = training_photos(args.data, args.landmarks)
    args.out.mkdir(parents=True, exist_ok=True)
    about = {
        "people": [photo.person for photo in photos],
        "is_portrait": ["portraits" in photo.path.parts for photo in photos],
        "has_published": [bool(photo.drawings) for photo in photos],
        "photos": [photo.path.relative_to(args.data).as_posix() for photo in photos],
        "seed": args.seed,
    }
    if (args.out / ABOUT).is_file() and json.loads((args.out / ABOUT).read_text(encoding="utf-8")) != about:
        parser.error(f"{args.out} holds heads of other photos or by another seed; name another folder")
    (args.out / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    draw_all(photos, args.out, args.seed, args.workers)


if __name__ == "__main__":
    sys.exit(main())
