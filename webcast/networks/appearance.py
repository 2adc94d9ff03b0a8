"""A linear model of photographed faces, a network that reads its numbers off a drawing, and a generator.

Paper: Cootes, Edwards, Taylor, "Active Appearance Models" (2001, IEEE TPAMI 23(6)). A face is a mean shape
and a mean texture, each plus a few numbers times its principal components; the texture is what is left when a
face is warped to the mean shape. Whatever the numbers are, the result has a photo's eyes and skin. Deliberate
difference: no search fits the numbers to a picture; a convolutional network reads them off a drawing. The
model holds the face alone: hair, neck and background are what a translator's generator makes of them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet18
from torchvision.models.resnet import BasicBlock

from webcast.networks.translated import translated

READER_PX = 88
"""Side of the head crop that the reader sees: a face in it is as large as the embedder sees one."""
NARROW = 256  # features of the last stage; ResNet18's 512 would be two thirds of its size


def reader(numbers: int) -> nn.Module:
    """ResNet18 with a narrow last stage, whose places are kept: (N, 3, 88, 88) in -1 to 1 to (N, numbers)."""
    network = resnet18(weights=None)
    shortcut = nn.Sequential(nn.Conv2d(NARROW, NARROW, 1, 2, bias=False), nn.BatchNorm2d(NARROW))
    network.layer4 = BasicBlock(NARROW, NARROW, 2, shortcut)
    network.avgpool = nn.Identity()
    network.fc = nn.Linear(NARROW * 3 * 3, numbers)
    return network


class Appearance(nn.Module):
    """`textures` and `shapes` count the numbers, `pixels` and `points` what they move.

    Buffers: `texture_mean` (pixels, 3) and `texture_basis` (textures, pixels, 3), RGB in 0 to 1; `shape_mean`
    (points, 2) and `shape_basis` (shapes, points, 2), x and y in parts of the head crop's side; `matte`
    (texture_px, texture_px), 0 to 1, how much of the face is seen: its pixels above 0, row by row, are those
    of the texture.
    """

    def __init__(
        self, generator: nn.Module, textures: int, shapes: int, pixels: int, points: int, texture_px: int
    ) -> None:
        super().__init__()
        self.generator, self.textures = generator, textures
        self.reader = reader(textures + shapes)
        self.register_buffer("texture_mean", torch.zeros(pixels, 3))
        self.register_buffer("texture_basis", torch.zeros(textures, pixels, 3))
        self.register_buffer("shape_mean", torch.zeros(points, 2))
        self.register_buffer("shape_basis", torch.zeros(shapes, points, 2))
        self.register_buffer("matte", torch.zeros(texture_px, texture_px))

    def forward(self, real_a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Drawn heads (N, 3, H, W) in -1 to 1 to `fake_b`, textures (N, P, 3) and shapes (N, L, 2)."""
        seen = F.interpolate(real_a, (READER_PX, READER_PX), mode="bilinear", antialias=True)
        return translated(self.generator, real_a), *self.face(self.reader(seen))

    def face(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers (N, textures + shapes), of variance 1 over photos, to what `forward` gives of them."""
        texture, shape = numbers.split([self.textures, numbers.shape[1] - self.textures], 1)
        return (
            self.texture_mean + torch.tensordot(texture, self.texture_basis, 1),
            self.shape_mean + torch.tensordot(shape, self.shape_basis, 1),
        )
