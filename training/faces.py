"""The photos that are trained on, with their people and landmarks, and the head crops cut from them.

Every photo of a test person is left out here, in one place (`training.split`).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training import landmark_indices as at
from training.split import HELD_OUT_STYLE, is_development_person, is_test_person, normalise, test_names
from webcast.align import head_matrix, transform, warp
from webcast.images import HEAD_LIFT, HEAD_SCALE
from webcast.types import Box


@dataclass(frozen=True, eq=False)
class FacePhoto:
    """A photo, whose it is, its landmarks (float32 (478, 2), pixels), and published drawings of it."""

    path: Path
    person: str
    points: np.ndarray
    drawings: tuple[Path, ...] = ()


def training_photos(data: Path, landmarks: Path) -> list[FacePhoto]:
    """Photos of everybody who is neither a test person nor a development person.

    `data` holds `portraits/` (with people.csv), `lfw/` and `drawn/cartoongan/`; `landmarks` holds
    `portraits.npz` and `lfw.npz` as `training.landmarks` writes them.
    """
    photos = photos_of_others(data, landmarks)
    return [photo for photo in photos if not is_development_person(photo.person)]


def development_photos(data: Path, landmarks: Path) -> list[FacePhoto]:
    """Photos of the people on whom limits are set, of all sources; no test person is among them."""
    return [photo for photo in photos_of_others(data, landmarks) if is_development_person(photo.person)]


def test_photos(data: Path, landmarks: Path) -> list[FacePhoto]:
    """Portraits of the test people, first and second photos."""
    return [p for p in portrait_photos(data, landmarks) if is_test_person(p.person)]


def photos_of_others(data: Path, landmarks: Path) -> list[FacePhoto]:
    """Photos of everybody but the test people."""
    left_out = test_names(data / "portraits/people.csv")
    photos = portrait_photos(data, landmarks) + news_photos(data, landmarks)
    return [photo for photo in photos if photo.person not in left_out]


def portrait_photos(data: Path, landmarks: Path) -> list[FacePhoto]:
    """First and second portraits; the first ones with their CartoonGAN drawings but the held-out style's."""
    points = read_landmarks(landmarks / "portraits.npz")
    styles = [s for s in sorted((data / "drawn/cartoongan").iterdir()) if s.name != HELD_OUT_STYLE]
    photos = []
    with (data / "portraits/people.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for column in ("first", "second"):
                if row[column] not in points:
                    continue
                drawings = [s / Path(row[column]).name for s in styles] if column == "first" else []
                path = data / "portraits" / row[column]
                drawn = tuple(d for d in drawings if d.exists())
                photos.append(FacePhoto(path, normalise(row["name"]), points[row[column]], drawn))
    return photos


def news_photos(data: Path, landmarks: Path) -> list[FacePhoto]:
    points = read_landmarks(landmarks / "lfw.npz")
    return [
        FacePhoto(data / "lfw" / name, normalise(Path(name).parent.name), p) for name, p in points.items()
    ]


def read_landmarks(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(zip(file["paths"].tolist(), file["points"], strict=True))


def read_rgb(path: Path) -> np.ndarray:
    """RGB uint8 (H, W, 3)."""
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def face_square(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre (2,) and side in pixels of the canonical face box: the square around the face oval."""
    oval = points[at.FACE_OVAL]
    low, high = oval.min(0), oval.max(0)
    return (low + high) / 2, float((high - low).max())


def face_box(photo: FacePhoto, scale: float = 1.0) -> Box:
    """The canonical face box of a photo, on a picture of it that is so many times as large."""
    (x, y), side = face_square(photo.points)
    edges = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return Box(*(round(float(edge) * scale) for edge in edges))


@dataclass(frozen=True)
class Jitter:
    """How far a crop strays from the landmarks' own, as a detector's box would."""

    shift: float = 0.0
    scale: float = 0.0
    degrees: float = 0.0
    mirror: bool = False

    @classmethod
    def draw(cls, rng: np.random.Generator, amount: float = 1.0) -> "Jitter":
        return cls(0.05 * amount, 0.1 * amount, 8 * amount, bool(rng.random() < 0.5))


def cut_head(
    image: np.ndarray,
    points: np.ndarray,
    size_px: int,
    rng: np.random.Generator,
    jitter: Jitter | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The head crop that the pipeline would cut, RGB uint8 (size_px, size_px, 3), and the landmarks on it.

    The crop is `images.HEAD_SCALE` times the canonical face box and lifted by `images.HEAD_LIFT`, moved by
    `jitter` where one is given. A mirrored crop keeps the landmarks' numbering of left and right.
    """
    jitter = jitter or Jitter()
    centre, face_px = face_square(points)
    side = HEAD_SCALE * face_px * np.exp(rng.uniform(-1, 1) * jitter.scale)
    centre = centre - [0, HEAD_LIFT * side] + rng.uniform(-1, 1, 2) * jitter.shift * side
    shrink = min(1.0, 1.5 * size_px / side)
    if shrink < 1:
        image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        points, centre, side = points * shrink, centre * shrink, side * shrink
    turn = rng.uniform(-1, 1) * jitter.degrees
    matrix = cv2.getRotationMatrix2D(tuple(map(float, centre)), turn, size_px / side)
    matrix[:, 2] += size_px / 2 - centre
    crop = cv2.warpAffine(
        image, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    moved = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return mirrored(crop, moved) if jitter.mirror else (crop, moved)


def five_points(points: np.ndarray) -> np.ndarray:
    """The points by which heads are aligned (`webcast.align`), float (5, 2), of 478 landmarks."""
    left = points[at.LEFT_UPPER_LID + at.LEFT_LOWER_LID].mean(0)
    right = points[at.RIGHT_UPPER_LID + at.RIGHT_LOWER_LID].mean(0)
    return np.stack([left, right, points[at.NOSE_TIP], *points[at.MOUTH_CORNERS]])


def aligned_head(
    image: np.ndarray,
    points: np.ndarray,
    size_px: int,
    rng: np.random.Generator,
    jitter: float = 0.0,
    mirror: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The head crop that `webcast.align` makes, RGB uint8 (size_px, size_px, 3), and the landmarks on it.

    `image` is a photo or a drawing with its 478 landmarks. `jitter` is how far a detector errs: the standard
    deviation, in parts of the crop's side, of each of the five points and of all five together. A mirrored
    crop keeps the landmarks' numbering of left and right.
    """
    five = five_points(points)
    side = 1 / np.linalg.norm(head_matrix(five, 1)[:, 0])
    seen = five + jitter * side * (rng.normal(size=(5, 2)) + rng.normal(size=2))
    matrix = head_matrix(seen, size_px)
    crop, moved = warp(image, matrix, size_px), transform(points, matrix).astype(np.float32)
    return mirrored(crop, moved) if mirror else (crop, moved)


def mirrored(image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flipped = points.copy()
    flipped[:, 0] = image.shape[1] - 1 - points[:, 0]
    return np.ascontiguousarray(image[:, ::-1]), flipped
