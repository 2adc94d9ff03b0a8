"""Heads as `training.drawings` keeps them, of three people, for tests of what is trained on them."""

import json
from pathlib import Path

import cv2
import numpy as np

from tests.synthetic_face import synthetic_photo
from training.drawings import ABOUT, PHOTO, SIDE_PX, WAYS

PEOPLE = ["ann", "ann", "bob", "cem"]


def write_heads(folder: Path) -> Path:
    """Four heads of three people; each way is a face of its own brightness, the photo the darkest."""
    folder.mkdir()
    face = cv2.resize(synthetic_photo(), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    for number, way in enumerate((PHOTO, *(way for way in WAYS if way != PHOTO))):
        np.save(folder / f"{way}.npy", np.stack([np.uint8(face * (0.4 + 0.1 * number))] * len(PEOPLE)))
    about = {
        "people": PEOPLE,
        "is_portrait": [True, True, False, False],
        "has_published": [True, False, False, False],
    }
    (folder / ABOUT).write_text(json.dumps(about))
    return folder
