import csv
import io
import os
import pickle
import subprocess
import sys

import datasets
import numpy as np
import pytest
import torch
from PIL import Image

from tests.hub_repo import Repo
from tests.hub_server import Hub, serve
from training import data
from training.data import Cut, Paired, Side, Streamed, cut, open_data, open_rows, open_side, to_show
from webcast.errors import WebcastError


def plain(shade, size=(40, 40)):
    return Image.new("RGB", size, (shade, shade, shade))


def shade_of(image):
    return np.asarray(image)[0, 0, 0].item()


@pytest.fixture
def folder(tmp_path):
    """Five pictures of their own shade, one in a folder below, and files that are no pictures."""
    (tmp_path / "more").mkdir()
    for shade in (10, 20, 30, 40):
        plain(shade).save(tmp_path / f"{shade}.png")
    plain(50).save(tmp_path / "more/50.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def rows(shades, genders=None):
    columns = {"id": list(range(len(shades))), "image": [plain(shade) for shade in shades]}
    features = {"id": datasets.Value("int64"), "image": datasets.Image()}
    if genders:
        columns["gender"], features["gender"] = genders, datasets.Value("string")
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


def epoch(source, count, start=0):
    return [shade_of(source[number]) for number in range(start, start + count)]


def test_a_folder_gives_every_picture_once_an_epoch(folder):
    source = open_side(Side(str(folder)), seed=0)
    first, second = epoch(source, 5), epoch(source, 5, start=5)
    assert sorted(first) == sorted(second) == [10, 20, 30, 40, 50]
    assert first == epoch(open_side(Side(str(folder)), seed=0), 5)


def test_a_saved_dataset_gives_every_picture_once_an_epoch(tmp_path):
    rows([10, 20, 30]).save_to_disk(tmp_path / "plain")
    datasets.DatasetDict(train=rows([10, 20, 30])).save_to_disk(tmp_path / "splits")
    (tmp_path / "parquet/data").mkdir(parents=True)
    rows([10, 20, 30]).to_parquet(tmp_path / "parquet/data/train-00000-of-00001.parquet")
    for name in ("plain", "splits", "parquet"):
        source = open_side(Side(str(tmp_path / name)), seed=0)
        assert sorted(epoch(source, 3)) == [10, 20, 30]
        assert len(source) == 3


def test_a_stream_gives_the_nth_picture_whenever_asked(tmp_path):
    stream = rows([10, 20, 30, 40]).to_iterable_dataset().select_columns(["image"])
    stream = stream.cast_column("image", datasets.Image(decode=False))
    source = Streamed(stream, seed=0, buffer=3)
    shades = epoch(source, 12)
    assert [sorted(shades[start : start + 4]) for start in (0, 4, 8)] == [[10, 20, 30, 40]] * 3
    assert len({tuple(shades[start : start + 4]) for start in (0, 4, 8)}) > 1
    resumed = pickle.loads(pickle.dumps(source))
    assert [shade_of(resumed[7]), shade_of(resumed[9]), shade_of(resumed[2])] == [
        shades[7],
        shades[9],
        shades[2],
    ]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_dataset_on_the_hub_is_asked_for_by_id_and_revision(monkeypatch, streaming):
    asked = {}

    def load_dataset(name, revision, split, streaming):
        asked.update(name=name, revision=revision, split=split, streaming=streaming)
        found = rows([10, 20, 30, 40], ["f", "m", "f", "m"])
        return found.to_iterable_dataset() if streaming else found

    monkeypatch.setattr(data.datasets, "load_dataset", load_dataset)
    source = open_side(Side("user/faces@v1", gender="f", streaming=streaming), seed=0)
    assert sorted(epoch(source, 2)) == [10, 30]
    assert asked == {"name": "user/faces", "revision": "v1", "split": "train", "streaming": streaming}


FROM_HUB = """
from training.data import Side, open_side
from webcast.errors import WebcastError
for streaming in (False, True):
    source = open_side(Side("me/faces@main", gender="female", streaming=streaming), seed=0)
    print(sorted(source[number].getpixel((0, 0))[0] for number in range(2)))
try:
    open_side(Side("me/missing"), seed=0)
except WebcastError as error:
    print(error)
"""


def test_a_dataset_is_read_from_a_hub_streamed_or_not(tmp_path):
    """Over HTTP, with the unchanged clients, in a process of its own: they read HF_ENDPOINT when imported."""
    parquet = io.BytesIO()
    rows([10, 20, 30], ["female", "male", "female"]).to_parquet(parquet)
    files = {
        "data/train-00000-of-00001.parquet": parquet.getvalue(),
        "README.md": b"---\nlicense: other\n---\n",
    }
    with serve(Hub(repos={("dataset", "me/faces"): Repo(files)})) as hub:
        environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path)}
        environment |= {"HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", FROM_HUB], env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr[-3000:]
    plain_rows, streamed, missing = done.stdout.splitlines()
    assert plain_rows == streamed == "[10, 30]"
    assert "me/missing cannot be had from the Hub" in missing
    assert any("/resolve/" in request for request in hub.requests)


def test_a_stream_without_rows_is_refused():
    empty = rows([10]).to_iterable_dataset().filter(lambda row: False)
    with pytest.raises(WebcastError, match="no row"):
        Streamed(empty, seed=0)[0]


def test_gender_picks_rows_of_a_dataset(tmp_path):
    rows([10, 20, 30], ["female", "male", "female"]).save_to_disk(tmp_path)
    assert sorted(epoch(open_side(Side(str(tmp_path), gender="female"), seed=0), 2)) == [10, 30]
    with pytest.raises(WebcastError, match="there are female, male"):
        open_side(Side(str(tmp_path), gender="other"), seed=0)


def test_gender_picks_files_by_the_folders_metadata(folder):
    with pytest.raises(WebcastError, match=r"metadata.csv, with the columns file_name and gender"):
        open_side(Side(str(folder), gender="female"), seed=0)
    with (folder / "metadata.csv").open("w", newline="") as file:
        told = [("10.png", "female"), ("20.png", "male"), ("more/50.png", "female")]
        csv.writer(file).writerows([("file_name", "gender"), *told])
    assert sorted(epoch(open_side(Side(str(folder), gender="female"), seed=0), 2)) == [10, 50]


def test_gender_without_a_column_is_refused(tmp_path):
    rows([10]).save_to_disk(tmp_path)
    with pytest.raises(WebcastError, match="needs a column gender"):
        open_side(Side(str(tmp_path), gender="female"), seed=0)


def test_one_of_two_picture_columns_has_to_be_named(tmp_path):
    both = datasets.Dataset.from_dict(
        {"drawn": [plain(10)], "photo": [plain(20)]},
        features=datasets.Features(drawn=datasets.Image(), photo=datasets.Image()),
    )
    both.save_to_disk(tmp_path)
    with pytest.raises(WebcastError, match=r"--column-a, --column-b\): drawn, photo"):
        open_side(Side(str(tmp_path)), seed=0)
    assert epoch(open_side(Side(str(tmp_path), column="photo"), seed=0), 1) == [20]
    pair = open_data(Side(str(tmp_path), "drawn"), Side(str(tmp_path), "photo"), True, 8, seed=0)[0]
    assert pair["real_a"].mean().item() == pytest.approx(10 / 127.5 - 1)
    assert pair["real_b"].mean().item() == pytest.approx(20 / 127.5 - 1)


@pytest.mark.parametrize(
    ("place", "message"),
    [("nowhere", "no Hub id"), ("a/b/c", "no Hub id"), ("../up", "cannot be had from the Hub|no Hub id")],
)
def test_what_is_neither_folder_nor_id_is_refused(monkeypatch, place, message):
    def offline(*arguments, **options):
        raise ConnectionError("off line")

    monkeypatch.setattr(data.datasets, "load_dataset", offline)
    with pytest.raises(WebcastError, match=message):
        open_side(Side(place), seed=0)


def test_a_row_that_names_a_file_of_this_machine_is_refused(folder):
    row = {"image": [{"path": str(folder / "10.png"), "bytes": None}]}
    named = datasets.Dataset.from_dict(row, features=datasets.Features(image=datasets.Image()))
    source = open_rows(named, Side("user/faces"), seed=0)
    with pytest.raises(WebcastError, match="no picture inside"):
        source[0]


def test_an_empty_folder_and_a_streamed_one_are_refused(tmp_path):
    with pytest.raises(WebcastError, match="no picture"):
        open_side(Side(str(tmp_path)), seed=0)
    with pytest.raises(WebcastError, match="is a folder"):
        open_side(Side(str(tmp_path), streaming=True), seed=0)


def test_a_cut_keeps_the_aspect_ratio():
    """A circle on a wide picture stays a circle, and everything of the shorter side is there."""
    y, x = np.mgrid[:60, :120]
    disc = ((x - 60) ** 2 + (y - 30) ** 2 < 20**2).astype(np.uint8) * 255
    image = Image.fromarray(np.repeat(disc[..., None], 3, 2))
    pixels = cut(image, 60, Cut())[0] > 0
    width, height = pixels.any(0).sum().item(), pixels.any(1).sum().item()
    assert (width, height) == (39, 39)


def test_a_cut_is_between_minus_one_and_one_and_can_be_mirrored():
    image = plain(0, (40, 40))
    image.paste((255, 255, 255), (0, 0, 20, 40))
    square, mirrored = cut(image, 40, Cut()), cut(image, 40, Cut(mirror=True))
    assert square.shape == (3, 40, 40)
    assert (square.min().item(), square.max().item()) == (-1, 1)
    assert torch.equal(mirrored, square.flip(2))


def test_pairs_are_cut_alike_and_come_together(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    random = np.random.default_rng(0)
    for path in folder.rglob("*.png"):
        noise = Image.fromarray(random.integers(0, 256, (50, 60, 3), dtype=np.uint8))
        noise.save(path)
        (other / path.relative_to(folder)).parent.mkdir(exist_ok=True)
        noise.transpose(Image.Transpose.ROTATE_180).transpose(Image.Transpose.ROTATE_180).save(
            other / path.relative_to(folder).with_suffix(".bmp")
        )
    pairs = open_data(Side(str(folder)), Side(str(other)), True, 16, seed=0)
    assert isinstance(pairs, Paired)
    for number in range(10):
        assert torch.equal(pairs[number]["real_a"], pairs[number]["real_b"])
    unpaired = open_data(Side(str(folder)), Side(str(other)), False, 16, seed=0)
    assert not any(torch.equal(unpaired[n]["real_a"], unpaired[n]["real_b"]) for n in range(10))


def test_a_picture_without_its_pair_is_refused(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    plain(10).save(other / "10.jpg")
    with pytest.raises(WebcastError, match="4 pictures are on one side only, '20' among them"):
        open_data(Side(str(folder)), Side(str(other)), True, 16, seed=0)


def test_what_is_shown_is_uncropped(folder):
    shown = to_show(open_data(Side(str(folder)), Side(str(folder)), False, 16, seed=0), 3)
    assert shown["real_a"].shape == shown["real_b"].shape == (3, 3, 16, 16)
    shades = ((shown["real_a"][:, 0, 0, 0] + 1) * 127.5).round().tolist()
    assert len(set(shades)) == 3


def test_a_pair_whose_name_is_there_twice_on_one_side_is_refused(tmp_path):
    """The sides would have different lengths, and every pair would be shuffled apart."""
    for side in ("a", "b"):
        (tmp_path / side).mkdir()
        for name in ("x.png", "y.png"):
            Image.new("RGB", (32, 32)).save(tmp_path / side / name)
    Image.new("RGB", (32, 32)).save(tmp_path / "a" / "x.jpg")
    with pytest.raises(WebcastError, match="two pictures called 'x'"):
        open_data(Side(str(tmp_path / "a")), Side(str(tmp_path / "b")), True, 16, seed=0)
