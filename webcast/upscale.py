"""Enlarges pictures with Real-ESRGAN or waifu2x; the papers are named beside the networks.

A picture is cut into tiles, each with as much of its neighbours around it as the network sees, so that
memory stays bounded whatever the picture's size and no tile shows where it was cut.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise, product
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

import numpy as np
import torch
from PIL import Image
from torch import nn

from webcast.errors import WeightsError
from webcast.networks.waifu2x import CUNet, UpConv7
from webcast.tensors import to_images
from webcast.types import Upscaler
from webcast.weights import CONFIG_NAME, load_network, pick, read_config, setting

TILE_PX = 256
WAIFU2X_NETWORKS: dict[str, type[nn.Module]] = {"cunet": CUNet, "upconv_7": UpConv7}


def _spans(length: int) -> list[tuple[int, int]]:
    """`length` pixels in the fewest parts of at most `TILE_PX`, all nearly equal."""
    cuts = np.linspace(0, length, -(-length // TILE_PX) + 1).round().astype(int).tolist()
    return list(pairwise(cuts))


def enlarge_tiled(
    pixels: np.ndarray,
    enlarge: Callable[[np.ndarray], np.ndarray],
    scale: int,
    context: int,
    tile: int = TILE_PX,
) -> np.ndarray:
    """`enlarge` over tiles of at most `tile` pixels, each seen with `context` pixels of its neighbours.

    `pixels` is uint8 (H, W, 3); `enlarge` makes (h, w, 3) into (h * scale, w * scale, 3). Where the
    picture ends a tile has no neighbours, and `enlarge` treats the edge as it would the whole picture's.
    """
    height, width, _ = pixels.shape
    enlarged = np.empty((height * scale, width * scale, 3), dtype=np.uint8)
    for (top, bottom), (left, right) in product(_spans(height), _spans(width)):
        y, x = max(top - context, 0), max(left - context, 0)
        out = enlarge(pixels[y : bottom + context, x : right + context])
        enlarged[top * scale : bottom * scale, left * scale : right * scale] = out[
            (top - y) * scale : (bottom - y) * scale, (left - x) * scale : (right - x) * scale
        ]
    return enlarged


class RealESRGANUpscaler:
    """Enlarges by the weights' own scale with SRVGGNetCompact; see `types.Upscaler`."""

    def __init__(self, network: nn.Module, device: torch.device, scale: int, context: int) -> None:
        # Imported here because the package takes more than a second to import.
        from webcast.networks.srvgg import RealESRGANer

        self.scale = scale
        self._context = context
        self._lock = Lock()
        # The package reads weights only with torch.load: it gets ours through a file nobody else can
        # read or write.
        with TemporaryDirectory(prefix="webcast-") as folder:
            path = Path(folder) / "weights.pth"
            torch.save({"params": network.state_dict()}, path)
            self._enhancer = RealESRGANer(scale, str(path), model=network, tile=0, pre_pad=0, device=device)

    def upscale(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        """RGB pictures of any size in, the same pictures `scale` times larger out."""
        return [
            Image.fromarray(enlarge_tiled(np.asarray(image), self._enlarge, self.scale, self._context))
            for image in images
        ]

    def _enlarge(self, tile: np.ndarray) -> np.ndarray:
        height, width, _ = tile.shape
        # At scale 2 the package mirrors the edge of an odd side, which takes two pixels at least.
        bgr = np.pad(tile[:, :, ::-1], ((0, height == 1), (0, width == 1), (0, 0)), mode="edge")
        # RealESRGANer keeps the picture it works on in itself, so only one thread may use it at a time.
        with self._lock:
            enlarged, _ = self._enhancer.enhance(bgr)
        return enlarged[: height * self.scale, : width * self.scale, ::-1]


class Waifu2xUpscaler:
    """Enlarges twofold, as often as `scale` (2, 4, 8, ...) asks for; see `types.Upscaler`.

    cunet weighs channels by their mean over the tile, so that two tiles of one large picture may differ
    by a shade: along a cut through a drawing by 0.25 of 255 levels on average, by 4 at most. Pictures of
    up to 256 px a side are one tile.
    """

    def __init__(self, network: CUNet | UpConv7, device: torch.device, scale: int) -> None:
        self.scale = scale
        self._network = network.to(device).eval()
        self._device = device

    def upscale(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        """RGB pictures of any size in, the same pictures `scale` times larger out."""
        return [Image.fromarray(self._upscale_one(np.asarray(image))) for image in images]

    def _upscale_one(self, pixels: np.ndarray) -> np.ndarray:
        for _ in range(self.scale.bit_length() - 1):
            pixels = enlarge_tiled(pixels, self._enlarge, 2, self._network.margin)
        return pixels

    @torch.inference_mode()
    def _enlarge(self, tile: np.ndarray) -> np.ndarray:
        """Repeats the edges to make up for the margin that the network eats, and to an even size."""
        height, width, _ = tile.shape
        margin = self._network.margin
        around = ((margin, margin + height % 2), (margin, margin + width % 2), (0, 0))
        padded = torch.from_numpy(np.pad(tile, around, mode="edge")).to(self._device)
        enlarged = self._network(padded.permute(2, 0, 1)[None].float() / 255)
        return np.asarray(to_images(enlarged[:, :, : height * 2, : width * 2])[0])


class NoUpscaler:
    """Gives back the pictures as they are."""

    scale = 1

    def upscale(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        return list(images)


def load_realesrgan(folder: Path, device: torch.device) -> RealESRGANUpscaler:
    """The upscaler of a folder whose config has scale, features and convs."""
    from webcast.networks.srvgg import SRVGGNetCompact

    config = read_config(folder)
    scale, features, convs = (setting(config, key, int, folder) for key in ("scale", "features", "convs"))
    with torch.device("meta"):
        network = SRVGGNetCompact(num_feat=features, num_conv=convs, upscale=scale)
    load_network(network, folder)
    return RealESRGANUpscaler(network, device, scale, context=convs + 2)


def load_waifu2x(folder: Path, device: torch.device) -> Waifu2xUpscaler:
    """The upscaler of a folder whose config has network (upconv_7 or cunet) and scale (2, 4, 8, ...)."""
    config = read_config(folder)
    scale, name = setting(config, "scale", int, folder), setting(config, "network", str, folder)
    if scale < 2 or scale & (scale - 1):
        raise WeightsError(
            f"{folder / CONFIG_NAME} has scale {scale}; waifu2x enlarges by 2, 4, 8 and so on."
        )
    with torch.device("meta"):
        network = pick(WAIFU2X_NETWORKS, name, "waifu2x network")()
    load_network(network, folder)
    return Waifu2xUpscaler(network, device, scale)


def load_none(folder: Path, device: torch.device) -> NoUpscaler:
    """No weights, no device."""
    return NoUpscaler()


UPSCALERS: dict[str, Callable[[Path, torch.device], Upscaler]] = {
    "none": load_none,
    "realesrgan": load_realesrgan,
    "waifu2x": load_waifu2x,
}
