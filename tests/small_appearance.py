"""An appearance realizer small enough for tests: a red square over a grey head."""

import numpy as np
import torch
from torch import nn

from webcast.networks.appearance import Appearance

TEXTURE_PX, PIXELS = 16, 64
SQUARE = np.array([(x, y) for y in (0.25, 0.5, 0.75) for x in (0.25, 0.5, 0.75)], np.float32)
CONFIG = {
    "name": "appearance",
    "size_px": 32,
    "direction": "drawn-to-photo",
    "textures": 2,
    "shapes": 1,
    "pixels": PIXELS,
    "points": len(SQUARE),
    "texture_px": TEXTURE_PX,
    "generator": {"name": "pix2pix", "channels": 2, "levels": 5},
}


class Grey(nn.Module):
    """A generator whose every picture is middle grey."""

    def forward(self, real_a):
        return torch.zeros_like(real_a)


def red_face(generator: nn.Module | None = None) -> Appearance:
    """A red square in the middle that is wholly seen; its only shape component moves it to the right."""
    network = Appearance(generator or Grey(), 2, 1, PIXELS, len(SQUARE), TEXTURE_PX)
    network.texture_mean.copy_(torch.tensor([1.0, 0, 0]))
    network.texture_basis[0] = torch.tensor([0, 0.5, 0])
    network.shape_mean.copy_(torch.from_numpy(SQUARE))
    network.shape_basis[0, :, 0] = 0.125
    network.matte[4:12, 4:12] = 1
    for parameter in network.reader.fc.parameters():
        nn.init.zeros_(parameter)
    return network
