"""SRVGGNetCompact, the small network of Real-ESRGAN, and the `realesrgan` package it comes from.

Paper: Wang, Xie, Dong, Shan, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure
Synthetic Data" (2021, arXiv 2107.10833). Reference implementation: xinntao/Real-ESRGAN, used as it is.

This is the only place that imports the package, because it first needs a repair: it imports
`torchvision.transforms.functional_tensor`, which torchvision no longer has, for one function. Its own
tiles are not used: where a tile fails, it prints the error and goes on with the tile before.
"""

import sys
from types import ModuleType

from torchvision.transforms.functional import rgb_to_grayscale

_moved = ModuleType("torchvision.transforms.functional_tensor")
_moved.rgb_to_grayscale = rgb_to_grayscale
sys.modules.setdefault(_moved.__name__, _moved)

from realesrgan.archs.srvgg_arch import SRVGGNetCompact  # noqa: E402
from realesrgan.utils import RealESRGANer  # noqa: E402

__all__ = ["RealESRGANer", "SRVGGNetCompact"]
