"""UVCGAN2: CycleGAN with a transformer in the generator's middle, and masked pre-training of the generator.

Paper: Torbunov et al., "UVCGAN v2" (2023, arXiv 2303.16280); networks in `webcast.networks.uvcgan2`.
Reference implementation: LS4GAN/uvcgan2, `scripts/anime2selfie`: `pretrain_` and `train_`.

First `--recipe uvcgan2-pretrain`: one generator for both domains learns to fill in pictures of which four
patches in ten are black (L1; AdamW, cosine with five restarts). Then `--recipe uvcgan2 --pretrained
RUN/export`: least-squares adversarial losses, L1 cycle and identity losses, a zero-centred gradient penalty
between real and fake, discriminators that see the features of the three pictures before, and a constant rate.

Deliberate differences: the passes of a generator over real pictures are one batch and Adam is fused, which
change no loss beyond rounding; pre-training goes without the reference's turns and colour jitter, and its
result is stored in half precision; pictures keep their aspect ratio (`training.data`). L1 losses are on the
paper's scale, 0 to 1. Batch statistics in the discriminators' heads are those of a process, not of all.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F

from training.loop import Recipe
from training.translate import adam, as_picture, beside, freeze, grid, one_by_one
from webcast.errors import WebcastError
from webcast.networks.uvcgan2 import Discriminator, Generator
from webcast.weights import load_network, write_stage

PATCH_PX, MASKED = 32, 0.4
RESTARTS = 5


@dataclass(frozen=True)
class Settings:
    size_px: int = field(default=256, metadata={"help": "side of the pictures, a multiple of 16"})
    channels: int = field(default=48, metadata={"help": "width of the generator's first layer, by threes"})
    blocks: int = field(default=12, metadata={"help": "transformer blocks"})
    disc_channels: int = field(default=64, metadata={"help": "width of the discriminators' first layer"})
    pretrained: str = field(default="", metadata={"help": "export/ of a run of uvcgan2-pretrain"})
    learning_rate: float = field(default=5e-5, metadata={"help": "Adam's for the generators"})
    disc_learning_rate: float = field(default=1e-4, metadata={"help": "Adam's for the discriminators"})
    cycle_weight: float = field(default=10, metadata={"help": "of the way there and back"})
    identity_weight: float = field(default=5, metadata={"help": "of leaving pictures of the target alone"})
    penalty_weight: float = field(
        default=0.01, metadata={"help": "of the discriminators' gradients, squared"}
    )
    queue_size: int = field(default=3, metadata={"help": "earlier pictures a discriminator sees, 0 for none"})


class UVCGAN2(Recipe):
    averaged = ("gen_ab", "gen_ba")

    def __init__(self, settings: Settings, shown: dict[str, Tensor]) -> None:
        self.settings = s = settings
        self.shown = shown
        check_size(s.size_px, s.channels)
        self.networks: dict[str, nn.Module] = {
            "gen_ab": Generator(s.channels, s.blocks),
            "gen_ba": Generator(s.channels, s.blocks),
            "disc_a": Discriminator(s.disc_channels),
            "disc_b": Discriminator(s.disc_channels),
        }
        nets = self.networks
        if s.pretrained:
            for name in self.averaged:
                load_network(nets[name], Path(s.pretrained))
                nets[name].requires_grad_(True)
        betas = (0.5, 0.99)
        self.optimizers = {
            "generators": adam([nets["gen_ab"], nets["gen_ba"]], s.learning_rate, betas=betas),
            "discriminators": adam([nets["disc_a"], nets["disc_b"]], s.disc_learning_rate, betas=betas),
        }
        nothing = torch.zeros(0, s.disc_channels * 8, s.size_px // 8 - 1, s.size_px // 8 - 1)
        self.queues = {f"{kind}_{domain}": nothing for kind in ("real", "fake") for domain in "ab"}

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        real_a, real_b = batch["real_a"], batch["real_b"]
        gen_ab, gen_ba = self.networks["gen_ab"], self.networks["gen_ba"]
        both = torch.cat([real_a, real_b])
        fake_b, same_b = gen_ab(both).chunk(2)
        same_a, fake_a = gen_ba(both).chunk(2)
        parts = {
            "gen_adversarial": self.fooled("a", fake_a, accelerator) + self.fooled("b", fake_b, accelerator),
            "cycle": distance(gen_ba(fake_b), real_a) + distance(gen_ab(fake_a), real_b),
            "identity": distance(same_a, real_a) + distance(same_b, real_b),
        }
        weights = (1, self.settings.cycle_weight, self.settings.identity_weight)
        accelerator.backward(sum(w * part for w, part in zip(weights, parts.values(), strict=True)))
        self.optimizers["generators"].step()
        self.optimizers["generators"].zero_grad()
        told = self.judge("a", real_a, fake_a.detach(), accelerator)
        told |= self.judge("b", real_b, fake_b.detach(), accelerator)
        accelerator.backward(sum(told.values()))
        self.optimizers["discriminators"].step()
        self.optimizers["discriminators"].zero_grad()
        return {name: part.detach() for name, part in (parts | told).items()}

    def fooled(self, domain: str, fake: Tensor, accelerator: Accelerator) -> Tensor:
        judge = accelerator.unwrap_model(self.networks[f"disc_{domain}"])
        with freeze([judge]):
            patches, _ = judge(fake, self.queues[f"fake_{domain}"])
        return (patches - 1).square().mean()

    def judge(self, domain: str, real: Tensor, fake: Tensor, accelerator: Accelerator) -> dict[str, Tensor]:
        """The discriminator's losses; its queues then hold these pictures."""
        network = self.networks[f"disc_{domain}"]
        penalty = self.penalty(domain, real, fake, accelerator)
        losses = []
        for kind, pictures, truth in (("real", real, 1), ("fake", fake, 0)):
            patches, features = network(pictures, self.queues[f"{kind}_{domain}"])
            losses.append((patches - truth).square().mean())
            self.push(f"{kind}_{domain}", features, accelerator)
        return {f"disc_{domain}": sum(losses) / 2, f"penalty_{domain}": penalty}

    def penalty(self, domain: str, real: Tensor, fake: Tensor, accelerator: Accelerator) -> Tensor:
        """The squared gradient of the mean patch by the picture, at a point between real and fake."""
        judge = accelerator.unwrap_model(self.networks[f"disc_{domain}"])
        between = torch.rand(1, device=real.device)
        # The discriminator moves pictures to 0 to 1, the paper's scale; so does the gradient.
        mixed = (between * real + (1 - between) * fake).requires_grad_()
        earlier = torch.lerp(self.queues[f"fake_{domain}"], self.queues[f"real_{domain}"], between.item())
        patches, _ = judge(mixed, earlier)
        [gradient] = torch.autograd.grad(patches.mean((1, 2, 3)).sum(), mixed, create_graph=True)
        return self.settings.penalty_weight * (2 * gradient).flatten(1).square().sum(1).mean()

    def push(self, name: str, features: Tensor, accelerator: Accelerator) -> None:
        everybodys = accelerator.gather(features.detach())
        if self.settings.queue_size:
            queue = torch.cat([self.queues[name].to(everybodys), everybodys])
            self.queues[name] = queue[-self.settings.queue_size :].clone()

    def rate(self, step: int, max_steps: int) -> float:
        return 1.0

    def state(self) -> dict[str, Any]:
        return dict(self.queues)

    def restore(self, state: dict[str, Any], device: torch.device) -> None:
        self.queues = {name: queue.to(device) for name, queue in state.items()}

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        for name, direction in (("gen_ab", "drawn-to-photo"), ("gen_ba", "photo-to-drawn")):
            write_stage(folder / direction, stage_config(self.settings, direction), networks[name])

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        gen_ab, gen_ba = networks["gen_ab"], networks["gen_ba"]
        return grid(gen_ab, gen_ba, beside(self.shown, gen_ab))


@dataclass(frozen=True)
class PretrainSettings:
    size_px: int = field(default=256, metadata={"help": "side of the pictures, a multiple of 32"})
    channels: int = field(default=48, metadata={"help": "width of the first layer, by threes"})
    blocks: int = field(default=12, metadata={"help": "transformer blocks"})
    learning_rate: float = field(
        default=3.125e-4, metadata={"help": "AdamW's; the paper's for batches of 32"}
    )
    weight_decay: float = field(default=0.05, metadata={"help": "AdamW's"})


class Pretraining(Recipe):
    """One generator learns to fill in masked pictures of both domains."""

    def __init__(self, settings: PretrainSettings, shown: dict[str, Tensor]) -> None:
        self.settings = s = settings
        self.shown = shown
        check_size(s.size_px, s.channels)
        if s.size_px % PATCH_PX:
            raise WebcastError(f"uvcgan2-pretrain takes a --size-px that is a multiple of {PATCH_PX}.")
        self.networks: dict[str, nn.Module] = {"generator": Generator(s.channels, s.blocks)}
        parameters = self.networks["generator"].parameters()
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.AdamW(
                parameters, s.learning_rate, (0.9, 0.99), weight_decay=s.weight_decay, fused=True
            )
        }

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        both = torch.cat([batch["real_a"], batch["real_b"]])
        filled = self.networks["generator"](masked(both))
        loss_a, loss_b = (distance(f, r) for f, r in zip(filled.chunk(2), both.chunk(2), strict=True))
        accelerator.backward(loss_a + loss_b)
        self.optimizers["generator"].step()
        self.optimizers["generator"].zero_grad()
        return {"filled_a": loss_a.detach(), "filled_b": loss_b.detach()}

    def rate(self, step: int, max_steps: int) -> float:
        """Cosine from 1 to 1e-5, five times over."""
        place = (step - 1) / max_steps * RESTARTS % 1
        return 1e-5 + (1 - 1e-5) * (1 + math.cos(math.pi * place)) / 2

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        write_stage(folder, stage_config(self.settings, "to itself"), networks["generator"])

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        """Masked, filled in and whole, for both domains; always with the same mask."""
        rows, generator = [], networks["generator"]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            for pictures in beside(self.shown, generator).values():
                hidden = masked(pictures)
                rows += [hidden, one_by_one(generator, hidden), pictures]
        return as_picture(rows)


def check_size(size_px: int, channels: int) -> None:
    if size_px % 16 or size_px < PATCH_PX:
        raise WebcastError("UVCGAN2 takes a --size-px of 32 or more, a multiple of 16.")
    if channels % 3:
        raise WebcastError("UVCGAN2 takes --channels that are a multiple of 3.")


def stage_config(settings: Settings | PretrainSettings, direction: str) -> dict[str, Any]:
    s = settings
    config = {"name": "uvcgan2", "size_px": s.size_px, "channels": s.channels, "blocks": s.blocks}
    return config | {"direction": direction}


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of pictures in -1 to 1, on the paper's scale of 0 to 1."""
    return F.l1_loss(a, b) / 2


def masked(pictures: Tensor) -> Tensor:
    """Pictures (N, 3, S, S) in -1 to 1 with patches of 32 px made black at random, each alone."""
    patches = pictures.shape[2] // PATCH_PX
    kept = torch.rand(len(pictures), 1, patches, patches).to(pictures.device) > MASKED
    kept = kept.repeat_interleave(PATCH_PX, 2).repeat_interleave(PATCH_PX, 3)
    return torch.where(kept, pictures, -1.0)
