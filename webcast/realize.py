"""Turns drawn heads into photo-like ones, or photos into drawn ones, with a translator's generator."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import nn

from webcast.appearance import AppearanceRealizer
from webcast.networks import cyclegan, pix2pix, ugatit, uvcgan2
from webcast.networks.appearance import Appearance
from webcast.networks.translated import translated
from webcast.tensors import to_images, to_tensor
from webcast.types import Realizer
from webcast.weights import load_network, pick, read_config, setting

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


class NoRealizer:
    """Gives back the pictures as they are, so that drawings are compared with photos directly."""

    def realize(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        return list(images)


def build_ugatit(config: dict, folder: Path) -> nn.Module:
    """Of a config with size_px, light, channels and blocks."""
    return ugatit.Generator(
        size_px=setting(config, "size_px", int, folder),
        light=setting(config, "light", bool, folder),
        channels=setting(config, "channels", int, folder),
        blocks=setting(config, "blocks", int, folder),
    )


def build_cyclegan(config: dict, folder: Path) -> nn.Module:
    """Of a config with channels and blocks."""
    return cyclegan.Generator(*(setting(config, key, int, folder) for key in ("channels", "blocks")))


def build_pix2pix(config: dict, folder: Path) -> nn.Module:
    """Of a config with channels and levels; size_px is a multiple of two to the power of levels."""
    return pix2pix.Generator(*(setting(config, key, int, folder) for key in ("channels", "levels")))


def build_uvcgan2(config: dict, folder: Path) -> nn.Module:
    """Of a config with channels and blocks."""
    return uvcgan2.Generator(*(setting(config, key, int, folder) for key in ("channels", "blocks")))


GENERATORS: dict[str, Callable[[dict, Path], nn.Module]] = {
    "ugatit": build_ugatit,
    "cyclegan": build_cyclegan,
    "pix2pix": build_pix2pix,
    "uvcgan2": build_uvcgan2,
}


def build_appearance(config: dict, folder: Path) -> Appearance:
    """Of a config with the sizes that `Appearance` asks for, and in `generator` the generator's config."""
    own = setting(config, "generator", dict, folder)
    generator = pick(GENERATORS, setting(own, "name", str, folder), "generator")(own, folder)
    sizes = ("textures", "shapes", "pixels", "points", "texture_px")
    return Appearance(generator, *(setting(config, key, int, folder) for key in sizes))


NETWORKS = GENERATORS | {"appearance": build_appearance}


def load_realizer(name: str, folder: Path, device: torch.device) -> GeneratorRealizer | AppearanceRealizer:
    """The realizer of a folder whose config has size_px, direction, and what its network is built of."""
    config = read_config(folder)
    with torch.device("meta"):
        network = NETWORKS[name](config, folder)
    load_network(network, folder)
    return realizer_of(network, config, folder, device)


def realizer_of(
    network: nn.Module, config: dict, folder: Path, device: torch.device
) -> GeneratorRealizer | AppearanceRealizer:
    """Such a network, ready to be used."""
    kind = AppearanceRealizer if isinstance(network, Appearance) else GeneratorRealizer
    size_px, direction = setting(config, "size_px", int, folder), setting(config, "direction", str, folder)
    return kind(network, device, size_px, direction)


def load_none(folder: Path, device: torch.device) -> NoRealizer:
    """No weights, no device."""
    return NoRealizer()


REALIZERS: dict[str, Callable[[Path, torch.device], Realizer]] = {"none": load_none} | {
    name: partial(load_realizer, name) for name in NETWORKS
}
