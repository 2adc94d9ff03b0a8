"""From PIL pictures to float tensors and back; every stage with a network goes through here."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor


def to_tensor(images: Sequence[Image.Image], size_px: int) -> Tensor:
    """RGB pictures of any size to float32 (N, 3, size_px, size_px) in [0, 1], resized with antialiasing.

    A picture that is not square loses what sticks out of its middle square; nothing is squashed.
    """
    fitted = [ImageOps.fit(image, (size_px, size_px), Image.Resampling.BICUBIC) for image in images]
    pixels = torch.from_numpy(np.stack([np.asarray(image, dtype=np.uint8) for image in fitted]))
    return pixels.permute(0, 3, 1, 2).float().div(255)


def to_images(pixels: Tensor) -> list[Image.Image]:
    """Float (N, 3, H, W) in [0, 1] to RGB pictures; values outside are clipped."""
    rounded = pixels.float().clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1)
    return [Image.fromarray(picture) for picture in rounded.cpu().contiguous().numpy()]
