"""CycleGAN: the unpaired translator that the others grew from.

Paper: Zhu, Park, Isola, Efros (ICCV 2017, arXiv 1703.10593); networks in `webcast.networks.cyclegan`.
Reference implementation: junyanz/pytorch-CycleGAN-and-pix2pix, `models/cycle_gan_model.py`.

Least-squares adversarial losses, L1 cycle and identity losses, a pool of fifty older fakes for each
discriminator; Adam, constant for the first half of the steps and then linearly to nothing. The generators
learn first, as in the reference.

Deliberate differences: the passes of a generator over real pictures are one batch and Adam is fused, which
change no loss beyond rounding; the learning rate falls by step, not by epoch; pictures keep their aspect
ratio (`training.data`). What is exported are moving averages; `--ema-decay 0` gives the paper's.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F

from training.loop import Recipe
from training.translate import ImagePool, adam, beside, freeze, grid, half_constant
from webcast.networks.cyclegan import Discriminator, Generator, normal_weights
from webcast.weights import write_stage


@dataclass(frozen=True)
class Settings:
    size_px: int = field(default=256, metadata={"help": "side of the pictures in pixels"})
    channels: int = field(default=64, metadata={"help": "width of the first layer"})
    blocks: int = field(default=9, metadata={"help": "residual blocks; the paper has 6 at 128 px"})
    learning_rate: float = field(default=2e-4, metadata={"help": "Adam's, before it falls"})
    cycle_weight: float = field(default=10, metadata={"help": "of the way there and back"})
    identity_weight: float = field(default=5, metadata={"help": "of leaving pictures of the target alone"})
    pool_size: int = field(default=50, metadata={"help": "older fakes kept for a discriminator, 0 for none"})


class CycleGAN(Recipe):
    averaged = ("gen_ab", "gen_ba")

    def __init__(self, settings: Settings, shown: dict[str, Tensor]) -> None:
        self.settings = s = settings
        self.shown = shown
        self.networks: dict[str, nn.Module] = {
            "gen_ab": Generator(s.channels, s.blocks),
            "gen_ba": Generator(s.channels, s.blocks),
            "disc_a": Discriminator(s.channels),
            "disc_b": Discriminator(s.channels),
        }
        for network in self.networks.values():
            normal_weights(network)
        nets = self.networks
        self.optimizers = {
            "generators": adam([nets["gen_ab"], nets["gen_ba"]], s.learning_rate),
            "discriminators": adam([nets["disc_a"], nets["disc_b"]], s.learning_rate),
        }
        self.pools = {domain: ImagePool(s.pool_size, seed) for seed, domain in enumerate("ab")}

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        real_a, real_b = batch["real_a"], batch["real_b"]
        gen_ab, gen_ba = self.networks["gen_ab"], self.networks["gen_ba"]
        both = torch.cat([real_a, real_b])
        fake_b, same_b = gen_ab(both).chunk(2)
        same_a, fake_a = gen_ba(both).chunk(2)
        parts = {
            "gen_adversarial": self.fooled("a", fake_a, accelerator) + self.fooled("b", fake_b, accelerator),
            "cycle": F.l1_loss(gen_ba(fake_b), real_a) + F.l1_loss(gen_ab(fake_a), real_b),
            "identity": F.l1_loss(same_a, real_a) + F.l1_loss(same_b, real_b),
        }
        weights = (1, self.settings.cycle_weight, self.settings.identity_weight)
        accelerator.backward(sum(w * part for w, part in zip(weights, parts.values(), strict=True)))
        self.optimizers["generators"].step()
        self.optimizers["generators"].zero_grad()
        told = self.train_discriminators({"a": (real_a, fake_a), "b": (real_b, fake_b)}, accelerator)
        return {name: part.detach() for name, part in parts.items()} | told

    def fooled(self, domain: str, fake: Tensor, accelerator: Accelerator) -> Tensor:
        judge = accelerator.unwrap_model(self.networks[f"disc_{domain}"])
        with freeze([judge]):
            return (judge(fake) - 1).square().mean()

    def train_discriminators(
        self, pictures: dict[str, tuple[Tensor, Tensor]], accelerator: Accelerator
    ) -> dict[str, Tensor]:
        losses = {}
        for domain, (real, fake) in pictures.items():
            older = self.pools[domain].swap(fake.detach(), accelerator)
            told_real, told_fake = self.networks[f"disc_{domain}"](torch.cat([real, older])).chunk(2)
            losses[f"disc_{domain}"] = ((told_real - 1).square().mean() + told_fake.square().mean()) / 2
        accelerator.backward(sum(losses.values()))
        self.optimizers["discriminators"].step()
        self.optimizers["discriminators"].zero_grad()
        return {name: loss.detach() for name, loss in losses.items()}

    def rate(self, step: int, max_steps: int) -> float:
        return half_constant(step, max_steps)

    def state(self) -> dict[str, Any]:
        return {domain: pool.state() for domain, pool in self.pools.items()}

    def restore(self, state: dict[str, Any], device: torch.device) -> None:
        for domain, pool in self.pools.items():
            pool.restore(state[domain], device)

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        s = self.settings
        config = {"name": "cyclegan", "size_px": s.size_px, "channels": s.channels, "blocks": s.blocks}
        for name, direction in (("gen_ab", "drawn-to-photo"), ("gen_ba", "photo-to-drawn")):
            write_stage(folder / direction, config | {"direction": direction}, networks[name])

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        gen_ab, gen_ba = networks["gen_ab"], networks["gen_ba"]
        return grid(gen_ab, gen_ba, beside(self.shown, gen_ab))
