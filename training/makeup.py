"""What is done to a blended face before its picture is taken: skin, hair, neck, clothes, light, backdrop.

Everything here is painted by formula: it removes what blends badly (collars, necklaces, backgrounds), and
lets people whose donors look alike look different. Pictures are float32 RGB, 0 to 1, in the frame of
`morph.py`.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from training import landmark_indices as at
from training.morph import FACE_PX, SIZE_PX, blur, pyramid

CHEEKS = ([50, 101, 118, 123, 187, 205], [280, 330, 347, 352, 411, 425])
JAW_CORNERS = [58, 288]
COLLAR = 0.33
"""Half the width of a neckline in face heights."""
FOREHEAD = [151, 108, 69, 104, 105, 107, 9, 336, 334, 333, 299, 337]
BROWS = (at.LEFT_BROW_UPPER + at.LEFT_BROW_LOWER, at.RIGHT_BROW_UPPER + at.RIGHT_BROW_LOWER)
EYES = (at.LEFT_UPPER_LID + at.LEFT_LOWER_LID, at.RIGHT_UPPER_LID + at.RIGHT_LOWER_LID)
LIPS = at.LIPS_OUTER_UPPER + at.LIPS_OUTER_LOWER
NOSTRILS = [98, 97, 2, 326, 327, 294, 19, 64]

HAIR_LAB = {
    "black": (11, 1, -1),
    "soft black": (17, 3, 4),
    "dark brown": (23, 7, 9),
    "chestnut": (31, 12, 17),
    "wine": (22, 14, 6),
    "blue black": (15, 1, -10),
    "ash brown": (41, 4, 11),
    "copper": (41, 21, 29),
    "honey": (58, 8, 27),
    "silver": (69, -1, -3),
    "platinum": (77, 1, 11),
}
"""CIE Lab of the middle of the hair."""
LIGHTEN_AT_MOST = 16.0
"""Steps of L: much darker hair has no strands left to show in a light colour, and stays as it is."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one fictional person is made up: the same in all pictures."""

    hair: str
    youth: float
    skin_tone: float
    cloth: tuple[float, float, float]
    neckline: float


def fill(points: np.ndarray, outline: list[int], feather: float) -> np.ndarray:
    """A soft mask (H, W) of the polygon through landmarks."""
    mask = np.zeros((SIZE_PX, SIZE_PX), np.float32)
    cv2.fillPoly(mask, [np.round(points[outline]).astype(np.int32)], 1.0)
    return blur(mask, feather)


def hull(points: np.ndarray, landmarks: list[int], grow: float, feather: float) -> np.ndarray:
    """A soft mask (H, W) of the convex hull of landmarks, grown by so many pixels."""
    mask = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points[landmarks]).astype(np.int32)), 1)
    size = 2 * round(grow) + 1
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return blur(mask.astype(np.float32), feather)


def to_lab(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.clip(image, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)


def to_rgb(lab: np.ndarray) -> np.ndarray:
    return np.clip(cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB), 0, 1)


def likeness(lab: np.ndarray, where: np.ndarray, spread: tuple[float, float]) -> np.ndarray:
    """How near every pixel is to a region's median colour, (H, W), 0 to 1; `spread`: of L, of a and b."""
    offset = (lab - np.median(lab[where], axis=0)) / np.array([spread[0], spread[1], spread[1]], np.float32)
    return np.exp(-0.5 * (offset**2).sum(-1))


def skin_of(lab: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where the colour is that of the cheeks, (H, W), 0 to 1, whatever the light on it."""
    cheeks = np.maximum(*(fill(points, cheek, 1.0) for cheek in CHEEKS)) > 0.9
    return likeness(lab, cheeks, (30.0, 9.0))


def hair_of(lab: np.ndarray, matte: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where the hair is, (H, W), 0 to 1: around and above the face, more like the crown than like skin."""
    y = np.arange(SIZE_PX, dtype=np.float32)[:, None]
    crown = (matte > 0.9) & (y < points[at.HAIRLINE, 1] - 8)
    if crown.sum() < 400:
        return np.zeros_like(matte)
    forehead = fill(points, FOREHEAD, 2.0) > 0.9
    skin = np.maximum(skin_of(lab, points), likeness(lab, forehead, (26.0, 9.0)))
    like_crown = likeness(lab, crown, (26.0, 9.0))
    inside = np.clip(4 * (like_crown - skin - 0.2), 0, 1) * np.clip(
        (points[FOREHEAD, 1].mean() - y) / 12, 0, 1
    )
    outside = like_crown**2 / (like_crown**2 + skin**2 + 1e-3)
    face = fill(points, at.FACE_OVAL, 3.0)
    return hanging(blur(matte * (face * inside + (1 - face) * outside), 1.2), points)


def brows_of(skin: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where the eyebrows are, (H, W), 0 to 1, from the landmarks and from what has no skin's colour there."""
    return np.maximum(*(hull(points, brow, 1, 1.5) for brow in BROWS)) * (1 - 0.7 * skin)


def hanging(hair: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Hair without what does not hang from above: below the mouth every pixel needs thick hair over it.

    What lies in the middle there is the neck in shadow.
    """
    hair, mouth = hair.copy(), round(points[LIPS[0], 1])
    left, right = (round(x) for x in points[at.CHIN, 0] + neck_half(points) * np.array([-1, 1]))
    hair[mouth:, left:right] = 0
    hair[mouth:] = cv2.morphologyEx(hair[mouth:], cv2.MORPH_OPEN, np.ones((1, 13), np.uint8))
    for row in range(mouth + 1, SIZE_PX):
        hair[row] = np.minimum(hair[row], cv2.dilate(hair[row - 1 : row], np.ones((1, 3), np.uint8))[0])
    return hair


def dye(image: np.ndarray, hair: np.ndarray, brows: np.ndarray, colour: str) -> np.ndarray:
    """Hair, and brows by half, in another colour; the strands keep their contrast."""
    lab = to_lab(image)
    weight = hair * (hair > 0.3)
    now = (lab * weight[..., None]).sum((0, 1)) / max(weight.sum(), 1)
    goal = np.array(HAIR_LAB[colour], np.float32)
    if weight.sum() < 500 or goal[0] > now[0] + LIGHTEN_AT_MOST:
        return image
    contrast = np.clip((goal[0] / max(now[0], 1.0)) ** 0.6, 0.45, 1.3)
    dyed = goal + (lab - now) * np.array([contrast, 0.45, 0.45], np.float32)
    brow_now = (lab[..., 0] * brows).sum() / max(brows.sum(), 1)
    browed = lab.copy()
    browed[..., 0] *= np.clip(min(goal[0] + 8, 40) / max(brow_now, 1), 0.6, 1.0)
    lab = lab + brows[..., None] * 0.7 * (browed - lab)
    return to_rgb(lab + hair[..., None] * (dyed - lab))


def smooth_skin(image: np.ndarray, skin: np.ndarray, points: np.ndarray, youth: float) -> np.ndarray:
    """Lines and folds of the skin made shallower, `youth` 0 (as it is) to 1; eyes, brows, lips stay crisp."""
    features = [hull(points, part, 3, 2.0) for part in (*EYES, *BROWS, LIPS, NOSTRILS)]
    where = skin * fill(points, at.FACE_OVAL, 4.0) * np.clip(1 - np.maximum.reduce(features), 0, 1)
    bands = pyramid(image)
    keep = (0.75, 0.55, 0.35, 0.4, 0.7)
    for band, share in zip(bands, keep, strict=False):
        band *= (1 - where * youth * (1 - share))[..., None]
    return sum(bands)


def tone(image: np.ndarray, skin: np.ndarray, amount: float) -> np.ndarray:
    """Skin lighter (positive) or more tanned (negative) by so many steps of L."""
    lab = to_lab(image)
    lab += (blur(skin, 2.0) * amount)[..., None] * np.array([1.0, -0.12, -0.35], np.float32)
    return to_rgb(lab)


def neck_half(points: np.ndarray) -> float:
    """Half the width of the neck under the chin, in pixels."""
    return 0.42 * float(np.ptp(points[JAW_CORNERS, 0]))


def paint_neck(image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A plain neck in the colour of the cheeks, in the shade of the jaw; the picture and the neck's mask."""
    y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX].astype(np.float32)
    chin, jaw = points[at.CHIN], fill(points, at.FACE_OVAL, 1.5)
    half = neck_half(points) + 0.5 * np.clip(y - chin[1] - 12, 0, None)
    across = np.abs(x - chin[0]) / half
    neck = np.clip((1 - across) * half / 3, 0, 1) * np.clip((y - chin[1] + 50) / 12, 0, 1) * (1 - jaw)
    cheeks = np.maximum(*(fill(points, cheek, 1.0) for cheek in CHEEKS)) > 0.9
    shadow = blur(np.roll(jaw, 12, axis=0), 9)
    shade = 0.90 - 0.30 * shadow - 0.22 * np.clip(across, 0, 1) ** 3
    colour = np.median(image[cheeks], axis=0) * np.stack([shade, shade**1.06, shade**1.12], -1)
    return image + neck[..., None] * (colour - image), neck


def cut_out(matte: np.ndarray, hair: np.ndarray, neck: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The matte of head, hair and neck alone: what else there is beside and below the jaw was clothing."""
    y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX].astype(np.float32)
    chin = points[at.CHIN]
    aside = np.clip((np.abs(x - chin[0]) - 0.2 * FACE_PX) / 10, 0, 1) * np.clip((y - chin[1] + 50) / 15, 0, 1)
    solid = np.clip((blur(hair, 2.0) - 0.3) / 0.25, 0, 1)
    head = matte * (1 - aside * (1 - solid) * (1 - fill(points, at.FACE_OVAL, 1.0)))
    return np.maximum(head, neck)


def hem(points: np.ndarray, neckline: float) -> np.ndarray:
    """How far every pixel lies below the upper edge of a top, (H, W) in pixels; negative above it."""
    y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX].astype(np.float32)
    away = np.abs(x - points[at.CHIN, 0]) / FACE_PX
    collar = 0.10 + neckline * np.sqrt(np.clip(1 - (away / COLLAR) ** 2, 0, 1))
    shoulders = 0.10 + 0.34 * np.clip(away - COLLAR, 0, None)
    return y - points[at.CHIN, 1] - FACE_PX * np.where(away < COLLAR, collar, shoulders)


def dress(
    image: np.ndarray,
    matte: np.ndarray,
    hair: np.ndarray,
    points: np.ndarray,
    look: Look,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Paints a plain top over shoulders and collar, but not over long hair; the picture and its new matte."""
    below = hem(points, look.neckline)
    away = np.abs(np.arange(SIZE_PX) - points[at.CHIN, 0]) / FACE_PX
    noise = rng.normal(size=(2, SIZE_PX, SIZE_PX)).astype(np.float32)
    folds = 1.2 * cv2.GaussianBlur(noise[0], (0, 0), 22, sigmaY=9) + 0.02 * blur(noise[1], 0.7)
    seam = 0.10 * np.exp(-(((below - 6) / 1.5) ** 2)) + 0.2 * np.exp(-below / 12)
    shade = 1 - 0.3 * away**2 + folds - seam
    cloth = np.clip(np.array(look.cloth, np.float32) * shade[..., None], 0, 1)
    over = np.clip(hair * 1.3, 0, 1) * np.clip((away - 0.26) / 0.05, 0, 1)
    cover = np.clip(below / 2, 0, 1) * (1 - over)
    return image + cover[..., None] * (cloth - image), np.maximum(matte, cover)


def backdrop(colour: tuple[float, float, float], centre: tuple[float, float]) -> np.ndarray:
    """A plain studio wall, lighter where a lamp falls on it."""
    y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX].astype(np.float32) / SIZE_PX
    glow = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 0.35)
    return np.clip(np.array(colour, np.float32) * (0.72 + 0.4 * glow[..., None]), 0, 1)


def light(
    image: np.ndarray, points: np.ndarray, direction: float, strength: float, warmth: float
) -> np.ndarray:
    """Key light from one side (-1 left, 1 right) on a head taken for a round one, and its colour."""
    y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX].astype(np.float32)
    nose = points[at.NOSE_TIP]
    across = np.clip((x - nose[0]) / (0.55 * FACE_PX), -1, 1)
    down = np.clip((y - nose[1]) / (0.9 * FACE_PX), -1, 1)
    key = 1 + strength * (direction * across - 0.25 * down)
    gain = key[..., None] * np.array([1 + warmth, 1.0, 1 - warmth], np.float32)
    return np.clip(image, 0, 1) ** (1 / np.clip(gain, 0.5, 1.8))
