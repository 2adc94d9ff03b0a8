"""FSRNet: faces enlarged eightfold, with the help of an estimate of where their parts are.

Paper: Chen, Tai, Liu, Shen, Yang, "FSRNet: End-to-End Learning Face Super-Resolution with Facial Priors"
(2017, arXiv 1711.10703). The authors published Torch 7 files; the layout here is that of the
re-implementation cs-giung/FSRNet-pytorch, which published `e099_psnr22.53.pth` (its README: 22.55 dB where
bicubic has 21.71). Its hourglasses follow Newell, Yang, Deng (2016, arXiv 1603.06937). There the repeated
blocks share one set of weights; the file holds it once for each of them, and so does this network.
"""

import torch
from torch import Tensor, nn

SCALE = 8
STEP_PX = 16  # height and width are multiples of it: one stride of two, and three in the hourglasses


def _padded(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3, bias=False)]


def _normed(convolution: nn.Module, outputs: int) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class ResBlock(nn.Module):
    """Two convolutions around which the input passes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        norm = [nn.BatchNorm2d(width), nn.ReLU()]
        self.layers = nn.Sequential(
            *_padded(width, width), *norm, *_padded(width, width), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1, each after its norm; the input passes around, through a convolution if it must
    widen.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        middle = outputs // 2
        self.convBlock = nn.Sequential(
            *(nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, middle, 1)),
            *(nn.BatchNorm2d(middle), nn.ReLU(), nn.Conv2d(middle, middle, 3, 1, 1)),
            *(nn.BatchNorm2d(middle), nn.ReLU(), nn.Conv2d(middle, outputs, 1)),
        )
        self.skipConv = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        return self.convBlock(x) + (self.skipConv(x) if self.skipConv else x)


class Hourglass(nn.Module):
    """Down `depth` times and up again, with a way around at each size."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        for level in range(depth, 0, -1):
            for place in (1, 2, 3):
                setattr(self, f"res{level}_{place}", Bottleneck(width, width))
        self.res_center = Bottleneck(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self._level(x, self.depth)

    def _level(self, x: Tensor, level: int) -> Tensor:
        around, low, up = (getattr(self, f"res{level}_{place}") for place in (1, 2, 3))
        small = low(nn.functional.max_pool2d(x, 2))
        small = self._level(small, level - 1) if level > 1 else self.res_center(small)
        return around(x) + nn.functional.interpolate(up(small), scale_factor=2.0)


class CoarseNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*_padded(3, 64), nn.BatchNorm2d(64), nn.ReLU())
        self.res_blocks = nn.Sequential(*(ResBlock(64) for _ in range(3)))
        self.conv2 = nn.Sequential(*_padded(64, 3), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.res_blocks(self.conv1(x)))


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _normed(nn.Conv2d(3, 64, 3, 2, 1, bias=False), 64)
        self.res_blocks = nn.Sequential(*(ResBlock(64) for _ in range(12)))
        self.conv2 = nn.Sequential(*_padded(64, 64), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.res_blocks(self.conv1(x)))


class PriorNet(nn.Module):
    """What the decoder learns about the places of eyes, nose and mouth: (N, 128, H/2, W/2)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _normed(nn.Conv2d(3, 64, 7, 2, 3, bias=False), 64)
        self.res_blocks = nn.Sequential(Bottleneck(64, 128), ResBlock(128), ResBlock(128))
        self.hg_blocks = nn.Sequential(Hourglass(128, 3), Hourglass(128, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.hg_blocks(self.res_blocks(self.conv1(x)))


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _normed(nn.Conv2d(192, 64, 3, 1, 1, bias=False), 64)
        self.deconv1 = _normed(nn.ConvTranspose2d(64, 64, 3, 2, 1, 1, bias=False), 64)
        self.res_blocks = nn.Sequential(*(ResBlock(64) for _ in range(3)))
        self.conv2 = nn.Sequential(*_padded(64, 3), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.res_blocks(self.deconv1(self.conv1(x))))


class FSRNet(nn.Module):
    """Float RGB (N, 3, H, W) in -1 to 1, enlarged bicubically before, in and out; H and W multiples of 16.

    `landmarks` and `parts` are how many maps of each the weights were trained to estimate, 0 for none.
    """

    context = 64  # of the enlarged picture; the hourglasses see on, fainter

    def __init__(self, landmarks: int, parts: int) -> None:
        super().__init__()
        self.csr_net, self.fsr_enc, self.pre_net, self.fsr_dec = CoarseNet(), Encoder(), PriorNet(), Decoder()
        # They served training alone: what the decoder gets is what they are estimated from.
        if landmarks:
            self.prior_conv1 = nn.Conv2d(128, landmarks, 1)
        if parts:
            self.prior_conv2 = nn.Conv2d(128, parts, 1)

    def forward(self, x: Tensor) -> Tensor:
        coarse = self.csr_net(x)
        return self.fsr_dec(torch.cat([self.fsr_enc(coarse), self.pre_net(coarse)], 1))
