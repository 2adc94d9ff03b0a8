"""What becomes of episodes and photos: plain stages, but the real intake, hashes, ledger and datasets."""

import dataclasses
import json
import unicodedata
import zipfile

import datasets
import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests import fakes
from tests.app_server import EXAMPLES
from training.collect import commands as command
from training.collect import drawn, namesakes, portraits, quality, webtoons
from training.collect.groups import choose_test_groups
from training.collect.ledger import KEPT, REJECTED, Entry, Ledger
from training.collect.sources import Name
from webcast.errors import WebcastError
from webcast.gallery import build_gallery

TITLE = "하나 이야기"
RED, GREEN, BLUE = "#c03030", "#30c030", "#3030c0"
NAVER = "https://comic.naver.com/webtoon/list?titleId=1"


@pytest.fixture
def stages():
    names = {"detector": "patch", "upscaler": "enlarger", "photo_detector": "patch"}
    return dataclasses.replace(fakes.stages(), names=names)


def patterned(colour: str, seed: int, size: int = 100) -> Image.Image:
    """A face for `fakes`: a patch of colour with a pattern of its own, so that it is sharp and differs."""
    rng = np.random.default_rng(seed)
    blocks = np.kron(rng.integers(-60, 60, (5, 5)), np.ones((size // 5, size // 5)))
    base = np.asarray(Image.new("RGB", (size, size), colour)).astype(int)
    pixels = base + blocks[..., None].astype(int)
    pixels[2 * size // 5 : 3 * size // 5, 2 * size // 5 : 3 * size // 5] = base[0, 0]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def page(*faces: Image.Image) -> Image.Image:
    image = Image.new("RGB", (300, 220 * len(faces)), "white")
    for number, face in enumerate(faces):
        image.paste(face, (90, 60 + 220 * number))
    return image


@pytest.fixture
def comics(tmp_path):
    """Two webtoons. `1.2` and `1.5` are folders, and `12` is a folder beside `12.cbz`."""
    folder = tmp_path / "comics"
    for number, episode in enumerate(("Ep 1.2", "Ep 1.5", "12")):
        (folder / TITLE / episode).mkdir(parents=True)
        page(patterned(RED, number), patterned(BLUE, 90)).save(folder / TITLE / episode / "1.png")
    page(patterned(RED, 50)).save(tmp_path / "1.png")
    with zipfile.ZipFile(folder / TITLE / "12.cbz", "w") as archive:
        archive.write(tmp_path / "1.png", "1.png")
    (folder / "Other" / "1").mkdir(parents=True)
    page(patterned(GREEN, 60)).save(folder / "Other" / "1" / "1.png")
    webtoons.write_about(folder, TITLE, "romance", NAVER)
    return folder


def make(stages, comics, out, everyone=True) -> datasets.Dataset:
    drawn.find_faces(stages, comics, out / "found")
    drawn.build_dataset(stages, comics, out, 250, None, everyone)
    saved = datasets.load_from_disk(str(out / "dataset"))
    assert isinstance(saved, datasets.DatasetDict)
    return datasets.concatenate_datasets(list(saved.values()))


def test_drawn_faces_come_once_from_every_episode_with_all_that_is_known(stages, comics, tmp_path):
    rows = make(stages, comics, tmp_path / "out")
    of_title = [row for row in rows if row["webtoon"] == TITLE]
    assert sorted({row["episode"] for row in of_title}) == ["12", "Ep 1.2", "Ep 1.5"]
    assert len(of_title) == 5, "four red faces, and the blue one, which is on three pages, once"
    row = next(row for row in of_title if row["episode"] == "Ep 1.5")
    assert (row["genre"], row["page"], row["detector"], row["likelihood"]) == ("romance", "1.png", "patch", 1)
    assert row["source"] == NAVER
    assert row["box"] == [90, 60, 190, 160]
    assert min(row["image"].size) >= 256


def test_the_splits_hold_different_webtoons(stages, comics, tmp_path):
    make(stages, comics, tmp_path / "out")
    saved = datasets.load_from_disk(str(tmp_path / "out" / "dataset"))
    assert saved.keys() == {"train", "test"}
    assert not set(saved["train"]["webtoon"]) & set(saved["test"]["webtoon"])


def test_the_main_character_comes_first_and_a_reference_says_who(stages, comics, tmp_path):
    out = tmp_path / "out"
    drawn.find_faces(stages, comics, out / "found")
    page(patterned(BLUE, 91)).save(tmp_path / "blue.png")
    drawn.build_dataset(stages, comics, out, 1, tmp_path / "blue.png", False)
    saved = datasets.load_from_disk(str(out / "dataset"))
    rows = [row for split in saved.values() for row in split if row["webtoon"] == TITLE]
    (row,) = rows
    assert np.asarray(row["image"])[128, 128, 2] > 150


def test_a_rerun_looks_at_new_pages_only_and_enlarges_nothing_twice(stages, comics, tmp_path, monkeypatch):
    make(stages, comics, tmp_path / "out")
    looked_at = []
    real = fakes.PatchDetector.detect
    monkeypatch.setattr(
        fakes.PatchDetector, "detect", lambda self, panels: looked_at.append(panels) or real(self, panels)
    )
    calls = stages.upscaler.calls
    make(stages, comics, tmp_path / "out")
    assert not looked_at
    assert stages.upscaler.calls == calls
    page(patterned(GREEN, 61)).save(comics / "Other" / "1" / "2.png")
    assert len(make(stages, comics, tmp_path / "out")) == 7
    assert len(looked_at) == 2


def test_an_interrupted_run_goes_on_with_the_next_episode(stages, comics, tmp_path, monkeypatch):
    real, calls = fakes.PatchDetector.detect, []

    def interrupted(self, panels):
        calls.append(panels)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, panels)

    monkeypatch.setattr(fakes.PatchDetector, "detect", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drawn.find_faces(stages, comics, tmp_path / "out" / "found")
    assert len(make(stages, comics, tmp_path / "out")) == 6
    assert len(calls) == 3 + 3, "five episodes, of which two were done"


def test_a_reject_stays_out_and_what_looks_like_it(stages, comics, tmp_path):
    """The blue face is on three pages: once it is rejected, its copies do not come in its place."""
    rows = make(stages, comics, tmp_path / "out")
    blue = next(row["key"] for row in rows if np.asarray(row["image"])[128, 128, 2] > 150)
    Ledger(tmp_path / "out").add(Entry(unicodedata.normalize("NFD", blue), REJECTED))
    assert len(make(stages, comics, tmp_path / "out")) == len(rows) - 1


def test_folders_of_macos_are_the_same_webtoon(stages, comics, tmp_path):
    (comics / TITLE).rename(comics / unicodedata.normalize("NFD", TITLE))
    rows = make(stages, comics, tmp_path / "out")
    assert {row["genre"] for row in rows if row["webtoon"] == TITLE} == {"romance"}


def test_a_broken_episode_is_told_and_the_others_are_read(stages, comics, tmp_path):
    (comics / "Other" / "2.pdf").write_bytes(b"no pdf")
    (told,) = drawn.find_faces(stages, comics, tmp_path / "found")
    assert told.startswith("Other, 2.pdf is left out: ")


def test_the_contact_sheet_shows_the_nearest_with_their_similarity(stages, comics, tmp_path):
    make(stages, comics, tmp_path / "out")
    sheet = Image.open(tmp_path / "out" / f"{TITLE}.png")
    assert sheet.size == (6 * 160, 160 + 24)
    assert np.asarray(sheet)[80, 80].tolist() != [255, 255, 255]
    assert np.asarray(sheet)[160:, :160].min() < 100, "a number below the first face"


def test_no_webtoon_is_one_sentence(stages, tmp_path):
    with pytest.raises(WebcastError, match="TITLE/EPISODE"):
        drawn.find_faces(stages, tmp_path / "nowhere", tmp_path / "found")


# --- photos ------------------------------------------------------------------------------------------

ADA, BEN = Name("Ada", "female", "Ada"), Name("Ben", "male", "Ben")


@pytest.fixture
def photos(tmp_path):
    """Six photos of Ada, two of them the same and one of somebody else, and three of Ben."""
    folder = tmp_path / "photos"
    for name, colours in (("Ada", [RED] * 5 + [BLUE]), ("Ben", [GREEN] * 3)):
        ledger = Ledger(folder / name)
        for number, colour in enumerate(colours):
            page(patterned(colour, number + len(name + colour) * ord(name[0]))).save(
                folder / name / f"{number}.png"
            )
            ledger.add(
                Entry(
                    f"http://x/{number}",
                    KEPT,
                    f"{number}.png",
                    author="A. G.",
                    licence="CC BY 4.0",
                    fetched="2026-11-01",
                )
            )
    (folder / "Ada" / "4.png").write_bytes((folder / "Ada" / "3.png").read_bytes())
    return folder


def test_portraits_are_of_one_person_each_once_with_their_origin(stages, photos, tmp_path):
    out = tmp_path / "chosen"
    assert portraits.choose_portraits(stages, [ADA, BEN], photos, out, 0.5) == []
    assert sorted(path.name for path in (out / "Ada").iterdir()) == ["1.jpg", "2.jpg", "3.jpg"]
    lines = (out / "photos.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "file,source,licence,author,date,fetched,url"
    assert lines[1].startswith("Ada/1.jpg,http://x/")
    assert '"CC BY 4.0, by A. G."' in lines[1]
    rows = datasets.load_from_disk(str(portraits.dataset_of(out)))
    everything = datasets.concatenate_datasets(list(rows.values()))
    assert sorted(everything["name"]) == ["Ada"] * 4 + ["Ben"] * 3, "no copy, and nobody else"
    assert set(everything["licence"]) == {"CC BY 4.0"}
    assert set(everything["fetched"]) == {"2026-11-01"}
    assert not set(rows["train"]["name"]) & set(rows["test"]["name"])


def test_the_gallery_built_of_them_has_source_and_licence(stages, photos, tmp_path):
    portraits.choose_portraits(stages, [ADA, BEN], photos, tmp_path / "chosen", 0.5)
    gallery, notices = build_gallery(tmp_path / "chosen", stages.embedder, stages.detector)
    assert {(p.person.name, p.person.gender) for p in gallery.portraits} == {
        ("Ada", "female"),
        ("Ben", "male"),
    }
    assert {p.licence for p in gallery.portraits} == {"CC BY 4.0, by A. G."}
    assert not notices


def test_a_rejected_photo_and_its_copy_stay_out_and_old_portraits_go(stages, photos, tmp_path):
    out = tmp_path / "chosen"
    portraits.choose_portraits(stages, [ADA, BEN], photos, out, 0.5)
    ledger = Ledger(photos / "Ada")
    for number in (0, 3):
        ledger.add(dataclasses.replace(ledger.entry_of(f"{number}.png"), outcome=REJECTED))
    portraits.choose_portraits(stages, [ADA, BEN], photos, out, 0.5)
    assert sorted(path.name for path in (out / "Ada").iterdir()) == ["1.jpg", "2.jpg"]


def test_no_photo_is_looked_at_twice(stages, photos, tmp_path, monkeypatch):
    Image.new("RGB", (200, 200), "white").save(photos / "Ada" / "nobody.png")
    (photos / "Ada" / "broken.png").write_bytes(b"no picture")
    portraits.choose_portraits(stages, [ADA, BEN], photos, tmp_path / "chosen", 0.5)
    before = {path.name: path.read_bytes() for path in (tmp_path / "chosen" / "Ada").iterdir()}
    monkeypatch.setattr(fakes.PatchDetector, "detect", None)
    portraits.choose_portraits(stages, [ADA, BEN], photos, tmp_path / "chosen", 0.5)
    assert {path.name: path.read_bytes() for path in (tmp_path / "chosen" / "Ada").iterdir()} == before


def test_what_was_measured_goes_into_the_docs_and_becomes_the_limit(tmp_path, monkeypatch):
    docs = tmp_path / "NAMESAKES.md"
    docs.write_text(command.DOCS.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(command, "DOCS", docs)
    monkeypatch.setattr(namesakes, "MEASURED", tmp_path / "namesakes.json")
    points = [namesakes.Point(0.1, 0.8, 1.0), namesakes.Point(0.3, 0.97, 0.9)]
    for told in ("First.", "Second."):
        command.write_measured(told, points, 0.31234, ["id", "revision"])
    text = docs.read_text(encoding="utf-8")
    assert "First." not in text
    assert text.count("Second.") == text.count("| 0.300 | 0.970 | 0.900 |") == 1
    assert text.startswith("# Namesakes")
    assert json.loads((tmp_path / "namesakes.json").read_text())["limit"] == 0.312


def test_who_has_no_portrait_left_is_told_and_has_none(stages, photos, tmp_path):
    out = tmp_path / "chosen"
    portraits.choose_portraits(stages, [ADA, BEN], photos, out, 0.5)
    ledger = Ledger(photos / "Ben")
    for entry in ledger:
        ledger.add(dataclasses.replace(entry, outcome=REJECTED))
    (told,) = portraits.choose_portraits(stages, [ADA, BEN], photos, out, 0.5)
    assert told == "Ben has no portrait left; collect more photos of that name."
    assert not list((out / "Ben").iterdir())
    with pytest.raises(WebcastError, match="gives nobody a portrait"):
        portraits.choose_portraits(stages, [BEN], photos, out, 0.5)


# --- single parts ------------------------------------------------------------------------------------


def test_what_is_tiny_or_blurred_is_no_good_face():
    sharp = patterned(RED, 1)
    assert quality.fault(sharp) is None
    assert quality.fault(sharp.resize((40, 40))) == "tiny"
    assert quality.fault(sharp.filter(ImageFilter.GaussianBlur(12))) == "blurred"


def test_a_picture_made_smaller_and_saved_again_was_seen_already(tmp_path):
    first, second = (Image.open(path).convert("RGB") for path in EXAMPLES[:2])
    first.resize((160, 160)).save(tmp_path / "again.jpg", quality=40)
    seen = quality.Seen()
    assert seen.is_new(first)
    assert not seen.is_new(Image.open(tmp_path / "again.jpg"))
    assert seen.is_new(second)


@pytest.mark.parametrize("count", [2, 3, 5, 200])
def test_of_several_groups_at_least_one_is_for_the_test_and_one_is_not(count):
    names = [f"webtoon {number}" for number in range(count)]
    chosen = choose_test_groups(names)
    assert 0 < len(chosen) < count
    assert chosen == choose_test_groups(reversed(names))
    assert choose_test_groups(names[:1]) == set()
    if count == 200:
        assert 25 <= len(chosen) <= 55
        assert choose_test_groups([*names, "one more"]) >= chosen


def vectors(person: int, count: int, noise: float) -> np.ndarray:
    rng = np.random.default_rng(person)
    centre = rng.normal(size=64)
    made = centre + noise * np.random.default_rng(100 + person).normal(size=(count, 64))
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_a_fifth_of_foreign_faces_is_found_by_consistency():
    scores, right = [], []
    for person in range(20):
        foreign = np.concatenate([vectors(1000 + 7 * person + n, 1, 0.0) for n in range(2)])
        scores.append(namesakes.consistency(np.concatenate([vectors(person, 8, 0.7), foreign])))
        right.append(np.arange(10) < 8)
    points = namesakes.curve(scores, right)
    assert points[0].precision == pytest.approx(0.8)
    best = namesakes.at_recall(points, 0.9)
    assert best.precision > 0.95
    assert namesakes.curve([-s for s in scores], right)[12].precision < 0.8, "the measure can fail"


def test_the_limit_of_another_embedder_is_told():
    assert "was not measured with this embedder" in namesakes.notice_of(
        fakes.ColourEmbedder(), namesakes.LIMIT
    )
    assert namesakes.notice_of(fakes.ColourEmbedder(), namesakes.LIMIT + 0.1) == ""


def test_the_curve_is_drawn():
    points = [namesakes.Point(0.1, 0.8, 1.0), namesakes.Point(0.3, 0.97, 0.9)]
    assert "<polyline" in namesakes.as_svg(points)
    assert namesakes.as_table(points).splitlines()[-1] == "| 0.300 | 0.970 | 0.900 |"


def test_portraits_are_not_written_over_the_photos_that_they_are_chosen_from(stages, photos):
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    with pytest.raises(WebcastError, match="name another --out"):
        portraits.choose_portraits(stages, [ADA, BEN], photos, photos, 0.5)
    assert {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()} == before
