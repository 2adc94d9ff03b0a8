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
- On a CPU the wide 3x3 convolutions go Winograd's way (`networks.winograd`).
- A discriminator's convolution divides its outcome, not its kernel, by the kernel's norm, takes several
  passes as one batch, each with the estimate of the norm that it would have had alone, and is a matrix
  product where the kernel is larger than the picture. Like the reference, the class activation map weighs
  the channels with the weight before it is normalised.
- Rho is kept within 0 and 1 by the training step, not here.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from webcast.networks.winograd import conv3x3

SMALL = 64
"""A convolution for so few pixels is a matrix product: reading its kernel is then most of the work."""


class ReflectConv2d(nn.Conv2d):
    """A reflect-padded convolution without bias, by Winograd's way where that is faster."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        padding = kernel // 2
        super().__init__(inputs, outputs, kernel, stride, padding, bias=False, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, [self.padding[0]] * 4, mode="reflect")
        if self.kernel_size == (3, 3) and self.stride == (1, 1):
            return conv3x3(padded, self.weight)
        return F.conv2d(padded, self.weight, stride=self.stride)


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
            ReflectConv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            ReflectConv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class AdaLINBlock(nn.Module):
    """Two 3x3 convolutions with AdaLIN, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ReflectConv2d(channels, channels, 3)
        self.norm1 = AdaLIN(channels)
        self.conv2 = ReflectConv2d(channels, channels, 3)
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
            ReflectConv2d(3, channels, 7),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            ReflectConv2d(channels, channels * 2, 3, stride=2),
            nn.InstanceNorm2d(channels * 2),
            nn.ReLU(inplace=True),
            ReflectConv2d(channels * 2, wide, 3, stride=2),
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
            ReflectConv2d(wide, channels * 2, 3),
            ILN(channels * 2),
            nn.ReLU(inplace=True),
            nn.Upsample(scale_factor=2, mode="nearest"),
            ReflectConv2d(channels * 2, channels, 3),
            ILN(channels),
            nn.ReLU(inplace=True),
            ReflectConv2d(channels, 3, 7),
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


class SpectralConv2d(nn.Conv2d):
    """A reflect-padded convolution whose kernel is divided by its largest singular value.

    Miyato, Kataoka, Koyama, Yoshida (2018, arXiv 1802.05957). In training every pass first moves the
    estimate of that value by one power iteration. `forward` takes `passes` passes at once, (passes * N, C, H,
    W) with the pictures of each in a row; the same as one call for each in turn.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, bias: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding=1, bias=bias, padding_mode="reflect")
        left, right = torch.randn(outputs), torch.randn(inputs * kernel * kernel)
        self.register_buffer("left", F.normalize(left, dim=0))
        self.register_buffer("right", F.normalize(right, dim=0))
        for _ in range(15):
            self.iterate()

    @torch.no_grad()
    def iterate(self) -> None:
        kernel = self.weight.flatten(1)
        self.right.copy_(F.normalize(kernel.t() @ self.left, dim=0, eps=1e-12))
        self.left.copy_(F.normalize(kernel @ self.right, dim=0, eps=1e-12))

    def estimates(self, passes: int) -> tuple[Tensor, Tensor]:
        """The first singular vectors as each pass takes them: (passes, K) and (passes, C * k * k)."""
        found = []
        for _ in range(passes):
            if self.training:
                self.iterate()
            found.append((self.left.clone(), self.right.clone()))
        left, right = zip(*found, strict=True)
        return torch.stack(left), torch.stack(right)

    def forward(self, x: Tensor, passes: int = 1) -> Tensor:
        left, right = self.estimates(passes)
        out, grown = self.convolve(F.pad(x, [self.padding[0]] * 4, mode="reflect"), right)
        scale = (grown * left).sum(1).reciprocal().repeat_interleave(len(x) // passes)[:, None, None, None]
        return out * scale if self.bias is None else torch.addcmul(self.bias[:, None, None], out, scale)

    def convolve(self, x: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        """The padded pictures and the singular vectors, both times the kernel as it is."""
        kernel = self.weight.flatten(1)
        height, width = ((size - self.kernel_size[0]) // self.stride[0] + 1 for size in x.shape[2:])
        if len(x) * height * width > SMALL or torch.is_autocast_enabled(x.device.type):
            with torch.autocast(x.device.type, enabled=False):
                grown = F.linear(right, kernel)
            return F.conv2d(x, self.weight, stride=self.stride), grown
        # One product for both, so that the large kernel is read once, and its gradient written once.
        patches = F.unfold(x, self.kernel_size, stride=self.stride).transpose(1, 2)
        rows = torch.cat([patches.flatten(0, 1), right])
        pixels, grown = F.linear(rows, kernel).split([len(rows) - len(right), len(right)])
        return as_pictures(pixels.unflatten(0, (len(x), -1)), height, width), grown


class Discriminator(nn.Module):
    """Tells real pictures from fakes patch by patch; the paper's global one has 7 layers, its local one 5.

    `forward` takes float (N, 3, H, W) in [-1, 1] and returns patch logits (N, 1, h, w), CAM logits
    (N, 2) and the heatmap (N, 1, h + 1, w + 1). For `passes` see `SpectralConv2d`.
    """

    def __init__(self, layers: int, channels: int = 64) -> None:
        super().__init__()
        widths = [3, *[channels * 2**i for i in range(layers - 1)]]
        strides = [2] * (layers - 2) + [1]
        self.features = nn.ModuleList(
            SpectralConv2d(inputs, outputs, 4, stride)
            for (inputs, outputs), stride in zip(pairwise(widths), strides, strict=True)
        )
        wide = widths[-1]
        # The norm of a single row needs no iteration, so that passes do not differ here.
        self.gap_fc = spectral_norm(nn.Linear(wide, 1, bias=False))
        self.gmp_fc = spectral_norm(nn.Linear(wide, 1, bias=False))
        self.merge = nn.Conv2d(wide * 2, wide, 1)
        self.patches = SpectralConv2d(wide, 1, 4, bias=False)

    def forward(self, x: Tensor, passes: int = 1) -> tuple[Tensor, Tensor, Tensor]:
        for layer in self.features:
            x = F.leaky_relu_(layer(x, passes), 0.2)
        gap_weight = self.gap_fc.parametrizations.weight.original
        gmp_weight = self.gmp_fc.parametrizations.weight.original
        x, cam_logits = attend(x, self.gap_fc, self.gmp_fc, gap_weight, gmp_weight)
        pixels = F.linear(x.flatten(2).transpose(1, 2), self.merge.weight.flatten(1), self.merge.bias)
        x = F.leaky_relu_(as_pictures(pixels, *x.shape[2:]), 0.2)
        return self.patches(x, passes), cam_logits, x.sum(dim=1, keepdim=True)


def as_pictures(pixels: Tensor, height: int, width: int) -> Tensor:
    """(N, H * W, C), which a matrix product gave, as (N, C, H, W).

    With a transposed gradient the product with a large kernel would take seven times as long.
    """
    if pixels.requires_grad:
        pixels.register_hook(Tensor.contiguous)
    return pixels.transpose(1, 2).unflatten(2, (height, width))
