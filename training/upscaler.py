"""Trains the upscaler: Real-ESRGAN's compact network (SRVGGNetCompact) on drawings and photos.

    accelerate launch -m training.upscaler --data ../shared/data --landmarks DIR --output-dir runs/upscaler

Paper: Wang, Xie, Dong, Shan, "Real-ESRGAN" (2021, arXiv 2107.10833); network: `realesrgan.archs.srvgg_arch`.
Pictures are degraded by the paper's second-order model, in short: blur, resize, noise, JPEG, twice over.
Deliberate differences: milder ranges, since webtoons are published clean; an L1 loss and a loss on local
contrast, no adversarial loss, so that no detail is invented that the embedder would take for a feature.
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

from training.faces import Jitter, cut_head, read_rgb, training_photos
from training.loop import Recipe, made_by, seeded, shuffled, train
from training.render import SCHOOLS, render
from training.split import is_test_frame
from training.stage_flags import add_run_flags, loop_config
from webcast.networks.srvgg import SRVGGNetCompact
from webcast.weights import read_tensors, write_stage

SCALE = 4
INTERPOLATIONS = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)


class SmallAndLarge(Dataset):
    """Sample `n`: `large` float32 (3, P, P) and `small` (3, P/4, P/4), both in 0 to 1."""

    def __init__(self, data: Path, landmarks: Path, patch_px: int, seed: int) -> None:
        photos = training_photos(data, landmarks)
        self.portraits = [p for p in photos if "portraits" in p.path.parts]
        frames = [p for p in sorted((data / "drawn/anime").glob("*.jpg")) if not is_test_frame(p.name)]
        self.drawings = frames + [d for p in photos for d in p.drawings]
        self.patch_px, self.seed = patch_px, seed

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        cv2.setNumThreads(1)
        rng = seeded(self.seed, number)
        picture = self.portrait(number, rng) if rng.random() < 0.45 else self.drawing(number, rng)
        y, x = (rng.integers(0, max(1, s - self.patch_px + 1)) for s in picture.shape[:2])
        large = np.ascontiguousarray(picture[y : y + self.patch_px, x : x + self.patch_px])
        return {"large": as_tensor(large), "small": as_tensor(degrade(large, rng))}

    def portrait(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """A portrait's head, half of the time drawn by our renderer."""
        photo = self.portraits[shuffled(len(self.portraits), self.seed, number)]
        crop, points = cut_head(read_rgb(photo.path), photo.points, 256, rng, Jitter.draw(rng))
        return render(crop, points, SCHOOLS[rng.integers(3)], rng)[0] if rng.random() < 0.5 else crop

    def drawing(self, number: int, rng: np.random.Generator) -> np.ndarray:
        image = read_rgb(self.drawings[shuffled(len(self.drawings), self.seed, number)])
        return image[:, ::-1] if rng.random() < 0.5 else image


def as_tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).float() / 255


def degrade(large: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a reader's copy looks like: a quarter of the size, after blur, resizing, noise and JPEG, twice."""
    target = large.shape[0] // SCALE
    image = large
    for order in range(2):
        if rng.random() < (0.6 if order == 0 else 0.3):
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.2, 1.6 if order == 0 else 0.8))
        size = target if order else int(large.shape[0] * rng.uniform(0.25, 1.0))
        image = cv2.resize(image, (size, size), interpolation=INTERPOLATIONS[rng.integers(3)])
        if rng.random() < 0.3:
            noise = rng.normal(0, rng.uniform(1, 7), image.shape)
            image = np.clip(image + noise, 0, 255).astype(np.uint8)
        if rng.random() < 0.5:
            quality = int(rng.integers(45, 96))
            image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)
    return image


@torch.no_grad()
def start_lively(network: nn.Module) -> None:
    """He's initialisation, and a small last layer, so that it starts as nearest-neighbour enlargement.

    With torch's own the signal fades from layer to layer; with a large last layer the first steps only undo
    it. Either way the network stayed at nearest-neighbour for a thousand steps.
    """
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    for layer in convolutions:
        nn.init.kaiming_normal_(layer.weight, a=0.25)
        nn.init.zeros_(layer.bias)
    convolutions[-1].weight.mul_(0.05)


def contrast(image: Tensor) -> Tensor:
    """Differences between neighbours, so that edges count for more than flat colour."""
    return torch.cat(
        [(image[..., 1:] - image[..., :-1]).flatten(1), (image[..., 1:, :] - image[..., :-1, :]).flatten(1)],
        1,
    )


class UpscalerRecipe(Recipe):
    averaged = ("upscaler",)

    def __init__(self, learning_rate: float, features: int, convs: int) -> None:
        self.features, self.convs = features, convs
        self.networks: dict[str, nn.Module] = {
            "upscaler": SRVGGNetCompact(num_feat=features, num_conv=convs, upscale=SCALE)
        }
        start_lively(self.networks["upscaler"])
        parameters = self.networks["upscaler"].parameters()
        self.optimizers = {"upscaler": torch.optim.Adam(parameters, learning_rate, fused=True)}

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        guess = self.networks["upscaler"](batch["small"])
        pixel = F.l1_loss(guess, batch["large"])
        edge = F.l1_loss(contrast(guess), contrast(batch["large"]))
        accelerator.backward(pixel + edge)
        self.optimizers["upscaler"].step()
        self.optimizers["upscaler"].zero_grad()
        return {"pixel": pixel.detach(), "edge": edge.detach()}

    def rate(self, step: int, max_steps: int) -> float:
        return min(1.0, step / 100) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / max_steps)))

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        config = {"name": "realesrgan", "scale": SCALE, "features": self.features, "convs": self.convs}
        write_stage(folder, config, networks["upscaler"])

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        """Bicubic beside ours for a few samples of the stream."""
        samples = [self.shown[n] for n in range(4)]
        small = torch.stack([s["small"] for s in samples])
        ours = made_by(networks["upscaler"], small).clamp(0, 1)
        bicubic = F.interpolate(small, scale_factor=SCALE, mode="bicubic").clamp(0, 1)
        rows = [torch.cat([b, o, s["large"]], 2) for b, o, s in zip(bicubic, ours, samples, strict=True)]
        return (torch.cat(rows, 1).permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)

    shown: Dataset


def add_upscaler_flags(
    parser: argparse.ArgumentParser, max_steps: int, batch_size: int, patch_px: int, learning_rate: float
) -> None:
    """What every upscaler's training takes, with its own defaults."""
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/ and drawn/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--patch-px", type=int, default=patch_px, help="side of a large picture's part")
    add_run_flags(parser, max_steps, batch_size, learning_rate, save_every=250)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_upscaler_flags(parser, max_steps=6000, batch_size=8, patch_px=128, learning_rate=1e-3)
    parser.add_argument("--features", type=int, default=32)
    parser.add_argument("--convs", type=int, default=8)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    recipe = UpscalerRecipe(args.learning_rate, args.features, args.convs)
    if args.start_from:
        recipe.networks["upscaler"].load_state_dict(read_tensors(args.start_from))
    recipe.shown = SmallAndLarge(args.data, args.landmarks, args.patch_px, args.seed + 1)
    told = {
        "name": "upscaler",
        "patch_px": args.patch_px,
        "features": args.features,
        "convs": args.convs,
    }
    data = SmallAndLarge(args.data, args.landmarks, args.patch_px, args.seed)
    train(recipe, data, loop_config(args, 0.99, told), args.resume)


if __name__ == "__main__":
    main()
