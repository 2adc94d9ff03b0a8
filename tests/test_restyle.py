import cv2
import numpy as np

from tests.synthetic_face import synthetic_photo
from training.restyle import by_another_hand


def test_another_hand_keeps_the_shapes_and_changes_the_rest():
    face = cv2.resize(synthetic_photo(), (64, 64), interpolation=cv2.INTER_AREA)
    drawn = [by_another_hand(face, np.random.default_rng(seed)) for seed in range(60)]
    assert all(image.shape == face.shape and image.dtype == np.uint8 for image in drawn)
    np.testing.assert_array_equal(drawn[3], by_another_hand(face, np.random.default_rng(3)))
    changed = np.mean([np.abs(image.astype(int) - face).mean() > 4 for image in drawn])
    assert changed > 0.6
    grey = face.mean(2)
    alike = [np.corrcoef(image.mean(2).ravel(), grey.ravel())[0, 1] for image in drawn]
    assert np.median(alike) > 0.8
    assert min(alike) > 0.2


def test_a_larger_drawing_is_drawn_over_in_the_same_proportions():
    """But for the grain of the paper, which is noise: so an eighth of the drawings may differ."""
    large = cv2.resize(synthetic_photo(), (192, 192), interpolation=cv2.INTER_AREA)
    small = cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA)
    apart = []
    for seed in range(40):
        drawn = by_another_hand(large, np.random.default_rng(seed))
        reduced = cv2.resize(drawn, (64, 64), interpolation=cv2.INTER_AREA)
        other = by_another_hand(small, np.random.default_rng(seed))
        apart.append(np.abs(reduced.astype(int) - other).mean())
    assert np.quantile(apart, 0.85) < 2.5, apart
