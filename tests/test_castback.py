import numpy as np
import pytest
from PIL import Image

from training.castback import Heads, ranks, raw_pixels, wilson


def one_hot(person: int, people: int = 6) -> Image.Image:
    """A picture of which `as_vectors` makes the unit vector of that person."""
    return Image.new("RGB", (1, 1), (person, people, 0))


def as_vectors(images):
    pixels = [image.getpixel((0, 0)) for image in images]
    return np.stack([np.eye(p[1], dtype=np.float32)[p[0]] for p in pixels])


def heads(crops: dict[str, Image.Image], *missing: str) -> Heads:
    return Heads(crops, (*crops, *missing))


def test_the_right_person_nearest_is_place_one_and_a_missed_face_is_past_the_last():
    gallery = heads({f"p{i}": one_hot(i) for i in range(5)}, "unseen")
    probes = heads({"p0": one_hot(0), "p1": one_hot(5), "unseen": one_hot(2)}, "p4")
    places = dict(
        zip(["p0", "p1", "unseen", "p4"], ranks(probes, gallery, as_vectors, as_vectors), strict=True)
    )
    assert places == {"p0": 1, "p1": 1, "unseen": 7, "p4": 7}


def test_somebody_nearer_pushes_the_right_person_back():
    gallery = heads({f"p{i}": one_hot(i) for i in range(4)})
    probes = heads({"p0": one_hot(3)})
    assert ranks(probes, gallery, as_vectors, as_vectors).tolist() == [2]


def test_wilson_holds_the_share_and_never_leaves_0_to_1():
    low, high = wilson(50, 100)
    assert low == pytest.approx(0.404, abs=0.001)
    assert high == pytest.approx(0.596, abs=0.001)
    assert wilson(0, 20)[0] == pytest.approx(0, abs=1e-9)
    assert wilson(20, 20)[1] == pytest.approx(1, abs=1e-9)


def test_raw_pixels_are_unit_vectors_and_blind_to_brightness():
    rng = np.random.default_rng(0)
    picture = rng.integers(40, 180, (48, 48, 3), dtype=np.uint8)
    a, b = raw_pixels([Image.fromarray(picture), Image.fromarray(picture + 30)])
    assert np.linalg.norm(a) == pytest.approx(1, abs=1e-5)
    assert a @ b > 0.999
