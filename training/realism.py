"""How near translated pictures come to real ones: distances between two sets of features, and the features.

KID: Binkowski, Sutherland, Arbel, Gretton, "Demystifying MMD GANs" (2018, arXiv 1801.01401), the unbiased
squared maximum mean discrepancy with the kernel (x.y / d + 1)^3, averaged over random subsets. FID: Heusel et
al., "GANs Trained by a Two Time-Scale Update Rule" (2017, arXiv 1706.08500), as torch-fidelity computes it.
Mean KID is what U-GAT-IT's authors compare (taki0112/GAN_Metrics-Tensorflow): half the KID to the target and
half the KID to the source, times 100. Deliberate difference: they average over blocks of ten pictures, which
expects the same value and scatters more.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from webcast.errors import WebcastError, WeightsError

INCEPTION = "weights-inception-2015-12-05-6726825d.pth"
INCEPTION_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
BATCH = 16
GROUPS = 10  # of people, each left out once by the jackknife


class Features(NamedTuple):
    """What pictures are compared by: a sentence that says so, and RGB pictures to float (N, D)."""

    told: str
    extract: Callable[[Sequence[Image.Image]], np.ndarray]


def kid(a: np.ndarray, b: np.ndarray, subset: int, subsets: int, seed: int = 0) -> tuple[float, float]:
    """Mean over `subsets` draws of `subset` rows, and the error of so few draws; a and b are float (N, D).

    The error says nothing of other pictures. Rows of one person on both sides make it too small: see
    `kid_of_pairs`.
    """
    if min(len(a), len(b)) < subset:
        raise ValueError(
            f"a subset of {subset} wants as many features on both sides, not {len(a)} and {len(b)}"
        )
    rng = np.random.default_rng(seed)
    values = [
        squared_mmd(
            rng.permutation(a)[:subset].astype(np.float64), rng.permutation(b)[:subset].astype(np.float64)
        )
        for _ in range(subsets)
    ]
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(subsets))


def kid_of_pairs(a: np.ndarray, b: np.ndarray, halvings: int = 500, seed: int = 0) -> tuple[float, float]:
    """KID, float (N, D), where a row of `a` and the same row of `b` show one person, and its standard error.

    Nobody is on both sides, or likeness of person would pass for likeness of style and give less than
    nothing: it is the mean over random halvings of the people, one half in `a` and the other in `b`. The
    error is over people, by a jackknife of ten groups.
    """

    def halved(people: np.ndarray) -> float:
        rng, half = np.random.default_rng(seed), len(people) // 2
        orders = (rng.permutation(people) for _ in range(halvings))
        return float(np.mean([squared_mmd(a[o[:half]], b[o[half : 2 * half]]) for o in orders]))

    a, b = a.astype(np.float64), b.astype(np.float64)
    group = np.random.default_rng(seed).permutation(len(a)) % GROUPS
    without = np.array([halved(np.flatnonzero(group != left)) for left in range(GROUPS)])
    spread = np.square(without - without.mean()).sum()
    return halved(np.arange(len(a))), float(np.sqrt((GROUPS - 1) / GROUPS * spread))


def squared_mmd(a: np.ndarray, b: np.ndarray) -> float:
    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def off_diagonal_mean(k: np.ndarray) -> float:
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    return off_diagonal_mean(kernel(a, a)) + off_diagonal_mean(kernel(b, b)) - 2 * kernel(a, b).mean()


def mean_kid(to_target: tuple[float, float], to_source: tuple[float, float]) -> tuple[float, float]:
    """U-GAT-IT's mean KID from the KIDs of the fakes to both domains, and its error, times 100."""
    return 50 * (to_target[0] + to_source[0]), 50 * (to_target[1] + to_source[1])


def fid(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of two normal distributions; too large by a bias that shrinks with more pictures."""
    from torch_fidelity.metric_fid import (
        KEY_METRIC_FID,
        fid_features_to_statistics,
        fid_statistics_to_metric,
    )

    statistics = [fid_features_to_statistics(torch.from_numpy(rows.astype(np.float64))) for rows in (a, b)]
    return fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]


def fid_with_error(a: np.ndarray, b: np.ndarray, groups: int = 10, seed: int = 0) -> tuple[float, float]:
    """FID and its standard error by the jackknife that leaves out one of `groups` parts of both sides.

    The error says nothing about the bias, which is the same only for equal numbers of pictures.
    """
    rng = np.random.default_rng(seed)
    places = [rng.permutation(len(rows)) % groups for rows in (a, b)]
    left = np.array([fid(a[places[0] != n], b[places[1] != n]) for n in range(groups)])
    return fid(a, b), float(np.sqrt((groups - 1) / groups * np.square(left - left.mean()).sum()))


def find_inception(file: Path | None) -> Path:
    """The weights of torch-fidelity's Inception, fetched once where no file is given.

    They are a pickle, so nothing but the one with the pinned hash is ever read. Raises `WeightsError` for
    another file, and `OSError` where it is neither here nor can be fetched.
    """
    path = file or Path(torch.hub.get_dir()) / "checkpoints" / INCEPTION
    if not path.exists():
        if file:
            raise WeightsError(f"{file} is missing; leave --inception out to fetch it.")
        from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(URL_INCEPTION_V3, str(path), INCEPTION_SHA256, progress=False)
        except RuntimeError as error:  # another hash; the file was not kept
            raise WeightsError(f"What {URL_INCEPTION_V3} holds is not what is pinned ({error}).") from None
    with path.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != INCEPTION_SHA256:
        raise WeightsError(
            f"{path} has SHA-256 {found[:12]}... and is not torch-fidelity's Inception, so it is not read; "
            "delete it."
        )
    return path


def inception(path: Path, device: torch.device) -> Features:
    """The 2048 pooled features of the Inception that KID and FID are published with."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    network = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path)
    ).to(device)

    @torch.inference_mode()
    def extract(images: Sequence[Image.Image]) -> np.ndarray:
        pixels = torch.stack([torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in images])
        parts = [network(part.to(device))[0].cpu() for part in pixels.split(BATCH)]
        return torch.cat(parts).numpy()

    return Features(f"Features: torch-fidelity's Inception ({INCEPTION_SHA256[:12]}), 2048 pooled.", extract)


def textures(embed: Callable[[Sequence[Image.Image]], np.ndarray], revision: str, why: str) -> Features:
    """Our embedder's features in Inception's place: good for comparing with themselves, with nobody else."""
    told = (
        f"Features: means and deviations of the first two stages of our embedder ({revision}), because "
        f"{why}. Distances by them compare with each other only, never with published ones."
    )
    return Features(told, embed)


def check_subset(subset: int, names: dict[str, int]) -> None:
    """Raises `WebcastError` where a side has too few pictures for a subset."""
    for name, count in names.items():
        if count < subset:
            raise WebcastError(f"{name} has {count} pictures; give more, or a --subset of at most {count}.")
