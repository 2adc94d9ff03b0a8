"""The comparison of all parts: what it counts, what it writes, and the whole way on people drawn by code."""

import re

import numpy as np
import pytest
from PIL import Image

from tests.drawn_people import write_people
from tests.fakes import PatchDetector, page
from tests.tiny_weights import write_weights
from training import compare, comparisons
from training.comparisons import COMPARISONS, Meter, Outcome
from webcast.errors import WebcastError
from webcast.parts import CATALOGUE, Listed
from webcast.types import Box


@pytest.fixture(scope="module")
def setup(tmp_path_factory):
    """The flags that name a folder of people, tiny weights and a folder of parts."""
    folder = tmp_path_factory.mktemp("compared")
    write_people(folder / "data", folder / "landmarks", 12)
    write_weights(folder / "weights")
    (folder / "parts").mkdir()
    named = {name: str(folder / name) for name in ("data", "landmarks", "weights", "parts")}
    return [word for name, path in named.items() for word in (f"--{name}", path)]


def test_the_stages_are_those_of_the_catalogue():
    assert {comparison.stage for comparison in COMPARISONS.values()} <= set(CATALOGUE)
    assert {"detector", "photo_detector", "upscaler", "photo_upscaler", "realizer", "embedder"} == {
        comparison.stage for comparison in COMPARISONS.values()
    }


def test_every_stage_has_its_place_in_the_document():
    text = compare.COMPARED.read_text(encoding="utf-8")
    for stage in COMPARISONS:
        assert text.count(f"<!-- {stage}: start -->") == text.count(f"<!-- {stage}: end -->") == 1


def test_hits_count_faces_and_boxes():
    drawn = page("#c03030", "#30c030")
    first, second = Box(20, 20, 80, 80), Box(110, 20, 168, 78)

    def hits(image, labels):
        return comparisons.hits(comparisons.search(PatchDetector(), [(image, labels)]), [(image, labels)])

    assert hits(drawn, [first, second]) == (2, 2, 2, 2)
    assert hits(drawn, [first, Box(200, 200, 260, 260)]) == (2, 1, 2, 1)
    assert hits(Image.new("RGB", (99, 99), "white"), []) == (0, 0, 0, 0)
    assert comparisons.part_of(0, 0) == "-"
    assert comparisons.part_of(4, 3) == "0.75"


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
def test_whatever_the_scale_a_head_comes_back_at_its_size(factor):
    def upscale(images):
        return [image.resize((image.width * factor, image.height * factor)) for image in images]

    image = Image.new("RGB", (comparisons.HEAD_PX // 4,) * 2, "#808080")
    large = comparisons.to_head_px(upscale, image)
    assert large.size == (comparisons.HEAD_PX,) * 2
    assert large.getpixel((5, 5)) == (128, 128, 128)


def test_joined_parts_run_where_all_of_them_are_here():
    def names(*here):
        parts = [
            Listed(name, name, "" if name in here else "fetch it")
            for name in ("animeface", "lbpcascade", "yunet")
        ]
        return COMPARISONS["detect"].names(parts)

    assert names("animeface") == ["animeface"]
    assert names("animeface", "lbpcascade") == ["animeface", "lbpcascade", "animeface+lbpcascade"]
    assert names("animeface", "lbpcascade", "yunet")[-1] == "animeface+lbpcascade+yunet"


def test_a_part_that_is_not_here_gets_an_honest_word():
    ours, theirs = (
        Listed("x", "x", f"The weights of x are not in p: {fetch}.") for fetch in ("train it", "fetch x")
    )
    assert compare.why_not(ours) == "no trained weights here"
    assert compare.why_not(theirs) == "real weights not tried here"


def test_ways_to_match_are_every_embedder_by_every_distance():
    listed = [Listed("resnet18", "", ""), Listed("vgg16-imagenet", "", "fetch it")]
    assert COMPARISONS["match"].names(listed) == [
        "resnet18 cosine direct",
        "resnet18 cosine realized",
        "resnet18 euclidean direct",
        "resnet18 euclidean realized",
    ]


def test_a_table_goes_between_its_marks(tmp_path, monkeypatch):
    document = tmp_path / "COMPARED.md"
    document.write_text("before\n<!-- detect: start -->\nold\n<!-- detect: end -->\nafter\n")
    monkeypatch.setattr(compare, "COMPARED", document)
    for _ in range(2):
        compare.write("detect", ["new", "rows"])
        assert document.read_text() == (
            "before\n<!-- detect: start -->\nnew\nrows\n<!-- detect: end -->\nafter\n"
        )
    with pytest.raises(WebcastError, match="has no marks"):
        compare.write("match", [])


def hungry() -> tuple[float, int, int]:
    meter = Meter()
    taken = meter.run(lambda: np.ones(64 * 2**20, np.uint8), count=2)
    return meter.peak_mib(), meter.count, len(taken)


def test_the_meter_sees_the_memory_that_a_part_takes():
    peak, count, _ = compare.in_process(hungry)
    assert 50 < peak < 200
    assert count == 2


def test_a_sheet_has_a_column_for_each_part():
    pictures = [Image.new("RGB", (300, 200), "red")] * 2
    sheet = compare.contact_sheet({"one": pictures, "two": pictures[:1], "three": []})
    assert sheet.size == (3 * compare.CELL_PX, 24 + 2 * compare.CELL_PX)
    assert sheet.getpixel((compare.CELL_PX + 5, 30)) == (255, 0, 0)
    assert sheet.getpixel((2 * compare.CELL_PX + 5, 30)) == (255, 255, 255)


def test_a_stage_is_measured_from_pictures_to_table(setup, tmp_path, capsys):
    compare.main(["upscale-photo", *setup, "--out", str(tmp_path), "--count", "4"])
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    assert "clean: PSNR" in rows[0]
    assert re.match(r"\| realesrgan \| \d+\.\d+ \| 0\.\d+ \|", rows[2])
    none = next(row for row in rows if row.startswith("| none"))
    assert float(none.split("|")[2]) > 20, "bicubic brings a smooth picture back well"
    assert "| rdn | real weights not tried here |" in printed
    assert "cores" in printed
    assert "--parts PARTS" in printed
    assert str(tmp_path) not in printed
    assert (tmp_path / "upscale-photo.md").read_text().strip() == printed.strip()
    assert Image.open(tmp_path / "upscaling-photos-fourfold.png").width == 2 * compare.CELL_PX


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_stages(setup, tmp_path, capsys, monkeypatch):
    document = tmp_path / "COMPARED.md"
    document.write_text(compare.COMPARED.read_text())
    monkeypatch.setattr(compare, "COMPARED", document)
    compare.main(["all", *setup, "--out", str(tmp_path / "out"), "--count", "4", "--write"])
    written = document.read_text()
    for comparison in COMPARISONS.values():
        assert f"### {comparison.title}" in written
    assert "| resnet18 euclidean reference |" in written
    assert len(list((tmp_path / "out").glob("*.png"))) == len(COMPARISONS)


def test_too_few_pictures_are_refused(setup, tmp_path, capsys):
    with pytest.raises(SystemExit) as exit:
        compare.main(["detect", *setup, "--out", str(tmp_path), "--count", "2"])
    assert "--count 2 measures nothing" in str(exit.value)


def test_an_outcome_shows_a_few_pictures():
    outcome = Meter().outcome(["1"], [Image.new("RGB", (1, 1))] * 20, 3.0)
    assert isinstance(outcome, Outcome)
    assert len(outcome.pictures) == comparisons.SHOWN
    assert outcome.seconds == 0
