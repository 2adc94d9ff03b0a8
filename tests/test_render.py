import numpy as np
import pytest

from tests.synthetic_face import synthetic_photo, synthetic_points
from training import landmark_indices as at
from training.render import SCHOOLS, draw_style, exaggerate, face_height, render


def eye_width(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[at.LEFT_UPPER_LID[0]] - points[at.LEFT_UPPER_LID[-1]]))


@pytest.mark.parametrize("school", SCHOOLS)
def test_a_drawing_has_the_photos_layout_and_few_tones(school):
    photo, points = synthetic_photo(), synthetic_points()
    drawing, moved = render(photo, points, school, np.random.default_rng(1))
    assert drawing.shape == photo.shape
    assert drawing.dtype == np.uint8
    assert moved.shape == points.shape
    assert np.abs(moved - points).max() < 0.25 * face_height(points)
    skin = np.s_[96:104, 48:60]
    assert drawing[skin].astype(float).std() < photo[skin].astype(float).std()


def test_the_same_seed_draws_the_same_and_another_does_not():
    photo, points = synthetic_photo(), synthetic_points()
    once, again, other = (
        render(photo, points, "romance", np.random.default_rng(seed))[0] for seed in (3, 3, 4)
    )
    assert (once == again).all()
    assert (once != other).any()


def test_big_eyes_are_bigger_than_realistic_ones():
    photo, points = synthetic_photo(), synthetic_points()
    widths = {
        school: np.mean(
            [eye_width(render(photo, points, school, np.random.default_rng(s))[1]) for s in range(8)]
        )
        for school in SCHOOLS
    }
    assert widths["realistic"] < widths["romance"] < widths["big-eyed"]
    assert widths["big-eyed"] > 1.2 * eye_width(points)


def test_landmarks_move_with_the_pixels():
    points = synthetic_points()
    style = draw_style("big-eyed", np.random.default_rng(0))
    ramp = np.zeros((160, 160, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(160)[None, :], np.arange(160)[:, None]
    warped, moved = exaggerate(ramp, points, style, face_height(points))
    for index in (at.LEFT_UPPER_LID[0], at.CHIN, at.LIPS_OUTER_UPPER[5]):
        x, y = moved[index].round().astype(int)
        assert np.abs(warped[y, x, :2].astype(float) - points[index]).max() < 2.5
