"""The picture of a card: drawings beside what the realizer makes of them, eight rows of four pairs.

    python -m training.side_by_side TROUPE --weights webcast/bundle/weights --out pairs.jpg

TROUPE is what `training.troupe` wrote. Nobody real is shown: `training.render` draws the fictional actors,
women and men in turn, in its three schools in turn.
"""

import argparse
import csv
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
from PIL import Image

from training.faces import aligned_head, read_landmarks, read_rgb
from training.loop import seeded
from training.render import SCHOOLS, render
from webcast.build import load_stages

ROWS, PAIRS_A_ROW, CELL_PX, DRAWN_PX = 8, 4, 144, 256
QUALITY = 86


def actors(troupe: Path) -> list[str]:
    """The folders of the troupe's people, women and men in turn."""
    with (troupe / "people.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    genders = [[row["name"] for row in rows if row["gender"] == gender] for gender in ("female", "male")]
    return [name for name in chain.from_iterable(zip_longest(*genders)) if name]


def draw_actors(troupe: Path, count: int) -> list[Image.Image]:
    """The first picture of so many actors, upright and drawn."""
    points = read_landmarks(troupe / "landmarks.npz")
    drawn = []
    for number, name in enumerate(actors(troupe)[:count]):
        file = f"{name}/1.jpg"
        head, on_head = aligned_head(read_rgb(troupe / file), points[file], DRAWN_PX, seeded(0, number))
        school = SCHOOLS[number // 2 % len(SCHOOLS)]
        drawn.append(Image.fromarray(render(head, on_head, school, seeded(5, number))[0]))
    return drawn


def side_by_side(drawn: list[Image.Image], realized: list[Image.Image]) -> Image.Image:
    """Each drawing with its realized face to its right, `PAIRS_A_ROW` pairs a row."""
    cells = [
        np.asarray(image.resize((CELL_PX, CELL_PX), Image.Resampling.LANCZOS))
        for image in chain.from_iterable(zip(drawn, realized, strict=True))
    ]
    rows = [np.concatenate(cells[i : i + 2 * PAIRS_A_ROW], 1) for i in range(0, len(cells), 2 * PAIRS_A_ROW)]
    return Image.fromarray(np.concatenate(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("troupe", type=Path, help="the folder that training.troupe wrote")
    parser.add_argument("--weights", type=Path, required=True, help="a folder of weights")
    parser.add_argument("--out", type=Path, required=True, help="the JPEG to write")
    args = parser.parse_args()
    drawn = draw_actors(args.troupe, ROWS * PAIRS_A_ROW)
    realized = load_stages(args.weights, "cpu").realize(drawn)
    side_by_side(drawn, realized).save(args.out, quality=QUALITY)


if __name__ == "__main__":
    main()
