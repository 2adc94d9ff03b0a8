"""A small anchor-free face detector: where faces are, how large, and five points of each.

Papers: Zhou, Wang, Krähenbühl, "Objects as Points" (CenterNet, 2019, arXiv 1904.07850) and Xu et al.,
"CenterFace: Joint Face Detection and Alignment Using Face as Point" (2019, arXiv 1911.03599).
Deliberate differences: plain residual blocks in place of MobileNetV2, since depthwise convolutions gain
little on a CPU; a box is a square, as canonical face boxes are; all sizes and points are in units of the
face's side, so that large and small faces weigh the same in training.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

STRIDE = 4
COARSEST_STRIDE = 32
OUTPUTS = 14  # heat, centre (2), side, five points (10)


class ConvNorm(nn.Sequential):
    """3 x 3 or 1 x 1 convolution, batch norm, ReLU if `active`."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, active: bool = True):
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        layers = [convolution, nn.BatchNorm2d(outputs)]
        super().__init__(*layers, nn.ReLU(inplace=True)) if active else super().__init__(*layers)


class Block(nn.Module):
    """Two convolutions around which the input passes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels)
        self.second = ConvNorm(channels, channels, active=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class CenterFace(nn.Module):
    """RGB float (N, 3, H, W) in 0 to 1, H and W multiples of 32, to float (N, 14, H / 4, W / 4).

    Channels: the logit that a face's centre lies in the cell; then, for a face whose centre does, the centre
    (x, y) from the middle of the cell, the natural logarithm of the side in pixels, and five points (x, y)
    from the middle of the cell. Centre and points are in sides of the face.
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        c = channels
        self.quarter = nn.Sequential(ConvNorm(3, c // 2, stride=2), ConvNorm(c // 2, c, stride=2))
        self.eighth = nn.Sequential(ConvNorm(c, 2 * c, stride=2), Block(2 * c))
        self.sixteenth = nn.Sequential(ConvNorm(2 * c, 3 * c, stride=2), Block(3 * c), Block(3 * c))
        self.coarsest = nn.Sequential(ConvNorm(3 * c, 4 * c, stride=2), Block(4 * c))
        self.from_coarsest = ConvNorm(4 * c, 2 * c, kernel=1)
        self.from_sixteenth = ConvNorm(3 * c, 2 * c, kernel=1)
        self.from_eighth = ConvNorm(2 * c, 2 * c, kernel=1)
        self.to_quarter = ConvNorm(2 * c, c)
        self.from_quarter = ConvNorm(c, c, kernel=1)
        self.last = ConvNorm(c, c)
        self.out = nn.Conv2d(c, OUTPUTS, 1)
        nn.init.constant_(self.out.bias[:1], -4.0)  # faces are rare
        nn.init.constant_(self.out.bias[3:4], 4.0)

    def forward(self, x: Tensor) -> Tensor:
        quarter = self.quarter(x - 0.5)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        down = self.from_sixteenth(sixteenth) + _doubled(self.from_coarsest(self.coarsest(sixteenth)))
        down = self.from_eighth(eighth) + _doubled(down)
        down = self.from_quarter(quarter) + _doubled(self.to_quarter(down))
        return self.out(self.last(down))


def fuse(network: nn.Module) -> nn.Module:
    """The network itself for inference, each batch norm taken into its convolution; the outputs stay."""
    for layer in network.eval().modules():
        if isinstance(layer, ConvNorm):
            layer[0], layer[1] = fuse_conv_bn_eval(layer[0], layer[1]), nn.Identity()
    return network


def decode(output: Tensor, threshold: float) -> list[Tensor]:
    """Faces of each picture from (N, 14, H, W): (F, 14) of likelihood, centre, side, points, in pixels.

    A face is a cell that is not below any of its eight neighbours and at least `threshold` (0 to 1).
    """
    heat = output[:, 0].sigmoid()
    peaks = (heat == F.max_pool2d(heat, 3, 1, 1)) & (heat >= threshold)
    places = [is_peak.nonzero(as_tuple=True) for is_peak in peaks]
    return [_faces(output[n, :, rows, columns].T, rows, columns) for n, (rows, columns) in enumerate(places)]


def decode_middle(output: Tensor) -> Tensor:
    """The likeliest face around the middle of each picture, from (N, 14, H, W): (N, 14) as in `decode`."""
    rows, columns = output.shape[2:]
    middle = output[:, 0, rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4]
    best = middle.flatten(1).argmax(1)
    row, column = best // middle.shape[2] + rows // 4, best % middle.shape[2] + columns // 4
    return _faces(output[torch.arange(len(output)), :, row, column], row, column)


def _faces(values: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The network's answers (F, 14) in cells as likelihood, centre, side and points in pixels."""
    middle = torch.stack([columns, rows], 1).float().add(0.5).mul(STRIDE)
    side = values[:, 3:4].exp()
    points = middle.repeat(1, 5) + values[:, 4:] * side
    return torch.cat([values[:, :1].sigmoid(), middle + values[:, 1:3] * side, side, points], 1)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
