"""Several people's photos become one face that none of them has.

A photo is brought into one frame, its landmarks are joined by points on the silhouette of head and hair, and
a piecewise affine warp moves it to a common shape: the shape-free texture of active appearance models
(Cootes, Edwards, Taylor 2001, "Active Appearance Models", TPAMI 23(6)). What the landmarks do not hold (ears,
strands, hairline) is aligned group-wise by optical flow (Vetter, Jones, Poggio 1997, "A bootstrapping
algorithm for learning linear models of object classes"). The mean of n photos has less contrast than each of
them, so every band of the Laplacian pyramid (Burt, Adelson 1983) is brought back to its donors' local energy.

Pictures are float32 RGB, (H, W, 3), 0 to 1; mattes float32 (H, W), 0 to 1; points float32 (N, 2), x and y in
pixels; maps float32 (H, W, 2), where in the source a pixel is taken from.
"""

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import map_coordinates

from training import landmark_indices as at

SIZE_PX = 352
"""Side of the frame in which faces are blended."""
FACE_PX = 184
"""Hairline to chin in that frame: the head crop (1.5 times as much) lies inside with room to spare."""
FACE_CENTRE = ((SIZE_PX - 1) / 2, 191.0)

RAYS = np.deg2rad(np.arange(-20, 201, 7.5))
"""Directions of the silhouette points, from one ear over the top to the other."""
REACH = 1.25
"""How far from the middle of the face the silhouette is looked for, in face heights."""
CRISPNESS = 0.8
"""The part of the local contrast lost by averaging that a blend gets back."""


def frame_of(points: np.ndarray) -> np.ndarray:
    """The similarity (2, 3) that puts a photo's face upright into the frame, from its 478 landmarks."""
    left, right = (points[lid[:: len(lid) - 1]].mean(0) for lid in (at.LEFT_UPPER_LID, at.RIGHT_UPPER_LID))
    across = (right - left) / np.linalg.norm(right - left)
    rotation = np.array([[across[0], across[1]], [-across[1], across[0]]])
    scale = FACE_PX / abs((rotation @ (points[at.CHIN] - points[at.HAIRLINE]))[1])
    centre = (points[at.CHIN] + points[at.HAIRLINE]) / 2
    linear = scale * rotation
    return np.column_stack([linear, np.array(FACE_CENTRE) - linear @ centre])


def transform(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def to_frame(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A photo or matte resampled into the frame; past its edges the last pixels are repeated."""
    return cv2.warpAffine(
        image, matrix, (SIZE_PX, SIZE_PX), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )


def turned(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A picture of the frame moved within it by a similarity (2, 3)."""
    size = (SIZE_PX, SIZE_PX)
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def refine_matte(coarse: np.ndarray, image: np.ndarray, radius: int = 9, eps: float = 2e-3) -> np.ndarray:
    """A coarse matte follows its picture's edges: the guided filter (He, Sun, Tang 2010) on luminance."""
    guide = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (2 * radius + 1, 2 * radius + 1))

    slope = (mean(guide * coarse) - mean(guide) * mean(coarse)) / (mean(guide**2) - mean(guide) ** 2 + eps)
    offset = mean(coarse) - slope * mean(guide)
    return np.clip(mean(slope) * guide + mean(offset), 0, 1)


def silhouette(matte: np.ndarray) -> np.ndarray:
    """Points (len(RAYS), 2) where rays from the middle of the face leave the person, in the frame."""
    reach = np.arange(0.45, REACH, 0.005) * FACE_PX
    directions = np.stack([np.cos(RAYS), -np.sin(RAYS)], 1)
    probes = np.array(FACE_CENTRE) + reach[None, :, None] * directions[:, None, :]
    inside = map_coordinates(matte, [probes[..., 1], probes[..., 0]], order=1, mode="nearest") > 0.5
    left = np.where(inside.all(1), len(reach) - 1, inside.argmin(1))
    smooth = cv2.medianBlur(reach[left].astype(np.float32)[:, None], 3)[:, 0]
    return (np.array(FACE_CENTRE) + smooth[:, None] * directions).astype(np.float32)


def frame_edge() -> np.ndarray:
    """Points beyond the frame that keep its edge in place."""
    ticks = np.linspace(-0.25, 1.25, 7) * SIZE_PX
    low, high = np.full(7, ticks[0]), np.full(7, ticks[-1])
    sides = [(ticks, low), (ticks, high), (low, ticks), (high, ticks)]
    return np.unique(np.concatenate([np.stack(side, 1) for side in sides]), axis=0).astype(np.float32)


def blur(values: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur of float32 (H, W) or (H, W, C); wide ones are made on a smaller grid."""
    step = 2 ** max(0, int(np.log2(sigma / 2)))
    height, width = values.shape[:2]
    small = cv2.resize(values, (width // step, height // step), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def warp_map(source: np.ndarray, target: np.ndarray, step: int = 3) -> np.ndarray:
    """The map that moves a picture from the shape `source` to the shape `target`, points of the frame."""
    edge = frame_edge()
    source, target = np.concatenate([source, edge]), np.concatenate([target, edge])
    x, y = np.meshgrid(*[(np.arange(SIZE_PX // step) + 0.5) * step - 0.5] * 2)
    moved = LinearNDInterpolator(target, source - target)(x, y).astype(np.float32)
    moved = cv2.resize(moved, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_CUBIC)
    return moved + pixel_grid()


def pixel_grid() -> np.ndarray:
    """The map that leaves a picture as it is."""
    ticks = np.arange(SIZE_PX, dtype=np.float32)
    return np.stack(np.meshgrid(ticks, ticks), -1)


def sample(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    return cv2.remap(image, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def align_group(images: list[np.ndarray], weights: np.ndarray, rounds: int = 3) -> list[np.ndarray]:
    """Maps that bring like pictures, already roughly aligned, onto their common mean shape.

    Each round estimates the dense flow from the mean to every picture (DIS, Kroeger et al. 2016, arXiv
    1603.03590) and takes out the mean flow, so that nobody's shape wins.
    """
    identity = pixel_grid()
    grey = [(cv2.cvtColor(np.clip(i, 0, 1), cv2.COLOR_RGB2GRAY) * 255).astype(np.uint8) for i in images]
    flow_of = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flows = [np.zeros_like(identity) for _ in images]
    for done in range(rounds):
        flow_of.setFinestScale(2 if done + 1 < rounds else 1)
        now = [sample(g, identity + f) for g, f in zip(grey, flows, strict=True)]
        mean = np.tensordot(weights, np.stack(now).astype(np.float32), 1).astype(np.uint8)
        sigma = 10.0 / (done + 1)
        steps = [blur(flow_of.calc(mean, g, None), sigma) for g in now]
        flows = [sample(f, identity + s) + s for f, s in zip(flows, steps, strict=True)]
        drift = np.tensordot(weights, np.stack(flows), 1).astype(np.float32)
        flows = [f - drift for f in flows]
    return [identity + f for f in flows]


def bleed(image: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The picture with its background filled from the person's edge, so that none of it shines through."""
    solid = np.clip((matte - 0.6) / 0.35, 0, 1)[..., None]
    layers = np.dstack([image * solid, solid])
    filled = sum(blur(layers, sigma) / sigma**2 for sigma in (3.0, 12.0, 48.0))
    return image * solid + filled[..., :3] / (filled[..., 3:] + 1e-6) * (1 - solid)


def pyramid(image: np.ndarray, levels: int = 5) -> list[np.ndarray]:
    """Laplacian bands at full size, finest first, the low-pass rest last; their sum is the picture."""
    bands = []
    for level in range(levels):
        low = blur(image, 0.8 * 2**level)
        bands.append(image - low)
        image = low
    return [*bands, image]


def consensus(bands: list[list[np.ndarray]], weights: np.ndarray, tolerance: float = 0.05) -> np.ndarray:
    """Every donor's share (n, H, W, 1) of every pixel: `weights`, less where a donor disagrees with the rest.

    A strand of hair, an earring or a collar that one donor alone has would shine through as a ghost. Nobody
    gets more than half of a pixel before smoothing, so that no region comes from one person.
    """
    middle = np.stack([sum(band[2:-1]) for band in bands])
    away = np.linalg.norm(middle - np.median(middle, axis=0), axis=-1)
    shares = weights[:, None, None] * np.exp(-0.5 * (away / tolerance) ** 2) + 1e-4
    shares = np.stack([blur(share.astype(np.float32), 2.0) for share in shares])
    shares = np.minimum(shares / shares.sum(0), 0.5)
    return (shares / shares.sum(0))[..., None]


def blend(images: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """One picture of aligned ones: the mean at coarse scale, the consensus in detail, nearly as crisp."""
    bands = [pyramid(image) for image in images]
    shares = consensus(bands, weights)
    result = np.tensordot(weights, np.stack([band[-1] for band in bands]), 1).astype(np.float32)
    for level in range(len(bands[0]) - 1):
        stack = np.stack([band[level] for band in bands])
        mean = (shares * stack).sum(0)
        sigma = 4.0 * 2**level
        wanted = (shares[..., 0] * np.stack([local_energy(b, sigma) for b in stack])).sum(0)
        gain = np.clip(wanted / (local_energy(mean, sigma) + 1e-4), 1.0, 2.0)
        result += mean * (1 + CRISPNESS * (gain - 1))[..., None]
    return result


def local_energy(band: np.ndarray, sigma: float) -> np.ndarray:
    """Root of the local mean square of a band over its channels, (H, W)."""
    return np.sqrt(blur((band**2).mean(-1), sigma))
