"""Kernel inception distance between two sets of features (Binkowski et al. 2018, arXiv 1801.01401).

The unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3, averaged over random subsets.
"""

import numpy as np


def kid(a: np.ndarray, b: np.ndarray, subset: int, subsets: int, seed: int = 0) -> tuple[float, float]:
    """Mean and standard error over `subsets` draws of `subset` rows each; a and b are float (N, D)."""
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


def squared_mmd(a: np.ndarray, b: np.ndarray) -> float:
    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def off_diagonal_mean(k: np.ndarray) -> float:
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    return off_diagonal_mean(kernel(a, a)) + off_diagonal_mean(kernel(b, b)) - 2 * kernel(a, b).mean()
