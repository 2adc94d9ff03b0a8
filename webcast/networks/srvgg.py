"""SRVGGNetCompact and RRDBNet, Real-ESRGAN's small and large network, and the `realesrgan` package.

Paper: Wang, Xie, Dong, Shan, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic
Data" (2021, arXiv 2107.10833). Reference implementation: xinntao/Real-ESRGAN, used as it is. RRDBNet is
ESRGAN's (Wang et al. 2018, arXiv 1809.00219), from the package `basicsr`, which Real-ESRGAN needs.

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

from basicsr.archs.rrdbnet_arch import RRDBNet  # noqa: E402
from realesrgan.archs.srvgg_arch import SRVGGNetCompact  # noqa: E402
from realesrgan.utils import RealESRGANer  # noqa: E402

__all__ = ["RRDBNet", "RealESRGANer", "SRVGGNetCompact"]
