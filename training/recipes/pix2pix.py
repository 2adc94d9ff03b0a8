"""pix2pix: the translator for pairs, a drawing and a photo of the same face in the same place.

Paper: Isola, Zhu, Zhou, Efros (CVPR 2017, arXiv 1611.07004); networks in `webcast.networks.pix2pix`.
Reference implementation: junyanz/pytorch-CycleGAN-and-pix2pix, `models/pix2pix_model.py`.

An adversarial loss (cross entropy) by a discriminator that sees input and output together, and an L1 loss to
the other picture of the pair; Adam, constant for the first half of the steps and then linearly to nothing.

Deliberate differences: both directions are trained in one run, two translators that share nothing but the
data (`--no-both-directions` gives the paper's single one, drawn to photo); the learning rate falls by step,
not by epoch; Adam is fused; pictures keep their aspect ratio. What is exported are moving averages;
`--ema-decay 0` gives the paper's. Batch statistics are those of a process, and not of all of them.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F

from training.loop import Recipe
from training.translate import adam, as_picture, beside, freeze, half_constant, one_by_one
from webcast.errors import WebcastError
from webcast.networks.cyclegan import Discriminator, normal_weights
from webcast.networks.pix2pix import Generator, all_levels
from webcast.weights import write_stage

DIRECTIONS = {"ab": ("drawn-to-photo", "real_a", "real_b"), "ba": ("photo-to-drawn", "real_b", "real_a")}


@dataclass(frozen=True)
class Settings:
    size_px: int = field(default=256, metadata={"help": "side of the pictures, a power of two of 32 or more"})
    channels: int = field(default=64, metadata={"help": "width of the first layer"})
    learning_rate: float = field(default=2e-4, metadata={"help": "Adam's, before it falls"})
    l1_weight: float = field(default=100, metadata={"help": "of the distance to the pair's other picture"})
    both_directions: bool = field(default=True, metadata={"help": "photo to drawn as well"})


class Pix2Pix(Recipe):
    def __init__(self, settings: Settings, shown: dict[str, Tensor]) -> None:
        self.settings = s = settings
        self.shown = shown
        self.levels = all_levels(s.size_px)
        if s.size_px != 2**self.levels or self.levels < 5:
            raise WebcastError(f"pix2pix takes a --size-px of 32, 64, 128, 256 or 512, not {s.size_px}.")
        self.ways = ("ab", "ba") if s.both_directions else ("ab",)
        self.averaged = tuple(f"gen_{way}" for way in self.ways)
        self.networks: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        for way in self.ways:
            self.networks[f"gen_{way}"] = Generator(s.channels, self.levels)
            self.networks[f"disc_{way}"] = Discriminator(s.channels, inputs=6, norm=nn.BatchNorm2d)
        for name, network in self.networks.items():
            normal_weights(network)
            self.optimizers[name] = adam([network], s.learning_rate)

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        losses = {}
        for way in self.ways:
            _, source, target = DIRECTIONS[way]
            told = self.one_way(way, batch[source], batch[target], accelerator)
            losses |= {f"{name}_{way}": loss for name, loss in told.items()}
        return losses

    def one_way(self, way: str, source: Tensor, real: Tensor, accelerator: Accelerator) -> dict[str, Tensor]:
        """The discriminator's step and then the generator's, as in the reference."""
        judge, optimizers = self.networks[f"disc_{way}"], self.optimizers
        fake = self.networks[f"gen_{way}"](source)
        on_fake = judged(judge, source, fake.detach(), 0)
        disc = (on_fake + judged(judge, source, real, 1)) / 2
        accelerator.backward(disc)
        optimizers[f"disc_{way}"].step()
        optimizers[f"disc_{way}"].zero_grad()

        bare = accelerator.unwrap_model(judge)
        with freeze([bare]):
            adversarial = judged(bare, source, fake, 1)
        l1 = F.l1_loss(fake, real)
        accelerator.backward(adversarial + self.settings.l1_weight * l1)
        optimizers[f"gen_{way}"].step()
        optimizers[f"gen_{way}"].zero_grad()
        return {"disc": disc.detach(), "gen_adversarial": adversarial.detach(), "l1": l1.detach()}

    def rate(self, step: int, max_steps: int) -> float:
        return half_constant(step, max_steps)

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        sizes = {"size_px": self.settings.size_px, "channels": self.settings.channels, "levels": self.levels}
        for way in self.ways:
            direction = DIRECTIONS[way][0]
            write_stage(
                folder / direction,
                {"name": "pix2pix", **sizes, "direction": direction},
                networks[f"gen_{way}"],
            )

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        """For each direction the source, its fake and the pair's other picture, one below the other."""
        shown, rows = beside(self.shown, networks["gen_ab"]), []
        for way in self.ways:
            _, source, target = DIRECTIONS[way]
            fakes = one_by_one(networks[f"gen_{way}"], shown[source])
            rows += [shown[source], fakes, shown[target]]
        return as_picture(rows)


def judged(judge: nn.Module, source: Tensor, result: Tensor, truth: float) -> Tensor:
    """Cross entropy of the patches of source and result, seen together."""
    patches = judge(torch.cat([source, result], 1))
    return F.binary_cross_entropy_with_logits(patches, torch.full_like(patches, truth))
