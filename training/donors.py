"""The people whose photos are blended into fictional ones, and the linear model of their shapes."""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from tqdm import tqdm

from training import landmark_indices as at
from training import makeup, morph
from training.split import is_test_person

AGES_IN = 2020
"""The photos bear no dates; ages are those of this year."""
LARGEST_YAW = 0.2
MOST_FINE_CONTRAST = 2.5
"""Of `fine_contrast`; picked by looking at all donors in its order: nearly all above it wear glasses."""
LANDMARKS = 478

LEFT_CHEEK, RIGHT_CHEEK = 234, 454
BRIDGE = [193, 417, 122, 351, 196, 419]
UNDER_EYES = ([228, 229, 230, 231, 120, 119, 118, 117], [448, 449, 450, 451, 349, 348, 347, 346])


@dataclass(frozen=True, slots=True, eq=False)
class Donor:
    """One person's photo in the frame of `morph`; `points` are 478 landmarks, then the silhouette."""

    person: str
    female: bool
    age: float
    image: np.ndarray
    matte: np.ndarray
    points: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class ShapeModel:
    """Linear model of the shape, each (P, 2): the mean, and what one unit of each trait adds.

    Units: female against male, ten years of age, one face width of yaw, one face height of mouth.
    """

    mean: np.ndarray
    female: np.ndarray
    decade: np.ndarray
    yaw: np.ndarray
    opening: np.ndarray
    width: np.ndarray

    def expected(self, female: bool, age: float) -> np.ndarray:
        return self.mean + (female - 0.5) * self.female + (age - 55) / 10 * self.decade


def load_donors(photos: Path, landmarks: Path) -> list[Donor]:
    """Everybody's first photo but the test people's; `landmarks` was written with `--masks`."""
    with np.load(landmarks) as file:
        arrays = zip(file["paths"].tolist(), file["points"], file["masks"], strict=True)
        found = {path: (points, mask) for path, points, mask in arrays}
    with (photos / "people.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["first"] in found and not is_test_person(r["name"])]
    return [load_donor(photos, row, *found[row["first"]]) for row in tqdm(rows, desc="donors", unit="photo")]


def load_donor(photos: Path, row: dict[str, str], points: np.ndarray, mask: np.ndarray) -> Donor:
    image = cv2.cvtColor(cv2.imread(str(photos / row["first"])), cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    matrix = morph.frame_of(points)
    coarse = cv2.resize(mask.astype(np.float32) / 255, image.shape[1::-1])
    matte = morph.to_frame(morph.refine_matte(coarse, image), matrix)
    points = np.concatenate([morph.transform(points, matrix), morph.silhouette(matte)])
    age = AGES_IN - int(row["born"][:4])
    return Donor(row["id"], row["gender"] == "female", age, morph.to_frame(image, matrix), matte, points)


def choose_donors(everybody: list[Donor]) -> tuple[list[Donor], ShapeModel]:
    """Those who look ahead and wear no glasses, each with the mirror image, and the model of their shapes."""
    mean = np.mean([donor.points for donor in everybody], axis=0)
    order = mirror_order(mean)
    mean = (mean + flip(mean, order)) / 2
    ahead = [donor for donor in everybody if abs(yaw_of(donor.points)) < LARGEST_YAW]
    plain = [donor for donor in ahead if fine_contrast(donor, mean) < MOST_FINE_CONTRAST]
    donors = plain + [mirrored(donor, order) for donor in plain]
    return donors, fit_shapes(donors)


def yaw_of(points: np.ndarray) -> np.ndarray:
    """How far the nose tip lies off the middle of the cheeks, in face widths; 0 is frontal."""
    left, right = points[..., LEFT_CHEEK, 0], points[..., RIGHT_CHEEK, 0]
    return (points[..., at.NOSE_TIP, 0] - (left + right) / 2) / (right - left)


def mouth_of(points: np.ndarray) -> np.ndarray:
    """Opening and width of the mouth in face heights, (..., 2)."""
    upper, lower = at.LIPS_INNER_UPPER, at.LIPS_INNER_LOWER
    middle, corners = len(upper) // 2, at.LIPS_OUTER_UPPER[:: len(at.LIPS_OUTER_UPPER) - 1]
    opening = points[..., lower[middle], :] - points[..., upper[middle], :]
    width = points[..., corners[1], :] - points[..., corners[0], :]
    return np.linalg.norm(np.stack([opening, width], -2), axis=-1) / morph.FACE_PX


def mirror_order(points: np.ndarray) -> np.ndarray:
    """For each point of the mean shape, the index of its mirror image."""
    flipped = flip(points, np.arange(len(points)))
    landmarks = linear_sum_assignment(cdist(flipped[:LANDMARKS], points[:LANDMARKS]))[1]
    return np.concatenate([landmarks, np.arange(LANDMARKS, len(points))[::-1]])


def flip(points: np.ndarray, order: np.ndarray) -> np.ndarray:
    flipped = points[order].copy()
    flipped[:, 0] = morph.SIZE_PX - 1 - flipped[:, 0]
    return flipped


def mirrored(donor: Donor, order: np.ndarray) -> Donor:
    image, matte = (np.ascontiguousarray(a[:, ::-1]) for a in (donor.image, donor.matte))
    return Donor(donor.person, donor.female, donor.age, image, matte, flip(donor.points, order))


def fine_contrast(donor: Donor, shape: np.ndarray) -> float:
    """Of the bridge of the nose and the skin under the eyes, where glasses have their rims; 2 is usual."""
    grey = cv2.cvtColor(donor.image, cv2.COLOR_RGB2GRAY)
    grey = morph.sample(grey, morph.warp_map(donor.points, shape))
    grey = grey / grey[makeup.fill(shape, at.FACE_OVAL, 0.5) > 0.5].std()
    fine = grey - morph.blur(grey, 4.0)
    under = np.maximum(*(makeup.hull(shape, part, 0, 0.5) for part in UNDER_EYES)) > 0.5
    bridge = makeup.hull(shape, BRIDGE, 0, 0.5) > 0.5
    return float(fine[under].std() + fine[bridge].std()) / 0.225


def fit_shapes(donors: list[Donor]) -> ShapeModel:
    """Least squares of the shape on gender, age, yaw and mouth."""
    points = np.stack([donor.points for donor in donors])
    mouth = mouth_of(points)
    people = [(1.0, donor.female - 0.5, (donor.age - 55) / 10) for donor in donors]
    traits = np.column_stack([people, yaw_of(points), mouth - mouth.mean(0)])
    slopes = np.linalg.lstsq(traits, points.reshape(len(donors), -1), rcond=None)[0]
    return ShapeModel(*slopes.reshape(6, -1, 2).astype(np.float32))


def neutral(donor: Donor, model: ShapeModel) -> np.ndarray:
    """The donor's shape turned to the front."""
    return donor.points - yaw_of(donor.points) * model.yaw


def layout(image: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """A coarse portrait in colour and outline: what is to be alike in a blend, and unlike in a troupe."""
    lab = makeup.to_lab(image) / 100 * matte[..., None]
    coarse = cv2.resize(np.dstack([lab, 0.6 * matte]), (24, 24), interpolation=cv2.INTER_AREA)
    return coarse[:20].ravel()


def layouts(donors: list[Donor], model: ShapeModel) -> np.ndarray:
    """The layout of every donor in the mean shape, (N, D)."""
    maps = [morph.warp_map(donor.points, model.mean) for donor in donors]
    return np.stack(
        [
            layout(morph.sample(d.image, m), morph.sample(d.matte, m))
            for d, m in zip(donors, maps, strict=True)
        ]
    )
