"""Shows the photos of other people that are most like those of the test people, so that somebody can look.

    python -m training.near_duplicates --data ../shared/data --landmarks DIR --out pairs.png

The same photo, or the same person, under another name would leak the test into the training. Names are
compared in `training.split`; here the upright heads are, pixel by pixel, mirrored too. Looked through on
2026-11-27: the 25 nearest pairs (correlation 0.93 and less) show different people, and none of 323 pairs with
the same last name are spellings of one name. So there is nobody to leave out.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from training.faces import FacePhoto, aligned_head, photos_of_others, read_rgb, test_photos
from training.loop import seeded

SIDE_PX, SHOWN_PX, PAIRS_A_ROW = 40, 160, 5


def head(photo: FacePhoto, side_px: int) -> np.ndarray:
    return aligned_head(read_rgb(photo.path), photo.points, side_px, seeded(0, 0))[0]


def face_vectors(photos: Sequence[FacePhoto]) -> np.ndarray:
    """The grey middle of each head, float32 (N, H, W): mean 0 and length 1."""
    rows = []
    for photo in tqdm(photos, desc="heads", unit="photo"):
        grey = cv2.cvtColor(head(photo, SIDE_PX), cv2.COLOR_RGB2GRAY)[6:36, 6:34].astype(np.float32)
        rows.append(grey - grey.mean())
    return np.stack([row / max(1e-6, np.linalg.norm(row)) for row in rows])


def nearest_pairs(tested: np.ndarray, others: np.ndarray, count: int) -> list[tuple[float, int, int]]:
    """The most alike of (N, H, W) and (M, H, W), mirrored or not: correlation and the two numbers."""
    flat = tested.reshape(len(tested), -1)
    alike = np.maximum(
        flat @ others.reshape(len(others), -1).T, flat @ others[:, :, ::-1].reshape(len(others), -1).T
    )
    order = np.argsort(-alike, axis=None)[:count]
    return [
        (float(alike[i, j]), int(i), int(j))
        for i, j in zip(*np.unravel_index(order, alike.shape), strict=True)
    ]


def show(pairs: Sequence[tuple[FacePhoto, FacePhoto]]) -> Image.Image:
    rows = -(-len(pairs) // PAIRS_A_ROW)
    sheet = Image.new("RGB", (2 * PAIRS_A_ROW * SHOWN_PX, rows * SHOWN_PX), "white")
    for number, pair in enumerate(pairs):
        for side, photo in enumerate(pair):
            x, y = (2 * (number % PAIRS_A_ROW) + side) * SHOWN_PX, number // PAIRS_A_ROW * SHOWN_PX
            sheet.paste(Image.fromarray(head(photo, SHOWN_PX)), (x, y))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/ and lfw/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--out", type=Path, required=True, help="the picture to write: pairs side by side")
    parser.add_argument("--count", type=int, default=25, help="how many pairs")
    args = parser.parse_args()
    tested, others = test_photos(args.data, args.landmarks), photos_of_others(args.data, args.landmarks)
    found = nearest_pairs(face_vectors(tested), face_vectors(others), args.count)
    for correlation, i, j in found:
        print(f"{correlation:.3f}  {tested[i].person} | {others[j].person}")
    show([(tested[i], others[j]) for _, i, j in found]).save(args.out)


if __name__ == "__main__":
    main()
