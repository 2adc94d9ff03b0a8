"""Which region of a head carries a match."""

import numpy as np
from PIL import Image

from webcast.occlusion import GRID, SIDE_PX, covered, occlude


def spotted(x: int, y: int) -> Image.Image:
    """A black head with a white spot."""
    head = Image.new("RGB", (SIDE_PX, SIDE_PX))
    head.paste("white", (x - 10, y - 10, x + 10, y + 10))
    return head


def brightest(pictures) -> np.ndarray:
    return np.array([np.asarray(picture).max() / 255 for picture in pictures])


def test_the_region_whose_cover_takes_the_match_away_stands_out():
    found = occlude(spotted(56, 168), brightest)
    row, column = np.unravel_index(found.drop.argmax(), found.drop.shape)
    assert abs((0.125 + 0.75 * row / (GRID - 1)) * SIDE_PX - 168) <= 30
    assert abs((0.125 + 0.75 * column / (GRID - 1)) * SIDE_PX - 56) <= 30
    assert found.drop[0, GRID - 1] == 0


def test_the_picture_is_coloured_where_the_match_is_carried():
    picture = np.asarray(occlude(spotted(56, 168), brightest).picture).astype(int)
    redness = picture[..., 0] - picture[..., 1]
    assert redness[168, 56] > 60
    assert redness[20, 200] == 0


def test_a_match_that_nothing_carries_colours_nothing():
    found = occlude(spotted(56, 168), lambda pictures: np.ones(len(pictures)))
    picture = np.asarray(found.picture).astype(int)
    assert (picture[..., 0] == picture[..., 1]).all()


def test_each_region_is_covered_once():
    assert len(covered(spotted(56, 56))) == GRID * GRID
