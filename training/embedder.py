"""Trains the embedder: ResNet18 in which a drawing lies near the photos of the same person.

    accelerate launch -m training.embedder --data ../shared/data --landmarks DIR --output-dir runs/embedder

Every sample is a photo and a drawing of one person (of another photo where there is one), drawn by
`training.render`, or published beside the photo. Two losses pull them together: a cosine margin softmax over
all people (CosFace, Wang et al. 2018, arXiv 1801.09414) and a contrastive loss between the drawings and the
photos of a batch, both ways (InfoNCE; van den Oord et al. 2018, arXiv 1807.03748). Heads are cut as the
pipeline cuts them, moved about as a detector moves its boxes.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from training.faces import FacePhoto, Jitter, cut_head, drawn_head, read_rgb, training_photos
from training.loop import LoopConfig, Recipe, seeded, shuffled, train
from training.render import SCHOOLS, render
from webcast.embed import resnet18
from webcast.weights import read_tensors, write_stage

MEAN, STD = 0.5, 0.5
MARGIN_WEIGHT = 0.1
PORTRAIT_WEIGHT, SEVERAL_WEIGHT = 6, 2
"""How often a portrait, and a news photo of somebody with several, is drawn against a lone news photo.

The gallery holds portraits, and only two different photos teach what stays the same in a person.
"""


class PhotoAndDrawing(Dataset):
    """Sample `n`: `photo` and `drawing`, float32 (3, size, size) normalised, and `person`, int64."""

    def __init__(self, photos: list[FacePhoto], size_px: int, seed: int) -> None:
        self.people = {name: i for i, name in enumerate(sorted({p.person for p in photos}))}
        self.of_person = defaultdict(list)
        for photo in photos:
            self.of_person[photo.person].append(photo)
        self.photos = [photo for photo in photos for _ in range(self.weight(photo))]
        self.size_px, self.seed = size_px, seed

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        cv2.setNumThreads(1)
        rng = seeded(self.seed, number)
        photo = self.photos[shuffled(len(self.photos), self.seed, number)]
        others = [p for p in self.of_person[photo.person] if p is not photo] or [photo]
        model = others[rng.integers(len(others))]
        return {
            "photo": self.normalised(self.photo(photo, rng), rng),
            "drawing": self.normalised(self.drawing(model, rng), rng),
            "person": torch.tensor(self.people[photo.person]),
        }

    def weight(self, photo: FacePhoto) -> int:
        if "portraits" in photo.path.parts:
            return PORTRAIT_WEIGHT
        return SEVERAL_WEIGHT if len(self.of_person[photo.person]) > 1 else 1

    def photo(self, photo: FacePhoto, rng: np.random.Generator) -> np.ndarray:
        return cut_head(read_rgb(photo.path), photo.points, self.size_px, rng, Jitter.draw(rng))[0]

    def drawing(self, photo: FacePhoto, rng: np.random.Generator) -> np.ndarray:
        """A published drawing of the photo, half of the time, where there is one; else one of our own."""
        if photo.drawings and rng.random() < 0.5:
            return drawn_head(photo, self.size_px, rng, Jitter.draw(rng))[0]
        crop, points = cut_head(read_rgb(photo.path), photo.points, self.size_px, rng, Jitter.draw(rng))
        return render(crop, points, SCHOOLS[rng.integers(len(SCHOOLS))], rng)[0]

    def normalised(self, image: np.ndarray, rng: np.random.Generator) -> Tensor:
        image = degraded(image, rng).astype(np.float32) / 255
        gain, offset = rng.uniform(0.75, 1.25, 3) * rng.uniform(0.8, 1.2), rng.uniform(-0.08, 0.08)
        if rng.random() < 0.2:
            image = np.repeat(image.mean(-1, keepdims=True), 3, -1)
        image = np.clip(image * gain + offset, 0, 1)
        return torch.from_numpy(((image - MEAN) / STD).astype(np.float32)).permute(2, 0, 1)


def degraded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Now and then a picture that was small, blurred or saved as JPEG."""
    size = image.shape[0]
    if rng.random() < 0.3:
        small = int(size * rng.uniform(0.35, 0.9))
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (size, size))
    if rng.random() < 0.2:
        quality = int(rng.integers(30, 90))
        image = cv2.imdecode(
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
        )
    return image


class CosFaceHead(nn.Module):
    """Logits of a cosine margin softmax: (N, 512) and labels (N,) to (N, people)."""

    def __init__(self, people: int, scale: float = 24.0, margin: float = 0.2) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(people, 512) * 0.05)
        self.scale, self.margin = scale, margin

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        cosines = F.linear(F.normalize(features), F.normalize(self.weight))
        return self.scale * (cosines - self.margin * F.one_hot(labels, len(self.weight)))


class EmbedderRecipe(Recipe):
    averaged = ("embedder",)

    def __init__(self, people: int, learning_rate: float, size_px: int, temperature: float = 0.07) -> None:
        self.size_px, self.temperature = size_px, temperature
        network = resnet18().to(memory_format=torch.channels_last)
        self.networks: dict[str, nn.Module] = {"embedder": network, "head": CosFaceHead(people)}
        parameters = [p for n in self.networks.values() for p in n.parameters()]
        self.optimizers = {"all": torch.optim.AdamW(parameters, learning_rate, weight_decay=5e-2, fused=True)}

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        both = torch.cat([batch["photo"], batch["drawing"]]).contiguous(memory_format=torch.channels_last)
        features = self.networks["embedder"](both)
        margin = F.cross_entropy(
            self.networks["head"](features, batch["person"].repeat(2)), batch["person"].repeat(2)
        )
        contrast = contrastive(*F.normalize(features).chunk(2), batch["person"], self.temperature)
        accelerator.backward(MARGIN_WEIGHT * margin + contrast)
        self.optimizers["all"].step()
        self.optimizers["all"].zero_grad()
        return {"margin": margin.detach(), "contrast": contrast.detach()}

    def rate(self, step: int, max_steps: int) -> float:
        """Warm up over 4 % of the steps, then half a cosine down to 1 %."""
        warm = 0.04 * max_steps
        return min(1.0, step / warm) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / max_steps)))

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        config = {"name": "resnet18", "size_px": self.size_px, "dim": 512}
        config |= {"mean": [MEAN] * 3, "std": [STD] * 3}
        write_stage(folder, config, networks["embedder"])


def contrastive(photos: Tensor, drawings: Tensor, people: Tensor, temperature: float) -> Tensor:
    """InfoNCE both ways; rows are unit vectors (N, D), and other rows of the same person are no negatives."""
    logits = drawings @ photos.T / temperature
    same = people[:, None] == people[None]
    same.fill_diagonal_(False)
    logits = logits.masked_fill(same, -1e4)
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with portraits/, lfw/ and drawn/cartoongan/"
    )
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--max-steps", type=int, default=2500)
    parser.add_argument("--batch-size", type=int, default=48, help="pairs of photo and drawing in a step")
    parser.add_argument("--size-px", type=int, default=112)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--start-from", type=Path, help="an earlier run's export/ to start from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument(
        "--resume", action="store_true", help="go on from the newest checkpoint of the output folder"
    )
    args = parser.parse_args()
    dataset = PhotoAndDrawing(training_photos(args.data, args.landmarks), args.size_px, args.seed)
    torch.manual_seed(args.seed)
    recipe = EmbedderRecipe(len(dataset.people), args.learning_rate, args.size_px)
    if args.start_from:
        recipe.networks["embedder"].load_state_dict(read_tensors(args.start_from))
    config = LoopConfig(
        output_dir=str(args.output_dir),
        max_steps=args.max_steps,
        batch_size=args.batch_size,
        seed=args.seed,
        save_every=args.save_every,
        ema_decay=0.99,
        recipe={
            "name": "embedder",
            "size_px": args.size_px,
            "learning_rate": args.learning_rate,
            "start_from": str(args.start_from or ""),
            "people": len(dataset.people),
            "photos": len({p.path for p in dataset.photos}),
        },
    )
    train(recipe, dataset, config, args.resume)


if __name__ == "__main__":
    main()
