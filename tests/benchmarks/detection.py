"""How good the detectors are, in one table: python -m tests.benchmarks.detection

Reads ../shared/data. A hit is a box with an IoU of 0.4 or more with the labelled canonical face box. What is
drawn was in no training: anime frames of the test, and drawings of the test people in the style held out.
The labels come from other detectors than those compared: for a realistic drawing YuNet on the photo that was
drawn, for an anime frame the LBP cascade for anime faces, and where that sees nothing the usual place of a
face in these frames. (CenterFace has learnt other frames where the cascade and animeface agree.) Every number
of a row is measured in the one run; seconds are medians, and two detectors are timed on the same pages.
"""

import argparse
import csv
import random
import statistics
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from tests.shared_data import SHARED
from training.pages import compose, faceless
from training.split import HELD_OUT_STYLE, is_test_frame, is_test_person
from webcast.detect import DETECTORS
from webcast.hub import BUNDLE
from webcast.images import open_image
from webcast.types import Box, Detector, Panel

HIT_IOU = 0.4
PAGE_SIZES = ((800, 1200), (1000, 1000), (690, 1600), (1200, 900))

Labelled = tuple[Image.Image, list[Box]]


def anime_closeups(count: int) -> list[Labelled]:
    """Anime frames of the test, of one face each, and its box."""
    cascade = cv2.CascadeClassifier(str(SHARED / "weights/detectors/lbpcascade_animeface.xml"))
    frames = [path for path in (SHARED / "drawn/anime").glob("*.jpg") if is_test_frame(path.name)]
    pictures = [open_image(path) for path in _sample(frames, count)]
    return [(picture, [_anime_label(cascade, picture)]) for picture in pictures]


def realistic_closeups(count: int) -> list[Labelled]:
    """Realistic drawings of test people in the style held out, of one face each, and its box."""
    yunet = cv2.FaceDetectorYN.create(str(SHARED / "weights/detectors/yunet_n_640_640.onnx"), "", (512, 512))
    with (SHARED / "portraits/people.csv").open(newline="", encoding="utf-8") as file:
        names = [Path(row["first"]).name for row in csv.DictReader(file) if is_test_person(row["name"])]
    drawn = [SHARED / "drawn/cartoongan" / HELD_OUT_STYLE / name for name in names]
    paths = _sample([path for path in drawn if path.exists()], count)
    return [(open_image(path), [_realistic_label(yunet, path.name)]) for path in paths]


def composed_pages(closeups: list[Labelled], count: int) -> list[Labelled]:
    """Pages of one to five of these faces each, with their boxes."""
    pages = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(closeups), size=int(rng.integers(1, 6)), replace=False)
        faces = [(closeups[i][0], closeups[i][1][0]) for i in chosen]
        pages.append(compose(faces, PAGE_SIZES[seed % len(PAGE_SIZES)], rng))
    return pages


def faceless_pages(count: int) -> list[Labelled]:
    sizes = [PAGE_SIZES[seed % len(PAGE_SIZES)] for seed in range(count)]
    return [(faceless(size, np.random.default_rng(seed)), []) for seed, size in enumerate(sizes)]


def recall_and_precision(detector: Detector, pages: Iterable[Labelled]) -> tuple[float, float, int]:
    """The part of the labelled faces found, the part of the boxes that are faces, and how many boxes."""
    faces = boxes = found = right = 0
    for image, labels in pages:
        hits = [face.box for face in detector.detect([Panel(image, "page")])[0]]
        faces, boxes = faces + len(labels), boxes + len(hits)
        found += sum(any(label.iou(hit) >= HIT_IOU for hit in hits) for label in labels)
        right += sum(any(label.iou(hit) >= HIT_IOU for label in labels) for hit in hits)
    return found / max(1, faces), right / max(1, boxes), boxes


def seconds_per_page(detector: Detector, closeups: list[Labelled]) -> float:
    """Median over pages of 1000 x 1500 px with one face."""
    seconds = []
    for seed, (image, (box,)) in enumerate(closeups):
        page, _ = compose([(image, box)], (1000, 1500), np.random.default_rng(seed))
        start = time.perf_counter()
        detector.detect([Panel(page, "page")])
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _sample(paths: Iterable[Path], count: int) -> list[Path]:
    shuffled = sorted(paths)
    random.Random(7).shuffle(shuffled)
    return shuffled[:count]


def _anime_label(cascade: cv2.CascadeClassifier, picture: Image.Image) -> Box:
    grey = cv2.equalizeHist(cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2GRAY))
    windows, counts = cascade.detectMultiScale2(grey, 1.1, 1, 0, (64, 64))
    x, y, side, _ = windows[np.argmax(counts)] if len(windows) else (45, 35, 170, 170)
    return Box(round(x + 0.1 * side), round(y + 0.07 * side), round(x + 0.9 * side), round(y + 0.87 * side))


def _realistic_label(yunet: cv2.FaceDetectorYN, name: str) -> Box:
    """YuNet's box made canonical: over 415 portraits within a few per cent of mediapipe's oval."""
    photo = cv2.imread(str(SHARED / "portraits/first" / name))
    yunet.setInputSize((photo.shape[1], photo.shape[0]))
    x, y, w, h = max(yunet.detect(photo)[1], key=lambda face: face[2] * face[3])[:4]
    centre_x, centre_y, half = x + w / 2, y + 0.562 * h, 0.43 * h
    corners = (centre_x - half, centre_y - half, centre_x + half, centre_y + half)
    return Box(*(round(float(value) * 320 / photo.shape[1]) for value in corners))


def row(name: str, detector: Detector, evidence: dict[str, list[Labelled]]) -> str:
    """One line of the table."""
    recalls = {kind: recall_and_precision(detector, evidence[kind]) for kind in evidence}
    return (
        f"{name:<10}  {recalls['anime'][0]:5.3f}  {recalls['realistic'][0]:9.3f}"
        f"  {recalls['pages'][0]:14.3f}  {recalls['pages'][1]:9.3f}"
        f"  {recalls['faceless'][2]:16d}  {recalls['crowd'][2]:13d}"
        f"  {seconds_per_page(detector, evidence['anime'][:5] + evidence['realistic'][:5]):7.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--count", type=int, default=200, help="close-ups of each kind (default: 200)")
    parser.add_argument(
        "--pages", type=int, default=20, help="composed and faceless pages each (default: 20)"
    )
    parser.add_argument("--detector", choices=DETECTORS, action="append", help="only this one (default: all)")
    parser.add_argument(
        "--weights",
        type=Path,
        default=BUNDLE / "weights/detector",
        help="the folder of centerface (default: the bundle's)",
    )
    args = parser.parse_args()
    if not SHARED.is_dir():
        parser.exit(2, f"This benchmark reads {SHARED}, which is not here.\n")
    anime, realistic = anime_closeups(args.count), realistic_closeups(args.count)
    evidence = {
        "anime": anime,
        "realistic": realistic,
        "pages": composed_pages(anime + realistic, args.pages),
        "faceless": faceless_pages(args.pages),
        "crowd": [(open_image(SHARED / "drawn/pages/crowd.jpg"), [])],
    }
    print(
        f"{len(anime)} anime and {len(realistic)} realistic close-ups, "
        f"{args.pages} composed and {args.pages} faceless pages"
    )
    print("detector    anime  realistic   pages: recall  precision   faceless: boxes   crowd: boxes   s/page")
    for name in args.detector or DETECTORS:
        detector = DETECTORS[name](args.weights, torch.device("cpu"))
        print(row(name, detector, evidence), flush=True)


if __name__ == "__main__":
    main()
