"""Finds 478 landmarks in every photo of a folder and writes them to one file, once.

The renderer, the aligned crops and the morphs all start from these points. mediapipe (Lugaresi et al. 2019,
arXiv 1906.08172; face mesh: Kartynnik et al. 2019, arXiv 1907.06724) carries its models in the wheel up to
0.10.21 and wants numpy below 2, so this file alone runs in an environment of its own:

    python -m venv .venv-landmarks && .venv-landmarks/bin/pip install "mediapipe==0.10.21"
    .venv-landmarks/bin/python -m training.landmarks PHOTOS --out landmarks.npz

The file holds `paths` (str, relative to the folder) and `points` (float32, (N, 478, 2), x and y in pixels of
that picture). The largest face counts; photos without one are left out and counted.
"""

import argparse
from pathlib import Path

import cv2
import mediapipe as mp
import numpy as np
from tqdm import tqdm


def find_points(mesh, path: Path) -> np.ndarray | None:
    """Landmarks of the face in a picture, float32 (478, 2) in pixels, or None where there is none."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        return None
    found = mesh.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).multi_face_landmarks
    if not found:
        return None
    height, width = image.shape[:2]
    return np.array([(p.x * width, p.y * height) for p in found[0].landmark], dtype=np.float32)


def find_mask(segmentation, path: Path) -> np.ndarray:
    """The silhouette of the person in a picture, uint8 (256, 256)."""
    image = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    mask = segmentation.process(image).segmentation_mask
    return np.uint8(cv2.resize(mask, (256, 256), interpolation=cv2.INTER_AREA) * 255)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("photos", type=Path, help="folder of .jpg photos, searched with its subfolders")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--masks", action="store_true", help="write the silhouettes too")
    args = parser.parse_args()
    photos = sorted(args.photos.rglob("*.jpg"))
    paths, points = [], []
    with mp.solutions.face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=1, refine_landmarks=True
    ) as mesh:
        for path in tqdm(photos, desc="landmarks", unit="photo"):
            found = find_points(mesh, path)
            if found is not None:
                paths.append(path.relative_to(args.photos).as_posix())
                points.append(found)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    arrays = {"paths": np.array(paths), "points": np.stack(points)}
    if args.masks:
        with mp.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0) as segmentation:
            masks = [find_mask(segmentation, args.photos / path) for path in tqdm(paths, desc="masks")]
        arrays["masks"] = np.stack(masks)
    np.savez_compressed(args.out, **arrays)
    print(f"{len(paths)} of {len(photos)} photos have a face; wrote {args.out}")


if __name__ == "__main__":
    main()
