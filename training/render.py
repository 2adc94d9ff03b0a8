"""Draws a photo as a webtoon artist would: the pairs (drawing, photo) that everything here learns from.

A drawing is made in the artist's order: proportions (larger eyes, smaller nose and mouth, slimmer jaw, by a
smooth warp around the landmarks), flat colour in few tones, hair and background recoloured, soft shading,
ink lines (XDoG, Winnemoeller, Kyprianidis and Olsen 2012, doi 10.1016/j.cag.2012.03.004, and strokes along
the landmarks), and, in the big-eyed school, eyes painted anew. Three schools; all else is random within one.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from training import landmark_indices as at

SCHOOLS = ("realistic", "romance", "big-eyed")


@dataclass(frozen=True)
class Style:
    """What one drawing looks like; sizes are parts of the face's height, the rest is plain ratios."""

    eye_scale: float
    nose_scale: float
    mouth_scale: float
    jaw_scale: float
    tones: int
    smoothing: int
    line_weight: float
    line_reach: float
    stroke_weight: float
    skin_flatness: float
    repaint_eyes: bool
    hair_hue: float
    hair_saturation: float
    hair_lift: float
    saturation: float
    warmth: float
    background: float


def draw_style(school: str, rng: np.random.Generator) -> Style:
    """A random style of one of `SCHOOLS`."""
    eye, nose, mouth, jaw, flat = {
        "realistic": ((1.0, 1.18), (0.88, 1.0), (0.92, 1.02), (0.94, 1.0), (0.1, 0.6)),
        "romance": ((1.15, 1.4), (0.72, 0.9), (0.8, 0.98), (0.86, 0.97), (0.4, 0.85)),
        "big-eyed": ((1.7, 2.3), (0.45, 0.7), (0.55, 0.8), (0.76, 0.9), (0.75, 1.0)),
    }[school]
    return Style(
        eye_scale=rng.uniform(*eye),
        nose_scale=rng.uniform(*nose),
        mouth_scale=rng.uniform(*mouth),
        jaw_scale=rng.uniform(*jaw),
        tones=int(rng.integers(4, 9)),
        smoothing=int(rng.integers(1, 4)),
        line_weight=rng.uniform(0.35, 1.0),
        line_reach=rng.uniform(0.006, 0.014),
        stroke_weight=rng.uniform(0.008, 0.02),
        skin_flatness=rng.uniform(*flat),
        repaint_eyes=school == "big-eyed" or (school == "romance" and rng.random() < 0.5),
        hair_hue=rng.uniform(0, 180),
        hair_saturation=rng.choice([0.0, rng.uniform(0, 60), rng.uniform(40, 150)]),
        hair_lift=rng.uniform(-15, 70) if rng.random() < 0.5 else 0.0,
        saturation=rng.uniform(0.8, 1.5),
        warmth=rng.uniform(-8, 10),
        background=rng.choice([0.0, 0.6, 1.0]),
    )


def render(
    image: np.ndarray, points: np.ndarray, school: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a photo of a face.

    `image` is RGB uint8 (H, W, 3), `points` are its 478 landmarks, float32 (478, 2), x and y in pixels.
    Returns the drawing in the same size and layout, and where the landmarks went.
    """
    return draw(image, points, draw_style(school, rng), rng)


def draw(
    image: np.ndarray, points: np.ndarray, style: Style, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The same in a given style; `rng` is left to choose the colours of eyes and background."""
    size = face_height(points)
    image, points = exaggerate(image, points, style, size)
    skin = skin_mask(image, points, size)
    colours = flat_colours(image, style, skin)
    colours = recolour_surroundings(colours, skin, points, style, rng)
    lines = ink_lines(image, style, size)
    drawing = colours * lines[..., None]
    drawing = draw_strokes(drawing, points, style, size, rng)
    return np.clip(drawing, 0, 255).astype(np.uint8), points


def face_height(points: np.ndarray) -> float:
    """Pixels from hairline to chin."""
    return float(np.linalg.norm(points[at.HAIRLINE] - points[at.CHIN]))


def exaggerate(
    image: np.ndarray, points: np.ndarray, style: Style, size: float
) -> tuple[np.ndarray, np.ndarray]:
    """Move the proportions from the person's toward the school's; returns picture and landmarks."""
    lips = at.LIPS_OUTER_UPPER + at.LIPS_OUTER_LOWER
    left_eye = points[at.LEFT_UPPER_LID + at.LEFT_LOWER_LID].mean(0)
    right_eye = points[at.RIGHT_UPPER_LID + at.RIGHT_LOWER_LID].mean(0)
    zooms = [
        (left_eye, style.eye_scale, 0.17 * size),
        (right_eye, style.eye_scale, 0.17 * size),
        (points[at.NOSE_BASE].mean(0), style.nose_scale, 0.1 * size),
        (points[lips].mean(0), style.mouth_scale, 0.13 * size),
    ]
    axis, jaw_level = points[at.CHIN], points[lips].mean(0)[1]

    def source(at_points: np.ndarray) -> np.ndarray:
        """Where in the photo each point of the drawing comes from, (..., 2)."""
        moved = at_points.copy()
        for centre, scale, reach in zooms:
            offset = at_points - centre
            window = np.exp(-(offset**2).sum(-1, keepdims=True) / (2 * reach**2))
            moved += offset * (1 / scale - 1) * window
        below = 1 / (1 + np.exp(-(at_points[..., 1] - jaw_level) / (0.08 * size)))
        across = at_points[..., 0] - axis[0]
        near = np.exp(-((across / (0.55 * size)) ** 4))
        moved[..., 0] += across * (1 / style.jaw_scale - 1) * below * near
        return moved

    height, width = image.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    sources = source(grid).astype(np.float32)
    warped = cv2.remap(image, sources, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    moved = points.copy()
    for _ in range(8):
        moved += points - source(moved)
    return warped, moved


def skin_mask(image: np.ndarray, points: np.ndarray, size: float) -> np.ndarray:
    """Face, forehead and neck as a soft mask, float32 (H, W) in 0 to 1.

    The landmarks' oval ends in the middle of the forehead; around it, what has the colour of the face counts
    as skin too.
    """
    oval = filled(image.shape[:2], points[at.FACE_OVAL])
    near = cv2.dilate(oval, np.ones((3, 3), np.uint8), iterations=max(1, int(0.22 * size)))
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    inside = lab[oval > 0.5]
    middle, spread = np.median(inside, 0), inside.std(0) + 5
    distance = (((lab - middle) / (spread * [1.6, 1.2, 1.2])) ** 2).sum(-1)
    alike = np.exp(-distance / 3) * near
    return cv2.GaussianBlur(np.maximum(oval, alike).astype(np.float32), (0, 0), 0.015 * size)


def flat_colours(image: np.ndarray, style: Style, skin: np.ndarray) -> np.ndarray:
    """Few tones with soft edges, float32 RGB in 0 to 255; the skin is flattened toward its own colour."""
    smooth = image
    for _ in range(style.smoothing):
        smooth = cv2.bilateralFilter(smooth, 5, 40, 5)
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB).astype(np.float32)
    step = 255.0 / style.tones
    level = lab[..., 0] / step
    nearest = np.floor(level) + 0.5
    lab[..., 0] = step * (nearest + 0.5 * np.tanh((level - nearest) * 4) * 0.9)
    weight = skin > 0.5
    if weight.any():
        base = np.median(lab[weight], 0)
        base[0] = min(base[0] + 14 * style.skin_flatness, 245)
        pull = (style.skin_flatness * 0.75 * skin)[..., None]
        lab += (base - lab) * pull * np.array([0.8, 0.9, 0.9], np.float32)
    lab[..., 1:] = 128 + (lab[..., 1:] - 128) * style.saturation
    lab[..., 2] += style.warmth
    return cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB).astype(np.float32)


def recolour_surroundings(
    colours: np.ndarray, skin: np.ndarray, points: np.ndarray, style: Style, rng: np.random.Generator
) -> np.ndarray:
    """Dye the dark parts beside the skin (hair) and put a plain colour behind what is bright (background)."""
    luminance = colours.mean(-1)
    face = luminance[skin > 0.5].mean() if (skin > 0.5).any() else 160.0
    dark = 1 / (1 + np.exp(np.clip((luminance - 0.62 * face) / 10, -30, 30)))
    hair = cv2.GaussianBlur((dark * (1 - skin)).astype(np.float32), (0, 0), 1.0)
    dye = np.uint8([[[style.hair_hue, min(255, style.hair_saturation), 128]]])
    tint = cv2.cvtColor(dye, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32) - 128
    lifted = colours + hair[..., None] * (style.hair_lift + tint * 0.6)
    rows, columns = np.indices(luminance.shape)
    away = np.hypot(columns - points[at.NOSE_TIP][0], rows - points[at.NOSE_TIP][1]) / face_height(points)
    behind = (1 - skin) * (1 - hair) * np.clip((away - 0.7) * 5, 0, 1) * style.background
    plain = rng.uniform(90, 255, 3) + np.linspace(-25, 25, len(rows))[:, None, None] * rng.uniform(-1, 1)
    return lifted + (plain - lifted) * behind[..., None]


def ink_lines(image: np.ndarray, style: Style, size: float) -> np.ndarray:
    """How much light the ink lets through, float32 (H, W): 1 on paper, toward 0 on a line (XDoG)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    sigma = max(0.6, style.line_reach * size)
    sharp, wide = cv2.GaussianBlur(grey, (0, 0), sigma), cv2.GaussianBlur(grey, (0, 0), 1.6 * sigma)
    edge = sharp - 0.98 * wide
    ink = np.where(edge > 0.004, 1.0, 1 + np.tanh(45 * (edge - 0.004)))
    return (1 - style.line_weight * (1 - ink)).astype(np.float32)


def draw_strokes(
    drawing: np.ndarray, points: np.ndarray, style: Style, size: float, rng: np.random.Generator
) -> np.ndarray:
    """Ink the features along the landmarks; the big-eyed school paints the eyes anew first."""
    if style.repaint_eyes:
        drawing = paint_eyes(drawing, points, size, rng)
    ink = np.zeros(drawing.shape[:2], np.float32)
    unit = style.stroke_weight * size
    lines = [
        (at.LEFT_UPPER_LID, 1.6, 1.0),
        (at.RIGHT_UPPER_LID, 1.6, 1.0),
        (at.LEFT_LOWER_LID[2:-2], 0.5, 0.5),
        (at.RIGHT_LOWER_LID[2:-2], 0.5, 0.5),
        (at.LEFT_BROW_UPPER, 1.2, 0.7),
        (at.RIGHT_BROW_UPPER, 1.2, 0.7),
        (at.LIPS_INNER_UPPER, 0.7, 0.8),
        (at.NOSE_BASE, 0.6, 0.55),
        (at.FACE_OVAL[9:28], 0.7, 0.6),
    ]
    for indices, thickness, darkness in lines:
        stroke(ink, points[indices], unit * thickness, darkness * rng.uniform(0.6, 1.0))
    colour = rng.uniform(0, 60, 3)
    return drawing + (colour - drawing) * ink[..., None]


def stroke(ink: np.ndarray, line: np.ndarray, thickness: float, darkness: float) -> None:
    """Draw a smooth line into `ink`, with subpixel weight."""
    layer = np.zeros(ink.shape, np.uint8)
    width = max(1, round(thickness))
    cv2.polylines(layer, [np.round(line * 8).astype(np.int32)], False, 255, width, cv2.LINE_AA, 3)
    np.maximum(ink, layer * (darkness * min(1.0, thickness) / 255), out=ink)


def paint_eyes(drawing: np.ndarray, points: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """White, iris in one colour with a dark rim, pupil and highlights, inside the lids."""
    hue = np.uint8([[[rng.integers(0, 180), rng.integers(60, 200), rng.integers(90, 200)]]])
    iris_colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)
    for upper, lower, centre, iris in (
        (at.LEFT_UPPER_LID, at.LEFT_LOWER_LID, at.LEFT_IRIS_CENTRE, at.LEFT_IRIS),
        (at.RIGHT_UPPER_LID, at.RIGHT_LOWER_LID, at.RIGHT_IRIS_CENTRE, at.RIGHT_IRIS),
    ):
        lids = np.concatenate([points[upper], points[lower][::-1]])
        middle = points[centre]
        radius = np.linalg.norm(points[iris] - middle, axis=1).mean() * rng.uniform(1.0, 1.25)
        opening = filled(drawing.shape[:2], lids)
        disc = disc_mask(drawing.shape[:2], middle, radius * 1.08) * opening
        inner = disc_mask(drawing.shape[:2], middle, radius * 0.85) * opening
        pupil = disc_mask(drawing.shape[:2], middle, radius * 0.45) * opening
        shine = (
            disc_mask(drawing.shape[:2], middle + radius * np.array([-0.35, -0.4]), radius * 0.28) * opening
        )
        for mask, colour in (
            (opening * 0.9, np.float32([246, 244, 242])),
            (disc, iris_colour * 0.35),
            (inner, iris_colour),
            (pupil, iris_colour * 0.15),
            (shine, np.float32([255, 255, 255])),
        ):
            drawing = drawing + (colour - drawing) * mask[..., None]
    return drawing


def filled(shape: tuple[int, int], outline: np.ndarray) -> np.ndarray:
    """Inside of an outline, float32 0 to 1 with soft edges."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)
    return mask.astype(np.float32) / 255


def disc_mask(shape: tuple[int, int], centre: np.ndarray, radius: float) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    where = tuple(int(v) for v in np.round(centre * 8))
    cv2.circle(mask, where, max(1, round(radius * 8)), 255, -1, cv2.LINE_AA, 3)
    return mask.astype(np.float32) / 255
