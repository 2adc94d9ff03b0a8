"""U-GAT-IT: unsupervised image-to-image translation with attention and AdaLIN.

Paper: Kim, Kim, Kang, Lee, "U-GAT-IT: Unsupervised Generative Attentional Networks with Adaptive
Layer-Instance Normalization for Image-to-Image Translation" (ICLR 2020, arXiv 1907.10830).
Reference implementation: znxlwm/UGATIT-pytorch, `networks.py`.

The layers, parameter counts and outputs are the reference's. Deliberate differences, none of which
changes a value beyond rounding:

- The mean and variance of ILN and AdaLIN over a whole picture follow from those of its channels, both
  normalisations, rho, gamma and beta fold into one multiply-add, and the gradient is written out.
  Variances are unbiased, as in the reference, and always float32. (The reference's first revision took
  the variance of variances by mistake; the paper does not.)
- Spectral norm is torch's parametrization, not the deprecated hook. Like the reference, the class
  activation map weighs the channels with the weight before it is normalised.
- Rho is kept within 0 and 1 by the training step, not here.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.parametrizations import spectral_norm


def _reflect_conv(
    inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 1, bias: bool = False
) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias, padding_mode="reflect")


class _LayerInstanceNorm(torch.autograd.Function):
    """`layer_instance_norm` with its gradient by hand: few passes over x, and nothing kept but x."""

    @staticmethod
    def forward(ctx, x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
        channels, pixels = x.shape[1], x.shape[2] * x.shape[3]
        in_mean = x.mean(dim=(2, 3), keepdim=True)
        # Faster than torch.var on a CPU by a factor of six, and as exact, because the mean is known.
        in_squares = (x - in_mean).square_().sum(dim=(2, 3), keepdim=True)
        ln_mean = in_mean.mean(dim=1, keepdim=True)
        ln_squares = (in_squares + pixels * (in_mean - ln_mean).square()).sum(dim=1, keepdim=True)
        in_rstd = torch.rsqrt(in_squares / (pixels - 1) + eps)
        ln_rstd = torch.rsqrt(ln_squares / (channels * pixels - 1) + eps)
        ctx.save_for_backward(x, rho, gamma, in_mean, in_rstd, ln_mean, ln_rstd)

        in_scale, ln_scale = gamma * rho * in_rstd, gamma * (1 - rho) * ln_rstd
        return torch.addcmul(beta - in_scale * in_mean - ln_scale * ln_mean, x, in_scale + ln_scale)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        x, rho, gamma, in_mean, in_rstd, ln_mean, ln_rstd = ctx.saved_tensors
        channels, pixels = x.shape[1], x.shape[2] * x.shape[3]
        in_scale, ln_scale = gamma * rho * in_rstd, gamma * (1 - rho) * ln_rstd
        total = grad.sum(dim=(2, 3), keepdim=True)
        product = (grad * x).sum(dim=(2, 3), keepdim=True)
        # Gradient times the picture as each of the two normalises it, summed over the pixels.
        by_in, by_ln = (product - in_mean * total) * in_rstd, (product - ln_mean * total) * ln_rstd

        # Each normalisation takes out of the gradient its mean and its part along the picture.
        in_slope = in_scale * by_in * in_rstd / (pixels - 1)
        ln_slope = (ln_scale * by_ln).sum(dim=1, keepdim=True) * ln_rstd / (channels * pixels - 1)
        ln_level = (ln_scale * total).sum(dim=1, keepdim=True) / (channels * pixels)
        level = in_slope * in_mean + ln_slope * ln_mean - in_scale * total / pixels - ln_level
        grad_x = torch.addcmul(level, x, -(in_slope + ln_slope)).addcmul_(grad, in_scale + ln_scale)

        grad_rho = (gamma * (by_in - by_ln)).sum_to_size(rho.shape)
        grad_gamma = (rho * by_in + (1 - rho) * by_ln).sum_to_size(gamma.shape)
        return grad_x, grad_rho, grad_gamma, total.sum_to_size(gamma.shape), None


def layer_instance_norm(x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """`gamma * (rho * instance_norm(x) + (1 - rho) * layer_norm(x)) + beta`, float32.

    `x` is (N, C, H, W) of any float type; `rho` is (1, C, 1, 1), `gamma` and `beta` are that or
    (N, C, 1, 1). Its gradient cannot be differentiated again.
    """
    return _LayerInstanceNorm.apply(x.float(), rho.float(), gamma.float(), beta.float(), eps)


class ILN(nn.Module):
    """Layer-instance normalisation with a gamma and beta of its own; (N, C, H, W) in and out."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.rho = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.gamma = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return layer_instance_norm(x, self.rho, self.gamma, self.beta, self.eps)


class AdaLIN(nn.Module):
    """Layer-instance normalisation with gamma and beta (N, C, 1, 1) given from outside."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.rho = nn.Parameter(torch.full((1, channels, 1, 1), 0.9))

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return layer_instance_norm(x, self.rho, gamma, beta, self.eps)


class ResnetBlock(nn.Module):
    """Two 3x3 convolutions with instance normalisation, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _reflect_conv(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            _reflect_conv(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class AdaLINBlock(nn.Module):
    """Two 3x3 convolutions with AdaLIN, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _reflect_conv(channels, channels, 3)
        self.norm1 = AdaLIN(channels)
        self.conv2 = _reflect_conv(channels, channels, 3)
        self.norm2 = AdaLIN(channels)

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        out = torch.relu_(self.norm1(self.conv1(x), gamma, beta))
        return x + self.norm2(self.conv2(out), gamma, beta)


def attend(
    x: Tensor, gap_fc: nn.Linear, gmp_fc: nn.Linear, gap_weight: Tensor, gmp_weight: Tensor
) -> tuple[Tensor, Tensor]:
    """The class activation map: (N, C, H, W) to attended features (N, 2C, H, W) and logits (N, 2).

    An auxiliary classifier reads the globally average-pooled and max-pooled channels; its weights then
    say how much each channel matters.
    """
    logits = torch.cat([gap_fc(x.mean(dim=(2, 3))), gmp_fc(x.amax(dim=(2, 3)))], dim=1)
    attended = torch.cat([x * gap_weight[:, :, None, None], x * gmp_weight[:, :, None, None]], dim=1)
    return attended, logits


class Generator(nn.Module):
    """Translates pictures of one domain into the other.

    `forward` takes float (N, 3, H, W) in [-1, 1] and returns the fake (N, 3, H, W) in [-1, 1], the CAM
    logits (N, 2) and the heatmap (N, 1, H / 4, W / 4) of where it looked. H and W are multiples of 4;
    the full generator takes only `size_px` square pictures, the light one any size.
    """

    def __init__(self, size_px: int = 256, light: bool = False, channels: int = 64, blocks: int = 4) -> None:
        super().__init__()
        self.light = light
        wide = channels * 4
        self.encoder = nn.Sequential(
            _reflect_conv(3, channels, 7, padding=3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            _reflect_conv(channels, channels * 2, 3, stride=2),
            nn.InstanceNorm2d(channels * 2),
            nn.ReLU(inplace=True),
            _reflect_conv(channels * 2, wide, 3, stride=2),
            nn.InstanceNorm2d(wide),
            nn.ReLU(inplace=True),
            *[ResnetBlock(wide) for _ in range(blocks)],
        )
        self.gap_fc = nn.Linear(wide, 1, bias=False)
        self.gmp_fc = nn.Linear(wide, 1, bias=False)
        self.merge = nn.Conv2d(wide * 2, wide, 1)
        self.style = nn.Sequential(
            nn.Linear(wide if light else (size_px // 4) ** 2 * wide, wide, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(wide, wide, bias=False),
            nn.ReLU(inplace=True),
        )
        self.gamma = nn.Linear(wide, wide, bias=False)
        self.beta = nn.Linear(wide, wide, bias=False)
        self.bottleneck = nn.ModuleList([AdaLINBlock(wide) for _ in range(blocks)])
        self.decoder = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"),
            _reflect_conv(wide, channels * 2, 3),
            ILN(channels * 2),
            nn.ReLU(inplace=True),
            nn.Upsample(scale_factor=2, mode="nearest"),
            _reflect_conv(channels * 2, channels, 3),
            ILN(channels),
            nn.ReLU(inplace=True),
            _reflect_conv(channels, 3, 7, padding=3),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.encoder(x)
        x, cam_logits = attend(x, self.gap_fc, self.gmp_fc, self.gap_fc.weight, self.gmp_fc.weight)
        x = torch.relu_(self.merge(x))
        heatmap = x.sum(dim=1, keepdim=True)
        style = self.style(x.mean(dim=(2, 3)) if self.light else x.flatten(1))
        gamma, beta = self.gamma(style)[:, :, None, None], self.beta(style)[:, :, None, None]
        for block in self.bottleneck:
            x = block(x, gamma, beta)
        return self.decoder(x), cam_logits, heatmap


class Discriminator(nn.Module):
    """Tells real pictures from fakes patch by patch; the paper's global one has 7 layers, its local one 5.

    `forward` takes float (N, 3, H, W) in [-1, 1] and returns patch logits (N, 1, h, w), CAM logits
    (N, 2) and the heatmap (N, 1, h + 1, w + 1).
    """

    def __init__(self, layers: int, channels: int = 64) -> None:
        super().__init__()
        widths = [3, *[channels * 2**i for i in range(layers - 1)]]
        features = []
        for index, (inputs, outputs) in enumerate(pairwise(widths)):
            stride = 1 if index == layers - 2 else 2
            features += [
                spectral_norm(_reflect_conv(inputs, outputs, 4, stride, bias=True)),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.features = nn.Sequential(*features)
        wide = widths[-1]
        self.gap_fc = spectral_norm(nn.Linear(wide, 1, bias=False))
        self.gmp_fc = spectral_norm(nn.Linear(wide, 1, bias=False))
        self.merge = nn.Conv2d(wide * 2, wide, 1)
        self.patches = spectral_norm(_reflect_conv(wide, 1, 4))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gap_weight = self.gap_fc.parametrizations.weight.original
        gmp_weight = self.gmp_fc.parametrizations.weight.original
        x, cam_logits = attend(self.features(x), self.gap_fc, self.gmp_fc, gap_weight, gmp_weight)
        x = nn.functional.leaky_relu_(self.merge(x), 0.2)
        return self.patches(x), cam_logits, x.sum(dim=1, keepdim=True)
