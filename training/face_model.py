"""Fits the linear model of photographed faces that the realizer draws with.

    python -m training.face_model --data ../shared/data --landmarks DIR --out face-model.npz

See `webcast.networks.appearance` for the model and its source. Shape and texture have principal components
each, in which a portrait, which is sharp, counts for more than a news photo. Every photo's numbers are kept:
`training.appearance` trains a network to read them off drawings of it.
"""

import argparse
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial import Delaunay
from scipy.spatial.distance import cdist
from tqdm import tqdm

from training import landmark_indices as at
from training.faces import FacePhoto, aligned_head, read_rgb, training_photos
from training.whole_files import whole_file
from webcast.networks.appearance import Appearance

TEXTURE_PX = 224
TEXTURES, SHAPES = 88, 30  # with more textures the weights are over 25 MB, which many hosts refuse
PORTRAIT_WEIGHT = 8.0  # against a news photo's 1
EDGE = 0.07  # of the side of the mean shape, over which the face fades into the head
FADING_FOREHEAD = 0.6  # of the way from hairline to brows
BROWS = at.LEFT_BROW_UPPER + at.RIGHT_BROW_UPPER


@dataclass(frozen=True, eq=False)
class FaceModel:
    """The buffers of `Appearance`, and the numbers by which it gives back the photos it was fitted to.

    `texture_numbers` (2, N, textures) and `shape_numbers` (2, N, shapes), float32, are of the photos and of
    their mirror images; each number has variance 1 over the photos that were fitted. `people` (N,) says whose
    photos they are.
    """

    texture_mean: np.ndarray
    texture_basis: np.ndarray
    shape_mean: np.ndarray
    shape_basis: np.ndarray
    matte: np.ndarray
    texture_numbers: np.ndarray
    shape_numbers: np.ndarray
    people: np.ndarray

    def fill(self, network: Appearance) -> None:
        """Gives the network its buffers."""
        for name, buffer in network.named_buffers(recurse=False):
            buffer.copy_(torch.from_numpy(getattr(self, name)))


class Mesh:
    """The pixels of a shape (L, 2), in parts of the side, and the three landmarks about each."""

    def __init__(self, shape: np.ndarray) -> None:
        middle = (np.arange(TEXTURE_PX) + 0.5) / TEXTURE_PX
        grid = np.stack(np.meshgrid(middle, middle), -1).reshape(-1, 2)
        triangles = Delaunay(shape)
        found = triangles.find_simplex(grid)
        self.inside = found >= 0
        turn = triangles.transform[found[self.inside]]
        first = np.einsum("nij,nj->ni", turn[:, :2], grid[self.inside] - turn[:, 2])
        self.weights = np.column_stack([first, 1 - first.sum(1)])
        self.corners = triangles.simplices[found[self.inside]]

    def texture(self, image: np.ndarray, points: np.ndarray) -> np.ndarray:
        """A face on a square picture, RGB uint8, warped to this shape: float32 (pixels, 3) in 0 to 1."""
        where = np.einsum("nk,nkd->nd", self.weights, points[self.corners]) * len(image) - 0.5
        return cv2.remap(image, np.float32(where[None]), None, cv2.INTER_LINEAR)[0].astype(np.float32) / 255

    def matte(self, shape: np.ndarray) -> np.ndarray:
        """How much of the face is to be seen at each of its pixels, 0 to 1: nothing of it at its edge.

        On the forehead it fades towards the hairline sooner, for there the drawing's hair may hang.
        """
        mask = self.inside.reshape(TEXTURE_PX, TEXTURE_PX).astype(np.uint8)
        from_edge = cv2.distanceTransform(mask, cv2.DIST_L2, 5) / (EDGE * TEXTURE_PX)
        brows, top = shape[BROWS, 1].min(), shape[at.HAIRLINE, 1]
        y = (np.arange(TEXTURE_PX) + 0.5) / TEXTURE_PX
        shown = smooth(from_edge) * smooth((y - top) / (FADING_FOREHEAD * (brows - top)))[:, None]
        return np.where(mask, shown.clip(1e-3), 0).astype(np.float32)


def smooth(ramp: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, and without a corner between."""
    t = ramp.clip(0, 1)
    return t * t * (3 - 2 * t)


def fit(photos: list[FacePhoto], textures: int, shapes: int) -> FaceModel:
    """The linear model of the photos' faces, with their numbers."""
    weights = np.array([PORTRAIT_WEIGHT if "portraits" in p.path.parts else 1.0 for p in photos], np.float32)
    with ThreadPool(2) as pool:
        heads = list(tqdm(pool.imap(upright, photos, 64), total=len(photos), desc="heads", unit="photo"))
    points = np.stack([points for _, points in heads])
    shape = Components.fit(points.reshape(len(photos), -1), weights, shapes)
    mean_shape = shape.mean.reshape(-1, 2)
    mesh, opposite = Mesh(mean_shape), opposites(mean_shape)
    rows = [mesh.texture(*head).ravel() for head in tqdm(heads, desc="textures", unit="photo")]
    texture = Components.fit(np.stack(rows), weights, textures)
    texture_numbers, shape_numbers = [], []
    for head, own in tqdm(heads, desc="numbers", unit="photo"):
        turned = np.ascontiguousarray(head[:, ::-1]), (own * [-1, 1] + [1, 0])[opposite]
        sides = (head, own), turned
        texture_numbers.append([texture.numbers(mesh.texture(*side).ravel()) for side in sides])
        shape_numbers.append([shape.numbers(points.ravel()) for _, points in sides])
    return FaceModel(
        texture_mean=texture.mean.reshape(-1, 3),
        texture_basis=texture.basis.reshape(textures, -1, 3),
        shape_mean=mean_shape,
        shape_basis=shape.basis.reshape(shapes, -1, 2),
        matte=mesh.matte(mean_shape),
        texture_numbers=np.float32(texture_numbers).swapaxes(0, 1),
        shape_numbers=np.float32(shape_numbers).swapaxes(0, 1),
        people=np.array([photo.person for photo in photos]),
    )


def upright(photo: FacePhoto) -> tuple[np.ndarray, np.ndarray]:
    """The head of a photo, RGB uint8 (TEXTURE_PX, TEXTURE_PX, 3), and its landmarks in parts of the side."""
    crop, points = aligned_head(read_rgb(photo.path), photo.points, TEXTURE_PX, np.random.default_rng(0))
    return crop, points / TEXTURE_PX


def opposites(shape: np.ndarray) -> np.ndarray:
    """Which landmark of a shape (L, 2) lies where each has its mirror image."""
    middle = shape[:, 0].mean()
    return linear_sum_assignment(cdist([2 * middle, 0] + shape * [-1, 1], shape))[1]


@dataclass(frozen=True, eq=False)
class Components:
    """Weighted principal components: the mean (D,), and a basis (K, D) whose numbers have variance 1."""

    mean: np.ndarray
    basis: np.ndarray

    @classmethod
    def fit(cls, rows: np.ndarray, weights: np.ndarray, count: int) -> "Components":
        """Of float32 rows (N, D), which are changed."""
        weights = weights / weights.sum()
        mean = weights @ rows
        rows -= mean
        rows *= np.sqrt(weights)[:, None]
        _, spread, basis = torch.svd_lowrank(torch.from_numpy(rows), count + 10, niter=3)
        return cls(mean, (basis * spread).T[:count].contiguous().numpy())

    def numbers(self, row: np.ndarray) -> np.ndarray:
        return self.basis @ (row - self.mean) / np.square(self.basis).sum(1)


def save(model: FaceModel, path: Path) -> None:
    with whole_file(path) as file:
        np.savez(file, **vars(model))


def load(path: Path) -> FaceModel:
    with np.load(path) as file:
        return FaceModel(**file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/, lfw/ and drawn/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--out", type=Path, required=True, help="the file to write, .npz")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    save(fit(training_photos(args.data, args.landmarks), TEXTURES, SHAPES), args.out)


if __name__ == "__main__":
    main()
