"""Turns head crops into vectors that can be compared by cosine or Euclidean distance: ResNet18 or VGG16.

Papers: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (2015, arXiv 1512.03385);
Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2014, arXiv
1409.1556). Reference implementations: torchvision's `resnet18` with the classifier taken off, and its `vgg16`
up to the first dense layer (4096 values after the ReLU), which the first team chose faces by.
"""

import copy
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image, ImageOps
from torch import Tensor, nn

from webcast.errors import WeightsError
from webcast.tensors import to_tensor
from webcast.weights import CONFIG_NAME, MODEL_NAME, load_network, read_config, setting, sha256

DIM, VGG16_DIM = 512, 4096
BATCH = 32
COSINE, EUCLIDEAN = "cosine", "euclidean"
Window = tuple[float, float, float, float]


def resnet18() -> nn.Module:
    """torchvision's ResNet18 that ends in its 512 pooled features; no weights are fetched."""
    network = torchvision.models.resnet18(weights=None)
    network.fc = nn.Identity()
    return network


def vgg16() -> nn.Module:
    """torchvision's VGG16 that ends in its first dense layer, 4096 values; no weights are fetched."""
    network = torchvision.models.vgg16(weights=None)
    network.classifier = network.classifier[:2]
    return network


class NetworkEmbedder:
    """Embeds square RGB head crops of any size as vectors; see `types.Embedder`.

    `mean` and `std` are those of the red, green and blue values in [0, 1] that the network was trained
    with. `windows` are the parts of a head crop that the network sees, x0, y0, x1, y1 in parts of its side;
    an embedding is the mean over all of them, each as it is and mirrored, so that it hardly changes with how
    a head was cut. Without windows the whole picture is seen once. It computes in float32: half precision
    was never measured to keep a ranking. For cosine the vectors have length 1, for Euclidean distance the
    length that the network gives them; `by` gives the same embedder for the other distance.
    """

    distance = COSINE

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        size_px: int,
        mean: Sequence[float],
        std: Sequence[float],
        id: str,
        revision: str,
        windows: Sequence[Window] = (),
        dim: int = DIM,
    ) -> None:
        self.id, self.revision, self.size_px, self.windows, self.dim = id, revision, size_px, windows, dim
        self._network = network.to(device).eval()
        self._device = device
        self._mean = torch.tensor(mean, dtype=torch.float32, device=device).view(3, 1, 1)
        self._std = torch.tensor(std, dtype=torch.float32, device=device).view(3, 1, 1)

    def by(self, distance: str) -> "NetworkEmbedder":
        """The same network for vectors that are compared by that distance, cosine or euclidean."""
        other = copy.copy(self)
        other.distance = distance
        other.id = self.id.removesuffix(f"-{EUCLIDEAN}") + (f"-{EUCLIDEAN}" if distance == EUCLIDEAN else "")
        return other

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """RGB pictures in, float32 (N, D) out; D is the network's, 512 of ResNet18 and 4096 of VGG16."""
        batches = [self._embed_batch(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
        return np.concatenate(batches) if batches else np.empty((0, self.dim), dtype=np.float32)

    @torch.inference_mode()
    def _embed_batch(self, images: Sequence[Image.Image]) -> np.ndarray:
        features = self._seen(images) if self.windows else self._features(images)
        is_unit = self.distance == COSINE
        return (nn.functional.normalize(features, dim=1) if is_unit else features).cpu().numpy()

    def _seen(self, images: Sequence[Image.Image]) -> Tensor:
        """All windows of each picture, as it is and mirrored, in one pass: a sum of unit vectors, (N, D)."""
        size = (self.size_px, self.size_px)
        seen = [
            image.resize(size, Image.Resampling.BICUBIC, within(image, window))
            for window in self.windows
            for image in images
        ]
        views = nn.functional.normalize(self._features([*seen, *map(ImageOps.mirror, seen)]), dim=1)
        return views.view(2 * len(self.windows), len(images), -1).sum(0)

    def _features(self, images: Sequence[Image.Image]) -> Tensor:
        pixels = to_tensor(images, self.size_px).to(self._device)
        return self._network((pixels - self._mean) / self._std)


def within(image: Image.Image, window: Window) -> tuple[float, float, float, float]:
    """The window in pixels of the picture's middle square."""
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    x0, y0, x1, y1 = (part * side for part in window)
    return left + x0, top + y0, left + x1, top + y1


def load_resnet18(folder: Path, device: torch.device) -> NetworkEmbedder:
    """The embedder of a folder whose config has size_px, dim, mean, std and perhaps windows."""
    config = read_config(folder)
    size_px = setting(config, "size_px", int, folder)
    mean, std = (setting(config, key, list, folder) for key in ("mean", "std"))
    numbers = all(isinstance(value, int | float) for value in mean + std)
    if config.get("dim") != DIM or not numbers or len(mean) != 3 or len(std) != 3 or 0 in std:
        raise WeightsError(f"{folder / CONFIG_NAME} needs dim {DIM}, and three numbers in mean and in std.")
    windows = read_windows(config, folder)
    with torch.device("meta"):
        network = resnet18()
    load_network(network, folder)
    views = f"-{hashlib.sha256(repr(windows).encode()).hexdigest()[:6]}" if windows else ""
    revision = sha256(folder / MODEL_NAME)[:12]
    return NetworkEmbedder(
        network, device, size_px, mean, std, f"resnet18-{size_px}{views}", revision, windows
    )


def read_windows(config: dict, folder: Path) -> tuple[Window, ...]:
    """The windows of a config, lists of x0 < x1 and y0 < y1 between 0 and 1; empty where it has none."""
    windows = setting(config, "windows", list, folder) if "windows" in config else []
    for window in windows:
        is_four = isinstance(window, list) and [type(part) for part in window] == [float] * 4
        if not is_four or not (0 <= window[0] < window[2] <= 1 and 0 <= window[1] < window[3] <= 1):
            raise WeightsError(
                f"{folder / CONFIG_NAME} has the window {window!r}; write it as four parts of the side, "
                "x0 < x1 and y0 < y1, from 0.0 to 1.0."
            )
    return tuple(tuple(window) for window in windows)


def load_resnet18_imagenet(folder: Path, device: torch.device) -> NetworkEmbedder:
    """ResNet18 with torchvision's own ImageNet weights; see `load_imagenet`."""
    return load_imagenet(
        "resnet18-imagenet", resnet18, torchvision.models.ResNet18_Weights.IMAGENET1K_V1, DIM, folder, device
    )


def load_vgg16_imagenet(folder: Path, device: torch.device) -> NetworkEmbedder:
    """VGG16's first dense layer with torchvision's own ImageNet weights; see `load_imagenet`."""
    return load_imagenet(
        "vgg16-imagenet", vgg16, torchvision.models.VGG16_Weights.IMAGENET1K_V1, VGG16_DIM, folder, device
    )


def load_imagenet(
    name: str,
    build: Callable[[], nn.Module],
    published: torchvision.models.WeightsEnum,
    dim: int,
    folder: Path,
    device: torch.device,
) -> NetworkEmbedder:
    """ImageNet weights from the folder, where `training.convert_pth` put them, or fetched once by
    torchvision.

    Where the project is built they could not be fetched.
    """
    with torch.device("meta"):
        network = build()
    # The file name ends in the first eight digits of its SHA-256 (resnet18-f37072fd.pth), which is checked.
    revision = Path(published.url).stem.split("-")[-1]
    if (folder / MODEL_NAME).is_file():
        load_network(network, folder)
        revision = sha256(folder / MODEL_NAME)[:12]
    else:
        fetched = fetch_imagenet(name, published)
        needed = network.state_dict().keys()
        network.load_state_dict({key: t for key, t in fetched.items() if key in needed}, assign=True)
        network.requires_grad_(False)
    preset = published.transforms()
    size_px = preset.crop_size[0]
    return NetworkEmbedder(
        network, device, size_px, preset.mean, preset.std, f"{name}-{size_px}", revision, dim=dim
    )


def fetch_imagenet(name: str, published: torchvision.models.WeightsEnum) -> dict[str, Tensor]:
    """The tensors of torchvision's file, from its cache or fetched; its hash, as in its name, is checked."""
    cached = Path(torch.hub.get_dir(), "checkpoints", Path(published.url).name)
    if cached.is_file() and not sha256(cached).startswith(cached.stem.rpartition("-")[2]):
        raise WeightsError(f"{cached} is not what its name says; delete it, to have it fetched again.")
    try:
        return published.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        file = Path(published.url).name
        raise WeightsError(
            f"torchvision's ImageNet weights could not be fetched from {published.url} ({error}); go on line "
            f"once, or fetch {file} elsewhere and run `python -m training.convert_pth {file} --out "
            f"PARTS/{name}`, or choose the embedder 'resnet18'."
        ) from error


EMBEDDERS: dict[str, Callable[[Path, torch.device], NetworkEmbedder]] = {
    "resnet18": load_resnet18,
    "resnet18-imagenet": load_resnet18_imagenet,
    "vgg16-imagenet": load_vgg16_imagenet,
}
