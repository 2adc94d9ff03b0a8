"""Episodes with known characters, and how the characters found are measured."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.synthetic_face import SIZE, synthetic_photo, synthetic_points
from training.episodes import Read, b_cubed, calibrate, mains_found, true_owner
from training.heads import HEAD_PX
from training.stories import (
    BREADTH_PX,
    Role,
    Story,
    appearance,
    ink,
    poster,
    screentone,
    sketch,
    tell,
    watercolour,
)
from webcast.characters import Clustering
from webcast.episode import Character, PagePart, Sighting
from webcast.images import open_image
from webcast.types import Box, Face


def face_photo() -> tuple[np.ndarray, np.ndarray]:
    """A face of the size of a drawing, uint8 (HEAD_PX, HEAD_PX, 3), and its landmarks."""
    photo = cv2.resize(synthetic_photo(), (HEAD_PX, HEAD_PX))
    return photo, synthetic_points() * (HEAD_PX / SIZE)


def test_b_cubed_of_a_known_clustering():
    # Amigo et al. 2009: precision and recall are means over faces.
    precision, recall, f1 = b_cubed("aaabb", [1, 1, 2, 2, 2])
    assert precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)
    assert recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_b_cubed_of_the_trivial_answers():
    assert b_cubed("aabb", range(4))[:2] == (1.0, 0.5)
    assert b_cubed("aabb", [0] * 4)[:2] == (0.5, 1.0)
    assert b_cubed("aabb", "xxyy") == (1.0, 1.0, 1.0)


def sighting(number: int, x: int, direction: int = 0) -> Sighting:
    panel = PagePart(b"", "", "strip", number, 0, Box(0, 0, 800, 900))
    face = Face(panel, Box(x, 0, x + 100, 100), Image.new("RGB", (150, 150)), "test", 1.0)
    vector = np.random.default_rng(number).normal(0, 0.1, 8) + 3 * np.eye(8)[direction]
    return Sighting(number, face, vector / np.linalg.norm(vector), np.zeros(9, np.float32), 0.5)


def told(*faces: tuple[int, str], mains: tuple[str, ...] = ()) -> Story:
    return Story(b"", tuple((Box(x, 0, x + 100, 100), person) for x, person in faces), mains)


def test_a_face_is_whose_box_it_lies_on():
    story = told((0, "ada"), (300, "ben"))
    assert true_owner(sighting(0, 310), story) == "ben"
    assert true_owner(sighting(7, 600), story) == "nobody, 7"


def test_mains_are_found_by_their_own_majority():
    seen = tuple(sighting(n, 0) for n in range(5))
    characters = Character("c1", (0, 1, 2)), Character("c2", (3, 4))
    episode = SimpleNamespace(mains=characters, characters=characters)
    truth = ("ada", "ada", "ben", "ben", "ben")
    read = Read(episode, told(mains=("ada", "ben")), seen, truth)
    assert mains_found(read) == 2
    assert mains_found(Read(episode, told(mains=("cem",)), seen, truth)) == 0


def test_the_limit_is_found_that_tells_characters_apart():
    seen = tuple(sighting(n, 0, n % 3) for n in range(12))
    truth = tuple(str(n % 3) for n in range(12))
    how, f1 = calibrate([Read(None, told(), seen, truth)])
    assert f1 == 1
    assert isinstance(how, Clustering)
    assert 0.1 < how.limit < 1


def test_each_main_is_seen_often_and_each_extra_once():
    photo, points = face_photo()
    roles = [Role(name, ((photo, points),)) for name in ("ada", "ben", "extra")]
    story = tell(roles[:2], roles[2:], (3, 5), np.random.default_rng(1))
    seen = [person for _, person in story.faces]
    assert 3 <= seen.count("ada") <= 5
    assert 3 <= seen.count("ben") <= 5
    assert seen.count("extra") == 1
    strip = open_image(story.strip)
    assert strip.width == BREADTH_PX
    assert all(0 <= box.y0 < box.y1 <= strip.height for box, _ in story.faces)


def test_each_appearance_differs():
    photo, points = face_photo()
    role, rng = Role("ada", ((photo, points),)), np.random.default_rng(2)
    (one, _), (other, _) = appearance(role, rng), appearance(role, rng)
    assert one.tobytes() != other.tobytes()


@pytest.mark.parametrize("style", [sketch, poster, ink, screentone, watercolour])
def test_a_filter_changes_the_picture_and_not_its_points(style):
    photo, points = face_photo()
    drawn, moved = style(photo, points, np.random.default_rng(0))
    assert drawn.shape == photo.shape
    assert np.abs(drawn.astype(int) - photo).mean() > 5
    assert moved is points
