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
from torch import Tensor, nn

from webcast.errors import WeightsError
from webcast.weights import MODEL_NAME, load_network, pick, read_config, setting, sha256

BATCH = 32
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def resnet18() -> nn.Module:
    """torchvision's ResNet18 that ends in its 512 pooled features; no weights are fetched."""
    network = torchvision.models.resnet18(weights=None)
    network.fc = nn.Identity()
    return network


def to_tensor(image: Image.Image, size_px: int) -> Tensor:
    """Any RGB picture to float32 (3, size_px, size_px) in [0, 1], resized with antialiasing."""
    if image.size != (size_px, size_px):
        image = image.resize((size_px, size_px), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return torch.from_numpy(np.array(image, dtype=np.uint8)).permute(2, 0, 1).float().div_(255)


class ResNet18Embedder:
    """Embeds square RGB head crops of any size as unit vectors; see `types.Embedder`.

    On cuda the network computes in bfloat16; the vectors are float32 everywhere.
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
        self._network, self._device = network, device
        self._mean = torch.tensor(mean, device=device).view(3, 1, 1)
        self._std = torch.tensor(std, device=device).view(3, 1, 1)

    @torch.inference_mode()
    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """RGB pictures in, float32 (N, 512) out, each row of length 1."""
        batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        rows = [self._embed_batch(batch) for batch in batches]
        return np.concatenate(rows) if rows else np.zeros((0, 512), dtype=np.float32)

    def _embed_batch(self, images: Sequence[Image.Image]) -> np.ndarray:
        pixels = torch.stack([to_tensor(image, self.size_px) for image in images]).to(self._device)
        half = torch.autocast("cuda", torch.bfloat16, enabled=self._device.type == "cuda")
        with half:
            features = self._network((pixels - self._mean) / self._std)
        return nn.functional.normalize(features.float(), dim=1).cpu().numpy()


def load_resnet18(folder: Path, device: torch.device) -> ResNet18Embedder:
    """The embedder of a folder with `config.json` (size_px, dim 512, mean, std) and weights."""
    config = read_config(folder)
    size_px = setting(config, "size_px", int, folder)
    if setting(config, "dim", int, folder) != 512:
        raise WeightsError(f"{folder / 'config.json'} asks for {config['dim']} features; ResNet18 gives 512.")
    with torch.device("meta"):
        network = resnet18()
    return ResNet18Embedder(
        load_network(network, folder, device),
        device,
        size_px,
        setting(config, "mean", list, folder),
        setting(config, "std", list, folder),
        id=f"resnet18-{size_px}",
        revision=sha256(folder / MODEL_NAME)[:12],
    )


def load_resnet18_imagenet(folder: Path, device: torch.device) -> ResNet18Embedder:
    """torchvision's ImageNet weights, fetched by torchvision (on line, once); the folder is not read."""
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    try:
        state = weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"torchvision's ImageNet weights for ResNet18 could not be fetched from {weights.url} ({error}); "
            "go on line once, or choose the embedder 'resnet18'."
        ) from error
    network = resnet18()
    network.load_state_dict({name: t for name, t in state.items() if not name.startswith("fc.")})
    # torchvision's file name ends in the first digits of its SHA-256: resnet18-f37072fd.pth.
    revision = Path(weights.url).stem.split("-")[-1]
    return ResNet18Embedder(
        network.to(device).eval().requires_grad_(False),
        device,
        224,
        IMAGENET_MEAN,
        IMAGENET_STD,
        id="resnet18-imagenet-224",
        revision=revision,
    )


EMBEDDERS: dict[str, Callable[[Path, torch.device], ResNet18Embedder]] = {
    "resnet18": load_resnet18,
    "resnet18-imagenet": load_resnet18_imagenet,
}


def build_embedder(name: str, folder: Path, device: torch.device) -> ResNet18Embedder:
    """The embedder of that name from its folder of weights; a wrong name lists the right ones."""
    return pick(EMBEDDERS, name, "embedder")(folder, device)
