"""U-GAT-IT: the unpaired translator with attention that webcast uses unless told otherwise.

Paper: Kim, Kim, Kang, Lee, "U-GAT-IT" (ICLR 2020, arXiv 1907.10830); networks in `webcast.networks.ugatit`.
Reference implementation: znxlwm/UGATIT-pytorch, `UGATIT.py`.

Least-squares adversarial losses on patches and on the class activation maps of a global and a local
discriminator for each domain, L1 cycle and identity losses, and a cross entropy that teaches the generators'
attention which pictures need translation. Adam with weight decay, constant for the first half of the steps
and then linearly to nothing; rho is kept within 0 and 1 after every step.

Deliberate differences, none of which changes a loss beyond rounding: fakes are computed once, and
discriminators see them detached; discriminators are frozen while the generators learn; the passes of a
generator over real pictures are one batch; Adam is fused. Pictures keep their aspect ratio
(`training.data`). What is exported are moving averages of the generators; `--ema-decay 0` gives the paper's.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F

from training.loop import Recipe
from training.translate import adam, beside, freeze, grid, half_constant
from webcast.errors import WebcastError
from webcast.networks.ugatit import Discriminator, Generator
from webcast.weights import write_stage

SMALLEST_PX = 96  # the global discriminator halves a picture five times


@dataclass(frozen=True)
class Settings:
    """The paper's, but for `size_px`, which it has at 256."""

    size_px: int = field(default=256, metadata={"help": "side of the pictures in pixels"})
    light: bool = field(
        default=False, metadata={"help": "10.6 M parameters a generator; the full one has 279 M at 256 px"}
    )
    channels: int = field(default=64, metadata={"help": "width of the first layer"})
    blocks: int = field(default=4, metadata={"help": "residual blocks on each side of the attention"})
    learning_rate: float = field(default=1e-4, metadata={"help": "Adam's, before it falls"})
    weight_decay: float = field(default=1e-4, metadata={"help": "Adam's L2 penalty"})
    adversarial_weight: float = field(default=1, metadata={"help": "of the least-squares losses"})
    cycle_weight: float = field(default=10, metadata={"help": "of the way there and back"})
    identity_weight: float = field(default=10, metadata={"help": "of leaving pictures of the target alone"})
    cam_weight: float = field(default=1000, metadata={"help": "of the generators' attention"})


class UGATIT(Recipe):
    averaged = ("gen_ab", "gen_ba")

    def __init__(self, settings: Settings, shown: dict[str, Tensor]) -> None:
        self.settings = s = settings
        self.shown = shown
        if s.size_px < SMALLEST_PX or s.size_px % 4:
            raise WebcastError(f"U-GAT-IT takes a --size-px of {SMALLEST_PX} or more, a multiple of 4.")
        self.generators = ("gen_ab", "gen_ba")
        self.discriminators = {"a": ("global_a", "local_a"), "b": ("global_b", "local_b")}
        self.networks: dict[str, nn.Module] = {
            name: Generator(s.size_px, s.light, s.channels, s.blocks) for name in self.generators
        }
        for domain in "ab":
            self.networks[f"global_{domain}"] = Discriminator(layers=7, channels=s.channels)
            self.networks[f"local_{domain}"] = Discriminator(layers=5, channels=s.channels)
        judges = [self.networks[name] for names in self.discriminators.values() for name in names]
        self.optimizers = {
            "generators": adam([self.networks[n] for n in self.generators], s.learning_rate, s.weight_decay),
            "discriminators": adam(judges, s.learning_rate, s.weight_decay),
        }

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        real_a, real_b = batch["real_a"], batch["real_b"]
        both = torch.cat([real_a, real_b])
        (fake_b, same_b), (cam_ab, cam_bb) = translate(self.networks["gen_ab"], both)
        (same_a, fake_a), (cam_aa, cam_ba) = translate(self.networks["gen_ba"], both)
        losses = self.train_discriminators(real_a, real_b, fake_a.detach(), fake_b.detach(), accelerator)

        s = self.settings
        rec_a, _, _ = self.networks["gen_ba"](fake_b)
        rec_b, _, _ = self.networks["gen_ab"](fake_a)
        parts = {
            "gen_adversarial": self.fooled("a", fake_a, accelerator) + self.fooled("b", fake_b, accelerator),
            "cycle": F.l1_loss(rec_a, real_a) + F.l1_loss(rec_b, real_b),
            "identity": F.l1_loss(same_a, real_a) + F.l1_loss(same_b, real_b),
            "cam": attention(cam_ba, cam_aa) + attention(cam_ab, cam_bb),
        }
        weights = (s.adversarial_weight, s.cycle_weight, s.identity_weight, s.cam_weight)
        accelerator.backward(sum(w * part for w, part in zip(weights, parts.values(), strict=True)))
        self.optimizers["generators"].step()
        self.optimizers["generators"].zero_grad()
        for name in self.generators:
            clip_rho(self.networks[name])
        return losses | {name: part.detach() for name, part in parts.items()}

    def train_discriminators(
        self, real_a: Tensor, real_b: Tensor, fake_a: Tensor, fake_b: Tensor, accelerator: Accelerator
    ) -> dict[str, Tensor]:
        losses = {}
        for domain, real, fake in (("a", real_a, fake_a), ("b", real_b, fake_b)):
            judges = [self.networks[name] for name in self.discriminators[domain]]
            # Two passes: each moves the spectral norm's estimate, as in the reference.
            both = torch.cat([real, fake])
            told = [reals_from_fakes(*judge(both, passes=2)[:2]) for judge in judges]
            losses[f"disc_{domain}"] = self.settings.adversarial_weight * sum(told)
        accelerator.backward(sum(losses.values()))
        self.optimizers["discriminators"].step()
        self.optimizers["discriminators"].zero_grad()
        return {name: loss.detach() for name, loss in losses.items()}

    def fooled(self, domain: str, fake: Tensor, accelerator: Accelerator) -> Tensor:
        """How far the frozen discriminators of a domain are from taking the fakes for real."""
        judges = [accelerator.unwrap_model(self.networks[name]) for name in self.discriminators[domain]]
        with freeze(judges):
            return sum(toward(*judge(fake)[:2], 1) for judge in judges)

    def rate(self, step: int, max_steps: int) -> float:
        return half_constant(step, max_steps)

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        s = self.settings
        config = {"name": "ugatit", "size_px": s.size_px, "light": s.light, "blocks": s.blocks}
        config["channels"] = s.channels
        for name, direction in (("gen_ab", "drawn-to-photo"), ("gen_ba", "photo-to-drawn")):
            write_stage(folder / direction, config | {"direction": direction}, networks[name])

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        gen_ab, gen_ba = networks["gen_ab"], networks["gen_ba"]
        return grid(lambda x: gen_ab(x)[0], lambda x: gen_ba(x)[0], beside(self.shown, gen_ab))


def translate(generator: nn.Module, both: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """One pass over the pictures of both domains, real_a first; pictures and CAM logits, each for a and b."""
    pictures, logits, _ = generator(both)
    return pictures.chunk(2), logits.chunk(2)


def toward(patches: Tensor, logits: Tensor, truth: float) -> Tensor:
    """The least-squares loss of a discriminator's patches and of its CAM logits."""
    return (patches - truth).square().mean() + (logits - truth).square().mean()


def reals_from_fakes(patches: Tensor, logits: Tensor) -> Tensor:
    """A discriminator's loss, whose judgements are of as many real pictures as of fakes after them."""
    on_real, on_fake = zip(patches.chunk(2), logits.chunk(2), strict=True)
    return toward(*on_real, 1) + toward(*on_fake, 0)


def attention(translated: Tensor, unchanged: Tensor) -> Tensor:
    """CAM logits (N, 2) must say 1 for pictures to translate and 0 for those of the target domain."""
    return F.binary_cross_entropy_with_logits(
        translated, torch.ones_like(translated)
    ) + F.binary_cross_entropy_with_logits(unchanged, torch.zeros_like(unchanged))


@torch.no_grad()
def clip_rho(generator: nn.Module) -> None:
    """Keeps the mix of instance and layer norm within 0 and 1, after every generator step."""
    for name, parameter in generator.named_parameters():
        if name.endswith("rho"):
            parameter.clamp_(0, 1)
