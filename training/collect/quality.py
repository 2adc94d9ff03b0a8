"""Whether a face picture is good enough to learn from: large, sharp, and not there already.

Sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000), at one size so that it can be compared;
near-duplicates are found by perceptual hashes (imagehash's `phash`, 64 bits).
"""

from dataclasses import dataclass, field

import cv2
import imagehash
import numpy as np
from PIL import Image

from webcast.types import Detector, Face, Panel

SIDE_PX = 128
SMALLEST_PX = 48
BLURRED_BELOW = 60.0
SAME_BITS = 4  # of the bundled portraits, one saved again differs by 2 at most, 1 in 1000 others by 6 or less


def sharpness(image: Image.Image) -> float:
    """Variance of the Laplacian of the picture at `SIDE_PX`, grey levels of 0 to 255."""
    grey = image.convert("L").resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR)
    return float(cv2.Laplacian(np.asarray(grey, np.float32), cv2.CV_32F).var())


def fault(crop: Image.Image) -> str | None:
    """Why a head crop is not to be used, "tiny" or "blurred"; None where it is good."""
    if min(crop.size) < SMALLEST_PX:
        return "tiny"
    return "blurred" if sharpness(crop) < BLURRED_BELOW else None


def good_face(detector: Detector, picture: Image.Image, name: str) -> Face | None:
    """The largest face of a photo, if there is one and it is good."""
    (faces,) = detector.detect([Panel(picture, name)])
    return faces[0] if faces and not fault(faces[0].crop) else None


@dataclass
class Seen:
    """The pictures so far, by their hashes."""

    hashes: list[int] = field(default_factory=list)

    def is_new(self, image: Image.Image) -> bool:
        """Whether no picture so far looks like this one, which from now on is one of them."""
        mark = int(str(imagehash.phash(image)), 16)
        if any((mark ^ other).bit_count() <= SAME_BITS for other in self.hashes):
            return False
        self.hashes.append(mark)
        return True
