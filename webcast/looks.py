"""What a head crop looks like: the colours of hair, skin and eyes, how sharp it is, and how frontal.

The regions are those of a head as `images.head_box` frames it, so no landmark is needed; where a detector
gives five points, they say how far the head is turned.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from webcast.opencv import cv2
from webcast.types import Face

SIDE_PX = 96  # every crop is judged at this size, so that a large one is not called blurred
# Measured on development people by `python -m training.good_faces`: of large, sharp faces 69 % are found
# among the five nearest of 350 people:
TINY_PX = 24  # 65 % at 26 px, 58 % at 18, 45 % at 15; and small faces are drawn with fewer lines
BLURRED = 8.0  # variance of the Laplacian: 59 % at 13, 32 % at 7, none at 4
SHARP = 200.0  # from here on sharpness adds no quality
TURNED = 0.45  # the nose's way off the middle of the eyes, in distances of the eyes: near profile
UNSURE = {"centerface": 0.6}
"""By detector, the likelihood below which a box may be no face; no limit was measured for others.

Below lie 13 % of faces and 61 % of what is none on development episodes (`python -m training.part_limits`).
"""
HAIR = (0.30, 0.05, 0.70, 0.20)  # x0, y0, x1, y1 in parts of the side
CHEEKS = (0.30, 0.54, 0.42, 0.64), (0.58, 0.54, 0.70, 0.64)
EYES = (0.32, 0.42, 0.44, 0.50), (0.56, 0.42, 0.68, 0.50)

Region = tuple[float, float, float, float]


def colours(crop: Image.Image) -> np.ndarray:
    """CIELAB (L 0 to 100, a and b about -128 to 127) of hair, skin and eyes, float32 (9,), medians.

    Of the eyes it is the darker half that counts, for the white says nothing.
    """
    pixels = _pixels(crop).astype(np.float32) / 255
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    hair, cheeks = _of(lab, HAIR), np.concatenate([_of(lab, cheek) for cheek in CHEEKS])
    eyes = np.concatenate([_of(lab, eye) for eye in EYES])
    dark = eyes[eyes[:, 0] <= np.median(eyes[:, 0])]
    return np.concatenate([np.median(part, axis=0) for part in (hair, cheeks, dark)]).astype(np.float32)


def sharpness(crop: Image.Image) -> float:
    """Variance of the Laplacian of the grey crop at `SIDE_PX`; a blank one has 0."""
    grey = cv2.cvtColor(_pixels(crop), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def turn(face: Face) -> float:
    """How far the face is turned aside: 0 from the front, about 0.5 in profile.

    By five points where there are some, else by how unlike its mirror image the face is.
    """
    if face.points is not None:
        left, right, nose = (np.array(point) for point in face.points[:3])
        eyes = right - left
        return abs(float((nose - (left + right) / 2) @ eyes / max(1e-6, eyes @ eyes)))
    grey = cv2.cvtColor(_pixels(face.crop), cv2.COLOR_RGB2GRAY).astype(np.float32)
    inner = grey[SIDE_PX // 4 : -SIDE_PX // 8, SIDE_PX // 4 : -SIDE_PX // 4]
    inner = cv2.GaussianBlur(inner, (0, 0), 2)
    likeness = np.corrcoef(inner.ravel(), inner[:, ::-1].ravel())[0, 1] if inner.std() > 1 else 1.0
    return float((1 - likeness) / 4)


def judge(face: Face) -> tuple[float, str | None]:
    """The quality of a face, 0 to 1, and why it may not vote, or None."""
    side, sharp, turned = min(face.box.width, face.box.height), sharpness(face.crop), turn(face)
    frontal = max(0.0, 1 - turned / TURNED)
    quality = frontal * min(1.0, sharp / SHARP) ** 0.5 * min(1.0, side / 128) ** 0.5
    if side < TINY_PX:
        return quality, "tiny"
    if sharp < BLURRED:
        return quality, "blurred"
    is_turned = face.points is not None and turned > TURNED
    return quality, "turned" if is_turned else None


def may_be_none(face: Face) -> bool:
    """Whether its detector is so unsure of the face that it may be a hand or a bubble."""
    return face.likelihood < UNSURE.get(face.detector, 0)


def _pixels(crop: Image.Image) -> np.ndarray:
    """RGB uint8 (SIDE_PX, SIDE_PX, 3)."""
    return np.asarray(crop.convert("RGB").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX))


def _of(lab: np.ndarray, region: Region) -> np.ndarray:
    x0, y0, x1, y1 = (round(part * SIDE_PX) for part in region)
    return lab[y0:y1, x0:x1].reshape(-1, 3)
