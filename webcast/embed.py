"""Turns head crops into vectors that can be compared by cosine: ResNet18.

Paper: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (2015, arXiv 1512.03385).
Reference implementation: torchvision's `resnet18`, used as it is with the classifier taken off.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn

from webcast.errors import WeightsError
from webcast.tensors import to_tensor
from webcast.weights import CONFIG_NAME, MODEL_NAME, load_network, read_config, setting, sha256

DIM = 512
BATCH = 32


def resnet18() -> nn.Module:
    """torchvision's ResNet18 that ends in its 512 pooled features; no weights are fetched."""
    network = torchvision.models.resnet18(weights=None)
    network.fc = nn.Identity()
    return network


class ResNet18Embedder:
    """Embeds square RGB head crops of any size as unit vectors; see `types.Embedder`.

    `mean` and `std` are those of the red, green and blue values in [0, 1] that the network was trained
    with. It computes in float32 everywhere: half precision was never measured to keep a ranking.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        size_px: int,
        mean: Sequence[float],
        std: Sequence[float],
        id: str,
        revision: str,
    ) -> None:
        self.id, self.revision, self.size_px = id, revision, size_px
        self._network = network.to(device).eval()
        self._device = device
        self._mean = torch.tensor(mean, dtype=torch.float32, device=device).view(3, 1, 1)
        self._std = torch.tensor(std, dtype=torch.float32, device=device).view(3, 1, 1)

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """RGB pictures in, float32 (N, 512) out, each row of length 1."""
        embeddings = np.empty((len(images), DIM), dtype=np.float32)
        for start in range(0, len(images), BATCH):
            embeddings[start : start + BATCH] = self._embed_batch(images[start : start + BATCH])
        return embeddings

    @torch.inference_mode()
    def _embed_batch(self, images: Sequence[Image.Image]) -> np.ndarray:
        pixels = to_tensor(images, self.size_px).to(self._device)
        features = self._network((pixels - self._mean) / self._std)
        return nn.functional.normalize(features, dim=1).cpu().numpy()


def load_resnet18(folder: Path, device: torch.device) -> ResNet18Embedder:
    """The embedder of a folder whose config has size_px, dim, mean and std."""
    config = read_config(folder)
    size_px = setting(config, "size_px", int, folder)
    mean, std = (setting(config, key, list, folder) for key in ("mean", "std"))
    numbers = all(isinstance(value, int | float) for value in mean + std)
    if config.get("dim") != DIM or not numbers or len(mean) != 3 or len(std) != 3 or 0 in std:
        raise WeightsError(f"{folder / CONFIG_NAME} needs dim {DIM}, and three numbers in mean and in std.")
    with torch.device("meta"):
        network = resnet18()
    load_network(network, folder)
    revision = sha256(folder / MODEL_NAME)[:12]
    return ResNet18Embedder(network, device, size_px, mean, std, f"resnet18-{size_px}", revision)


def load_resnet18_imagenet(folder: Path, device: torch.device) -> ResNet18Embedder:
    """torchvision's own ImageNet weights, fetched once by torchvision; the folder is not read.

    For people on line: where the project is built they could not be fetched.
    """
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    try:
        tensors = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"torchvision's ImageNet weights could not be fetched from {weights.url} ({error}); "
            "go on line once, or choose the embedder 'resnet18'."
        ) from error
    network = resnet18()
    network.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith("fc.")})
    # The file name ends in the first eight digits of its SHA-256 (resnet18-f37072fd.pth), now checked.
    revision = Path(weights.url).stem.split("-")[-1]
    preset = weights.transforms()
    size_px = preset.crop_size[0]
    return ResNet18Embedder(
        network, device, size_px, preset.mean, preset.std, f"resnet18-imagenet-{size_px}", revision
    )


EMBEDDERS: dict[str, Callable[[Path, torch.device], ResNet18Embedder]] = {
    "resnet18": load_resnet18,
    "resnet18-imagenet": load_resnet18_imagenet,
}
