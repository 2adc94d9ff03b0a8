"""RDN, the residual dense network of the package Image Super-Resolution (ISR).

Paper: Zhang, Tian, Kong, Zhong, Fu, "Residual Dense Network for Image Super-Resolution" (2018, arXiv
1802.08797). Reference implementation: idealo/image-super-resolution, `ISR/models/rdn.py`, whose layer names
these are. As there, and other than in the paper, the last step enlarges by repeating pixels
(`upscaling="ups"`), which its published weights were trained with.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _same(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


class RDN(nn.Module):
    """Float RGB (N, 3, H, W) in 0 to 1 in, `scale` times larger out, not clipped.

    `blocks` (D) residual dense blocks of `convs` (C) convolutions with `growth` (G) outputs each; `features`
    (G0) between the blocks.
    """

    def __init__(self, convs: int, blocks: int, growth: int, features: int, scale: int) -> None:
        super().__init__()
        self.convs, self.blocks, self.scale = convs, blocks, scale
        self.F_m1 = _same(3, features, 3)
        self.F_0 = _same(features, features, 3)
        for block in range(1, blocks + 1):
            for conv in range(1, convs + 1):
                setattr(self, f"F_{block}_{conv}", _same(features + (conv - 1) * growth, growth, 3))
            setattr(self, f"LFF_{block}", _same(features + convs * growth, features, 1))
        self.GFF_1 = _same(blocks * features, features, 1)
        self.GFF_2 = _same(features, features, 3)
        self.UPN1 = _same(features, 64, 5)
        self.UPN2 = _same(64, 32, 3)
        self.UPN3 = _same(32, 3 * scale**2, 3)
        self.SR = _same(3 * scale**2, 3, 3)

    @property
    def context(self) -> int:
        """Pixels around a pixel that it depends on: a pixel for each 3 x 3 convolution, two for the 5 x 5."""
        return self.blocks * self.convs + 8

    def forward(self, x: Tensor) -> Tensor:
        first = self.F_m1(x)
        x, kept = self.F_0(first), []
        for block in range(1, self.blocks + 1):
            x = x + self._block(x, block)
            kept.append(x)
        x = first + self.GFF_2(self.GFF_1(torch.cat(kept, 1)))
        x = self.UPN3(self.UPN2(self.UPN1(x).relu()).relu())
        return self.SR(F.interpolate(x, scale_factor=self.scale, mode="nearest"))

    def _block(self, x: Tensor, block: int) -> Tensor:
        for conv in range(1, self.convs + 1):
            x = torch.cat([x, getattr(self, f"F_{block}_{conv}")(x).relu()], 1)
        return getattr(self, f"LFF_{block}")(x)
