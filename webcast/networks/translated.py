"""One way to call every translator's generator."""

from torch import Tensor, nn


def translated(generator: nn.Module, real_a: Tensor) -> Tensor:
    """`fake_b`, float (N, 3, H, W) in -1 to 1 as `real_a`.

    U-GAT-IT's generator gives its attention beside the picture; the others give the picture alone.
    """
    given = generator(real_a)
    return given[0] if isinstance(given, tuple) else given
