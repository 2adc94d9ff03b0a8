"""Draws a photographed face over a generator's head, in its light and where the two disagree.

See `webcast.networks.appearance` for the model and its source.
"""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import Delaunay

from webcast.errors import WeightsError
from webcast.networks.appearance import Appearance
from webcast.opencv import cv2
from webcast.tensors import to_tensor

BATCH = 8
STEP_PX = 2  # the warp is computed at every second pixel and is smooth in between
SMOOTH = 0.02
"""Of the side, over which moves are evened: of 120 heads 12 % still folded somewhere, 83 % without it."""
FAR_AWAY = np.float32([(x, y) for x in (-1, 0.5, 2) for y in (-1, 0.5, 2) if x != 0.5 or y != 0.5])
"""Places about the head, which move as the face does on the whole."""
ROUNDS, PACE = 16, 0.7  # in which the way back is found, and how much of each step is taken
ABOUT = 0.023  # of the side, about which two faces are compared
ALIKE = 0.1  # of the range of colours: a difference by which two faces still show the same
MOST_LIGHT = 1.4  # by which a channel of the face is made brighter or darker


class AppearanceRealizer:
    """Turns drawn heads of any size into photo-like ones of `size_px`; see `types.Realizer`.

    Raises `WeightsError` where matte and texture have not the same pixels, or the mean shape is not finite.
    """

    def __init__(self, network: Appearance, device: torch.device, size_px: int, direction: str) -> None:
        self.size_px, self.direction = size_px, direction
        self._network = network.to(device).eval()
        self._device = device
        self._matte = network.matte.cpu().numpy()
        mean_shape = network.shape_mean.cpu().numpy()
        if not np.isfinite(mean_shape).all():
            raise WeightsError(
                "The weights' mean shape is not finite; make them anew with `python -m training.face_model`."
            )
        self._warp = Warp(mean_shape, size_px)
        if (self._matte > 0).sum() != len(network.texture_mean):
            raise WeightsError(
                f"The weights' matte has {(self._matte > 0).sum()} pixels and their texture "
                f"{len(network.texture_mean)}; make them anew with `python -m training.face_model`."
            )

    @torch.inference_mode()
    def realize(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        """RGB pictures in, as many square RGB pictures of `size_px` out."""
        realized = []
        for start in range(0, len(images), BATCH):
            pixels = to_tensor(images[start : start + BATCH], self.size_px).to(self._device)
            parts = [part.float().cpu().numpy() for part in self._network(pixels * 2 - 1)]
            realized += [self._composed(*one) for one in zip(*parts, strict=True)]
        return realized

    def _composed(self, fake_b: np.ndarray, texture: np.ndarray, shape: np.ndarray) -> Image.Image:
        head = (fake_b.transpose(1, 2, 0) + 1) / 2
        face = np.zeros((*self._matte.shape, 3), np.float32)
        face[self._matte > 0] = texture
        where = self._warp(shape) * len(self._matte) - 0.5
        layers = (face, self._matte, np.float32(self._matte > 0))
        placed, matte, covered = (cv2.remap(layer, where, None, cv2.INTER_LINEAR) for layer in layers)
        placed /= covered.clip(1e-3)[..., None]  # at the edge it is mixed with nothing
        placed = in_its_light(placed, head, matte > 0.5)
        matte *= disagreement(head, placed, matte > 0)
        blended = head + matte[..., None] * (placed - head)
        return Image.fromarray(np.uint8(np.clip(blended, 0, 1) * 255 + 0.5))


def in_its_light(face: np.ndarray, head: np.ndarray, where: np.ndarray) -> np.ndarray:
    """A face float32 (S, S, 3) half way to the colour that the head has in its place, as neck and ears have.

    Only half, and no further than `MOST_LIGHT`: what is drawn as white as paper is still to have skin.
    """
    if not where.any():
        return face
    here, there = (np.median(picture[where], axis=0).clip(0.05) for picture in (face, head))
    return face * np.sqrt(there / here).clip(1 / MOST_LIGHT, MOST_LIGHT)


def disagreement(head: np.ndarray, face: np.ndarray, where: np.ndarray) -> np.ndarray:
    """How little two pictures float32 (S, S, 3) in 0 to 1 show the same, where both are: (S, S), 0 to 1.

    Where the generator makes nearly the model's face, its own has more of the person, and finer detail; where
    it makes another, say of an eye that no photo has, the model's is the one to show.
    """
    away = np.abs(head - face).max(2) * where
    return 1 - np.exp(-np.square(cv2.GaussianBlur(away, (0, 0), ABOUT * len(head)) / ALIKE))


class Warp:
    """Finds from which place of the mean shape each pixel of a face of another shape comes.

    Shapes (L, 2) and places are x and y in parts of the side. What is known is how each point of the mean
    shape moves; the way back is searched for as a fixed point (Chen, Lu, Chen, Ruchala, Olivera, "A simple
    fixed-point approach to invert a deformation field", Medical Physics 35(1), 2008, doi 10.1118/1.2816107).
    There is one where nothing folds, but lips or lids of a linear model may cross. Deliberate differences:
    moves are evened first, which leaves fewer folds, and only a part of each step is taken, so that the
    search also ends where the face is stretched.
    """

    def __init__(self, mean_shape: np.ndarray, size_px: int) -> None:
        self.mean_shape, self.size_px = mean_shape, size_px
        self.count = size_px // STEP_PX
        middle = (np.arange(self.count, dtype=np.float32) + 0.5) / self.count
        self.places = np.stack(np.meshgrid(middle, middle), -1)
        self.triangles = Delaunay(np.concatenate([mean_shape, FAR_AWAY]))

    def __call__(self, shape: np.ndarray) -> np.ndarray:
        """float32 (size_px, size_px, 2); about the face, places outside the mean shape."""
        moves = self.moves(shape)
        where = self.places.copy()
        for _ in range(ROUNDS):
            there = cv2.remap(
                moves, where * self.count - 0.5, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            where += PACE * (self.places - there - where)
        return cv2.resize(where, (self.size_px, self.size_px), interpolation=cv2.INTER_LINEAR)

    def moves(self, shape: np.ndarray) -> np.ndarray:
        """How each place of the mean shape moves, float32 (count, count, 2)."""
        away = shape - self.mean_shape
        on_the_whole = np.repeat(away.mean(0, keepdims=True), len(FAR_AWAY), 0)
        moves = LinearNDInterpolator(self.triangles, np.concatenate([away, on_the_whole]))(self.places)
        return cv2.GaussianBlur(
            moves.astype(np.float32), (0, 0), SMOOTH * self.count, borderType=cv2.BORDER_REPLICATE
        )
