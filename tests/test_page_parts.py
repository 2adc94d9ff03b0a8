"""The parts of pages that the detector learns from: what is labelled lies where it is drawn."""

import numpy as np
import pytest

from tests.synthetic_face import synthetic_photo, synthetic_points
from training.faces import face_square, five_points
from training.heads import HEAD_PX, Head, beside, read_heads, square_iou, surroundings, write_heads
from training.page_parts import PageParts, PlacedFace, judged, panel, pose, turned_over

POINTS = np.array([(90, 95), (134, 95), (112, 118), (94, 140), (130, 140)], np.float32)
COLOURS = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255)])


@pytest.fixture
def head():
    """A grey head with a square of its own colour on each of the five points."""
    picture = np.full((HEAD_PX, HEAD_PX, 3), 128, np.uint8)
    for (x, y), colour in zip(POINTS.astype(int), COLOURS, strict=True):
        picture[y - 9 : y + 9, x - 9 : x + 9] = colour
    return Head(picture, POINTS, np.array([112, 112], np.float32), 110.0, "anime")


@pytest.fixture
def parts(head):
    return PageParts(
        [head], np.full((2, 300, 300, 3), 240, np.uint8), np.full((2, 224, 224, 3), 90, np.uint8), 128
    )


def test_points_lie_on_what_they_name(head, parts, monkeypatch):
    monkeypatch.setattr("training.page_parts.tinted", lambda picture, rng: picture)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        page, seen = np.full((128, 128, 3), 240, np.uint8), np.zeros((128, 128), np.uint8)
        face = parts.paste(page, seen, head, 70.0, np.array([64.0, 64.0]), 1, rng)
        colours = [page[y, x].astype(int) for x, y in face.points.astype(int)]
        straight = [np.abs(c - w).max() < 90 for c, w in zip(colours, COLOURS, strict=True)]
        mirrored = [np.abs(c - w).max() < 90 for c, w in zip(colours, COLOURS[[1, 0, 2, 4, 3]], strict=True)]
        covered = [seen[y, x] == 0 for x, y in face.points.astype(int)]  # a panel may cut the face
        assert all(np.array(straight) | covered) or all(np.array(mirrored) | covered)
        assert face.points[0, 0] < face.points[1, 0]


def test_the_same_numbers_give_the_same_part(parts):
    first, second = (parts.draw(np.random.default_rng(3)) for _ in range(2))
    assert (first[0] == second[0]).all()
    assert [f.side for f in first[1]] == [f.side for f in second[1]]


def test_parts_with_and_without_faces_come(parts):
    drawn = [parts.draw(np.random.default_rng(seed)) for seed in range(60)]
    counts = [len(faces) for _, faces in drawn]
    assert min(counts) == 0
    assert max(counts) >= 3
    assert all(page.shape == (128, 128, 3) and page.dtype == np.uint8 for page, _ in drawn)


def test_a_hidden_face_is_doubtful_and_then_none():
    face = PlacedFace(np.zeros((5, 2)), np.array([50.0, 50.0]), 40.0)
    seen = np.zeros((100, 100), bool)
    assert judged(face, seen) is None
    seen[30:46, 30:70] = True  # two fifths of the face
    assert judged(face, seen).is_doubtful
    seen[30:70, 30:70] = True
    assert not judged(face, seen).is_doubtful
    outside = PlacedFace(face.points, np.array([-2.0, 50.0]), 40.0)
    assert judged(outside, np.ones((100, 100), bool)).is_doubtful


def test_a_mirrored_head_keeps_its_left_point_left(head):
    for seed in range(6):
        _, points, _ = turned_over(head, np.random.default_rng(seed))
        assert points[0, 0] < points[1, 0]
        assert points[3, 0] < points[4, 0]


def test_a_pose_leads_the_middle_to_the_centre():
    matrix = pose(np.array([112.0, 100.0]), 0.5, np.array([20.0, 30.0]), 25)
    assert matrix @ [112, 100, 1] == pytest.approx([20, 30])
    assert np.sqrt(np.linalg.det(matrix[:, :2])) == pytest.approx(0.5)


def test_some_panels_cut_their_face():
    windows = [panel(100.0, np.array([200.0, 200.0]), np.random.default_rng(s)) for s in range(50)]
    cuts = sum(min(200 - x0, 200 - y0, x1 - 200, y1 - 200) < 50 for x0, y0, x1, y1 in windows)
    assert 3 <= cuts <= 25


def test_surroundings_hold_the_face_in_the_middle():
    picture, points = surroundings(synthetic_photo(), synthetic_points())
    centre, side = face_square(points)
    assert picture.shape == (HEAD_PX, HEAD_PX, 3)
    assert side == pytest.approx(HEAD_PX / 2, abs=1)
    assert centre == pytest.approx([HEAD_PX / 2] * 2, abs=25)
    assert (five_points(points) > 0).all()


def test_heads_are_written_and_read_back(head, tmp_path):
    blank = np.zeros((1, 8, 8, 3), np.uint8)
    write_heads(tmp_path / "heads.npz", [head, head], blank, blank)
    (one, _), pages, _ = read_heads(tmp_path / "heads.npz")
    assert (one.picture == head.picture).all()
    assert (one.kind, one.side, pages.shape) == ("anime", 110.0, (1, 8, 8, 3))


def test_squares_that_half_overlap():
    assert square_iou((0, 0, 2), (1, 0, 2)) == pytest.approx(1 / 3)
    assert square_iou((0, 0, 2), (5, 0, 2)) == 0


def test_cuttings_leave_the_face_out():
    points = synthetic_points() + np.float32([120, 60])
    image = np.zeros((400, 400, 3), np.uint8)
    (x, y), side = face_square(points)
    image[int(y - side / 2) : int(y + side / 2), int(x - side / 2) : int(x + side / 2)] = 255
    parts = beside(image, points)
    assert len(parts) == 3
    for part in parts:
        assert part.shape[0] == part.shape[1] >= 56
        assert part.max() == 0
