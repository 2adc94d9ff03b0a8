"""pix2pix: a U-Net generator with dropout; its discriminator is CycleGAN's, shown both pictures.

Paper: Isola, Zhu, Zhou, Efros, "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR 2017,
arXiv 1611.07004). Reference implementation: junyanz/pytorch-CycleGAN-and-pix2pix, `models/networks.py`:
`unet_256` with batch normalisation and dropout (one level less at 128 px, as its `unet_128`).

Deliberate difference: `eval()` is used for inference, so that a picture is translated the same way each time
and whatever else is in the batch; the reference leaves dropout and batch statistics on.
"""

import torch
from torch import Tensor, nn


class Level(nn.Module):
    """One level of the U: down, the level below, up, and its input beside the result."""

    def __init__(self, outer: int, inner: int, below: nn.Module | None, dropout: bool) -> None:
        super().__init__()
        down = [nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, 2, 1, bias=False)]
        up_inputs = inner if below is None else inner * 2
        up = [nn.ReLU(), nn.ConvTranspose2d(up_inputs, outer, 4, 2, 1, bias=False), nn.BatchNorm2d(outer)]
        if below is not None:
            down += [nn.BatchNorm2d(inner), below]
        if dropout:
            up.append(nn.Dropout(0.5))
        self.layers = nn.Sequential(*down, *up)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.layers(x)], 1)


def all_levels(size_px: int) -> int:
    """How many levels take a side that is a power of two down to a map of 1 x 1, as the paper has it."""
    return size_px.bit_length() - 1


class Generator(nn.Module):
    """Translates float (N, 3, H, W) in [-1, 1] into the same; H and W are multiples of 2 ** `levels`.

    `levels` is 8 for 256 px and 7 for 128 px (`all_levels`), and at least 5.
    """

    def __init__(self, channels: int = 64, levels: int = 8) -> None:
        super().__init__()
        wide = channels * 8
        level = Level(wide, wide, None, dropout=False)
        for _ in range(levels - 5):
            level = Level(wide, wide, level, dropout=True)
        for outer, inner in ((channels * 4, wide), (channels * 2, channels * 4), (channels, channels * 2)):
            level = Level(outer, inner, level, dropout=False)
        self.layers = nn.Sequential(
            nn.Conv2d(3, channels, 4, 2, 1, bias=False),
            level,
            nn.ReLU(),
            nn.ConvTranspose2d(channels * 2, 3, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
