"""Heads with known boxes and points, made once, from which pages for the detector are composed.

    python -m training.heads --data ../shared/data --landmarks DIR --out heads.npz

Drawings are labelled through the photo that was drawn: the landmarks are carried through the renderer's warp,
and the published CartoonGAN drawings lie on their photos. Anime frames are labelled where animeface and the
LBP cascade agree. Nobody of the test, no test frame and nothing in the held-out style is among them.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import animeface
import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm, trange

from training.faces import FacePhoto, face_square, five_points, read_rgb, training_photos
from training.pages import faceless
from training.render import SCHOOLS, render
from training.split import is_test_frame
from webcast.align import transform, warp

HEAD_PX = 224
SCENE_PX = 512
CUTTING_PX, SMALLEST_CUTTING_PX = 224, 56
SURROUNDINGS = 2.0  # the side of a stored picture in sides of its face
ANIMEFACE_PX = 192  # as sure as at 256 px on these frames, in half the time
AGREEMENT = 0.55  # intersection over union of the two detectors' boxes

KINDS = ("anime", "published", "drawn", "photo")


@dataclass(frozen=True, eq=False)
class Head:
    """A picture, uint8 (HEAD_PX, HEAD_PX, 3), with its five points (5, 2) and its canonical face box."""

    picture: np.ndarray
    points: np.ndarray
    centre: np.ndarray
    side: float
    kind: str


def drawn_heads(photos: list[FacePhoto], count: int, rng: np.random.Generator) -> list[Head]:
    """Photos drawn by our renderer, in all its schools by turns."""
    heads = []
    for number, photo in enumerate(tqdm(_portraits_first(photos, count, rng), desc="drawn")):
        picture, points = surroundings(read_rgb(photo.path), photo.points)
        picture, points = render(picture, points, SCHOOLS[number % len(SCHOOLS)], rng)
        heads.append(labelled(picture, points, "drawn"))
    return heads


def published_heads(photos: list[FacePhoto]) -> list[Head]:
    """The published drawings of the photos."""
    heads = []
    for photo in tqdm([p for p in photos if p.drawings], desc="published"):
        height = read_rgb(photo.path).shape[0]
        for path in photo.drawings:
            drawing = read_rgb(path)
            picture, points = surroundings(drawing, photo.points * (drawing.shape[0] / height))
            heads.append(labelled(picture, points, "published"))
    return heads


def photo_heads(photos: list[FacePhoto], count: int, rng: np.random.Generator) -> list[Head]:
    """Photos as they are: the detector crops the portraits of a gallery too."""
    chosen = tqdm(_portraits_first(photos, count, rng), desc="photos")
    return [labelled(*surroundings(read_rgb(p.path), p.points), "photo") for p in chosen]


def anime_heads(paths: list[Path], cascade: cv2.CascadeClassifier) -> list[Head]:
    heads = [anime_head(read_rgb(path), cascade) for path in tqdm(paths, desc="anime")]
    return [head for head in heads if head is not None]


def anime_head(frame: np.ndarray, cascade: cv2.CascadeClassifier) -> Head | None:
    """A frame with the labels of animeface and the cascade, or None where they do not agree on one face."""
    small = cv2.resize(frame, (ANIMEFACE_PX, ANIMEFACE_PX), interpolation=cv2.INTER_AREA)
    faces = [face for face in animeface.detect(Image.fromarray(small)) if face.likelihood > 0.99]
    grey = cv2.equalizeHist(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
    squares = cascade.detectMultiScale(grey, 1.1, 2, 0, (64, 64))
    if len(faces) != 1 or len(squares) != 1:
        return None
    face, unit = faces[0], HEAD_PX / ANIMEFACE_PX
    x, y, side = (value * unit for value in (face.face.pos.x, face.face.pos.y, (face.face.pos.width)))
    one = (x + side / 2, y + side * 0.45, side * 1.05)
    x, y, side = (float(value) * HEAD_PX / frame.shape[0] for value in squares[0][:3])
    other = (x + side / 2, y + side * 0.47, side * 0.8)
    if square_iou(one, other) < AGREEMENT:
        return None
    centre, side = np.mean([one[:2], other[:2]], axis=0), (one[2] + other[2]) / 2
    points = anime_points(face) * unit
    picture = cv2.resize(frame, (HEAD_PX, HEAD_PX), interpolation=cv2.INTER_AREA)
    return Head(picture, points.astype(np.float32), centre.astype(np.float32), side, "anime")


def anime_points(face) -> np.ndarray:
    """The five points of an animeface result, in the pixels it searched, (5, 2)."""
    eyes = [(p.x + p.width / 2, p.y + p.height / 2) for p in (face.left_eye.pos, face.right_eye.pos)]
    mouth, nose = face.mouth.pos, face.nose.pos
    corners = [(x, mouth.y + mouth.height / 2) for x in (mouth.x, mouth.x + mouth.width)]
    return np.array([*sorted(eyes), (nose.x, nose.y), *corners], dtype=np.float64)


def square_iou(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    """Intersection over union of two squares, each (centre x, centre y, side)."""
    shared = [
        max(0.0, min(a[i] + a[2] / 2, b[i] + b[2] / 2) - max(a[i] - a[2] / 2, b[i] - b[2] / 2))
        for i in (0, 1)
    ]
    overlap = shared[0] * shared[1]
    return overlap / (a[2] ** 2 + b[2] ** 2 - overlap)


def surroundings(image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The face with what lies around it, (HEAD_PX, HEAD_PX, 3), moved inside the picture where it can be."""
    centre, face_px = face_square(points)
    side = SURROUNDINGS * face_px
    room = np.array(image.shape[1::-1]) - side
    low = np.where(room > 0, np.clip(centre - side / 2, 0, np.maximum(room, 0)), centre - side / 2)
    scale = HEAD_PX / side
    matrix = np.array([[scale, 0, -low[0] * scale], [0, scale, -low[1] * scale]])
    return warp(image, matrix, HEAD_PX), transform(points, matrix).astype(np.float32)


def labelled(picture: np.ndarray, points: np.ndarray, kind: str) -> Head:
    centre, side = face_square(points)
    return Head(picture, five_points(points).astype(np.float32), centre.astype(np.float32), side, kind)


def faceless_pages(count: int, rng: np.random.Generator) -> np.ndarray:
    """Pages without a face to paste heads on, uint8 (count, SCENE_PX, SCENE_PX, 3)."""
    return np.stack([np.asarray(faceless((SCENE_PX, SCENE_PX), rng)) for _ in trange(count, desc="pages")])


def cuttings(photos: list[FacePhoto]) -> np.ndarray:
    """What lies beside and below the heads of portraits and their drawings, uint8 (N, CUTTING_PX, .., 3).

    Flags, cloth, walls and shoulders: real texture without a face, of which the drawn scenes have none.
    """
    found = []
    for photo in tqdm([p for p in photos if p.drawings], desc="cuttings"):
        picture = read_rgb(photo.path)
        drawings = [read_rgb(path) for path in photo.drawings]
        for image in (picture, *drawings):
            scale = image.shape[0] / picture.shape[0]
            found += [resized(part, CUTTING_PX) for part in beside(image, photo.points * scale)]
    return np.stack(found)


def beside(image: np.ndarray, points: np.ndarray) -> list[np.ndarray]:
    """Squares at the upper left and right and at the bottom of a picture that leave the face out."""
    height, width = image.shape[:2]
    (x, y), side = face_square(points)
    left, right, below = int(x - 0.6 * side), int(width - x - 0.6 * side), int(height - y - 0.6 * side)
    parts = [image[:left, :left], image[:right, width - right :]]
    start = int(np.clip(x - below / 2, 0, width - below)) if below > 0 else 0
    parts.append(image[height - below :, start : start + below])
    sides = (left, right, below)
    return [part for part, side in zip(parts, sides, strict=True) if side >= SMALLEST_CUTTING_PX]


def resized(image: np.ndarray, side_px: int) -> np.ndarray:
    shrinks = image.shape[0] > side_px
    return cv2.resize(
        image, (side_px, side_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def write_heads(path: Path, heads: list[Head], pages: np.ndarray, beside_heads: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        picture=np.stack([h.picture for h in heads]),
        points=np.stack([h.points for h in heads]),
        centre=np.stack([h.centre for h in heads]),
        side=np.array([h.side for h in heads], np.float32),
        kind=np.array([h.kind for h in heads]),
        pages=pages,
        cuttings=beside_heads,
    )


def read_heads(path: Path) -> tuple[list[Head], np.ndarray, np.ndarray]:
    """The heads, the pages and the cuttings that `write_heads` wrote."""
    with np.load(path) as file:
        fields = [file[name] for name in ("picture", "points", "centre", "side", "kind")]
        return [Head(*values) for values in zip(*fields, strict=True)], file["pages"], file["cuttings"]


def _portraits_first(photos: list[FacePhoto], count: int, rng: np.random.Generator) -> list[FacePhoto]:
    """All portraits, then news photos in a random order."""
    portraits = [p for p in photos if "portraits" in p.path.parts]
    news = [p for p in photos if "portraits" not in p.path.parts]
    return (portraits[:count] + [news[i] for i in rng.permutation(len(news))])[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with portraits/, lfw/, drawn/, weights/"
    )
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--drawn", type=int, default=2400, help="drawings by our renderer (default: 2400)")
    parser.add_argument("--photos", type=int, default=900, help="photos as they are (default: 900)")
    parser.add_argument("--pages", type=int, default=300, help="pages without a face (default: 300)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(args.seed)
    cascade = cv2.CascadeClassifier(str(args.data / "weights/detectors/lbpcascade_animeface.xml"))
    frames = [p for p in sorted((args.data / "drawn/anime").glob("*.jpg")) if not is_test_frame(p.name)]
    photos = training_photos(args.data, args.landmarks)
    heads = anime_heads(frames, cascade) + published_heads(photos)
    heads += photo_heads(photos, args.photos, rng) + drawn_heads(photos, args.drawn, rng)
    write_heads(args.out, heads, faceless_pages(args.pages, rng), cuttings(photos))
    counts = {kind: sum(head.kind == kind for head in heads) for kind in KINDS}
    print(f"{len(frames)} anime frames searched; wrote {counts} to {args.out}")


if __name__ == "__main__":
    main()
