"""A published face embedder, and how it looks at every training photo once for `training.embedder --teacher`.

The teacher is dlib's face recognition ResNet of 2017 (King, "Dlib-ml", JMLR 10, 2009), 128 numbers, in the
public domain (CC0). It learned from some three million photos; a pupil of ours gets one vector a photo:

    pip install dlib-bin==20.0.1
    pip download --no-deps face_recognition_models==0.3.0 && tar xf face_recognition_models-0.3.0.tar.gz
    python -m training.teacher --data ../shared/data --landmarks DIR --heads data/heads \\
        --models face_recognition_models-0.3.0/face_recognition_models/models --out teacher.npz

The file holds `vectors`, float32 (N, 128), and `people` (N,), whose head each is, in the order of the heads.
"""

import argparse
import importlib.util
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from training.drawings import ABOUT
from training.faces import FacePhoto, aligned_head, read_rgb, training_photos
from training.loop import seeded
from training.processes import fresh_processes
from training.whole_files import whole_file
from webcast.errors import WebcastError
from webcast.weights import sha256

POINTS, NETWORK = "shape_predictor_5_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = {
    POINTS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    NETWORK: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
}
HEAD_PX, CHIP_PX, PADDING = 256, 150, 0.25
PART = 32  # photos that one process looks at before it takes others
FACE = (0.2, 0.28, 0.8, 0.88)
"""Where dlib's own detector would put the face of an upright head, x0, y0, x1, y1 in parts of the side."""


class Teacher:
    """dlib's embedder; see `webcast.types.Embedder`. Raises `WebcastError` where it is not installed, or for
    other files than the published ones.
    """

    id = "dlib-resnet-2017"

    def __init__(self, models: Path) -> None:
        if importlib.util.find_spec("dlib") is None:
            raise WebcastError("dlib is not installed; pip install dlib-bin==20.0.1")
        for name, published in SHA256.items():
            if not (models / name).is_file() or sha256(models / name) != published:
                raise WebcastError(f"{models / name} is not the published file; see training/teacher.py.")
        import dlib  # is no dependency of ours

        self.revision = SHA256[NETWORK][:12]
        self._chip = dlib.get_face_chip
        self._face = dlib.rectangle(*(round(part * HEAD_PX) for part in FACE))
        self._find = dlib.shape_predictor(str(models / POINTS))
        self._network = dlib.face_recognition_model_v1(str(models / NETWORK))

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Upright RGB heads of any size in, each seen as it is and mirrored; unit float32 (N, 128) out."""
        chips = [self.chip(np.asarray(image.resize((HEAD_PX, HEAD_PX)))) for image in images]
        both = self.see([*chips, *(np.ascontiguousarray(chip[:, ::-1]) for chip in chips)])
        summed = both[: len(chips)] + both[len(chips) :]
        return summed / np.linalg.norm(summed, axis=1, keepdims=True)

    def chip(self, head: np.ndarray) -> np.ndarray:
        """What the network is shown of a head of HEAD_PX, uint8 (CHIP_PX, CHIP_PX, 3)."""
        return self._chip(head, self._find(head, self._face), CHIP_PX, PADDING)

    def see(self, chips: Sequence[np.ndarray]) -> np.ndarray:
        """The network's own vectors, float32 (N, 128)."""
        seen = [np.asarray(v) for v in self._network.compute_face_descriptor(list(chips))]
        return np.array(seen, np.float32).reshape(-1, 128)


def taught(models: Path, photos: list[FacePhoto]) -> np.ndarray:
    """The teacher's vectors of some photos, float32 (N, 128)."""
    teacher = Teacher(models)
    heads = (aligned_head(read_rgb(p.path), p.points, HEAD_PX, seeded(0, 0))[0] for p in photos)
    return teacher.see([teacher.chip(head) for head in heads])


def taught_in_parts(
    models: Path, photos: list[FacePhoto], mapped: Callable[..., Iterable[np.ndarray]]
) -> np.ndarray:
    """The same of many photos; `mapped` is `map`, or what a pool has for it."""
    parts = [photos[start : start + PART] for start in range(0, len(photos), PART)]
    seen = mapped(partial(taught, models), parts)
    return np.concatenate(list(tqdm(seen, total=len(parts), desc="teacher", unit="part")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/ and lfw/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--heads", type=Path, required=True, help="folder that training.drawings wrote")
    parser.add_argument("--models", type=Path, required=True, help="folder with dlib's .dat files")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--workers", type=int, default=2, help="processes that look")
    args = parser.parse_args()
    try:
        Teacher(args.models)
    except WebcastError as error:
        parser.error(str(error))
    photos = training_photos(args.data, args.landmarks)
    people = json.loads((args.heads / ABOUT).read_text(encoding="utf-8"))["people"]
    if people != [photo.person for photo in photos]:
        parser.error(f"{args.heads} holds heads of other photos; run training.drawings on these")
    with fresh_processes().Pool(args.workers) as pool:
        vectors = taught_in_parts(args.models, photos, pool.imap)
    with whole_file(args.out) as file:
        np.savez(file, vectors=vectors, people=np.array(people))


if __name__ == "__main__":
    main()
