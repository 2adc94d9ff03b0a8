import numpy as np

from training.near_duplicates import nearest_pairs


def test_the_same_picture_and_its_mirror_image_are_found_first():
    rng = np.random.default_rng(0)
    tested, others = rng.normal(size=(3, 6, 8)), rng.normal(size=(20, 6, 8))
    for pictures in (tested, others):
        pictures /= np.linalg.norm(pictures, axis=(1, 2), keepdims=True)
    others[7], others[11] = tested[0], tested[2][:, ::-1]
    found = nearest_pairs(tested, others, 3)
    assert {(i, j) for _, i, j in found[:2]} == {(0, 7), (2, 11)}
    assert found[1][0] > 0.999 > found[2][0]
