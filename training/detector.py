"""Trains the detector: CenterFace on parts of composed pages.

    python -m training.heads --data ../shared/data --landmarks DIR --out heads.npz
    accelerate launch -m training.detector --heads heads.npz --output-dir runs/detector

Losses as in CenterNet (arXiv 1904.07850): a focal loss on the map of centres, L1 on the rest. Deliberate
difference: as in TTFNet (Liu et al. 2019, arXiv 1909.00700) every cell near a centre learns box and points,
not the one cell at the centre alone, which takes far fewer steps.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from training.heads import read_heads
from training.loop import Recipe, made_by, seeded, train
from training.page_parts import PageParts, PlacedFace
from training.stage_flags import add_run_flags, loop_config
from webcast.networks.centerface import OUTPUTS, STRIDE, CenterFace, decode
from webcast.weights import read_tensors, write_stage

SPREAD = 0.07  # standard deviation of a face's Gaussian on the map of centres, in sides of the face
NEAR = 0.35  # cells where the Gaussian is higher learn box and points
DOUBT = 0.3  # how far around a doubtful face's centre nothing is learnt, in sides of the face
SHOWN = 16
SHOWN_LIKELIHOOD = 0.4


class LabelledParts(Dataset):
    """Sample `n`: `image` uint8 (3, S, S) and the maps of `targets`."""

    def __init__(self, parts: PageParts, seed: int) -> None:
        self.parts, self.seed = parts, seed

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        cv2.setNumThreads(1)
        image, faces = self.parts.draw(seeded(self.seed, number))
        maps = targets(faces, self.parts.size_px // STRIDE)
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        return {"image": pixels, **{name: torch.from_numpy(value) for name, value in maps.items()}}


def targets(faces: list[PlacedFace], cells: int) -> dict[str, np.ndarray]:
    """What the network shall answer, float32.

    `heat` (cells, cells): 1 in the cell of a centre, falling around it. `care` (cells, cells): 0 where nobody
    can say whether there is a face. `values` (13, cells, cells): what `networks.centerface` gives after the
    heat. `weight` (cells, cells): how much they count there; a face's weights sum to 1.
    """
    heat, care = np.zeros((cells, cells), np.float32), np.ones((cells, cells), np.float32)
    values, weight = np.zeros((OUTPUTS - 1, cells, cells), np.float32), np.zeros((cells, cells), np.float32)
    middles = (np.arange(cells) + 0.5) * STRIDE
    for face in faces:
        near = np.abs(middles - face.centre[:, None]) < DOUBT * face.side
        if face.is_doubtful:
            care[np.ix_(near[1], near[0])] = 0
            continue
        column, row = (face.centre // STRIDE).astype(int)
        sigma = max(0.7, SPREAD * face.side / STRIDE)
        squares = [((np.arange(cells) - at) / sigma) ** 2 for at in (row, column)]
        bump = np.exp(-(squares[0][:, None] + squares[1]) / 2).astype(np.float32)
        own = (bump > NEAR) & (bump > heat)
        np.maximum(heat, bump, out=heat)
        offsets = np.concatenate([face.centre[None], face.points]).reshape(-1, 1, 1)
        axes = np.stack(np.broadcast_arrays(middles[None], middles[:, None]))
        relative = ((offsets - np.tile(axes, (6, 1, 1))) / face.side).astype(np.float32)
        side = np.full((1, cells, cells), np.log(face.side), np.float32)
        values[:, own] = np.concatenate([relative[:2], side, relative[2:]])[:, own]
        weight[own] = bump[own] / bump[own].sum()
    return {"heat": heat, "care": care, "values": values, "weight": weight}


def heat_loss(logits: Tensor, heat: Tensor, care: Tensor) -> Tensor:
    """CenterNet's focal loss over maps (N, H, W), a sum."""
    chance = logits.sigmoid()
    hit = (1 - chance) ** 2 * F.logsigmoid(logits)
    miss = (1 - heat) ** 4 * chance**2 * F.logsigmoid(-logits)
    return -(torch.where(heat == 1, hit, miss) * care).sum()


class DetectorRecipe(Recipe):
    averaged = ("detector",)

    def __init__(self, learning_rate: float, channels: int, shown: Dataset) -> None:
        self.channels, self.shown = channels, shown
        network = CenterFace(channels).to(memory_format=torch.channels_last)
        self.networks: dict[str, nn.Module] = {"detector": network}
        self.optimizers = {
            "detector": torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=1e-2, fused=True)
        }

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        pixels = batch["image"].contiguous(memory_format=torch.channels_last).float() / 255
        output = self.networks["detector"](pixels)
        faces = (batch["heat"] == 1).sum().clamp(min=1)
        heat = heat_loss(output[:, 0], batch["heat"], batch["care"]) / faces
        apart = (output[:, 1:] - batch["values"]).abs() * batch["weight"][:, None]
        box, points = apart[:, :3].sum() / faces, apart[:, 3:].sum() / faces
        accelerator.backward(heat + 2 * box + points)
        accelerator.clip_grad_norm_(self.networks["detector"].parameters(), 10.0)
        self.optimizers["detector"].step()
        self.optimizers["detector"].zero_grad()
        return {"heat": heat.detach(), "box": box.detach() / 3, "points": points.detach() / 10}

    def rate(self, step: int, max_steps: int) -> float:
        """Warm up over 100 steps, then half a cosine down to 1 %."""
        return min(1.0, step / 100) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / max_steps)))

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        write_stage(folder, {"name": "centerface", "channels": self.channels}, networks["detector"])

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        """Boxes and points on parts of pages that are in no training."""
        images = torch.stack([self.shown[number]["image"] for number in range(SHOWN)])
        found = decode(made_by(networks["detector"], images.float() / 255), SHOWN_LIKELIHOOD)
        pages = [
            marked(image.permute(1, 2, 0).numpy(), faces) for image, faces in zip(images, found, strict=True)
        ]
        return np.vstack([np.hstack(pages[i : i + 4]) for i in range(0, SHOWN, 4)])


def marked(page: np.ndarray, faces: Tensor) -> np.ndarray:
    """A page with boxes and points drawn on it."""
    page = np.ascontiguousarray(page)
    for face in faces.numpy():
        low, high = face[1:3] - face[3] / 2, face[1:3] + face[3] / 2
        cv2.rectangle(page, low.astype(int).tolist(), high.astype(int).tolist(), (0, 255, 0), 1)
        for point in face[4:].reshape(5, 2):
            cv2.circle(page, point.astype(int).tolist(), 1, (255, 0, 0), -1)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--heads", type=Path, required=True, help="the file that training.heads wrote")
    parser.add_argument("--part-px", type=int, default=256, help="side of a part of a page, of 32 a multiple")
    parser.add_argument("--channels", type=int, default=32)
    add_run_flags(parser, 3000, 16, 2e-3, 250, "parts of pages")
    args = parser.parse_args()
    parts = PageParts(*read_heads(args.heads), args.part_px)
    torch.manual_seed(args.seed)
    recipe = DetectorRecipe(args.learning_rate, args.channels, LabelledParts(parts, args.seed + 1))
    if args.start_from:
        recipe.networks["detector"].load_state_dict(read_tensors(args.start_from))
    told = {
        "name": "detector",
        "part_px": args.part_px,
        "channels": args.channels,
        "heads": sum(map(len, parts.by_kind.values())),
    }
    train(recipe, LabelledParts(parts, args.seed), loop_config(args, 0.99, told), args.resume)


if __name__ == "__main__":
    main()
