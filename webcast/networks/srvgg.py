"""SRVGGNetCompact, the small network of Real-ESRGAN, and the `realesrgan` package it comes from.

Paper: Wang, Xie, Dong, Shan, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure
Synthetic Data" (2021, arXiv 2107.10833). Reference implementation: xinntao/Real-ESRGAN, used as it is.

This is the only place that imports the package, because it needs two repairs first: it imports
`torchvision.transforms.functional_tensor`, which torchvision no longer has, for one function; and its
tile loop prints an error and goes on with the tile before, where an error must be raised.
"""

import sys
from types import ModuleType

from torchvision.transforms.functional import rgb_to_grayscale

_moved = ModuleType("torchvision.transforms.functional_tensor")
_moved.rgb_to_grayscale = rgb_to_grayscale
sys.modules.setdefault(_moved.__name__, _moved)

import realesrgan.utils  # noqa: E402
from realesrgan.archs.srvgg_arch import SRVGGNetCompact  # noqa: E402
from realesrgan.utils import RealESRGANer  # noqa: E402

__all__ = ["RealESRGANer", "SRVGGNetCompact"]


def _raise_instead(*words: object) -> None:
    """Stands in for the package's `print`: progress is dropped, a swallowed exception is raised."""
    for word in words:
        if isinstance(word, BaseException):
            raise word


realesrgan.utils.print = _raise_instead
