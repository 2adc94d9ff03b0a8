"""Rows to a `datasets` dataset whose splits train and test share no group, a webtoon or a person."""

from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

import datasets

from training.collect.groups import choose_test_groups

SHAPES = {"box": datasets.Sequence(datasets.Value("int32"), length=4), "image": datasets.Image()}
NUMBERS = {"likelihood", "similarity", "sharpness", "frontal"}


def save_rows(rows: Sequence[dict], group: str, folder: Path) -> dict[str, int]:
    """Saves rows with equal columns, split by the column `group`; returns how many rows each split has.

    A dataset that is there is replaced when the new one is whole. A single group is all for training.
    """
    for_test = choose_test_groups(row[group] for row in rows)
    sides: dict[str, list[dict]] = {}
    for row in rows:
        sides.setdefault("test" if row[group] in for_test else "train", []).append(row)
    features = datasets.Features({column: _feature(column) for column in rows[0]})
    made = {side: datasets.Dataset.from_list(inside, features=features) for side, inside in sides.items()}
    save_sides(made, folder)
    return {side: len(inside) for side, inside in sides.items()}


def save_sides(sides: dict[str, datasets.Dataset], folder: Path) -> None:
    """Saves a dataset of the splits that have rows; one that is there goes when the new one is whole.

    Where this is killed between the two, `read_sides` brings the old one back.
    """
    new, old = folder.with_name(f".{folder.name}.partial"), set_aside(folder)
    rmtree(new, ignore_errors=True)
    datasets.DatasetDict({side: rows for side, rows in sides.items() if len(rows)}).save_to_disk(str(new))
    if folder.exists():
        rmtree(old, ignore_errors=True)
        folder.rename(old)
    new.rename(folder)
    rmtree(old, ignore_errors=True)


def read_sides(folder: Path) -> dict[str, datasets.Dataset]:
    """The splits of a saved dataset; none where there is none."""
    if not folder.exists() and set_aside(folder).exists():
        set_aside(folder).rename(folder)
    return dict(datasets.load_from_disk(str(folder))) if folder.is_dir() else {}


def set_aside(folder: Path) -> Path:
    """Where the dataset that is replaced lies until the new one has its place."""
    return folder.with_name(f".{folder.name}.old")


def _feature(column: str) -> object:
    return SHAPES.get(column) or datasets.Value("float32" if column in NUMBERS else "string")
