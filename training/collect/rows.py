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
    partial = folder.with_name(f".{folder.name}.partial")
    rmtree(partial, ignore_errors=True)
    datasets.DatasetDict(made).save_to_disk(str(partial))
    rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return {side: len(inside) for side, inside in sides.items()}


def _feature(column: str) -> object:
    return SHAPES.get(column) or datasets.Value("float32" if column in NUMBERS else "string")
