"""Trains the embedder: ResNet18 in which a drawing lies near the photos of the same person.

    python -m training.drawings --data ../shared/data --landmarks DIR --out data/heads
    python -m training.teacher --data ../shared/data --landmarks DIR --heads data/heads --models M --out T.npy
    accelerate launch -m training.embedder --heads data/heads --teacher T.npy --output-dir runs/embedder

Every sample is a photo and a drawing of one person, of another photo where there is one. Two losses pull
them together: an additive angular margin softmax over all people (ArcFace, Deng et al. 2019, arXiv
1801.07698), whose margin grows over the first steps, and a contrastive loss between the drawings and the
photos of a batch, both ways (InfoNCE; van den Oord et al. 2018, arXiv 1807.03748). Heads are upright as in
the pipeline, and stray from that as a detector strays. The colours of a drawing say little of whom it shows,
so they are changed at random. With `--photos-only` no drawing is seen: the baseline for all of this.

The photos at hand show too few people to say what tells people apart. With `--teacher` a published embedder
says it: photo and drawing alike shall lead to what it saw in the photo (distillation; Hinton, Vinyals, Dean
2015, arXiv 1503.02531), by a layer that is not kept (FitNets; Romero et al. 2014, arXiv 1412.6550).
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

from training.drawings import FILTERED, PHOTO, PUBLISHED, Heads, load
from training.loop import Recipe, seeded, shuffled, train
from training.stage_flags import add_run_flags, loop_config
from webcast.embed import resnet18
from webcast.weights import read_tensors, sha256, write_stage

MEAN, STD = 0.5, 0.5
WINDOW = (0.12, 0.17, 0.88, 0.93)
"""What it looks at, x0, y0, x1, y1 in parts of the head crop's side: brow to chin and ear to ear."""

WINDOWS = (WINDOW, (0.09, 0.14, 0.91, 0.96), (0.145, 0.195, 0.855, 0.905))
"""The same, wider and narrower: the three whose mean an embedding is."""

SHIFT, SCALE, DEGREES = 0.03, 0.09, 6.0
WAY_WEIGHTS = {PUBLISHED: 3.0, FILTERED: 1.0, "realistic": 1.0, "romance": 1.0, "big-eyed": 0.6}
PORTRAIT_WEIGHT, SEVERAL_WEIGHT = 6, 2
"""How often a portrait, and a news photo of somebody with several, is drawn against a lone news photo.

The gallery holds portraits, and only two different photos teach what stays the same in a person.
"""

BESIDE_TEACHER = 0.3
"""What the margin softmax weighs where a teacher knows better than its labels, most of them of one photo."""


class PhotoAndDrawing(Dataset):
    """Sample `n`: `photo` and `drawing`, float32 (3, size, size) normalised, and `person`, int64.

    `shown`, int64 (2,), are the numbers of the photo, and of the photo that was drawn, among all heads.
    """

    def __init__(self, heads: Heads, size_px: int, seed: int, photos_only: bool = False) -> None:
        self.heads, self.size_px, self.seed, self.photos_only = heads, size_px, seed, photos_only
        self.labels = {name: label for label, name in enumerate(sorted(set(heads.people)))}
        self.of_person = defaultdict(list)
        for index, person in enumerate(heads.people):
            self.of_person[person].append(index)
        self.indices = [i for i in range(len(heads.people)) for _ in range(self.weight(i))]

    def weight(self, index: int) -> int:
        if self.heads.is_portrait[index]:
            return PORTRAIT_WEIGHT
        return SEVERAL_WEIGHT if len(self.of_person[self.heads.people[index]]) > 1 else 1

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        cv2.setNumThreads(1)
        rng = seeded(self.seed, number)
        index = self.indices[shuffled(len(self.indices), self.seed, number)]
        person = self.heads.people[index]
        others = [i for i in self.of_person[person] if i != index] or [index]
        other = others[rng.integers(len(others))]
        way = PHOTO if self.photos_only else drawn_way(self.heads, other, rng)
        return {
            "photo": self.picture(PHOTO, index, rng),
            "drawing": self.picture(way, other, rng),
            "person": torch.tensor(self.labels[person]),
            "shown": torch.tensor([index, other]),
        }

    def picture(self, way: str, index: int, rng: np.random.Generator) -> Tensor:
        image = degraded(looked_at(self.heads.ways[way][index], self.size_px, rng), rng)
        image = image.astype(np.float32) / 255
        image = relit(image, rng) if way == PHOTO else recoloured(relit(image, rng), rng)
        return torch.from_numpy(((image - MEAN) / STD).astype(np.float32)).permute(2, 0, 1)


def drawn_way(heads: Heads, index: int, rng: np.random.Generator) -> str:
    """How to draw a photo; published drawings only where there is one."""
    ways = [w for w in heads.ways if w != PHOTO and (w != PUBLISHED or heads.has_published[index])]
    weights = np.array([WAY_WEIGHTS[way] for way in ways])
    return ways[rng.choice(len(ways), p=weights / weights.sum())]


def looked_at(head: np.ndarray, size_px: int, rng: np.random.Generator) -> np.ndarray:
    """The window of a head crop, uint8 (size_px, size_px, 3), moved, turned and mirrored at random."""
    side = len(head)
    zoom = size_px / ((WINDOW[2] - WINDOW[0]) * side * np.exp(rng.uniform(-SCALE, SCALE)))
    centre = np.array([WINDOW[0] + WINDOW[2], WINDOW[1] + WINDOW[3]]) / 2 + rng.normal(0, SHIFT / 1.5, 2)
    matrix = cv2.getRotationMatrix2D(tuple(centre * side), rng.uniform(-DEGREES, DEGREES), zoom)
    matrix[:, 2] += size_px / 2 - centre * side
    if rng.random() < 0.5:
        matrix[0] = [-matrix[0, 0], -matrix[0, 1], size_px - 1 - matrix[0, 2]]
    return cv2.warpAffine(head, matrix, (size_px, size_px), borderMode=cv2.BORDER_REPLICATE)


def relit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another light: brightness, contrast and a mild tint; now and then no colour at all. RGB in 0 to 1."""
    if rng.random() < 0.2:
        image = np.repeat(image.mean(-1, keepdims=True), 3, -1)
    gain, offset = rng.uniform(0.8, 1.2, 3) * rng.uniform(0.8, 1.2), rng.uniform(-0.08, 0.08)
    return np.clip(image * gain + offset, 0, 1)


def recoloured(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another palette: tone curve, saturation, a strong tint. RGB in 0 to 1."""
    image = image ** np.exp(rng.uniform(-0.5, 0.5))
    grey = image.mean(-1, keepdims=True)
    image = grey + (image - grey) * rng.uniform(0.1, 2.0)
    if rng.random() < 0.5:
        image = image * rng.uniform(0.55, 1.1, 3)
    return np.clip(image, 0, 1)


def degraded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Now and then a picture that was small, blurred or saved as JPEG, or that a bubble hides in part."""
    size = image.shape[0]
    if rng.random() < 0.3:
        small = int(size * rng.uniform(0.35, 0.9))
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (size, size))
    if rng.random() < 0.2:
        quality = int(rng.integers(30, 90))
        image = cv2.imdecode(
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
        )
    if rng.random() < 0.1:
        x, y, w, h = (int(v) for v in rng.uniform((0, 0, 0.15, 0.15), (0.85, 0.85, 0.4, 0.4)) * size)
        image = image.copy()
        image[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return image


class ArcFaceHead(nn.Module):
    """Logits of an additive angular margin softmax: (N, 512) and labels (N,) to (N, people)."""

    def __init__(self, people: int, scale: float = 32.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(people, 512) * 0.05)
        self.scale = scale

    def forward(self, features: Tensor, labels: Tensor, margin: float) -> Tensor:
        cosines = F.linear(F.normalize(features), F.normalize(self.weight)).clamp(-0.9999, 0.9999)
        own = cosines.gather(1, labels[:, None])
        moved = torch.cos(torch.acos(own) + margin)
        return self.scale * cosines.scatter(1, labels[:, None], moved)


class Pupil(nn.Module):
    """How far features are from what the teacher saw: (N, 512) and numbers of photos (N,) to a loss.

    `vectors` are the teacher's of all M photos, float32 (M, D), and `people` whose they are, int64 (M,). The
    loss is cross entropy over the cosines to all of them, where the photo itself is the right one and others
    of the same person are no negatives, and a weighted 1 - cosine to the right one.
    """

    def __init__(
        self, vectors: np.ndarray, people: Tensor, temperature: float = 0.07, pull: float = 4.0
    ) -> None:
        super().__init__()
        self.temperature, self.pull = temperature, pull
        self.to_teacher = nn.Linear(512, vectors.shape[1])
        centred = torch.from_numpy(vectors - vectors.mean(0))
        self.register_buffer("vectors", F.normalize(centred), persistent=False)
        self.register_buffer("people", people, persistent=False)

    def forward(self, features: Tensor, shown: Tensor) -> Tensor:
        cosines = F.normalize(self.to_teacher(features)) @ self.vectors.T
        own = cosines.gather(1, shown[:, None])
        same_person = self.people[shown][:, None] == self.people
        cosines = cosines.masked_fill(same_person, -1.0).scatter(1, shown[:, None], own)
        return F.cross_entropy(cosines / self.temperature, shown) + self.pull * (1 - own).mean()


class EmbedderRecipe(Recipe):
    averaged = ("embedder",)

    def __init__(
        self,
        people: int,
        learning_rate: float,
        size_px: int,
        margin: float = 0.3,
        temperature: float = 0.1,
        warmup: int = 150,
        pupil: Pupil | None = None,
    ) -> None:
        self.size_px, self.margin, self.temperature, self.warmup = size_px, margin, temperature, warmup
        self.margin_now = 0.0
        network = resnet18().to(memory_format=torch.channels_last)
        self.networks: dict[str, nn.Module] = {"embedder": network, "head": ArcFaceHead(people)}
        if pupil is not None:
            self.networks["pupil"] = pupil
        parameters = [p for n in self.networks.values() for p in n.parameters()]
        self.optimizers = {"all": torch.optim.AdamW(parameters, learning_rate, weight_decay=5e-2, fused=True)}

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        both = torch.cat([batch["photo"], batch["drawing"]]).contiguous(memory_format=torch.channels_last)
        features, people = self.networks["embedder"](both), batch["person"]
        margin = F.cross_entropy(
            self.networks["head"](features, people.repeat(2), self.margin_now), people.repeat(2)
        )
        contrast = contrastive(*F.normalize(features).chunk(2), people, self.temperature)
        losses = {"margin": margin, "contrast": contrast}
        if "pupil" in self.networks:
            losses["margin"] = BESIDE_TEACHER * margin
            losses["taught"] = self.networks["pupil"](features, batch["shown"].T.reshape(-1))
        accelerator.backward(torch.stack(list(losses.values())).sum())
        self.optimizers["all"].step()
        self.optimizers["all"].zero_grad()
        return {name: loss.detach() for name, loss in losses.items()}

    def rate(self, step: int, max_steps: int) -> float:
        """Warm up, stay, and fall linearly over the last 35 %, so that a run may be prolonged before that.

        The margin grows over five times the warm-up.
        """
        self.margin_now = self.margin * min(1.0, step / (5 * self.warmup))
        return min(1.0, step / self.warmup, (max_steps - step + 1) / (0.35 * max_steps))

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        config = {"name": "resnet18", "size_px": self.size_px, "dim": 512}
        config |= {"mean": [MEAN] * 3, "std": [STD] * 3, "windows": [list(window) for window in WINDOWS]}
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
    parser.add_argument("--heads", type=Path, required=True, help="folder that training.drawings wrote")
    parser.add_argument("--size-px", type=int, default=64, help="side of what the network sees")
    parser.add_argument("--photos-only", action="store_true", help="the baseline that sees no drawing")
    parser.add_argument("--teacher", type=Path, help="what training.teacher wrote for the same heads")
    add_run_flags(parser, 3000, 64, 1e-3, save_every=150, samples="pairs of photo and drawing")
    args = parser.parse_args()
    dataset = PhotoAndDrawing(load(args.heads), args.size_px, args.seed, args.photos_only)
    torch.manual_seed(args.seed)
    pupil = None
    if args.teacher:
        people = dataset.heads.people
        with np.load(args.teacher) as file:
            if file["people"].tolist() != people:
                parser.error(
                    f"{args.teacher} is not of these {len(people)} heads; run training.teacher on them"
                )
            pupil = Pupil(file["vectors"], torch.tensor([dataset.labels[person] for person in people]))
    recipe = EmbedderRecipe(len(dataset.labels), args.learning_rate, args.size_px, pupil=pupil)
    if args.start_from:
        recipe.networks["embedder"].load_state_dict(read_tensors(args.start_from))
    told = {
        "name": "embedder",
        "size_px": args.size_px,
        "people": len(dataset.labels),
        "photos": len(dataset.heads.people),
        "photos_only": args.photos_only,
        "teacher": sha256(args.teacher) if args.teacher else None,
    }
    train(recipe, dataset, loop_config(args, 0.995, told), args.resume)


if __name__ == "__main__":
    main()
