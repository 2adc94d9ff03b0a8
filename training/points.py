"""Trains the detector's second look: five points on a head crop that is only roughly upright and framed.

    accelerate launch -m training.points --heads heads.npz --detector runs/detector/export \
        --output-dir runs/points

The heads are those of `training.heads`, turned, moved and scaled as the first look leaves them. The export is
the whole detector: the first look's weights, taken over as they are, and these.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import Dataset

from training.heads import Head, read_heads
from training.loop import Recipe, made_by, seeded, train
from training.page_parts import SHARES, printed, tinted, turned_over
from training.stage_flags import add_run_flags, loop_config
from webcast.align import POINTS_ON_HEAD, head_matrix, transform, warp
from webcast.detect import FaceNetworks
from webcast.networks.centerface import CenterFace
from webcast.networks.pointsnet import CROP_PX, PointsNet
from webcast.weights import load_network, read_config, read_tensors, setting, write_stage

TILT_DEGREES, STRAY_DEGREES = 40, 6  # of faces as the page has them, and after they were turned upright
SCALE, SHIFT = 0.12, 0.05  # standard deviations, the shift in parts of the crop's side
SHOWN = 32


class RoughCrops(Dataset):
    """Sample `n`: `crop` uint8 (3, 64, 64) and its `points` float32 (5, 2), in parts of the crop's side."""

    def __init__(self, heads: list[Head], seed: int) -> None:
        self.by_kind = {kind: [head for head in heads if head.kind == kind] for kind in SHARES}
        self.kinds = [kind for kind, found in self.by_kind.items() if found]
        shares = np.array([SHARES[kind] for kind in self.kinds])
        self.shares, self.seed = shares / shares.sum(), seed

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        cv2.setNumThreads(1)
        rng = seeded(self.seed, number)
        heads = self.by_kind[str(rng.choice(self.kinds, p=self.shares))]
        picture, points, _ = turned_over(heads[rng.integers(len(heads))], rng)
        matrix = strayed(head_matrix(points, CROP_PX), rng)
        crop = covered(seen_as(warp(tinted(picture, rng), matrix, CROP_PX), rng), rng)
        where = transform(points, matrix).astype(np.float32) / CROP_PX
        pixels = np.ascontiguousarray(printed(crop, rng).transpose(2, 0, 1))
        return {"crop": torch.from_numpy(pixels), "points": torch.from_numpy(where)}


def strayed(matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The transform to an upright crop, turned, scaled and moved as a first look errs."""
    is_turned = rng.random() < 0.6
    degrees = rng.uniform(-TILT_DEGREES, TILT_DEGREES) if is_turned else rng.normal(0, STRAY_DEGREES)
    middle = CROP_PX / 2
    error = cv2.getRotationMatrix2D((middle, middle), degrees, float(np.exp(rng.normal(0, SCALE))))
    error[:, 2] += rng.normal(0, SHIFT * CROP_PX, 2)
    return error @ np.vstack([matrix, (0, 0, 1)])


def seen_as(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Now and then as a face that was small on the page."""
    if rng.random() < 0.6:
        return crop
    small = int(rng.integers(18, CROP_PX))
    reduced = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(reduced, (CROP_PX, CROP_PX), interpolation=cv2.INTER_LINEAR)


def covered(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Now and then cut by a panel's edge or a bubble."""
    if rng.random() < 0.2:
        turns, depth = int(rng.integers(4)), int(rng.uniform(0.1, 0.4) * CROP_PX)
        np.rot90(crop, turns)[:depth] = rng.choice([rng.uniform(0, 255, 3), np.full(3, 255.0)])
    return crop


class PointsRecipe(Recipe):
    averaged = ("points",)

    def __init__(self, learning_rate: float, channels: int, detector: Path, shown: Dataset) -> None:
        self.channels, self.shown = channels, shown
        self.first_channels = setting(read_config(detector), "channels", int, detector)
        self.first = CenterFace(self.first_channels)
        load_network(self.first, detector)
        network = PointsNet(channels).to(memory_format=torch.channels_last)
        nn.init.zeros_(network.out.weight)  # it starts at everybody's points
        network.out.bias.data = torch.tensor(POINTS_ON_HEAD, dtype=torch.float32).flatten()
        self.networks: dict[str, nn.Module] = {"points": network}
        self.optimizers = {
            "points": torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=1e-2, fused=True)
        }

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        pixels = batch["crop"].contiguous(memory_format=torch.channels_last).float() / 255
        loss = (self.networks["points"](pixels) - batch["points"]).abs().mean()
        accelerator.backward(loss)
        self.optimizers["points"].step()
        self.optimizers["points"].zero_grad()
        return {"points": loss.detach()}

    def rate(self, step: int, max_steps: int) -> float:
        """Warm up over 100 steps, then half a cosine down to 1 %."""
        return min(1.0, step / 100) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / max_steps)))

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        config = {"name": "centerface", "channels": self.first_channels, "points_channels": self.channels}
        write_stage(folder, config, FaceNetworks(self.first, networks["points"]))

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        """Points on crops that are in no training."""
        crops = torch.stack([self.shown[number]["crop"] for number in range(SHOWN)])
        found = made_by(networks["points"], crops.float() / 255).numpy()
        marked = []
        for crop, points in zip(crops.permute(0, 2, 3, 1).numpy(), found, strict=True):
            large = cv2.resize(crop, (2 * CROP_PX, 2 * CROP_PX), interpolation=cv2.INTER_NEAREST)
            for point in points * 2 * CROP_PX:
                cv2.circle(large, point.astype(int).tolist(), 2, (255, 0, 0), -1)
            marked.append(large)
        return np.vstack([np.hstack(marked[i : i + 8]) for i in range(0, SHOWN, 8)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--heads", type=Path, required=True, help="the file that training.heads wrote")
    parser.add_argument("--detector", type=Path, required=True, help="export/ of training.detector")
    parser.add_argument("--channels", type=int, default=32)
    add_run_flags(parser, 2500, 64, 2e-3, 250, "heads")
    args = parser.parse_args()
    heads, _, _ = read_heads(args.heads)
    torch.manual_seed(args.seed)
    shown = RoughCrops(heads, args.seed + 1)
    recipe = PointsRecipe(args.learning_rate, args.channels, args.detector, shown)
    if args.start_from:
        both = read_tensors(args.start_from)
        own = {name.removeprefix("points."): both[name] for name in both if name.startswith("points.")}
        recipe.networks["points"].load_state_dict(own)
    told = {
        "name": "points",
        "channels": args.channels,
        "detector": str(args.detector),
        "heads": len(heads),
    }
    train(recipe, RoughCrops(heads, args.seed), loop_config(args, 0.99, told), args.resume)


if __name__ == "__main__":
    main()
