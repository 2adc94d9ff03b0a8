"""UVCGAN2: a U-Net whose middle is a vision transformer, and a discriminator with a batch head.

Paper: Torbunov, Huang, Tseng, Yu, Huang, Yoo, Lin, Viren, Ren, "UVCGAN v2: An Improved Cycle-Consistent GAN
for Unpaired Image-to-Image Translation" (2023, arXiv 2303.16280). Reference implementation: LS4GAN/uvcgan2,
its preset `uvcgan2` and its head `bn`.

Deliberate differences: pictures go in and out between -1 and 1, as everywhere in webcast, and are moved to
the paper's 0 to 1 inside; where a token lies is computed from the size of the feature map, not stored, so
that the generator takes any multiple of 16 px.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from webcast.networks.cyclegan import Discriminator as PatchDiscriminator

HEADS = 6
DEPTH = 4


class ModulatedConv(nn.Module):
    """A 3x3 convolution whose input channels a style scales, and whose output it then scales back.

    StyleGAN2 (Karras et al. 2019, arXiv 1912.04958). The style's weight starts at nothing (ReZero).
    """

    def __init__(self, inputs: int, outputs: int, style_features: int) -> None:
        super().__init__()
        self.style = nn.Linear(style_features, inputs)
        self.style_weight = nn.Parameter(torch.zeros(1))
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """x (N, C, H, W), style (N, S)."""
        scale = 1 + self.style_weight * self.style(style)
        power = scale.square() @ self.conv.weight.square().sum((2, 3)).T
        return self.conv(x * scale[:, :, None, None]) * torch.rsqrt(power + 1e-6)[:, :, None, None]


class Level(nn.Module):
    """One level of the U: down, the level below, and up under the style that comes from the middle."""

    def __init__(self, outer: int, inner: int, style_features: int, below: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(outer, inner, 3, padding=1),
            nn.LeakyReLU(),
            nn.Conv2d(inner, inner, 3, padding=1),
            nn.LeakyReLU(),
        )
        self.down = nn.Conv2d(inner, inner, 2, stride=2)
        self.below = below
        self.up = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(inner, inner, 3, padding=1))
        self.conv1 = ModulatedConv(inner * 2, inner, style_features)
        self.conv2 = ModulatedConv(inner, outer, style_features)
        self.activation = nn.LeakyReLU()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        kept = self.block(x)
        x, style = self.below(self.down(kept))
        x = self.activation(self.conv1(torch.cat([self.up(x), kept], 1), style))
        return self.activation(self.conv2(x, style)), style


class TransformerBlock(nn.Module):
    """Attention and two dense layers, both added with one weight that starts at nothing (ReZero)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.attention = nn.MultiheadAttention(features, HEADS, batch_first=True)
        self.dense = nn.Sequential(
            nn.Linear(features, features * 4), nn.GELU(), nn.Linear(features * 4, features)
        )
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (N, L, features) in and out."""
        y = self.norm1(x)
        x = x + self.weight * self.attention(y, y, y, need_weights=False)[0]
        return x + self.weight * self.dense(self.norm2(x))


class PixelTransformer(nn.Module):
    """Every pixel of a feature map is a token that knows its place; one more token becomes the style."""

    def __init__(self, features: int, blocks: int) -> None:
        super().__init__()
        self.place = nn.Linear(2, features)
        self.enter = nn.Linear(features * 2, features)
        self.style_token = nn.Parameter(torch.randn(1, 1, features))
        self.blocks = nn.Sequential(*[TransformerBlock(features) for _ in range(blocks)])
        self.leave = nn.Linear(features, features)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) to the same, and a style (N, C)."""
        count, channels, height, width = x.shape
        lines = [torch.linspace(-1, 1, side, device=x.device, dtype=x.dtype) for side in (height, width)]
        grid = torch.stack(torch.meshgrid(*lines, indexing="ij"), -1).reshape(1, -1, 2)
        places = torch.sin(self.place(grid)).expand(count, -1, -1)
        tokens = self.enter(torch.cat([places, x.flatten(2).transpose(1, 2)], 2))
        tokens = self.blocks(torch.cat([tokens, self.style_token.expand(count, -1, -1)], 1))
        pixels, style = self.leave(tokens[:, :-1]), tokens[:, -1]
        return pixels.transpose(1, 2).reshape(count, channels, height, width), style


class Generator(nn.Module):
    """Translates float (N, 3, H, W) in [-1, 1] into the same; H and W are multiples of 16.

    `channels` is a multiple of 3: the transformer has eight times as many features, for six heads.
    """

    def __init__(self, channels: int = 48, blocks: int = 12) -> None:
        super().__init__()
        widths = [channels, *[channels * 2**i for i in range(DEPTH)]]
        level: nn.Module = PixelTransformer(widths[-1], blocks)
        for outer, inner in reversed(list(pairwise(widths))):
            level = Level(outer, inner, widths[-1], level)
        self.enter = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), nn.LeakyReLU())
        self.levels = level
        self.leave = nn.Conv2d(channels, 3, 1)
        normal_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        pixels, _ = self.levels(self.enter((x + 1) / 2))
        return self.leave(pixels).sigmoid() * 2 - 1


class Discriminator(nn.Module):
    """CycleGAN's patch features under spectral norm, and a head that sees them beside earlier pictures'.

    `forward` takes float (N, 3, H, W) in [-1, 1] and features (M, C, h, w) of earlier pictures, M from 0 on,
    and returns patch logits (N, 1, h, w) and the features of its own pictures. Batch normalisation over all
    N + M lets it judge variety.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        wide = channels * 8
        self.body = PatchDiscriminator(channels).layers[:-1]
        self.norm = nn.BatchNorm2d(wide)
        self.head = nn.Sequential(
            nn.Conv2d(wide, wide, 3, padding=1), nn.LeakyReLU(), nn.Conv2d(wide, 1, 3, padding=1)
        )
        normal_weights(self)  # here, for under spectral norm a weight cannot be set any more
        for layer in self.body:
            if isinstance(layer, nn.Conv2d):
                spectral_norm(layer)

    def forward(self, x: Tensor, earlier: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body((x + 1) / 2)
        together = self.norm(torch.cat([features, earlier.to(features)]))
        return self.head(together[: len(x)]), features


@torch.no_grad()
def normal_weights(network: nn.Module) -> None:
    """The paper's start: weights from a normal distribution of deviation 0.02, biases 0; in place."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
