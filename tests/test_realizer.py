import cv2
import numpy as np

from tests.synthetic_face import synthetic_photo, synthetic_points
from training.faces import FacePhoto, aligned_head
from training.realizer import published_in_place, tinted


def test_a_published_drawing_lies_upon_its_photo_mirrored_too(tmp_path):
    """The drawing here is the photo itself at another size, so that the two crops must be equal."""
    image, points = synthetic_photo(), synthetic_points()
    cv2.imwrite(str(tmp_path / "photo.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    drawing = cv2.resize(image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "drawing.png"), cv2.cvtColor(drawing, cv2.COLOR_RGB2BGR))
    photo = FacePhoto(tmp_path / "photo.png", "somebody", points, (tmp_path / "drawing.png",))
    for mirror in (False, True):
        crop, moved = aligned_head(image, points, 96, np.random.default_rng(0), 0.01, mirror)
        drawn = published_in_place(photo, moved, 96, np.random.default_rng(0))
        assert np.abs(drawn[16:80, 16:80].astype(int) - crop[16:80, 16:80]).mean() < 6


def test_a_tint_changes_colours_and_keeps_black():
    white = np.full((8, 8, 3), 200, np.uint8)
    assert len(set(tinted(white, np.random.default_rng(0))[0, 0].tolist())) == 3
    assert not tinted(np.zeros((8, 8, 3), np.uint8), np.random.default_rng(0)).any()
