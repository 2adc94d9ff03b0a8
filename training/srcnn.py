"""Trains SRCNN on drawings and photos, on the same samples as the bundled upscaler.

    accelerate launch -m training.srcnn --data ../shared/data --landmarks DIR --output-dir runs/srcnn

Paper and network: `webcast.networks.srcnn`. Deliberate differences: the samples are degraded as in
`training.upscaler`, not by bicubic reduction alone; an L1 loss, and Adam where the paper has plain gradient
descent, since ten minutes have to do what took the paper days.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from training.loop import Recipe, made_by, train
from training.stage_flags import loop_config
from training.upscaler import SCALE, SmallAndLarge, add_upscaler_flags
from webcast.networks.srcnn import SRCNN
from webcast.weights import read_tensors, write_stage


def bicubic(small: Tensor) -> Tensor:
    """What it starts from, as Pillow enlarges: float (N, 3, H, W) to (N, 3, `SCALE` H, `SCALE` W)."""
    return F.interpolate(small, scale_factor=SCALE, mode="bicubic", antialias=True).clamp(0, 1)


class SRCNNRecipe(Recipe):
    averaged = ("srcnn",)

    def __init__(self, learning_rate: float, shown: Dataset) -> None:
        self.shown = shown
        self.networks: dict[str, nn.Module] = {"srcnn": SRCNN()}
        self.networks["srcnn"].rebuild.weight.data.mul_(0.1)  # starts near the bicubic picture
        parameters = self.networks["srcnn"].parameters()
        self.optimizers = {"srcnn": torch.optim.Adam(parameters, learning_rate, fused=True)}

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        start = bicubic(batch["small"])
        loss = F.l1_loss(self.networks["srcnn"](start), batch["large"])
        accelerator.backward(loss)
        self.optimizers["srcnn"].step()
        self.optimizers["srcnn"].zero_grad()
        return {"pixel": loss.detach(), "pixel_bicubic": F.l1_loss(start, batch["large"])}

    def rate(self, step: int, max_steps: int) -> float:
        return min(1.0, step / 50) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / max_steps)))

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        config = {"name": "srcnn", "scale": SCALE, "features": 64, "middle": 32}
        write_stage(folder, config, networks["srcnn"])

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        """Bicubic, ours and the truth for a few samples of the stream."""
        samples = [self.shown[n] for n in range(4)]
        start = bicubic(torch.stack([s["small"] for s in samples]))
        ours = made_by(networks["srcnn"], start).clamp(0, 1)
        rows = [torch.cat([b, o, s["large"]], 2) for b, o, s in zip(start, ours, samples, strict=True)]
        return (torch.cat(rows, 1).permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_upscaler_flags(parser, max_steps=3000, batch_size=8, patch_px=64, learning_rate=1e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    shown = SmallAndLarge(args.data, args.landmarks, args.patch_px, args.seed + 1)
    recipe = SRCNNRecipe(args.learning_rate, shown)
    if args.start_from:
        recipe.networks["srcnn"].load_state_dict(read_tensors(args.start_from))
    told = {"name": "srcnn", "patch_px": args.patch_px}
    data = SmallAndLarge(args.data, args.landmarks, args.patch_px, args.seed)
    train(recipe, data, loop_config(args, 0.99, told), args.resume)


if __name__ == "__main__":
    main()
