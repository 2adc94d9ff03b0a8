"""U-GAT-IT's networks as they were published, layer by layer: Kim et al., arXiv 1907.10830, and its code.

No shortcut is taken: paddings are layers, the normalisations are their formulas term by term, and spectral
norm divides the kernel. `take` copies the weights of ours.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from webcast.networks import ugatit


def plain_norm(x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    by_instance = (x - x.mean((2, 3), keepdim=True)) / torch.sqrt(x.var((2, 3), keepdim=True) + eps)
    by_layer = (x - x.mean((1, 2, 3), keepdim=True)) / torch.sqrt(x.var((1, 2, 3), keepdim=True) + eps)
    return gamma * (rho * by_instance + (1 - rho) * by_layer) + beta


class Norm(nn.Module):
    """ILN, which has a gamma and beta of its own, and AdaLIN, which is given them."""

    def __init__(self, channels: int, adaptive: bool) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.zeros(1, channels, 1, 1))
        if not adaptive:
            self.gamma = nn.Parameter(torch.ones(1, channels, 1, 1))
            self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None) -> Tensor:
        if gamma is None:
            gamma, beta = self.gamma, self.beta
        return plain_norm(x, self.rho, gamma, beta, 1e-5)


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.ReflectionPad2d((kernel - 1) // 2),
        nn.Conv2d(inputs, outputs, kernel, stride, bias=False),
    ]


def norm_relu(channels: int) -> list[nn.Module]:
    return [nn.InstanceNorm2d(channels), nn.ReLU(True)]


class ResnetBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = conv(channels, channels, 3), conv(channels, channels, 3)
        self.layers = nn.Sequential(*first, *norm_relu(channels), *second, nn.InstanceNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class AdaLINBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pad = nn.ReflectionPad2d(1)
        self.conv1 = nn.Conv2d(channels, channels, 3, bias=False)
        self.norm1 = Norm(channels, adaptive=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, bias=False)
        self.norm2 = Norm(channels, adaptive=True)

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        out = F.relu(self.norm1(self.conv1(self.pad(x)), gamma, beta))
        return x + self.norm2(self.conv2(self.pad(out)), gamma, beta)


class Generator(nn.Module):
    def __init__(self, size_px: int, light: bool, channels: int, blocks: int = 4) -> None:
        super().__init__()
        self.light, wide = light, channels * 4
        self.encoder = nn.Sequential(
            *conv(3, channels, 7),
            *norm_relu(channels),
            *conv(channels, channels * 2, 3, 2),
            *norm_relu(channels * 2),
            *conv(channels * 2, wide, 3, 2),
            *norm_relu(wide),
            *[ResnetBlock(wide) for _ in range(blocks)],
        )
        self.gap_fc, self.gmp_fc = nn.Linear(wide, 1, bias=False), nn.Linear(wide, 1, bias=False)
        self.merge = nn.Conv2d(wide * 2, wide, 1)
        flat = wide if light else (size_px // 4) ** 2 * wide
        first, second = nn.Linear(flat, wide, bias=False), nn.Linear(wide, wide, bias=False)
        self.style = nn.Sequential(first, nn.ReLU(True), second, nn.ReLU(True))
        self.gamma, self.beta = nn.Linear(wide, wide, bias=False), nn.Linear(wide, wide, bias=False)
        self.bottleneck = nn.ModuleList([AdaLINBlock(wide) for _ in range(blocks)])
        self.decoder = nn.Sequential(
            nn.Upsample(scale_factor=2),
            *conv(wide, channels * 2, 3),
            Norm(channels * 2, adaptive=False),
            nn.ReLU(True),
            nn.Upsample(scale_factor=2),
            *conv(channels * 2, channels, 3),
            Norm(channels, adaptive=False),
            nn.ReLU(True),
            *conv(channels, 3, 7),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.encoder(x)
        x, logits = attend(x, self.gap_fc, self.gmp_fc, self.gap_fc.weight, self.gmp_fc.weight)
        x = F.relu(self.merge(x))
        heatmap = x.sum(1, keepdim=True)
        style = self.style(F.adaptive_avg_pool2d(x, 1).flatten(1) if self.light else x.flatten(1))
        gamma, beta = self.gamma(style)[:, :, None, None], self.beta(style)[:, :, None, None]
        for block in self.bottleneck:
            x = block(x, gamma, beta)
        return self.decoder(x), logits, heatmap


class Discriminator(nn.Module):
    def __init__(self, layers: int, channels: int) -> None:
        super().__init__()
        widths = [3, *[channels * 2**i for i in range(layers - 1)]]
        features = []
        for index in range(layers - 1):
            stride = 1 if index == layers - 2 else 2
            layer = spectral_norm(nn.Conv2d(widths[index], widths[index + 1], 4, stride))
            features += [nn.ReflectionPad2d(1), layer, nn.LeakyReLU(0.2, True)]
        self.features, wide = nn.Sequential(*features), widths[-1]
        self.gap_fc = spectral_norm(nn.Linear(wide, 1, bias=False))
        self.gmp_fc = spectral_norm(nn.Linear(wide, 1, bias=False))
        self.merge = nn.Conv2d(wide * 2, wide, 1)
        self.pad = nn.ReflectionPad2d(1)
        self.patches = spectral_norm(nn.Conv2d(wide, 1, 4, bias=False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weights = [fc.weight_orig for fc in (self.gap_fc, self.gmp_fc)]
        x, logits = attend(self.features(x), self.gap_fc, self.gmp_fc, *weights)
        x = F.leaky_relu(self.merge(x), 0.2)
        return self.patches(self.pad(x)), logits, x.sum(1, keepdim=True)


def attend(
    x: Tensor, gap_fc: nn.Module, gmp_fc: nn.Module, gap_weight: Tensor, gmp_weight: Tensor
) -> tuple[Tensor, Tensor]:
    gap_logit = gap_fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
    gmp_logit = gmp_fc(F.adaptive_max_pool2d(x, 1).flatten(1))
    gap, gmp = x * gap_weight[:, :, None, None], x * gmp_weight[:, :, None, None]
    return torch.cat([gap, gmp], 1), torch.cat([gap_logit, gmp_logit], 1)


@torch.no_grad()
def take(published: nn.Module, ours: nn.Module) -> nn.Module:
    """The published network with the weights of ours."""
    for mine, theirs in pairs(ours, published):
        source = tensors_of(mine)
        for name, tensor in tensors_of(theirs).items():
            tensor.copy_(source.pop(name))
        assert not source
    return published


def pairs(ours: nn.Module, published: nn.Module) -> list[tuple[nn.Module, nn.Module]]:
    """The layers that have weights: both networks have the same in the same order."""
    kinds = (nn.Conv2d, nn.Linear, Norm, ugatit.ILN, ugatit.AdaLIN)
    layers = ([m for m in network.modules() if isinstance(m, kinds)] for network in (ours, published))
    return list(zip(*layers, strict=True))


def tensors_of(layer: nn.Module) -> dict[str, Tensor]:
    """A layer's own weights, and the estimate of its spectral norm, by one name in all spellings."""
    if isinstance(layer, ugatit.SpectralConv2d):
        found = {"weight": layer.weight, "u": layer.left, "v": layer.right}
    elif hasattr(layer, "weight_orig"):
        found = {"weight": layer.weight_orig, "u": layer.weight_u, "v": layer.weight_v}
    elif hasattr(layer, "parametrizations"):
        norm = layer.parametrizations.weight
        found = {"weight": norm.original, "u": norm[0]._u, "v": norm[0]._v}
    else:
        return dict(layer.named_parameters())
    return found if layer.bias is None else found | {"bias": layer.bias}
