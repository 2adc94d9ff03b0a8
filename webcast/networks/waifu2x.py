"""waifu2x's networks for twofold enlargement, upconv_7 and cunet.

They grew out of SRCNN: Dong, Loy, He, Tang, "Image Super-Resolution Using Deep Convolutional Networks"
(2014, arXiv 1501.00092). Reference implementation: nagadomi/waifu2x and nagadomi/nunif; cunet's blocks
weigh their channels as in Hu et al., "Squeeze-and-Excitation Networks" (2017, arXiv 1709.01507).

Both take float RGB (N, 3, H, W) in [0, 1] and no convolution of theirs pads, so each side of the
picture loses `margin` pixels: the result is (N, 3, 2 (H - 2 margin), 2 (W - 2 margin)), not clipped.
"""

import torch
from torch import Tensor, nn


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride), nn.LeakyReLU(0.1, inplace=True))


def _deconv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 2, 2), nn.LeakyReLU(0.1, inplace=True))


class UpConv7(nn.Module):
    """Six convolutions and one transposed convolution. H and W are at least 15."""

    margin = 7

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(3, 16),
            _conv(16, 32),
            _conv(32, 64),
            _conv(64, 128),
            _conv(128, 128),
            _conv(128, 256),
            nn.ConvTranspose2d(256, 3, 4, 2, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class SqueezeExcite(nn.Module):
    """Weighs each channel by what all channels are on average over the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // 8)
        self.excite = nn.Linear(channels // 8, channels)

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean(dim=(2, 3))))))
        return x * weight[:, :, None, None]


class _Attended(nn.Module):
    """Two convolutions and a squeeze-and-excitation."""

    def __init__(self, inputs: int, middle: int, outputs: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(_conv(inputs, middle), _conv(middle, outputs))
        self.attention = SqueezeExcite(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(self.convs(x))


def _trim(x: Tensor, pixels: int) -> Tensor:
    return x[:, :, pixels:-pixels, pixels:-pixels]


class UNet1(nn.Module):
    """cunet's first half: one step down and up, then twofold enlargement; loses 16 of 2H."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Sequential(_conv(3, 32), _conv(32, 64))
        self.down = _conv(64, 64, 2, 2)
        self.middle = _Attended(64, 128, 64)
        self.up = _deconv(64, 64)
        self.leave = _conv(64, 64)
        self.enlarge = nn.ConvTranspose2d(64, 3, 4, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        wide = self.enter(x)
        x = self.up(self.middle(self.down(wide)))
        return self.enlarge(self.leave(x + _trim(wide, 4)))


class UNet2(nn.Module):
    """cunet's second half: two steps down and up, which correct the first half; loses 20 a side."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Sequential(_conv(3, 32), _conv(32, 64))
        self.down1 = _conv(64, 64, 2, 2)
        self.middle1 = _Attended(64, 64, 128)
        self.down2 = _conv(128, 128, 2, 2)
        self.middle2 = _Attended(128, 256, 128)
        self.up2 = _deconv(128, 128)
        self.middle3 = _Attended(128, 64, 64)
        self.up1 = _deconv(64, 64)
        self.leave = nn.Sequential(_conv(64, 64), nn.Conv2d(64, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        wide = self.enter(x)
        middle = self.middle1(self.down1(wide))
        x = self.up2(self.middle2(self.down2(middle)))
        x = self.up1(self.middle3(x + _trim(middle, 4)))
        return self.leave(x + _trim(wide, 16))


class CUNet(nn.Module):
    """Two cascaded U-Nets. H and W are even and at least 40."""

    margin = 18

    def __init__(self) -> None:
        super().__init__()
        self.unet1 = UNet1()
        self.unet2 = UNet2()

    def forward(self, x: Tensor) -> Tensor:
        enlarged = self.unet1(x)
        return _trim(enlarged, 20) + self.unet2(enlarged)
