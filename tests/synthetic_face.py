"""A face drawn by code, with landmarks where mediapipe would put them: the renderer is tested anywhere."""

import cv2
import numpy as np

from training import landmark_indices as at

SIZE = 160
CENTRE, HALF_WIDTH, HALF_HEIGHT = np.array([80.0, 84.0]), 38.0, 52.0
LEFT = (at.LEFT_UPPER_LID, at.LEFT_LOWER_LID, at.LEFT_IRIS_CENTRE, at.LEFT_IRIS)
RIGHT = (at.RIGHT_UPPER_LID, at.RIGHT_LOWER_LID, at.RIGHT_IRIS_CENTRE, at.RIGHT_IRIS)
EYES = (
    (*LEFT, at.LEFT_BROW_UPPER, at.LEFT_BROW_LOWER),
    (*RIGHT, at.RIGHT_BROW_UPPER, at.RIGHT_BROW_LOWER),
)


def arc(
    count: int, centre: tuple[float, float], radii: tuple[float, float], start: float, end: float
) -> np.ndarray:
    """Points along an ellipse; angles in degrees, clockwise from the right, since y points down."""
    angles = np.radians(np.linspace(start, end, count))
    return np.stack([centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)], 1)


def synthetic_points() -> np.ndarray:
    """478 landmarks, float32 (478, 2), of the face that `synthetic_photo` draws."""
    points = np.tile(CENTRE, (478, 1))
    points[at.FACE_OVAL] = arc(len(at.FACE_OVAL), tuple(CENTRE), (HALF_WIDTH, HALF_HEIGHT), -90, 260)
    for (upper, lower, iris, ring, brow_upper, brow_lower), x, outer in zip(
        EYES, (64, 96), (180, 360), strict=True
    ):
        eye, inner = (x, 76), 540 - outer
        points[upper] = arc(len(upper), eye, (8, 4), outer, inner)
        points[lower] = arc(len(lower), eye, (8, 3), 360 - outer, 360 - inner)
        points[iris] = eye
        points[ring] = arc(4, eye, (3, 3), 0, 270)
        points[brow_upper] = arc(5, (x, 68), (10, 4), 200, 340)
        points[brow_lower] = arc(5, (x, 70), (10, 4), 200, 340)
    points[at.NOSE_BASE] = arc(5, (80, 94), (6, 3), 180, 0)
    points[at.NOSE_TIP] = (80, 92)
    for upper, lower, radii in (
        (at.LIPS_OUTER_UPPER, at.LIPS_OUTER_LOWER, (13, 5)),
        (at.LIPS_INNER_UPPER, at.LIPS_INNER_LOWER, (11, 2)),
    ):
        points[upper] = arc(11, (80, 112), radii, 180, 360)
        points[lower] = arc(11, (80, 112), radii, 180, 0)
    return points.astype(np.float32)


def synthetic_photo() -> np.ndarray:
    """RGB uint8 (160, 160, 3): hair, skin with shading, eyes, brows, nose and mouth before a plain wall."""
    image = np.full((SIZE, SIZE, 3), (150, 170, 190), np.uint8)
    cv2.ellipse(image, (80, 72), (48, 58), 0, 0, 360, (60, 42, 30), -1, cv2.LINE_AA)
    cv2.ellipse(image, (80, 84), (38, 52), 0, 0, 360, (214, 170, 146), -1, cv2.LINE_AA)
    for x in (64, 96):
        cv2.ellipse(image, (x, 76), (8, 4), 0, 0, 360, (245, 242, 240), -1, cv2.LINE_AA)
        cv2.circle(image, (x, 76), 3, (70, 50, 40), -1, cv2.LINE_AA)
        cv2.ellipse(image, (x, 69), (10, 4), 0, 200, 340, (60, 42, 30), 2, cv2.LINE_AA)
    cv2.ellipse(image, (80, 94), (6, 3), 0, 0, 180, (170, 120, 100), 1, cv2.LINE_AA)
    cv2.ellipse(image, (80, 112), (13, 4), 0, 0, 360, (170, 80, 80), -1, cv2.LINE_AA)
    shade = 1 + 0.12 * np.cos(np.linspace(0, np.pi, SIZE))[None, :, None]
    noise = np.random.default_rng(0).normal(0, 2, image.shape)
    return np.clip(cv2.GaussianBlur(image, (0, 0), 1.0) * shade + noise, 0, 255).astype(np.uint8)
