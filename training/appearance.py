"""Trains the realizer that draws a photographed face: a network reads off a drawing which face it is.

    python -m training.drawings --data ../shared/data --landmarks DIR --out data/heads
    python -m training.face_model --data ../shared/data --landmarks DIR --out face-model.npz
    accelerate launch -m training.realizer --network pix2pix --levels 5 ... --output-dir runs/generator
    accelerate launch -m training.appearance --heads data/heads --face-model face-model.npz \\
        --generator runs/generator/export --start-from runs/embedder/export --output-dir runs/appearance

See `webcast.networks.appearance` for the model and its source. The network learns each photo's numbers from
drawings of it, by their squared error. Where a drawing does not tell, the answer to such a loss is the mean
of what may be: still a face.
"""

import argparse
import copy
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset

from training import drawings, face_model
from training.drawings import Heads
from training.embedder import degraded, drawn_way, recoloured, relit
from training.face_model import FaceModel
from training.loop import Recipe, seeded, shuffled, train
from training.stage_flags import add_run_flags, loop_config
from webcast.appearance import AppearanceRealizer
from webcast.networks.appearance import READER_PX, Appearance
from webcast.realize import NETWORKS
from webcast.tensors import to_images
from webcast.weights import load_network, read_config, read_tensors, write_stage

PORTRAIT_SHARE = 0.4  # of the samples; they are sharp, but few
SHIFT, SCALE, DEGREES = 0.016, 0.05, 4.0  # how far a head strays from where it should lie
RECOLOURED_SHARE = 0.5
NEW = ("layer4", "fc")  # what no embedder has
KNOWN_RATE = 0.3  # of the learning rate, for what an embedder has learned already


class DrawnHeads(Dataset):
    """Sample `n`: `real_a`, float32 (3, READER_PX, READER_PX) in -1 to 1, and `numbers`, those of its photo.

    A head is mirrored half of the time, and strays from where it should lie as a detector strays; its shape
    is mirrored and strays with it. The same number gives the same sample.
    """

    def __init__(self, heads: Heads, model: FaceModel, seed: int) -> None:
        self.heads, self.model, self.seed = heads, model, seed
        is_portrait = np.array(heads.is_portrait)
        self.portraits, self.news = np.flatnonzero(is_portrait), np.flatnonzero(~is_portrait)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        cv2.setNumThreads(1)
        rng = seeded(self.seed, number)
        pool = self.portraits if rng.random() < PORTRAIT_SHARE else self.news
        index = int(pool[shuffled(len(pool), self.seed, number)])
        side = int(rng.random() < 0.5)
        head = self.heads.ways[drawn_way(self.heads, index, rng)][index]
        move = stray(rng)
        moved = cv2.warpAffine(
            np.ascontiguousarray(head[:, ::-1]) if side else head,
            move * [1, 1, READER_PX],
            (READER_PX, READER_PX),
            borderMode=cv2.BORDER_REPLICATE,
        )
        image = relit(degraded(moved, rng).astype(np.float32) / 255, rng)
        if rng.random() < RECOLOURED_SHARE:
            image = recoloured(image, rng)
        numbers = [self.model.texture_numbers[side, index], self.moved_numbers(side, index, move)]
        return {
            "real_a": torch.from_numpy(np.float32(image * 2 - 1)).permute(2, 0, 1),
            "numbers": torch.from_numpy(np.float32(np.concatenate(numbers))),
        }

    def moved_numbers(self, side: int, index: int, move: np.ndarray) -> np.ndarray:
        """The numbers of a shape that strays."""
        mean, basis = self.model.shape_mean, self.model.shape_basis
        shape = mean + np.tensordot(self.model.shape_numbers[side, index], basis, 1)
        away = shape @ move[:, :2].T + move[:, 2] - mean
        return np.tensordot(basis, away, 2) / np.square(basis).sum((1, 2))


def stray(rng: np.random.Generator) -> np.ndarray:
    """A small similarity (2, 3) at random, about the middle of the head, in parts of its side."""
    zoom = np.exp(rng.uniform(-SCALE, SCALE))
    move = cv2.getRotationMatrix2D((0.5, 0.5), rng.uniform(-DEGREES, DEGREES), zoom)
    move[:, 2] += rng.normal(0, SHIFT, 2)
    return move


def shares(basis: np.ndarray) -> Tensor:
    """How much the error of each number counts, in all 1, of a basis (K, ..., D).

    Half of it is shared by variance: what an error does to the picture. By that alone hardly more than light
    and skin would be learned, for what tells people apart varies little: the other half is shared evenly.
    """
    variance = torch.from_numpy(np.square(basis).reshape(len(basis), -1).sum(1))
    return (variance / variance.sum() + 1 / len(basis)) / 2


class AppearanceRecipe(Recipe):
    averaged = ("reader",)

    def __init__(self, model: FaceModel, generator: Path, learning_rate: float) -> None:
        config = read_config(generator)
        self.parts = torch.cat([shares(basis) for basis in (model.texture_basis, model.shape_basis)])
        self.config = {
            "name": "appearance",
            "size_px": config["size_px"],
            "direction": config["direction"],
            "textures": len(model.texture_basis),
            "shapes": len(model.shape_basis),
            "pixels": len(model.texture_mean),
            "points": len(model.shape_mean),
            "texture_px": len(model.matte),
            "generator": config,
        }
        self.whole = NETWORKS["appearance"](self.config, generator)
        load_network(self.whole.generator, generator)
        model.fill(self.whole)
        reader = self.whole.reader.to(memory_format=torch.channels_last)
        self.networks: dict[str, nn.Module] = {"reader": reader}
        named = list(reader.named_parameters())
        new = [parameter for name, parameter in named if name.startswith(NEW)]
        known = [parameter for name, parameter in named if not name.startswith(NEW)]
        rates = [{"params": new}, {"params": known, "lr": KNOWN_RATE * learning_rate}]
        self.optimizers = {"reader": torch.optim.AdamW(rates, learning_rate, weight_decay=2e-2, fused=True)}

    def start_from(self, embedder: Path) -> None:
        """The first three stages of an embedder, which has seen many drawings; the rest starts as it is."""
        own = self.networks["reader"].state_dict()
        known = {name: t for name, t in read_tensors(embedder).items() if not name.startswith(NEW)}
        self.networks["reader"].load_state_dict(own | known)

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        real_a = batch["real_a"].contiguous(memory_format=torch.channels_last)
        away = self.networks["reader"](real_a) - batch["numbers"]
        errors = away.square().mean(0) * self.parts.to(away.device)
        texture, shape = (part.sum() for part in errors.split(self.sizes))
        accelerator.backward(texture + shape)
        self.optimizers["reader"].step()
        self.optimizers["reader"].zero_grad()
        return {"texture": texture.detach(), "shape": shape.detach()}

    @property
    def sizes(self) -> list[int]:
        return [self.config["textures"], self.config["shapes"]]

    def rate(self, step: int, max_steps: int) -> float:
        """Warm up, stay, and fall linearly over the last 40 %."""
        return min(1.0, step / 50, (max_steps - step + 1) / (0.4 * max_steps))

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        write_stage(folder, self.config, self.joined(networks))

    def joined(self, networks: dict[str, nn.Module]) -> Appearance:
        """Reader, model and generator on the CPU; what is trained stays where it is."""
        self.whole.reader = copy.deepcopy(networks["reader"]).cpu()
        return self.whole

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        """Drawings of another seed, and the realized heads below them."""
        real_a = torch.stack([self.shown[n]["real_a"] for n in range(16)])
        drawn = to_images((real_a + 1) / 2)
        realizer = AppearanceRealizer(
            self.joined(networks), torch.device("cpu"), self.config["size_px"], self.config["direction"]
        )
        size = (realizer.size_px, realizer.size_px)
        pairs = [
            np.concatenate([np.asarray(a.resize(size, Image.Resampling.BICUBIC)), np.asarray(b)])
            for a, b in zip(drawn, realizer.realize(drawn), strict=True)
        ]
        return np.concatenate([np.concatenate(pairs[:8], 1), np.concatenate(pairs[8:], 1)])

    shown: Dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--heads", type=Path, required=True, help="folder that training.drawings wrote")
    parser.add_argument("--face-model", type=Path, required=True, help="file that training.face_model wrote")
    parser.add_argument("--generator", type=Path, required=True, help="the export/ of a translator")
    add_run_flags(parser, 2000, 64, 1e-3, save_every=100, samples="drawings")
    args = parser.parse_args()
    heads, model = drawings.load(args.heads), face_model.load(args.face_model)
    if heads.people != model.people.tolist():
        parser.error(f"{args.heads} and {args.face_model} are of other photos; make both anew")
    torch.manual_seed(args.seed)
    recipe = AppearanceRecipe(model, args.generator, args.learning_rate)
    if args.start_from:
        recipe.start_from(args.start_from)
    recipe.shown = DrawnHeads(heads, model, args.seed + 1)
    told = {"name": "appearance", "people": len(set(heads.people)), "generator": str(args.generator)}
    train(recipe, DrawnHeads(heads, model, args.seed), loop_config(args, 0.99, told), args.resume)


if __name__ == "__main__":
    main()
