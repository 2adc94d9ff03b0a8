"""Five points of one face, from a head crop that is only roughly upright and framed.

Paper: Zhang, Zhang, Li, Qiao, "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks" (2016, arXiv 1604.02878), whose last stage (O-Net) this follows: what a first network found is seen
again, larger, by a second one. Deliberate differences: points alone, since the first network is sure enough
of boxes; residual blocks in place of pooling.
"""

from torch import Tensor, nn

from webcast.networks.centerface import Block, ConvNorm

CROP_PX = 64


class PointsNet(nn.Module):
    """RGB float (N, 3, 64, 64) in 0 to 1 to the points (N, 5, 2), in parts of the crop's side."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        c = channels
        self.features = nn.Sequential(
            *(ConvNorm(3, c // 2, stride=2), ConvNorm(c // 2, c, stride=2), Block(c)),
            *(ConvNorm(c, 2 * c, stride=2), Block(2 * c)),
            *(ConvNorm(2 * c, 3 * c, stride=2), Block(3 * c)),
        )
        self.out = nn.Linear(3 * c * (CROP_PX // 16) ** 2, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.features(x - 0.5).flatten(1)).unflatten(1, (5, 2))
