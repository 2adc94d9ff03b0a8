import cv2
import numpy as np
import pytest
from PIL import Image

from webcast.align import POINTS_ON_HEAD, align_head, head_matrix, transform
from webcast.errors import ImageError
from webcast.images import HEAD_LIFT, HEAD_SCALE, crop_head
from webcast.types import Box

HEAD = Box(115, 55, 325, 265)  # the head crop of the upright face below


def posed(degrees: float = 0, scale: float = 1, centre=(220, 160)) -> np.ndarray:
    """Five points of a face turned and scaled about the middle of `HEAD`, moved to `centre`."""
    turn = np.exp(1j * np.radians(degrees)) * scale * HEAD.width
    moved = ((POINTS_ON_HEAD - 0.5) @ [1, 1j]) * turn
    return np.stack([moved.real, moved.imag], 1) + centre


def picture(points: np.ndarray, size=(440, 320)) -> Image.Image:
    """A grey page with a dot of another colour at each of the points."""
    page = np.full((size[1], size[0], 3), 90, np.uint8)
    for point, colour in zip(
        points, ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)), strict=True
    ):
        where = tuple(int(v) for v in np.round((point - 0.5) * 16))
        cv2.circle(page, where, 7 * 16, colour, -1, cv2.LINE_AA, 4)
    return Image.fromarray(page)


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (33, 0.8), (-35, 1.2), (180, 0.6)])
def test_a_turned_head_becomes_the_upright_one(degrees, scale):
    upright = np.asarray(align_head(picture(posed()), posed(), 96), float)
    points = posed(degrees, scale)
    turned = np.asarray(align_head(picture(points), points, 96), float)
    middle = np.hypot(*(np.indices((96, 96)) - 47.5)) < 36
    dots = abs(upright - 90).sum(-1) > 60
    # The dots keep their size on the page, so only their middles are compared.
    for point in np.round(POINTS_ON_HEAD * 96).astype(int):
        assert dots[point[1], point[0]]
        assert abs(turned[point[1], point[0]] - upright[point[1], point[0]]).max() < 60
    assert abs(turned - upright)[middle & ~dots].mean() < 12


def test_an_upright_head_is_framed_as_by_its_box():
    page = picture(posed())
    face_px = HEAD.width / HEAD_SCALE
    middle_y = (HEAD.y0 + HEAD.y1) / 2 + HEAD_LIFT * HEAD.width
    box = Box(
        *np.round([220 - face_px / 2, middle_y - face_px / 2, 220 + face_px / 2, middle_y + face_px / 2])
        .astype(int)
        .tolist()
    )
    aligned = align_head(page, posed())
    assert aligned.size == (HEAD.width, HEAD.width)
    assert np.abs(np.asarray(aligned, float) - np.asarray(crop_head(page, box), float)).mean() < 1


def test_the_matrix_never_mirrors():
    mirrored = posed()[[1, 0, 2, 4, 3]]
    matrix = head_matrix(mirrored, 100)
    assert np.linalg.det(matrix[:, :2]) > 0
    matrix = head_matrix(posed(), 100)
    assert np.allclose(transform(posed(), matrix), POINTS_ON_HEAD * 100)


def test_beyond_the_page_its_edge_is_repeated():
    page = np.zeros((300, 300, 3), np.uint8)
    page[:, :40] = (200, 100, 50)
    crop = np.asarray(align_head(Image.fromarray(page), posed(centre=(30, 150)), 100))
    assert (crop[:, :30] == (200, 100, 50)).all()


def test_fine_lines_are_averaged_not_sampled():
    page = np.zeros((800, 800, 3), np.uint8)
    page[:, ::2] = 255
    crop = np.asarray(align_head(Image.fromarray(page), posed(scale=3, centre=(400, 400)), 48), float)
    assert abs(crop - 127).max() < 40


def test_a_head_far_down_a_strip_is_cropped():
    page = np.zeros((40_000, 300, 3), np.uint8)
    page[39_700:] = 180
    crop = align_head(Image.fromarray(page), posed(centre=(150, 39_850)), 64)
    assert (np.asarray(crop)[32] == 180).all()


@pytest.mark.parametrize("points", [[(5, 5)] * 5, [(np.nan, 1)] * 5, posed(centre=(5000, 5000))])
def test_points_that_are_no_face_are_refused(points):
    with pytest.raises(ImageError):
        align_head(Image.new("RGB", (200, 200)), points, 64)
