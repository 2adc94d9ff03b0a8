"""What each limit of likelihood lets by: python -m tests.benchmarks.detection_limit --landmarks DIR

Reads ../shared/data. Nothing of it is in the test of `tests.benchmarks.detection`: the drawn people are the
development people, each drawn by one of our renderer's schools and, where it was published, by the style that
is not held out; the faceless pages are of other seeds. `CENTERFACE_LIKELIHOOD` is set by this table.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.benchmarks.detection import HIT_IOU, PAGE_SIZES, Labelled
from tests.shared_data import SHARED
from training.faces import FacePhoto, development_photos, face_box, read_rgb
from training.loop import seeded
from training.pages import compose, faceless
from training.render import SCHOOLS, render
from webcast import detect
from webcast.hub import BUNDLE
from webcast.images import open_image
from webcast.types import Box, Face, Panel

FIRST_SEED = 10_000
LIMITS = np.arange(0.40, 0.76, 0.02)


def drawings(photos: list[FacePhoto]) -> list[Labelled]:
    """Each photo drawn by our renderer, and its published drawing where there is one, with the face's box."""
    drawn = []
    for number, photo in enumerate(photos):
        rgb = read_rgb(photo.path)
        rendered, _ = render(rgb, photo.points, SCHOOLS[number % len(SCHOOLS)], seeded(FIRST_SEED, number))
        drawn.append((Image.fromarray(rendered), [face_box(photo)]))
        for path in photo.drawings:
            published = open_image(path)
            drawn.append((published, [face_box(photo, published.width / rgb.shape[1])]))
    return drawn


def pages_of(faces: list[Labelled], count: int) -> list[Labelled]:
    pages = []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(faces), size=int(rng.integers(1, 6)), replace=False)
        pages.append(
            compose([(faces[i][0], faces[i][1][0]) for i in chosen], PAGE_SIZES[seed % len(PAGE_SIZES)], rng)
        )
    return pages


def row(limit: float, found: list[tuple[list[Box], list[Face]]], beside: list[list[Face]]) -> str:
    """One line of the table: recall and precision on composed pages, boxes on faceless ones."""
    faces = boxes = seen = right = 0
    for labels, hits in found:
        kept = [hit.box for hit in hits if hit.likelihood >= limit]
        faces, boxes = faces + len(labels), boxes + len(kept)
        seen += sum(any(label.iou(hit) >= HIT_IOU for hit in kept) for label in labels)
        right += sum(any(label.iou(hit) >= HIT_IOU for label in labels) for hit in kept)
    false = sum(hit.likelihood >= limit for hits in beside for hit in hits)
    return f"{limit:5.2f}  {seen / faces:6.3f}  {right / max(1, boxes):9.3f}  {false:6d}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--pages", type=int, default=100, help="composed and faceless pages each (100)")
    args = parser.parse_args()
    if not SHARED.is_dir():
        parser.exit(2, f"This benchmark reads {SHARED}, which is not here.\n")
    portraits = [p for p in development_photos(SHARED, args.landmarks) if "portraits" in p.path.parts]
    detect.CENTERFACE_LIKELIHOOD = LIMITS[0]
    detector = detect.DETECTORS["centerface"](BUNDLE / "weights/detector", torch.device("cpu"))
    pages = pages_of(drawings(portraits), args.pages)
    seeds = range(FIRST_SEED, FIRST_SEED + args.pages)
    empty = [faceless(PAGE_SIZES[seed % len(PAGE_SIZES)], np.random.default_rng(seed)) for seed in seeds]
    found = [(labels, detector.detect([Panel(image, "page")])[0]) for image, labels in pages]
    beside = [detector.detect([Panel(image, "page")])[0] for image in empty]
    print(f"{len(portraits)} portraits of development people, {len(pages)} pages with and without faces each")
    print("limit  recall  precision  faceless: boxes")
    for limit in LIMITS:
        print(row(limit, found, beside))


if __name__ == "__main__":
    main()
