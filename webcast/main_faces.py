"""Which of many faces are the main character's: those nearest to a reference, or to the densest face."""

import numpy as np

from webcast.errors import WebcastError

MOST = 250
DISTANCES = ("cosine", "euclidean")


def main_faces(
    vectors: np.ndarray, count: int = MOST, reference: np.ndarray | None = None, distance: str = "cosine"
) -> list[int]:
    """Indices into `vectors`, float (N, D), of the main character's faces, nearest first, at most `count`.

    `reference` is the vector (D,) of a face known to be the character's. Without one it is the densest face,
    the one whose nearest quarter of all faces is nearest: who appears most often has most faces about it.
    `distance` is cosine or euclidean. Raises `WebcastError` for no face and for another distance.
    """
    if not len(vectors):
        raise WebcastError("There is no face to choose the main character's from.")
    if distance not in DISTANCES:
        raise WebcastError(f"There is no distance {distance!r}; choose one of {', '.join(DISTANCES)}.")
    centre = vectors[densest(vectors, distance)] if reference is None else reference
    return np.argsort(_apart(vectors, centre[None], distance)[:, 0], kind="stable")[:count].tolist()


def similarities(vectors: np.ndarray, centre: np.ndarray, distance: str) -> np.ndarray:
    """How alike each of (N, D) is to a vector (D,): the cosine, or 1 / (1 + the Euclidean distance), (N,)."""
    apart = _apart(vectors, centre[None], distance)[:, 0]
    return 1 - apart if distance == "cosine" else 1 / (1 + apart)


def densest(vectors: np.ndarray, distance: str) -> int:
    """The index of the face whose nearest quarter of the others is nearest on the mean."""
    neighbours = max(1, len(vectors) // 4)
    apart = np.sort(_apart(vectors, vectors, distance), axis=1)[:, 1 : neighbours + 1]
    return int(apart.mean(1).argmin()) if apart.size else 0


def _apart(a: np.ndarray, b: np.ndarray, distance: str) -> np.ndarray:
    """(N, D) and (M, D) to distances (N, M)."""
    if distance == "cosine":
        a, b = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in (a, b))
        return 1 - a @ b.T
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))
