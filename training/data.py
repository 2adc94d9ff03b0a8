"""Pictures to train translators on: folders, `datasets` on disk, and `datasets` on the Hub, streamed too.

A side of the data is anything that gives the n-th picture of an endless stream, in a seeded order of its own
for every epoch. A translator's sample `n` is made of the n-th pictures of both sides, cut square without
changing their aspect ratio.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import datasets
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from training.loop import seeded, shuffled
from webcast.errors import WebcastError
from webcast.images import FORMATS, open_image

SUFFIXES = {f".{name.lower()}" for name in FORMATS} | {".jpg", ".tif"}
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
MARGIN = 286 / 256
"""How much larger a picture is than the square cut from it, on its shorter side: pix2pix's and CycleGAN's."""


@dataclass(frozen=True)
class Side:
    """Where one side's pictures come from, as the command line tells it.

    `place` is a folder of pictures, a folder with a dataset, or a Hub id with optional `@revision`. `column`
    is the one with the pictures; `gender` keeps the rows whose column `gender` says so, or of a folder the
    pictures of which its `metadata.csv` (columns file_name, gender) does.
    """

    place: str
    column: str | None = None
    gender: str | None = None
    streaming: bool = False


class Source(Protocol):
    def __getitem__(self, number: int) -> Image.Image:
        """The n-th picture of the stream, n from 0 without end."""
        ...


class Shuffled:
    """A stream over pictures that can be had in any order; `names` tell pairs of two sides."""

    def __init__(self, files: Sequence[Path] | datasets.Dataset, names: Sequence[str], seed: int) -> None:
        self.files, self.names, self.seed = files, names, seed

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> Image.Image:
        return picture_of(self.files[shuffled(len(self), self.seed, number)])


class Streamed:
    """A stream over rows that come one after the other; going back begins anew, going on skips.

    So a resumed run reads again, but does not decode, what it has passed; and each process and each of its
    workers reads the whole stream, of which it keeps its own share.
    """

    def __init__(self, rows: datasets.IterableDataset, seed: int, buffer: int = 1000) -> None:
        self.rows = rows.shuffle(seed=seed, buffer_size=buffer)
        self.next = 0
        self.stream: Iterator[dict] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """For a worker process, which begins a stream of its own."""
        return self.__dict__ | {"stream": None}

    def read(self) -> Iterator[dict]:
        epoch = 0
        while True:
            self.rows.set_epoch(epoch)
            count = 0
            for count, row in enumerate(self.rows, start=1):  # noqa: B007
                yield row
            if not count:
                raise WebcastError("The streamed dataset has no row to train on; check its id and --gender.")
            epoch += 1

    def __getitem__(self, number: int) -> Image.Image:
        if self.stream is None or number < self.next:
            self.next, self.stream = 0, self.read()
        for _ in range(number - self.next):
            next(self.stream)
        self.next = number + 1
        return picture_of(next(self.stream))


class Unpaired(Dataset):
    """Sample `n`: `real_a` and `real_b`, float32 (3, size_px, size_px) in -1 to 1, of different things."""

    def __init__(self, a: Source, b: Source, size_px: int, seed: int) -> None:
        self.a, self.b, self.size_px, self.seed = a, b, size_px, seed

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        rng = seeded(self.seed, number)
        return {
            "real_a": cut(self.a[number], self.size_px, Cut.draw(rng)),
            "real_b": cut(self.b[number], self.size_px, Cut.draw(rng)),
        }


class Paired(Unpaired):
    """As `Unpaired`, but both show the same and are cut alike; both sides come in one order."""

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        alike = Cut.draw(seeded(self.seed, number))
        return {
            "real_a": cut(self.a[number], self.size_px, alike),
            "real_b": cut(self.b[number], self.size_px, alike),
        }


@dataclass(frozen=True)
class Cut:
    """Which square is cut: its side as a part of the picture's shorter one, and where, from 0 to 1."""

    side: float = 1.0
    x: float = 0.5
    y: float = 0.5
    mirror: bool = False

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Cut:
        return cls(1 / MARGIN, float(rng.random()), float(rng.random()), bool(rng.random() < 0.5))


def cut(image: Image.Image, size_px: int, where: Cut) -> Tensor:
    """A square of the RGB picture as float32 (3, size_px, size_px) in -1 to 1; nothing is squashed."""
    side = where.side * min(image.size)
    x, y = where.x * (image.width - side), where.y * (image.height - side)
    square = image.resize((size_px, size_px), Image.Resampling.BICUBIC, (x, y, x + side, y + side))
    if where.mirror:
        square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1).float() / 127.5 - 1


def picture_of(item: Path | dict) -> Image.Image:
    """A file, or a dataset's row with its picture still encoded, through the one door for pictures."""
    if isinstance(item, Path):
        return open_image(item)
    encoded = next(iter(item.values()))
    # A path could name any file of this machine.
    if encoded is None or encoded["bytes"] is None:
        raise WebcastError(
            "A row of the dataset has no picture inside; save it as parquet with its pictures."
        )
    return open_image(encoded["bytes"])


def open_side(side: Side, seed: int) -> Shuffled | Streamed:
    """The pictures of one side in a seeded order; raises `WebcastError` where there are none."""
    folder = Path(side.place)
    if not folder.is_dir():
        return open_rows(from_hub(side), side, seed)
    if side.streaming:
        raise WebcastError(f"{side.place} is a folder; --streaming is for datasets on the Hub.")
    rows = on_disk(folder)
    return open_folder(folder, side, seed) if rows is None else open_rows(rows, side, seed)


def open_folder(folder: Path, side: Side, seed: int) -> Shuffled:
    """Every picture of a folder, at any depth."""
    files = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in SUFFIXES and p.is_file()]
    if side.gender is not None:
        genders = read_genders(folder)
        check_gender(side, set(genders.values()))
        files = [p for p in files if genders.get(p.relative_to(folder).as_posix()) == side.gender]
    if not files:
        raise WebcastError(f"There is no picture in {folder}; give a folder with PNG, JPEG or WebP files.")
    return Shuffled(files, [p.relative_to(folder).with_suffix("").as_posix() for p in files], seed)


def read_genders(folder: Path) -> dict[str, str]:
    path = folder / "metadata.csv"
    if not path.is_file():
        raise WebcastError(f"--gender needs {path}, with the columns file_name and gender.")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"file_name", "gender"} <= rows[0].keys():
        raise WebcastError(f"{path} needs the columns file_name and gender, and a row for every picture.")
    return {row["file_name"]: row["gender"] for row in rows}


def on_disk(folder: Path) -> datasets.Dataset | None:
    """The dataset that `datasets` saved in the folder, or its parquet files; None where there is none."""
    if (folder / "state.json").is_file() or (folder / "dataset_dict.json").is_file():
        saved = datasets.load_from_disk(str(folder))
        if isinstance(saved, datasets.DatasetDict) and "train" not in saved:
            raise WebcastError(f"The dataset in {folder} has no split called train.")
        return saved["train"] if isinstance(saved, datasets.DatasetDict) else saved
    files = sorted(folder.glob("data/train*.parquet")) or sorted(folder.glob("*.parquet"))
    if not files:
        return None
    return datasets.load_dataset("parquet", data_files=[str(f) for f in files], split="train")


def from_hub(side: Side) -> datasets.Dataset | datasets.IterableDataset:
    """The split `train` of a dataset on the Hub."""
    if not HUB_ID.fullmatch(side.place):
        raise WebcastError(f"There is no folder {side.place}, and it is no Hub id like user/name@revision.")
    name, _, revision = side.place.partition("@")
    try:
        return datasets.load_dataset(name, revision=revision or None, split="train", streaming=side.streaming)
    except (OSError, ValueError) as error:
        raise WebcastError(f"The dataset {side.place} cannot be had from the Hub: {error}") from error


def open_rows(
    rows: datasets.Dataset | datasets.IterableDataset, side: Side, seed: int
) -> Shuffled | Streamed:
    """The picture column of a dataset, still encoded, of the rows of the gender wanted."""
    column = picture_column(rows, side)
    is_streamed = isinstance(rows, datasets.IterableDataset)
    rows_have_gender = "gender" in rows.features
    rows = rows.cast_column(column, datasets.Image(decode=False))
    if side.gender is not None:
        if not rows_have_gender:
            raise WebcastError(f"--gender needs a column gender in {side.place}, which has none.")
        if not is_streamed:
            check_gender(side, set(rows.unique("gender")))
        rows = rows.filter(lambda gender: gender == side.gender, input_columns="gender")
    rows = rows.select_columns([column])
    if is_streamed:
        return Streamed(rows, seed)
    if not len(rows):
        raise WebcastError(f"The dataset {side.place} has no row to train on.")
    return Shuffled(rows, [str(number) for number in range(len(rows))], seed)


def picture_column(rows: datasets.Dataset | datasets.IterableDataset, side: Side) -> str:
    if rows.features is None:
        raise WebcastError(f"The dataset {side.place} does not say its columns; stream one with features.")
    found = [name for name, kind in rows.features.items() if isinstance(kind, datasets.Image)]
    if side.column is None and len(found) == 1:
        return found[0]
    if side.column not in found:
        there = ", ".join(found) or "none"
        raise WebcastError(f"Name the picture column of {side.place} (--column-a, --column-b): {there}.")
    return side.column


def check_gender(side: Side, there: set[str | None]) -> None:
    if side.gender not in there:
        known = ", ".join(sorted(str(gender) for gender in there))
        raise WebcastError(f"Nobody in {side.place} has gender {side.gender!r}; there are {known}.")


def open_data(a: Side, b: Side, paired: bool, size_px: int, seed: int) -> Unpaired:
    """The training data of a translator; where `paired`, both sides have the same names, or row numbers."""
    if not paired:
        return Unpaired(open_side(a, seed), open_side(b, seed + 1), size_px, seed)
    both = [open_side(a, seed), open_side(b, seed)]
    if any(isinstance(source, Streamed) for source in both):
        raise WebcastError("Pairs cannot be streamed; leave --streaming out.")
    lonely = set(both[0].names) ^ set(both[1].names)
    for place, source in ((a.place, both[0]), (b.place, both[1])):
        twice = [name for name, count in Counter(source.names).items() if count > 1]
        if twice:
            raise WebcastError(
                f"{place} has two pictures called {twice[0]!r}; pairs need names of their own."
            )
    if lonely:
        raise WebcastError(
            f"{len(lonely)} pictures are on one side only, {min(lonely)!r} among them; pairs have the same "
            "file name, or row number, on both sides."
        )
    return Paired(*both, size_px, seed)


def to_show(data: Unpaired, count: int) -> dict[str, Tensor]:
    """The first `count` samples uncropped but for the middle square: real_a and real_b (count, 3, S, S)."""
    return {
        "real_a": torch.stack([cut(data.a[n], data.size_px, Cut()) for n in range(count)]),
        "real_b": torch.stack([cut(data.b[n], data.size_px, Cut()) for n in range(count)]),
    }
