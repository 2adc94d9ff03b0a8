"""DSFD, a face detector on a ResNet152 with six feature maps.

Paper: Li, Wang, Wang, Tai, Qian, Yang, Wang, Li, Huang, "DSFD: Dual Shot Face Detector" (2018, arXiv
1810.10220). Reference implementation: TencentYoutuResearch/FaceDetection-DSFD, whose published
`WIDERFace_DSFD_RES152.pth` has these names. Only the second shot is computed, as in the reference's test. The
first of a map's boxes is the face's own; the others served training (progressive anchors).
"""

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

STRIDES = (4, 8, 16, 32, 64, 128)
ANCHOR_PX = (16, 32, 64, 128, 256, 512)
ANCHOR_ASPECT = 1.5  # height by width
VARIANCES = (0.1, 0.2)
WIDTHS = (256, 512, 1024, 2048, 512, 256)


class FeatureEnhance(nn.Module):
    """Three branches of dilated convolutions, side by side: any width in, 512 out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cpm1 = nn.Conv2d(channels, 256, 3, padding=1)
        self.cpm2 = nn.Conv2d(channels, 256, 3, dilation=2, padding=2)
        self.cpm3 = nn.Conv2d(256, 128, 3, padding=1)
        self.cpm4 = nn.Conv2d(256, 128, 3, dilation=2, padding=2)
        self.cpm5 = nn.Conv2d(128, 128, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        wide = self.cpm2(x).relu()
        wider = self.cpm4(wide).relu()
        return torch.cat([self.cpm1(x).relu(), self.cpm3(wide).relu(), self.cpm5(wider).relu()], 1)


class DeepHead(nn.Module):
    """Four convolutions that give boxes or likelihoods."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(512, 256, 3, padding=1)
        self.conv2 = nn.Conv2d(256, 256, 3, padding=1)
        self.conv3 = nn.Conv2d(256, 256, 3, padding=1)
        self.conv4 = nn.Conv2d(256, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3(self.conv2(self.conv1(x).relu()).relu()).relu()
        return self.conv4(x)


def _step_down(inputs: int, middle: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, middle, 1),
        nn.BatchNorm2d(middle),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle, outputs, 3, 2, 1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class DSFD(nn.Module):
    """BGR pictures without their mean, float (N, 3, H, W) in 0 to 255; boxes and two logits of each map's
    places.

    Gives for each of the six maps offsets (N, 4, h, w) and logits of "no face" and "face" (N, 2, h, w).
    """

    def __init__(self) -> None:
        super().__init__()
        resnet = torchvision.models.resnet152(weights=None)
        self.layer1 = nn.Sequential(resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool, resnet.layer1)
        self.layer2 = nn.Sequential(resnet.layer2)
        self.layer3 = nn.Sequential(resnet.layer3)
        self.layer4 = nn.Sequential(resnet.layer4)
        self.layer5 = _step_down(2048, 512, 512)
        self.layer6 = _step_down(512, 128, 256)
        for level in (3, 2, 1):
            setattr(self, f"latlayer{level}", nn.Conv2d(WIDTHS[level], WIDTHS[level - 1], 1))
            setattr(self, f"smooth{level}", nn.Conv2d(WIDTHS[level - 1], WIDTHS[level - 1], 1))
        for name, width in zip(("3_3", "4_3", "5_3", "7", "6_2", "7_2"), WIDTHS, strict=True):
            setattr(self, f"cpm{name}", FeatureEnhance(width))
        self.loc = nn.ModuleList(DeepHead(outputs) for outputs in (4, 8, 12, 12, 12, 12))
        self.conf = nn.ModuleList(DeepHead(outputs) for outputs in (4, 6, 8, 8, 8, 8))

    def forward(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        maps = []
        for level in (self.layer1, self.layer2, self.layer3, self.layer4, self.layer5, self.layer6):
            x = level(x)
            maps.append(x)
        for level in (3, 2, 1):
            top = getattr(self, f"latlayer{level}")(maps[level])
            below = getattr(self, f"smooth{level}")(maps[level - 1])
            maps[level - 1] = below * F.interpolate(
                top, size=below.shape[2:], mode="bilinear", align_corners=True
            )
        enhancers = (self.cpm3_3, self.cpm4_3, self.cpm5_3, self.cpm7, self.cpm6_2, self.cpm7_2)
        maps = [enhance(level) for enhance, level in zip(enhancers, maps, strict=True)]
        offsets = [head(level)[:, :4] for head, level in zip(self.loc, maps, strict=True)]
        logits = [head(level) for head, level in zip(self.conf, maps, strict=True)]
        return offsets, [_max_in_out(logit, is_first) for logit, is_first in zip(logits, FIRST, strict=True)]


FIRST = (True, *(False,) * 5)


def _max_in_out(logits: Tensor, is_first: bool) -> Tensor:
    """The largest of three logits stands for one class: "no face" on the finest map, "face" on the others."""
    largest, other = logits[:, :3].amax(1, keepdim=True), logits[:, 3:4]
    return torch.cat([largest, other] if is_first else [other, largest], 1)


def decode(offsets: list[Tensor], logits: list[Tensor], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Boxes x0, y0, x1, y1 in pixels (N, P, 4) and likelihoods (N, P) of all places of all maps.

    `size` is (width, height) of the picture. Anchors are kept inside it, as in the reference.
    """
    anchors = torch.cat([_anchors(level, *scale, size) for level, scale in _with_scales(offsets)])
    shift = torch.cat([level.flatten(2).transpose(1, 2) for level in offsets], 1)
    centres = anchors[:, :2] + shift[..., :2] * VARIANCES[0] * anchors[:, 2:]
    sizes = anchors[:, 2:] * torch.exp(shift[..., 2:] * VARIANCES[1])
    likelihoods = torch.cat([level.softmax(1)[:, 1].flatten(1) for level in logits], 1)
    whole = torch.tensor([*size, *size], device=shift.device)
    return torch.cat([centres - sizes / 2, centres + sizes / 2], -1) * whole, likelihoods


def _with_scales(offsets: list[Tensor]) -> list[tuple[Tensor, tuple[int, int]]]:
    return list(zip(offsets, zip(STRIDES, ANCHOR_PX, strict=True), strict=True))


def _anchors(level: Tensor, stride: int, side_px: int, size: tuple[int, int]) -> Tensor:
    """Centre x, y and width, height of a map's anchors, in parts of the picture (h w, 4), cut to 0 to 1."""
    height, width = level.shape[2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = (torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride
    sides = torch.tensor([side_px / ANCHOR_ASPECT**0.5, side_px * ANCHOR_ASPECT**0.5]).expand(len(centres), 2)
    parts = torch.cat([centres, sides], 1) / torch.tensor([*size, *size])
    return parts.clamp(0, 1).to(level.device)
