"""Enlarges pictures: Real-ESRGAN, waifu2x, SRCNN, RDN, FSRNet; the papers are named beside the networks.

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
from torch import Tensor, nn

from webcast.errors import WeightsError
from webcast.networks import fsrnet
from webcast.networks.rdn import RDN
from webcast.networks.srcnn import SRCNN
from webcast.networks.waifu2x import CUNet, UpConv7
from webcast.tensors import to_images
from webcast.types import Upscaler
from webcast.weights import CONFIG_NAME, load_network, pick, read_config, setting

TILE_PX = 256
RRDB_CONTEXT_PX = 10  # Real-ESRGAN's own margin of a tile; the network sees on, fainter
WAIFU2X_NETWORKS: dict[str, type[nn.Module]] = {"cunet": CUNet, "upconv_7": UpConv7}


def _spans(length: int, tile: int) -> list[tuple[int, int]]:
    """`length` pixels in the fewest parts of at most `tile`, all nearly equal."""
    cuts = np.linspace(0, length, -(-length // tile) + 1).round().astype(int).tolist()
    return list(pairwise(cuts))


def enlarge_tiled(
    pixels: np.ndarray,
    enlarge: Callable[[np.ndarray], np.ndarray],
    scale: int,
    context: int,
    tile: int | None = None,
) -> np.ndarray:
    """`enlarge` over tiles of at most `tile` pixels (`TILE_PX`), each with `context` pixels of its
    neighbours.

    `pixels` is uint8 (H, W, 3); `enlarge` makes (h, w, 3) into (h * scale, w * scale, 3). Where the
    picture ends a tile has no neighbours, and `enlarge` treats the edge as it would the whole picture's.
    """
    height, width, _ = pixels.shape
    tile = tile or TILE_PX
    enlarged = np.empty((height * scale, width * scale, 3), dtype=np.uint8)
    for (top, bottom), (left, right) in product(_spans(height, tile), _spans(width, tile)):
        y, x = max(top - context, 0), max(left - context, 0)
        out = enlarge(pixels[y : bottom + context, x : right + context])
        enlarged[top * scale : bottom * scale, left * scale : right * scale] = out[
            (top - y) * scale : (bottom - y) * scale, (left - x) * scale : (right - x) * scale
        ]
    return enlarged


class RealESRGANUpscaler:
    """Enlarges by the weights' own scale with SRVGGNetCompact or RRDBNet; see `types.Upscaler`."""

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


class RDNUpscaler:
    """Enlarges by the weights' own scale; see `types.Upscaler`."""

    def __init__(self, network: RDN, device: torch.device) -> None:
        self.scale = network.scale
        self._network, self._device = network.to(device).eval(), device

    def upscale(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        """RGB pictures of any size in, the same pictures `scale` times larger out."""
        context = self._network.context
        return [
            Image.fromarray(enlarge_tiled(np.asarray(image), self._enlarge, self.scale, context))
            for image in images
        ]

    @torch.inference_mode()
    def _enlarge(self, tile: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(np.array(tile)).to(self._device).permute(2, 0, 1)[None].float() / 255
        return np.asarray(to_images(self._network(pixels))[0])


class BicubicFirstUpscaler:
    """Enlarges bicubically, and then improves what came out with a network of the same size in and out.

    `sharpen` takes and gives float RGB (1, 3, H, W) in 0 to 1; `context` is how far it sees, in pixels of the
    enlarged picture, and `step` what height and width it takes must be a multiple of.
    """

    def __init__(
        self,
        sharpen: Callable[[Tensor], Tensor],
        device: torch.device,
        scale: int,
        context: int,
        step: int = 1,
    ) -> None:
        self.scale = scale
        self._sharpen, self._device, self._step = sharpen, device, step
        self._context = -(-context // scale)

    def upscale(self, images: Sequence[Image.Image]) -> list[Image.Image]:
        """RGB pictures of any size in, the same pictures `scale` times larger out."""
        return [
            Image.fromarray(
                enlarge_tiled(
                    np.asarray(image), self._enlarge, self.scale, self._context, TILE_PX // self.scale
                )
            )
            for image in images
        ]

    @torch.inference_mode()
    def _enlarge(self, tile: np.ndarray) -> np.ndarray:
        size = (tile.shape[1] * self.scale, tile.shape[0] * self.scale)
        large = np.asarray(Image.fromarray(tile).resize(size, Image.Resampling.BICUBIC))
        around = ((0, -size[1] % self._step), (0, -size[0] % self._step), (0, 0))
        padded = torch.from_numpy(np.pad(large, around, mode="edge")).to(self._device)
        sharp = self._sharpen(padded.permute(2, 0, 1)[None].float() / 255)
        return np.asarray(to_images(sharp[:, :, : size[1], : size[0]])[0])


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


def load_rrdbnet(folder: Path, device: torch.device) -> RealESRGANUpscaler:
    """The upscaler of a folder whose config has scale, features, blocks and growth."""
    from webcast.networks.srvgg import RRDBNet

    config = read_config(folder)
    names = ("scale", "features", "blocks", "growth")
    scale, features, blocks, growth = (setting(config, key, int, folder) for key in names)
    with torch.device("meta"):
        network = RRDBNet(3, 3, scale, features, blocks, growth)
    load_network(network, folder)
    return RealESRGANUpscaler(network, device, scale, context=RRDB_CONTEXT_PX)


def load_rdn(folder: Path, device: torch.device) -> RDNUpscaler:
    """The upscaler of a folder whose config has convs, blocks, growth, features and scale."""
    config = read_config(folder)
    names = ("convs", "blocks", "growth", "features", "scale")
    with torch.device("meta"):
        network = RDN(*(setting(config, key, int, folder) for key in names))
    load_network(network, folder)
    return RDNUpscaler(network, device)


def load_srcnn(folder: Path, device: torch.device) -> BicubicFirstUpscaler:
    """The upscaler of a folder whose config has scale, features and middle."""
    config = read_config(folder)
    scale, features, middle = (setting(config, key, int, folder) for key in ("scale", "features", "middle"))
    with torch.device("meta"):
        network = SRCNN(features, middle)
    load_network(network, folder)
    return BicubicFirstUpscaler(network.to(device).eval(), device, scale, network.context)


def load_fsrnet(folder: Path, device: torch.device) -> BicubicFirstUpscaler:
    """The upscaler of a folder whose config may have landmarks and parts, how many maps of each there are."""
    config = read_config(folder)
    landmarks, parts = (
        setting(config, key, int, folder) if key in config else 0 for key in ("landmarks", "parts")
    )
    with torch.device("meta"):
        network = fsrnet.FSRNet(landmarks, parts)
    load_network(network, folder)
    network.to(device).eval()
    return BicubicFirstUpscaler(
        lambda pixels: (network(pixels * 2 - 1) + 1) / 2,
        device,
        fsrnet.SCALE,
        network.context,
        fsrnet.STEP_PX,
    )


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
    "rrdbnet": load_rrdbnet,
    "waifu2x": load_waifu2x,
    "srcnn": load_srcnn,
    "rdn": load_rdn,
    "fsrnet": load_fsrnet,
}
