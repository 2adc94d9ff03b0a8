"""`drawn` and `portraits` with other parts than their own: each flag changes what it says it does."""

import os
import shutil
import subprocess
import sys

import datasets
import numpy as np
import pytest
import torch
from PIL import Image

from tests.app_server import EXAMPLES, ROOT
from tests.shared_data import SHARED, needs_shared
from training.collect.commands import main
from training.convert_ncnn import main as convert_ncnn
from webcast.dataset import read_photos, read_table
from webcast.networks.waifu2x import UpConv7
from webcast.weights import write_stage

WAIFU2X = "waifu2x-upconv_7-noise1"


@pytest.fixture
def comics(tmp_path):
    episode = tmp_path / "comics" / "Romance" / "1"
    episode.mkdir(parents=True)
    page = Image.open(next(path for path in EXAMPLES if path.stem == "romance"))
    page.reduce(2).save(episode / "1.png")
    return episode.parents[1]


@pytest.fixture
def photos(tmp_path):
    """Some of the bundled troupe, and who they are."""
    folder, rows = ROOT / "webcast" / "bundle" / "gallery", ["name,gender"]
    for number, photo in enumerate(list(read_photos(read_table(folder), folder))[:3]):
        place = tmp_path / "photos" / photo.person.name
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.jpg").write_bytes(photo.file)
        if (row := f"{photo.person.name},{photo.person.gender}") not in rows:
            rows.append(row)
    (tmp_path / "names.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path / "photos"


@pytest.fixture
def untrained(tmp_path):
    """A folder of parts with a waifu2x that nobody trained: enough to see that it is taken."""
    torch.manual_seed(0)
    write_stage(
        tmp_path / "parts" / WAIFU2X, {"name": "waifu2x", "network": "upconv_7", "scale": 2}, UpConv7()
    )
    return tmp_path / "parts"


def rows_of(dataset) -> datasets.Dataset:
    return datasets.concatenate_datasets(list(datasets.load_from_disk(str(dataset)).values()))


def drawn(comics, *flags) -> datasets.Dataset:
    out = comics.with_name("drawn")
    assert main(["drawn", str(comics), "--everyone", "--out", str(out), *map(str, flags)]) == 0
    return rows_of(out / "dataset")


def portraits(photos, *flags) -> datasets.Dataset:
    out = photos.with_name("portraits")
    names = ["--names", str(photos.with_name("names.csv"))]
    assert main(["portraits", str(photos), *names, "--out", str(out), *map(str, flags)]) == 0
    return rows_of(out.with_name("portraits.dataset"))


def test_drawn_faces_by_haar_and_as_large_as_they_were_drawn(comics, capsys):
    rows = drawn(comics, "--detector", "haar", "--upscaler", "none")
    assert "detector haar, upscaler none" in capsys.readouterr().out
    assert set(rows["detector"]) == {"haar"}
    found = sorted(Image.open(path).size for path in comics.parent.glob("drawn/found/Romance/1/*.png"))
    assert sorted(row["image"].size for row in rows) == found
    assert min(min(size) for size in found) < 256


def test_waifu2x_is_taken_where_the_parts_have_it_and_another_run_keeps_apart_what_each_part_made(
    comics, untrained, capsys
):
    rows = drawn(comics, "--detector", "haar", "--parts", untrained, "--distance", "euclidean")
    assert f"detector haar, upscaler {WAIFU2X}" in capsys.readouterr().out
    assert min(min(row["image"].size) for row in rows) >= 256
    again = drawn(comics, "--detector", "animeface+haar", "--parts", untrained, "--upscaler", "none")
    made = comics.parent / "drawn" / "upscaled"
    assert {path.name for path in made.iterdir()} == {WAIFU2X, "none"}
    assert min(min(row["image"].size) for row in again) < 256


def test_portraits_by_another_detector_and_not_enlarged(photos, capsys):
    rows = portraits(
        photos, "--photo-detector", "animeface+haar", "--photo-upscaler", "none", "--limit", "-1"
    )
    assert "photo detector animeface+haar, photo upscaler none" in capsys.readouterr().out
    kept = {path.name for path in photos.glob("*/.heads/*")}
    assert all(name.startswith("animeface+haar-") for name in kept)
    assert len(rows)


@pytest.mark.parametrize(
    ("flags", "told"),
    [(["--detector", "yunet"], "face_detection_yunet"), (["--upscaler", "bigger"], "bigger")],
)
def test_a_part_that_is_not_there_is_one_sentence(comics, capsys, flags, told):
    assert main(["drawn", str(comics), "--out", str(comics.with_name("drawn")), *flags]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


class TestShared:
    """Real weights of others."""

    pytestmark = needs_shared

    @pytest.fixture
    def parts(self, tmp_path):
        yunet = tmp_path / "published" / "yunet"
        yunet.mkdir(parents=True)
        shutil.copy(SHARED / "weights/detectors/yunet_n_640_640.onnx", yunet)
        model = SHARED / "weights/waifu2x_ncnn/models-upconv_7_anime_style_art_rgb/noise1_scale2.0x_model"
        convert_ncnn([f"{model}.param", f"{model}.bin", "--out", str(yunet.parent / WAIFU2X)])
        return yunet.parent

    def test_yunet_and_waifu2x_make_the_dataset_of_drawn_faces(self, comics, parts):
        rows = drawn(comics, "--detector", "yunet", "--parts", parts)
        assert set(rows["detector"]) == {"yunet"}
        crops = {path.stem: Image.open(path) for path in comics.parent.glob("drawn/found/Romance/1/*.png")}
        for row in rows:
            crop = crops[row["key"].rsplit("/", 1)[-1].removesuffix(".png")]
            assert min(row["image"].size) >= 256
            back = np.asarray(row["image"].resize(crop.size, Image.Resampling.BOX), float)
            assert np.abs(back - np.asarray(crop.convert("RGB"), float)).mean() < 8, "the same face, enlarged"

    def test_yunet_says_how_frontal_a_portrait_is(self, photos, parts):
        """Haar's cascades give no points of the face, so all are as frontal as any."""
        by_haar = portraits(photos, "--photo-upscaler", "none")
        assert set(by_haar["frontal"]) == {0.5}
        by_yunet = portraits(
            photos, "--photo-upscaler", "none", "--photo-detector", "yunet", "--parts", parts
        )
        assert not set(by_yunet["frontal"]) & {0.5}


@pytest.mark.parametrize(
    ("command", "package"),
    [
        (["training.collect", "people", "--help"], "icrawler"),
        (["training.curate", "--help"], "imagehash"),
    ],
)
def test_without_its_extra_one_sentence_says_what_to_install(tmp_path, command, package):
    (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError(name='{package}')")
    ran = subprocess.run(
        [sys.executable, "-m", *command],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert ran.stderr == f"error: Collecting needs {package}; install it with: pip install -e '.[collect]'\n"
