"""One stage on one picture: a column for each part, with the pictures they make and what is missing."""

import pytest
from PIL import Image

from tests import fakes
from tests.tiny_weights import write_weights
from webcast.build import load_stages
from webcast.compare import STAGES, compare_stage, in_row
from webcast.detect import draw_face
from webcast.errors import WebcastError
from webcast.gallery import build_gallery
from webcast.parts import CATALOGUE


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    return load_stages(write_weights(tmp_path_factory.mktemp("weights")), "cpu")


@pytest.fixture(scope="module")
def page():
    page = Image.new("RGB", (500, 400), (200, 220, 240))
    page.paste(draw_face(200), (150, 100))
    return page


def test_the_stages_are_those_that_have_parts():
    assert set(STAGES) == set(CATALOGUE)


@pytest.mark.parametrize("stage", ["detector", "photo_detector", "upscaler", "photo_upscaler", "realizer"])
def test_each_part_that_is_here_gets_a_picture_and_each_other_a_sentence(stages, page, stage):
    told = []
    columns = compare_stage(stage, page, stages, progress=lambda *seen: told.append(seen))
    assert len(columns) == len(told) == told[-1][1] == told[-1][2]
    assert columns[0].part == stages.names[stage]
    for column in columns:
        assert column.told
        if column.picture is None:
            assert (
                "fetch" in column.told
                or "train it" in column.told
                or "pip install" in column.told
                or ("give weights" in column.told)
            )
        else:
            assert column.picture.mode == "RGB"
            assert column.seconds >= 0
    assert sum(column.picture is not None for column in columns) >= 2


def test_boxes_are_drawn_and_counted(stages, page):
    by_name = {
        column.part: column for column in compare_stage("detector", page, stages, names=["animeface", "haar"])
    }
    assert by_name["animeface"].told == "1 face"
    assert by_name["animeface"].picture.tobytes() != page.tobytes()
    assert by_name["haar"].told == "no face"
    assert by_name["haar"].picture.tobytes() == page.tobytes()


def test_upscalers_show_their_own_size(stages, page):
    none, own = compare_stage("upscaler", page, stages, names=["none", "realesrgan"])
    assert own.picture.width == 4 * none.picture.width


def test_distances_show_the_portraits_they_find(stages, page, tmp_path):
    gallery, _ = build_gallery(
        fakes.photos(tmp_path / "photos", each=2), stages.embedder, fakes.PatchDetector()
    )
    cosine, euclidean = compare_stage("distance", page, stages, gallery)
    for column in (cosine, euclidean):
        assert len(column.told.split(", ")) == 5
        assert column.picture.width > 5 * column.picture.height
    with pytest.raises(WebcastError, match="Give a gallery"):
        compare_stage("embedder", page, stages)


def test_what_cannot_be_compared_is_told(stages, page):
    with pytest.raises(WebcastError, match=r"no stage 'vote'.*choose one of detector"):
        compare_stage("vote", page, stages)
    with pytest.raises(WebcastError, match="No face was found"):
        compare_stage("realizer", Image.new("RGB", (300, 300), "white"), stages)
    with pytest.raises(WebcastError, match="no upscaler called 'bigger'"):
        compare_stage("upscaler", page, stages, names=["bigger"])


def test_a_row_is_as_high_as_its_highest():
    row = in_row([Image.new("RGB", (10, 20)), Image.new("RGB", (30, 40))])
    assert row.size == (20 + 30, 40)
