"""SRCNN: three convolutions that sharpen a picture which was enlarged before.

Paper: Dong, Loy, He, Tang, "Image Super-Resolution Using Deep Convolutional Networks" (2014, arXiv
1501.00092), the setting 9-5-5 with 64 and 32 features. Deliberate differences: RGB and not the luminance
alone (the paper's table 5 has it so too), the picture keeps its size (the edges are repeated), and what is
learned is the difference to the bicubic picture, which starts from there and trains in minutes.
"""

from torch import Tensor, nn


class SRCNN(nn.Module):
    """Float RGB (N, 3, H, W) in 0 to 1, enlarged already, in and out; not clipped."""

    context = 8

    def __init__(self, features: int = 64, middle: int = 32) -> None:
        super().__init__()
        self.extract = nn.Conv2d(3, features, 9, padding=4, padding_mode="replicate")
        self.map = nn.Conv2d(features, middle, 5, padding=2, padding_mode="replicate")
        self.rebuild = nn.Conv2d(middle, 3, 5, padding=2, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        return x + self.rebuild(self.map(self.extract(x).relu()).relu())
