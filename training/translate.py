"""What the recipes of translators share: optimizer, schedule, frozen networks, image pool and grids."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn


def adam(
    networks: Sequence[nn.Module],
    learning_rate: float,
    weight_decay: float = 0.0,
    betas: tuple[float, float] = (0.5, 0.999),
) -> torch.optim.Adam:
    """One fused Adam over all parameters of the networks."""
    parameters = [parameter for network in networks for parameter in network.parameters()]
    return torch.optim.Adam(parameters, learning_rate, betas, weight_decay=weight_decay, fused=True)


def half_constant(step: int, max_steps: int) -> float:
    """1 for the first half of the steps, then linearly to 0 at the last."""
    return min(1.0, 2 * (max_steps - step) / max_steps)


@contextmanager
def freeze(networks: Sequence[nn.Module]) -> Iterator[None]:
    """Gradients pass through the networks, and none is computed for their parameters."""
    for network in networks:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in networks:
            network.requires_grad_(True)


class ImagePool:
    """The last `size` fakes, so that a discriminator sees older ones too (Shrivastava et al., 1612.07828).

    While the pool fills, a fake goes in and is given back; then, one time in two, it takes the place of an
    older one that is given back instead. All processes hold one and the same pool.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.fakes: list[Tensor] = []
        self.random = np.random.Generator(np.random.PCG64(seed))

    def swap(self, fakes: Tensor, accelerator: Accelerator) -> Tensor:
        """Detached fakes (N, C, H, W) of this process in, as many to judge out."""
        everybodys = accelerator.gather(fakes)
        given = torch.stack([self.swap_one(fake) for fake in everybodys]) if self.size else everybodys
        start = accelerator.process_index * len(fakes)
        return given[start : start + len(fakes)]

    def swap_one(self, fake: Tensor) -> Tensor:
        if len(self.fakes) < self.size:
            self.fakes.append(fake.clone())
            return fake
        if self.random.random() < 0.5:
            return fake
        place = self.random.integers(self.size)
        older, self.fakes[place] = self.fakes[place], fake.clone()
        return older

    def state(self) -> dict[str, Any]:
        return {"fakes": self.fakes, "random": self.random.bit_generator.state}

    def restore(self, state: dict[str, Any], device: torch.device) -> None:
        self.fakes = [fake.to(device) for fake in state["fakes"]]
        self.random.bit_generator.state = state["random"]


Translate = Callable[[Tensor], Tensor]


def grid(gen_ab: Translate, gen_ba: Translate, shown: dict[str, Tensor]) -> np.ndarray:
    """Rows real_a, fake_b, rec_a, real_b, fake_a, rec_b; RGB uint8. Shown are (N, 3, S, S) in -1 to 1."""
    real_a, real_b = shown["real_a"], shown["real_b"]
    fake_b, fake_a = one_by_one(gen_ab, real_a), one_by_one(gen_ba, real_b)
    rec_a, rec_b = one_by_one(gen_ba, fake_b), one_by_one(gen_ab, fake_a)
    return as_picture([real_a, fake_b, rec_a, real_b, fake_a, rec_b])


def beside(shown: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """The pictures to show, on the network's device."""
    device = next(network.parameters()).device
    return {name: pictures.to(device) for name, pictures in shown.items()}


@torch.inference_mode()
def one_by_one(translate: Translate, pictures: Tensor) -> Tensor:
    return torch.cat([translate(picture[None]) for picture in pictures])


def as_picture(rows: Sequence[Tensor]) -> np.ndarray:
    """Rows of pictures, each (N, 3, S, S) in -1 to 1, as one RGB uint8 picture."""
    sheet = torch.cat([torch.cat(list(row.cpu().float()), 2) for row in rows], 1)
    return ((sheet.permute(1, 2, 0).numpy() + 1) * 127.5).round().clip(0, 255).astype(np.uint8)
