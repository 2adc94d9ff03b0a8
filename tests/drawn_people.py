"""A data folder of people drawn by code, laid out as ../shared/data, to measure on where that is not."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from tests.synthetic_face import SIZE, synthetic_photo, synthetic_points
from training.split import HELD_OUT_STYLE, is_test_person
from webcast.detect import draw_face

SIDE_PX = 320


def write_people(data: Path, landmarks: Path, count: int) -> None:
    """`count` test people with two photos and a drawing in the held-out style each, and anime frames."""
    names = [f"Person {chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(26 * 26)]
    chosen = [name for name in names if is_test_person(name)][:count]
    points, rows = {}, []
    for number, name in enumerate(chosen):
        tint = np.random.default_rng(number).uniform(0.7, 1.2, 3)
        photo = np.clip(synthetic_photo() * tint, 0, 255).astype(np.uint8)
        for place in ("first", "second"):
            path = f"{place}/{number}.jpg"
            save(photo, data / "portraits" / path)
            points[path] = synthetic_points() * SIDE_PX / SIZE
        save(photo // 64 * 64, data / "drawn/cartoongan" / HELD_OUT_STYLE / f"{number}.jpg")
        rows.append(
            {"id": number, "name": name, "first": f"first/{number}.jpg", "second": f"second/{number}.jpg"}
        )
    for number in range(4):
        path = data / f"drawn/anime/{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_face(256).save(path)
    with (data / "portraits/people.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "name", "first", "second"])
        writer.writeheader()
        writer.writerows(rows)
    landmarks.mkdir(parents=True, exist_ok=True)
    paths = np.array(list(points))
    np.savez(landmarks / "portraits.npz", paths=paths, points=np.stack(list(points.values())))
    np.savez(landmarks / "lfw.npz", paths=np.array([], dtype=str), points=np.empty((0, 478, 2)))


def save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC).save(path, quality=95)
