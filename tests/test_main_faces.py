import numpy as np
import pytest

from webcast.errors import WebcastError
from webcast.main_faces import main_faces, similarities


@pytest.fixture
def faces() -> np.ndarray:
    """Sixteen faces of one character about one direction, six of another about a second, eight of nobody."""
    rng = np.random.default_rng(0)
    hero, friend = rng.normal(size=(2, 32)) * 3
    return np.concatenate(
        [rng.normal(hero, 0.4, (16, 32)), rng.normal(friend, 0.4, (6, 32)), rng.normal(0, 3, (8, 32))]
    )


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_who_appears_most_often_is_the_main_character(faces, distance):
    assert set(main_faces(faces, 16, distance=distance)) == set(range(16))


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_a_reference_says_who_is_meant(faces, distance):
    assert set(main_faces(faces, 6, reference=faces[18], distance=distance)) == set(range(16, 22))


def test_the_nearest_comes_first(faces):
    assert main_faces(faces, 3, reference=faces[25])[0] == 25


def test_one_face_is_its_own_main_character():
    assert main_faces(np.ones((1, 4))) == [0]


def test_mistakes_get_a_sentence(faces):
    with pytest.raises(WebcastError, match="cosine, euclidean"):
        main_faces(faces, distance="manhattan")
    with pytest.raises(WebcastError, match="no face"):
        main_faces(faces[:0])


def test_similarities_fall_with_either_distance():
    vectors = np.array([[3.0, 4.0], [3.0, 3.0], [-3.0, -4.0]])
    assert similarities(vectors, vectors[0], "cosine") == pytest.approx([1, 21 / (5 * 18**0.5), -1])
    assert similarities(vectors, vectors[0], "euclidean") == pytest.approx([1, 1 / 2, 1 / 11])
