"""The detectors: on faces drawn here without any data, and on ../shared against the numbers promised."""

import builtins
import importlib.util
from pathlib import Path

import animeface
import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from tests.benchmarks.detection import (
    anime_closeups,
    composed_pages,
    faceless_pages,
    realistic_closeups,
    recall_and_precision,
)
from tests.shared_data import SHARED, needs_shared
from training.pages import faceless
from webcast import opencv
from webcast.align import POINTS_ON_HEAD, align_head
from webcast.detect import (
    CENTERFACE_CLOSER_PX,
    DETECTORS,
    CenterFaceDetector,
    FaceNetworks,
    Hit,
    centerface_scale,
    draw_face,
    merge,
)
from webcast.errors import WebcastError
from webcast.hub import BUNDLE
from webcast.images import crop_head, open_image, slices
from webcast.networks.centerface import OUTPUTS, STRIDE
from webcast.types import Box, Panel

FACE_ON_CANVAS = Box(62, 88, 194, 220)  # of draw_face(256): where hair grows to the chin


@pytest.fixture(scope="module")
def joined():
    return built("joined")


def built(name: str):
    """A detector that needs no weights."""
    return DETECTORS[name](Path("nowhere"), torch.device("cpu"))


def page_with_face(size: tuple[int, int], at: tuple[int, int], side_px: int = 256) -> Panel:
    page = Image.new("RGB", size, (200, 220, 240))
    page.paste(draw_face(side_px), at)
    return Panel(page, "page")


def placed(at: tuple[int, int], scale: float = 1.0) -> Box:
    box = FACE_ON_CANVAS
    return Box(*(round(v * scale) for v in (box.x0, box.y0, box.x1, box.y1))).shifted(*at)


def test_a_drawn_face_is_found_with_its_box_and_crop(joined):
    panel = page_with_face((600, 500), (200, 120))
    (face,) = joined.detect([panel])[0]
    assert face.box.iou(placed((200, 120))) > 0.7
    assert face.panel is panel
    assert face.detector == "animeface"
    assert face.likelihood > 0.9
    assert face.crop.size[0] == face.crop.size[1]
    np.testing.assert_array_equal(face.crop, crop_head(panel.image, face.box))


def test_the_largest_face_comes_first_and_panels_keep_their_order(joined):
    page = page_with_face((700, 400), (10, 10), 192).image
    page.paste(draw_face(320), (340, 40))
    found = joined.detect([Panel(Image.new("RGB", (300, 300), "white"), "empty"), Panel(page, "two")])
    assert found[0] == []
    assert [face.box.x0 > 340 for face in found[1]] == [True, False]


def test_a_face_on_a_cut_of_a_long_strip_is_found_once(joined):
    size = (800, 15000)
    cut = slices(size)[2].y1
    at = (270, cut - 160)  # the cut runs through its eyes
    faces = joined.detect([page_with_face(size, at)])[0]
    assert len(faces) == 1
    assert faces[0].box.iou(placed(at)) > 0.6


def test_a_small_picture_is_enlarged_before_the_search(joined):
    face = draw_face(56)
    assert built("animeface").detect([Panel(face, "tiny")])[0]
    assert not animeface.detect(face)


def test_a_large_page_is_searched_at_a_smaller_size(joined):
    panel = page_with_face((2400, 2400), (300, 400), 1024)
    (face,) = joined.detect([panel])[0]
    assert face.box.iou(placed((300, 400), 4)) > 0.6


def test_boxes_stay_on_the_page(joined):
    page = Panel(draw_face(256).crop((50, 100, 200, 222)), "close")
    for face in joined.detect([page])[0]:
        assert 0 <= face.box.x0 < face.box.x1 <= 150
        assert 0 <= face.box.y0 < face.box.y1 <= 122


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L", "P", "I;16", "F", "CMYK"])
def test_no_mode_that_the_door_lets_in_upsets_a_detector(joined, mode):
    picture = draw_face(200).convert("L" if mode == "I;16" else "RGB").convert(mode)
    assert isinstance(joined.detect([Panel(open_image(picture), mode)])[0], list)


def test_haar_alone_does_not_see_faces_on_pages_without_one():
    haar = built("haar")
    pages = [Panel(faceless((600, 800), np.random.default_rng(seed)), str(seed)) for seed in range(6)]
    assert sum(len(faces) for faces in haar.detect(pages)) == 0


def test_merge_keeps_the_surest_of_two_boxes_on_one_face():
    sure, unsure = Hit(Box(0, 0, 100, 100), "animeface", 0.99), Hit(Box(20, 20, 90, 90), "haar", 0.6)
    beside = Hit(Box(90, 0, 190, 100), "haar", 0.7)
    assert merge([unsure, beside, sure]) == [sure, beside]


def test_the_canary_fails_loudly(monkeypatch):
    monkeypatch.setattr(animeface, "detect", lambda image: [])
    for name in ("joined", "animeface"):
        with pytest.raises(WebcastError, match=r"pip install 'pillow>=11\.3,<12'"):
            built(name)


def test_opencv_without_haar_says_what_to_install(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier")
    with pytest.raises(WebcastError, match=r"pip install 'opencv-python>=4\.10,<5'"):
        built("haar")


def test_a_missing_system_library_names_debians_packages(monkeypatch):
    real_import = builtins.__import__

    def no_cv2(name, *args, **kwargs):
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_cv2)
    spec = importlib.util.spec_from_file_location("opencv_missing", opencv.__file__)
    with pytest.raises(WebcastError, match=r"libGL\.so\.1.*apt-get install libgl1 libglib2\.0-0 libxcb1"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


class Dots(torch.nn.Module):
    """In the place of CenterFace: a face of 80 px wherever a cell of the picture is red."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        red, green = (torch.nn.functional.avg_pool2d(pixels[:, c : c + 1], STRIDE) for c in (0, 1))
        redness = torch.nn.functional.avg_pool2d(red - green, 5, 1, 2)
        output = torch.zeros(len(pixels), OUTPUTS, *red.shape[2:])
        output[:, :1] = torch.where(redness > 0.1, 4.0 + redness, -9.0)
        output[:, 3] = float(np.log(80))
        output[:, 4:] = torch.tensor(POINTS_ON_HEAD - POINTS_ON_HEAD.mean(0)).reshape(1, 10, 1, 1)
        return output


class Middle(torch.nn.Module):
    """In the place of PointsNet: everybody's points around the middle of what is red, or of the crop."""

    def forward(self, heads: torch.Tensor) -> torch.Tensor:
        red = ((heads[:, 0] - heads[:, 1]) > 0.3).float() + 1e-6
        places = (torch.arange(heads.shape[-1]) + 0.5) / heads.shape[-1]
        middle = torch.stack([(red.sum(axis) * places).sum(1) / red.sum((1, 2)) for axis in (1, 2)], 1)
        points = torch.tensor(POINTS_ON_HEAD - POINTS_ON_HEAD.mean(0), dtype=torch.float32)
        return points + middle[:, None]


class TestCenterFace:
    """The stage around the networks, with faces that are dots."""

    detector = CenterFaceDetector(FaceNetworks(Dots(), Middle()), torch.device("cpu"))

    def page(self, size: tuple[int, int], *dots: tuple[int, int], radius: int = 6) -> Panel:
        page = Image.new("RGB", size, "white")
        draw = ImageDraw.Draw(page)
        for x, y in dots:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 0, 0))
        return Panel(page, "page")

    def test_a_face_comes_with_box_points_and_an_upright_crop(self):
        panel = self.page((400, 500), (200, 250))
        (face,) = self.detector.detect([panel])[0]
        assert face.box.iou(Box(160, 210, 240, 290)) > 0.85
        assert np.mean(face.points, axis=0) == pytest.approx((200, 250), abs=2)
        assert face.detector == "centerface"
        assert 0.9 < face.likelihood <= 1
        np.testing.assert_array_equal(face.crop, align_head(panel.image, face.points))

    def test_boxes_and_points_lie_on_the_page_whatever_size_is_searched(self):
        page = self.page((2160, 2880), (1200, 800), radius=20)
        (face,) = self.detector.detect([page])[0]
        assert face.box.width == pytest.approx(80 / centerface_scale(2160), abs=2)
        assert np.mean(face.points, axis=0) == pytest.approx((1200, 800), abs=15)

    def test_faces_on_the_cuts_of_a_strip_are_found_once(self):
        size = (700, 4_000)
        cut = slices(size)[0].y1
        places = [(300, cut), (300, cut - 37), (300, 60), (300, 3_950)]
        for place in places:
            faces = self.detector.detect([self.page(size, place)])[0]
            assert len(faces) == 1
            assert np.mean(faces[0].points, axis=0) == pytest.approx(place, abs=4)

    def test_a_box_ends_with_the_page(self):
        (face,) = self.detector.detect([self.page((400, 500), (10, 490))])[0]
        assert (face.box.x0, face.box.y1) == (0, 500)
        assert face.crop.width == face.crop.height

    def test_what_is_no_face_closer_by_is_dropped(self):
        class OnlyFarOff(Dots):
            def forward(self, pixels):
                output = super().forward(pixels)
                if pixels.shape[-1] == CENTERFACE_CLOSER_PX:
                    output[:, 0] = -9.0
                return output

        panel = self.page((400, 500), (200, 250))
        networks = FaceNetworks(OnlyFarOff(), Middle())
        assert CenterFaceDetector(networks, torch.device("cpu")).detect([panel]) == [[]]

    def test_points_that_leave_the_face_are_not_taken(self):
        class Elsewhere(Middle):
            def forward(self, heads):
                return super().forward(heads) + 0.4

        panel = self.page((400, 500), (200, 250))
        networks = FaceNetworks(Dots(), Elsewhere())
        for face in CenterFaceDetector(networks, torch.device("cpu")).detect([panel])[0]:
            assert np.mean(face.points, axis=0) == pytest.approx((200, 250), abs=8)

    def test_panels_keep_their_order(self):
        faces = self.detector.detect([self.page((300, 300)), self.page((300, 300), (150, 150))])
        assert [len(found) for found in faces] == [0, 1]


@pytest.fixture(scope="module")
def centerface():
    folder = BUNDLE / "weights" / "detector"
    if not folder.is_dir():
        pytest.skip("the bundled weights have no detector of their own")
    return DETECTORS["centerface"](folder, torch.device("cpu"))


class TestTrainedCenterFace:
    """The bundle's own weights on the plain face that is drawn here."""

    def test_points_lie_on_eyes_and_mouth(self, centerface):
        (face,) = centerface.detect([page_with_face((600, 500), (200, 120))])[0]
        assert face.box.iou(placed((200, 120))) > 0.6
        eyes_and_mouth = np.array([(298, 271), (358, 271), (317, 313), (339, 313)])
        found = np.array([face.points[i] for i in (0, 1, 3, 4)])
        assert np.abs(found - eyes_and_mouth).max() < 20

    def test_a_tilted_head_is_cropped_upright(self, centerface):
        upright, tilted = (
            centerface.detect([Panel(draw_face(256).rotate(angle, fillcolor=(200, 220, 240)), "one")])[0][0]
            for angle in (0, 25)
        )
        (x0, y0), (x1, y1) = tilted.points[:2]
        assert np.degrees(np.arctan2(y1 - y0, x1 - x0)) == pytest.approx(-25, abs=8)
        crops = [np.asarray(face.crop.resize((64, 64)), float) for face in (upright, tilted)]
        turned_back = np.asarray(tilted.crop.rotate(25).resize((64, 64)), float)
        middle = np.s_[16:48, 16:48]
        assert abs(crops[0] - crops[1])[middle].mean() < 0.7 * abs(crops[0] - turned_back)[middle].mean()

    def test_a_face_on_a_cut_of_a_long_strip_is_found_once(self, centerface):
        size = (800, 6000)
        (face,) = centerface.detect([page_with_face(size, at := (270, slices(size)[1].y1 - 160))])[0]
        assert face.box.iou(placed(at)) > 0.6

    def test_pages_without_a_face_stay_empty(self, centerface):
        pages = [Panel(faceless((600, 800), np.random.default_rng(seed)), str(seed)) for seed in range(6)]
        assert sum(len(faces) for faces in centerface.detect(pages)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["joined", "centerface"])
class TestShared:
    """A sample of what tests/benchmarks/detection.py prints, with the same targets."""

    pytestmark = needs_shared

    def test_recall_on_both_schools(self, name, request):
        detector = request.getfixturevalue(name)
        for closeups in (anime_closeups(60), realistic_closeups(60)):
            recall, precision, _ = recall_and_precision(detector, closeups)
            assert recall >= 0.88
            assert precision >= 0.9

    def test_precision_on_composed_pages_and_silence_on_faceless_ones(self, name, request):
        detector = request.getfixturevalue(name)
        pages = composed_pages(anime_closeups(20) + realistic_closeups(20), 6)
        recall, precision, _ = recall_and_precision(detector, pages)
        assert recall >= (0.7 if name == "joined" else 0.9)
        assert precision >= 0.9
        assert recall_and_precision(detector, faceless_pages(8))[2] <= 1

    def test_the_crowd(self, name, request):
        page = open_image(SHARED / "drawn/pages/crowd.jpg")
        faces = request.getfixturevalue(name).detect([Panel(page, "crowd")])[0]
        assert len(faces) >= (25 if name == "joined" else 30)
