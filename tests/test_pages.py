"""Composed pages: every face where its box says, nothing over it, the same page for the same seed."""

import numpy as np
import pytest
from PIL import Image

from training.pages import GUTTER_PX, compose, faceless, layout
from webcast.types import Box

GREEN = (10, 250, 20)
SIZES = [(800, 1200), (1000, 1000), (690, 1600), (1200, 600)]


def marked_face() -> tuple[Image.Image, Box]:
    """A grey picture whose face is a flat green square, so that a page can be checked by colour."""
    image, box = Image.new("RGB", (240, 260), (128, 128, 128)), Box(60, 70, 180, 190)
    image.paste(GREEN, (box.x0, box.y0, box.x1, box.y1))
    return image, box


def green(page: Image.Image) -> np.ndarray:
    return (np.abs(np.asarray(page).astype(int) - GREEN) < 40).all(axis=2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_every_face_lies_where_its_box_says(size, seed):
    faces = [marked_face()] * (seed + 1)
    page, boxes = compose(faces, size, np.random.default_rng(seed))
    assert page.size == size
    assert len(boxes) == len(faces)
    for box in boxes:
        assert 0 <= box.x0 < box.x1 <= size[0]
        assert 0 <= box.y0 < box.y1 <= size[1]
        assert abs(box.width - box.height) <= 2
        inner = green(page.crop((box.x0 + 4, box.y0 + 4, box.x1 - 4, box.y1 - 4)))
        assert inner.mean() > 0.97


def test_faces_vary_in_size():
    sides = [compose([marked_face()], (800, 1200), np.random.default_rng(s))[1][0].width for s in range(12)]
    assert max(sides) > 1.5 * min(sides)


def test_a_seed_gives_its_page_again():
    one, other, third = (compose([marked_face()], (400, 600), np.random.default_rng(s))[0] for s in (3, 3, 4))
    assert one.tobytes() == other.tobytes()
    assert one.tobytes() != third.tobytes()


def test_faceless_pages_vary():
    pages = {faceless((300, 400), np.random.default_rng(seed)).tobytes() for seed in range(5)}
    assert len(pages) == 5


@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_panels_do_not_overlap_and_leave_gutters(count):
    size = (800, 1200)
    panels = layout(size, count, np.random.default_rng(count))
    assert len(panels) == count
    for i, panel in enumerate(panels):
        assert panel.x0 >= GUTTER_PX
        assert panel.y1 <= size[1] - GUTTER_PX
        grown = Box(panel.x0, panel.y0, panel.x1 + GUTTER_PX // 2, panel.y1 + GUTTER_PX // 2)
        assert not any(grown.overlap(other) for other in panels[:i] + panels[i + 1 :])
