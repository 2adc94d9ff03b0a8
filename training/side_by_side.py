"""The picture of a card: drawings beside what the realizer makes of them, eight rows of four pairs.

    python -m training.side_by_side TROUPE --weights webcast/bundle/weights --out pairs.jpg

TROUPE is what `training.troupe` wrote. Nobody real is shown: `training.render` draws the fictional actors,
women and men in turn, from the darkest skin to the lightest, in its three schools in turn. Nothing is chosen
by how it came out.
"""

import argparse
import csv
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
from PIL import Image

from training.faces import FacePhoto, aligned_head, read_landmarks, read_rgb
from training.loop import seeded
from training.realizer import skin_luminance
from training.render import SCHOOLS, render
from webcast.build import load_stages
from webcast.errors import WebcastError

ROWS, PAIRS_A_ROW, CELL_PX, DRAWN_PX = 8, 4, 144, 256
QUALITIES, MOST_BYTES = (90, 80, 65), 400_000


def actors(troupe: Path, count: int) -> list[FacePhoto]:
    """The first picture of so many of the troupe's people, women and men in turn, evenly over their skins."""
    points = read_landmarks(troupe / "landmarks.npz")
    with (troupe / "people.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = []
    for gender in ("female", "male"):
        files = [f"{row['name']}/1.jpg" for row in rows if row["gender"] == gender]
        photos = [FacePhoto(troupe / file, Path(file).parent.name, points[file]) for file in files]
        chosen.append(evenly(sorted(photos, key=skin_luminance), count // 2))
    return [photo for photo in chain.from_iterable(zip_longest(*chosen)) if photo]


def evenly(photos: list[FacePhoto], count: int) -> list[FacePhoto]:
    """The first, the last and those between at even distances; all where there are no more than `count`."""
    places = np.linspace(0, len(photos) - 1, min(count, len(photos)))
    return [photos[round(place)] for place in places]


def draw_actors(photos: list[FacePhoto]) -> list[Image.Image]:
    """Each upright and drawn."""
    drawn = []
    for number, photo in enumerate(photos):
        head, points = aligned_head(read_rgb(photo.path), photo.points, DRAWN_PX, seeded(0, number))
        school = SCHOOLS[number // 2 % len(SCHOOLS)]
        drawn.append(Image.fromarray(render(head, points, school, seeded(5, number))[0]))
    return drawn


def side_by_side(drawn: list[Image.Image], realized: list[Image.Image]) -> Image.Image:
    """Each drawing with its realized face to its right, `PAIRS_A_ROW` pairs a row."""
    cells = [
        np.asarray(image.resize((CELL_PX, CELL_PX), Image.Resampling.LANCZOS))
        for image in chain.from_iterable(zip(drawn, realized, strict=True))
    ]
    rows = [np.concatenate(cells[i : i + 2 * PAIRS_A_ROW], 1) for i in range(0, len(cells), 2 * PAIRS_A_ROW)]
    return Image.fromarray(np.concatenate(rows))


def save(sheet: Image.Image, out: Path) -> None:
    """As a JPEG, as good as fits in `MOST_BYTES`; raises `WebcastError` where nothing does."""
    for quality in QUALITIES:
        sheet.save(out, "JPEG", quality=quality, optimize=True)
        if out.stat().st_size <= MOST_BYTES:
            return
    raise WebcastError(
        f"{out} has over {MOST_BYTES} bytes; realized faces do not hold so much, but noise does."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("troupe", type=Path, help="the folder that training.troupe wrote")
    parser.add_argument("--weights", type=Path, required=True, help="a folder of weights")
    parser.add_argument("--out", type=Path, required=True, help="the JPEG to write")
    args = parser.parse_args()
    drawn = draw_actors(actors(args.troupe, ROWS * PAIRS_A_ROW))
    realized = load_stages(args.weights, "cpu").realize(drawn)
    save(side_by_side(drawn, realized), args.out)


if __name__ == "__main__":
    main()
