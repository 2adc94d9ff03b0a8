"""CycleGAN: a residual generator and a patch discriminator, both with instance normalisation.

Paper: Zhu, Park, Isola, Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks" (ICCV 2017, arXiv 1703.10593). Reference implementation: junyanz/pytorch-CycleGAN-and-pix2pix,
`models/networks.py`: `resnet_9blocks` (6 below 256 px) and the `basic` discriminator. No differences.
"""

import torch
from torch import Tensor, nn


class ResnetBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Generator(nn.Module):
    """Translates float (N, 3, H, W) in [-1, 1] into the same; H and W are multiples of 4."""

    def __init__(self, channels: int = 64, blocks: int = 9) -> None:
        super().__init__()
        wide = channels * 4
        self.layers = nn.Sequential(
            nn.Conv2d(3, channels, 7, padding=3, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels * 2, 3, stride=2, padding=1),
            nn.InstanceNorm2d(channels * 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels * 2, wide, 3, stride=2, padding=1),
            nn.InstanceNorm2d(wide),
            nn.ReLU(inplace=True),
            *[ResnetBlock(wide) for _ in range(blocks)],
            nn.ConvTranspose2d(wide, channels * 2, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm2d(channels * 2),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(channels * 2, channels, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, 3, 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Discriminator(nn.Module):
    """Judges patches of 70 px: float (N, inputs, H, W) in [-1, 1] to logits (N, 1, H / 8 - 2, W / 8 - 2).

    `norm` makes the normalisation of a number of channels; pix2pix takes another one.
    """

    def __init__(
        self, channels: int = 64, inputs: int = 3, norm: type[nn.Module] = nn.InstanceNorm2d
    ) -> None:
        super().__init__()
        has_own_shift = norm is nn.BatchNorm2d
        layers = [nn.Conv2d(inputs, channels, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        for stride, narrow, wide in ((2, 1, 2), (2, 2, 4), (1, 4, 8)):
            layers += [
                nn.Conv2d(channels * narrow, channels * wide, 4, stride, padding=1, bias=not has_own_shift),
                norm(channels * wide),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels * 8, 1, 4, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@torch.no_grad()
def normal_weights(network: nn.Module) -> None:
    """The paper's start: weights from a normal distribution of deviation 0.02, biases 0; in place."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
