import numpy as np
import pytest
from PIL import Image

from training.abstention import SET_FOR, Answers, answers, gallery_of, limit_for, standouts_of_absent, without
from training.castback import Heads
from training.stability import CROPS, agreement, random_crops
from webcast.gallery import Gallery
from webcast.types import Box, Face

PEOPLE = [f"p{number}" for number in range(30)]
VECTORS = np.random.default_rng(0).normal(size=(30, 64)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)


def head_of(number: int) -> Image.Image:
    """A picture whose colour says of whom it is."""
    return Image.new("RGB", (64, 64), (number * 8, 0, 0))


def as_vectors(images) -> np.ndarray:
    return np.stack(
        [VECTORS[image.getpixel((image.width // 2, image.height // 2))[0] // 8] for image in images]
    )


@pytest.fixture
def heads() -> Heads:
    return Heads({person: head_of(number) for number, person in enumerate(PEOPLE)}, tuple(PEOPLE))


@pytest.fixture
def gallery(heads) -> Gallery:
    return gallery_of(heads.crops, as_vectors)


def test_who_is_there_is_named_and_who_is_not_gets_no_answer(heads, gallery):
    probes = Heads({person: heads.crops[person] for person in PEOPLE[:8]}, tuple(PEOPLE[:8]))
    limit = float(standouts_of_absent(probes, gallery, as_vectors).max()) + 0.01
    assert answers(probes, gallery, as_vectors, limit) == Answers(8, 8, 8, 8, 8)


def test_a_low_limit_answers_for_strangers_too(heads, gallery):
    told = answers(heads, gallery, as_vectors, -9.0)
    assert told.answered == told.right == 30
    assert told.abstained == 0


def test_the_limit_holds_for_every_kind_of_drawing_and_is_no_higher_than_the_hardest_needs(heads, gallery):
    thirds = [Heads({p: heads.crops[p] for p in own}, own) for own in (PEOPLE[:9], PEOPLE[9:19], PEOPLE[19:])]
    first, second, third = (standouts_of_absent(own, gallery, as_vectors) for own in thirds)
    needed = [np.quantile(own, SET_FOR) for own in (first, np.concatenate([second, third]))]
    assert needed[0] != needed[1]
    kinds = [thirds[:1], thirds[1:]]
    assert limit_for(kinds, gallery, as_vectors) == max(needed)
    assert limit_for(kinds[::-1], gallery, as_vectors) == max(needed)


def test_without_somebody_only_they_are_gone(gallery):
    assert {person.id for person in without(gallery, "p3").people} == set(PEOPLE) - {"p3"}
    np.testing.assert_array_equal(without(gallery, "p3").embeddings, np.delete(VECTORS, 3, 0))


def test_every_crop_holds_the_face():
    page = Image.new("RGB", (300, 400))
    page.paste((255, 255, 255), (100, 120, 180, 220))
    for crop in random_crops(page, Box(100, 120, 180, 220), np.random.default_rng(1)):
        white = np.asarray(crop.convert("L")) > 250
        assert white.sum() / white.size >= 0.9 * 80 * 100 / (300 * 400)


class Flickering:
    """Finds a face on whole pages, and on every second crop of them."""

    def __init__(self) -> None:
        self.seen = 0

    def detect(self, panels):
        self.seen += panels[0].name != "page"
        found = panels[0].name == "page" or self.seen % 2
        crop = panels[0].image
        return [[Face(panels[0], Box(0, 0, *crop.size), crop, "", 1.0)] if found else []]


def test_a_crop_without_a_face_agrees_with_none(gallery):
    assert agreement(Flickering(), gallery, as_vectors, [head_of(4), head_of(9)]).tolist() == [0.5, 0.5]
    assert CROPS == 10
