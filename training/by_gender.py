"""Do realizers for women and men apart beat the common one? On the test people of each gender.

    python -m training.by_gender --data ../shared/data --landmarks DIR --weights webcast/bundle/weights \\
        --common runs/all/export --female runs/female/export --male runs/male/export

All three should have gone on from one and the same, for as many steps (`training.realizer --start-from`, with
`--gender` or without). The measures are those of `training.prove`, and the cosine between what the embedder
sees of the realized face and of its photo.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training.faces import test_photos
from training.prove import Evidence, Report, error, fit_to, texture_features
from training.realism import kid_of_pairs
from training.realizer import FrozenEmbedder, read_genders
from webcast.build import load_translator
from webcast.tensors import to_tensor
from webcast.types import Realizer

MEASURES = ("drawings", "realizer", "mean absolute error", "KID", "likeness")


@torch.inference_mode()
def likeness(embedder: FrozenEmbedder, made: list[Image.Image], photos: list[Image.Image]) -> float:
    """Mean cosine between the embeddings of pictures and of their photos."""
    vectors = [embedder(to_tensor(pictures, embedder.size_px) * 2 - 1)[1] for pictures in (made, photos)]
    return float((vectors[0] * vectors[1]).sum(1).mean())


def measure(
    report: Report,
    embedder: FrozenEmbedder,
    realizers: dict[str, Realizer],
    pairs: list[tuple[str, np.ndarray, np.ndarray]],
) -> None:
    """A row for each kind of drawing and each realizer."""
    for kind in dict.fromkeys(kind for kind, _, _ in pairs):
        drawings = [Image.fromarray(drawing) for k, drawing, _ in pairs if k == kind]
        photos = [Image.fromarray(photo) for k, _, photo in pairs if k == kind]
        for name, realizer in realizers.items():
            made = realizer.realize(drawings)
            truth = fit_to(made[0].width)(photos)
            textures = [texture_features(embedder, pictures) for pictures in (made, truth)]
            mean, deviation = kid_of_pairs(*textures)
            report.row(
                kind,
                name,
                f"{error(made, truth):.1f}",
                f"{mean:.3f} ± {deviation:.3f}",
                f"{likeness(embedder, made, truth):.3f}",
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/ and drawn/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--weights", type=Path, required=True, help="a folder of weights, for its embedder")
    for name in ("common", "female", "male"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="a realizer's folder")
    args = parser.parse_args()
    genders = read_genders(args.data / "portraits/people.csv")
    photos, report = test_photos(args.data, args.landmarks), Report()
    for gender in ("female", "male"):
        own = [photo for photo in photos if genders[photo.person] == gender]
        pairs = list(Evidence(own, args.data, args.landmarks).pairs())
        folders = {"common": args.common, gender: getattr(args, gender)}
        realizers = {
            name: load_translator(folder, torch.device("cpu"), "drawn-to-photo")
            for name, folder in folders.items()
        }
        report.table(f"Realizing {len(pairs) // 2} {gender} people", MEASURES)
        measure(report, FrozenEmbedder(args.weights / "embedder"), realizers, pairs)


if __name__ == "__main__":
    main()
