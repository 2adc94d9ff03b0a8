"""Turns drawn heads into photo-like ones, or photos into drawn ones, with U-GAT-IT's generator."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from PIL import Image

from webcast.networks.ugatit import Generator
from webcast.tensors import to_images, to_tensor
from webcast.types import Realizer
from webcast.weights import load_network, read_config, setting

BATCH = 8


class UGATITRealizer:
    """Translates square RGB head crops of any size into pictures of `size_px`; see `types.Realizer`.

    `direction` is what the weights were trained for: "drawn-to-photo" or "photo-to-drawn".
    """

    def __init__(self, generator: Generator, device: torch.device, size_px: int, direction: str) -> None:
        self.size_px, self.direction = size_px, direction
        self._generator = generator.to(device).eval()
        self._device = device

    @torch.inference_mode()
    def realize(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        """RGB pictures in, as many square RGB pictures of `size_px` out."""
        realized = []
        for start in range(0, len(images), BATCH):
            pixels = to_tensor(images[start : start + BATCH], self.size_px).to(self._device)
            fake, _, _ = self._generator(pixels * 2 - 1)
            realized += to_images((fake + 1) / 2)
        return realized


class NoRealizer:
    """Gives back the pictures as they are, so that drawings are compared with photos directly."""

    def realize(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        return list(images)


def load_ugatit(folder: Path, device: torch.device) -> UGATITRealizer:
    """The realizer of a folder whose config has size_px, light, channels, blocks and direction."""
    config = read_config(folder)
    size_px = setting(config, "size_px", int, folder)
    with torch.device("meta"):
        generator = Generator(
            size_px=size_px,
            light=setting(config, "light", bool, folder),
            channels=setting(config, "channels", int, folder),
            blocks=setting(config, "blocks", int, folder),
        )
    load_network(generator, folder)
    return UGATITRealizer(generator, device, size_px, setting(config, "direction", str, folder))


def load_none(folder: Path, device: torch.device) -> NoRealizer:
    """No weights, no device."""
    return NoRealizer()


REALIZERS: dict[str, Callable[[Path, torch.device], Realizer]] = {"none": load_none, "ugatit": load_ugatit}
