"""Turns drawn heads into photo-like ones, or photos into drawn ones, with a translator's generator."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from webcast.networks import cyclegan, pix2pix, ugatit, uvcgan2
from webcast.tensors import to_images, to_tensor
from webcast.types import Realizer
from webcast.weights import load_network, read_config, setting

BATCH = 8


class GeneratorRealizer:
    """Translates square RGB head crops of any size into pictures of `size_px`; see `types.Realizer`.

    `direction` is what the weights were trained for: "drawn-to-photo" or "photo-to-drawn".
    """

    def __init__(self, generator: nn.Module, device: torch.device, size_px: int, direction: str) -> None:
        self.size_px, self.direction = size_px, direction
        self._generator = generator.to(device).eval()
        self._device = device

    @torch.inference_mode()
    def realize(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        """RGB pictures in, as many square RGB pictures of `size_px` out."""
        realized = []
        for start in range(0, len(images), BATCH):
            pixels = to_tensor(images[start : start + BATCH], self.size_px).to(self._device)
            realized += to_images((translated(self._generator, pixels * 2 - 1) + 1) / 2)
        return realized


def translated(generator: nn.Module, real_a: Tensor) -> Tensor:
    """`fake_b`, float (N, 3, H, W) in -1 to 1 as `real_a`.

    U-GAT-IT's generator gives its attention beside the picture; the others give the picture alone.
    """
    given = generator(real_a)
    return given[0] if isinstance(given, tuple) else given


class NoRealizer:
    """Gives back the pictures as they are, so that drawings are compared with photos directly."""

    def realize(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        return list(images)


def load_ugatit(folder: Path, device: torch.device) -> GeneratorRealizer:
    """The realizer of a folder whose config has size_px, light, channels, blocks and direction."""
    config = read_config(folder)
    with torch.device("meta"):
        generator = ugatit.Generator(
            size_px=setting(config, "size_px", int, folder),
            light=setting(config, "light", bool, folder),
            channels=setting(config, "channels", int, folder),
            blocks=setting(config, "blocks", int, folder),
        )
    return _with_weights(generator, config, folder, device)


def load_cyclegan(folder: Path, device: torch.device) -> GeneratorRealizer:
    """The realizer of a folder whose config has size_px, channels, blocks and direction."""
    config = read_config(folder)
    channels, blocks = (setting(config, key, int, folder) for key in ("channels", "blocks"))
    with torch.device("meta"):
        generator = cyclegan.Generator(channels, blocks)
    return _with_weights(generator, config, folder, device)


def load_pix2pix(folder: Path, device: torch.device) -> GeneratorRealizer:
    """The realizer of a folder whose config has size_px (a power of two), channels and direction."""
    config = read_config(folder)
    channels, size_px = (setting(config, key, int, folder) for key in ("channels", "size_px"))
    with torch.device("meta"):
        generator = pix2pix.Generator(channels, levels=size_px.bit_length() - 1)
    return _with_weights(generator, config, folder, device)


def load_uvcgan2(folder: Path, device: torch.device) -> GeneratorRealizer:
    """The realizer of a folder whose config has size_px, channels, blocks and direction."""
    config = read_config(folder)
    channels, blocks = (setting(config, key, int, folder) for key in ("channels", "blocks"))
    with torch.device("meta"):
        generator = uvcgan2.Generator(channels, blocks)
    return _with_weights(generator, config, folder, device)


def _with_weights(
    generator: nn.Module, config: dict, folder: Path, device: torch.device
) -> GeneratorRealizer:
    load_network(generator, folder)
    size_px, direction = setting(config, "size_px", int, folder), setting(config, "direction", str, folder)
    return GeneratorRealizer(generator, device, size_px, direction)


def load_none(folder: Path, device: torch.device) -> NoRealizer:
    """No weights, no device."""
    return NoRealizer()


REALIZERS: dict[str, Callable[[Path, torch.device], Realizer]] = {
    "none": load_none,
    "ugatit": load_ugatit,
    "cyclegan": load_cyclegan,
    "pix2pix": load_pix2pix,
    "uvcgan2": load_uvcgan2,
}
