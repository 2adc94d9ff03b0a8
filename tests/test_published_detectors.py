"""Published detectors: real ones on ../shared, the others from small files in their published formats."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from tests.benchmarks.detection import anime_closeups, realistic_closeups, recall_and_precision
from tests.shared_data import SHARED, needs_shared
from tests.small_detectors import write_res10, write_scrfd
from webcast.errors import WeightsError
from webcast.published_detectors import PUBLISHED
from webcast.types import Box, Panel

CPU = torch.device("cpu")


def red_patch(size: tuple[int, int], box: Box) -> Panel:
    page = Image.new("RGB", size, (40, 200, 200))
    ImageDraw.Draw(page).rectangle((box.x0, box.y0, box.x1 - 1, box.y1 - 1), fill=(255, 0, 0))
    return Panel(page, "red")


def test_scrfd_gives_boxes_and_points_where_its_file_says(tmp_path):
    write_scrfd(tmp_path / "det_10g.onnx")
    patch = Box(256, 192, 352, 288)
    ((face, *_),) = PUBLISHED["scrfd"](tmp_path, CPU).detect([red_patch((640, 640), patch)])
    assert face.detector == "scrfd"
    assert face.likelihood > 0.5
    centre = ((face.box.x0 + face.box.x1) / 2, (face.box.y0 + face.box.y1) / 2)
    assert patch.x0 <= centre[0] <= patch.x1
    assert patch.y0 <= centre[1] <= patch.y1
    left, right, nose, left_mouth, right_mouth = face.points
    assert left[0] < nose[0] < right[0]
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert left[1] < nose[1] < left_mouth[1]
    assert face.crop.size[0] == face.crop.size[1]


def test_res10_reads_its_two_files(tmp_path):
    detector = PUBLISHED["res10"](write_res10(tmp_path / "res10"), CPU)
    patch = Box(300, 150, 420, 270)
    faces = detector.detect([red_patch((600, 600), patch)])[0]
    assert faces
    assert all(face.detector == "res10" for face in faces)
    assert max(face.box.iou(patch) for face in faces) > 0.4
    assert detector.detect([red_patch((600, 600), Box(0, 0, 2, 2))])[0] == []


@pytest.mark.parametrize("name", ["lbpcascade", "yunet", "scrfd", "res10"])
def test_a_folder_without_the_file_says_which_it_needs(tmp_path, name):
    with pytest.raises(WeightsError, match=r"needs one file .*, and has 0"):
        PUBLISHED[name](tmp_path, CPU)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("lbpcascade", ["lbpcascade_animeface.xml"]),
        ("yunet", ["face_detection_yunet_2023mar.onnx"]),
        ("scrfd", ["det_10g.onnx"]),
        ("res10", ["deploy.prototxt", "res10.caffemodel"]),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, files):
    for file in files:
        (tmp_path / file).write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"cannot be read.*fetch it again"):
        PUBLISHED[name](tmp_path, CPU)


class TestShared:
    """Real weights on real pictures."""

    pytestmark = needs_shared

    @pytest.fixture
    def parts(self, tmp_path):
        folder = tmp_path / "parts"
        for name, file in (("lbpcascade", "lbpcascade_animeface.xml"), ("yunet", "yunet_n_640_640.onnx")):
            (folder / name).mkdir(parents=True)
            shutil.copy(SHARED / "weights/detectors" / file, folder / name)
        return folder

    def test_lbpcascade_finds_anime_faces(self, parts):
        """57 of 60 with one window enough (../shared's README); it asks for five here."""
        recall, precision, _ = recall_and_precision(
            PUBLISHED["lbpcascade"](parts / "lbpcascade", CPU), anime_closeups(40)
        )
        assert recall >= 0.8
        assert precision >= 0.8

    def test_yunet_finds_realistic_faces_and_their_points(self, parts):
        detector = PUBLISHED["yunet"](parts / "yunet", CPU)
        closeups = realistic_closeups(12)
        assert recall_and_precision(detector, closeups)[0] >= 0.9
        for image, _ in closeups:
            for face in detector.detect([Panel(image, "drawn")])[0][:1]:
                left, right, nose, left_mouth, right_mouth = np.array(face.points)
                assert left[0] < right[0]
                assert left_mouth[0] < right_mouth[0]
                assert max(left[1], right[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
                assert abs(face.crop.width - 1.5 * face.box.width) < 0.35 * face.box.width
