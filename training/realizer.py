"""Trains the realizer on pairs of our own: a generator learns drawing -> photo.

    accelerate launch -m training.realizer --data ../shared/data --landmarks DIR --output-dir runs/realizer

U-GAT-IT (Kim et al. 2020, arXiv 1907.10830) learns from unpaired pictures in about a million steps. With
`training.render` there are pairs, and a generator that has learned them needs far fewer. The generator is
U-GAT-IT's light one or pix2pix's U-Net (`--network`). It is trained as in pix2pix (Isola et al. 2017, arXiv
1611.07004): an L1 loss to the photo and an adversarial loss, the least squares of U-GAT-IT's local
discriminator with its CAM logits (`--discriminator-channels 0` leaves it out, for a quick start). Deliberate
differences from both: every sixth sample is an anime frame, which has no photo, so only its coarse colours
are held (L1 after pooling to 8 x 8) and the discriminator judges the rest; with `--embedder` the fake must
also look like the photo to it, in its inner features and in its vector.

Where our renderer drew the pair, the photo is given the drawing's proportions as far as a photo can have them
(`believable`). Else eyes and jaw lie elsewhere on the two, and an L1 loss answers that with blur. Women and
men, darker and lighter skins are drawn evenly from the portraits.
"""

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from training import landmark_indices as at
from training.drawings import filtered
from training.embedder import MEAN, STD
from training.faces import FacePhoto, aligned_head, read_rgb, training_photos
from training.loop import Recipe, made_by, seeded, shuffled, train
from training.recipes.ugatit import clip_rho
from training.render import SCHOOLS, Style, draw, draw_style, exaggerate, face_height
from training.split import is_test_frame, normalise
from training.stage_flags import add_run_flags, loop_config
from training.translate import freeze
from webcast.embed import resnet18
from webcast.networks import pix2pix, ugatit
from webcast.networks.cyclegan import normal_weights
from webcast.networks.translated import translated
from webcast.networks.ugatit import Discriminator
from webcast.weights import read_config, read_tensors, write_stage

PORTRAIT_SHARE = 0.85  # they are sharp; the news photos are blurred, but of many more people
ANIME_EVERY = 6
RECOLOURED_SHARE = 0.7
JITTER = 0.015
L1_WEIGHT, COARSE_WEIGHT, ADVERSARIAL_WEIGHT, CAM_WEIGHT = 10.0, 5.0, 1.0, 0.3
FEATURE_WEIGHT, IDENTITY_WEIGHT = 5.0, 2.0
BELIEVABLE = {"nose_scale": 0.85, "mouth_scale": 0.85, "jaw_scale": 0.9}
LARGEST_EYES = 1.25
"""How far a face may stray from its own proportions, made smaller or larger, and still pass for a photo's."""


class Pairs(Dataset):
    """Sample `n`: `real_a` drawn, `real_b` photo, float32 (3, size, size) in -1 to 1, and `paired`, 0 or 1.

    Where `paired` is 0, the two show different people.
    """

    def __init__(
        self, data: Path, landmarks: Path, size_px: int, seed: int, gender: str | None = None
    ) -> None:
        photos = training_photos(data, landmarks)
        genders = read_genders(data / "portraits/people.csv")
        portraits = [p for p in photos if "portraits" in p.path.parts]
        self.pools = balanced([p for p in portraits if gender in (None, genders[p.person])], genders)
        self.portrait_share = PORTRAIT_SHARE if gender is None else 1.0
        self.news = [p for p in photos if "portraits" not in p.path.parts]
        frames = sorted((data / "drawn/anime").glob("*.jpg"))
        self.anime = [frame for frame in frames if not is_test_frame(frame.name)]
        self.size_px, self.seed = size_px, seed

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        cv2.setNumThreads(1)
        rng = seeded(self.seed, number)
        from_portraits = rng.random() < self.portrait_share
        pool = self.pools[rng.integers(len(self.pools))] if from_portraits else self.news
        photo = pool[shuffled(len(pool), self.seed, number)]
        mirror = bool(rng.random() < 0.5)
        crop, points = aligned_head(read_rgb(photo.path), photo.points, self.size_px, rng, JITTER, mirror)
        paired = number % ANIME_EVERY != 0
        if paired:
            drawing, crop = self.drawing(photo, crop, points, rng)
        else:
            drawing = self.anime_head(number, rng)
        return {"real_a": signed(drawing), "real_b": signed(crop), "paired": torch.tensor(float(paired))}

    def drawing(
        self, photo: FacePhoto, crop: np.ndarray, points: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The crop drawn, published where it can be, by our renderer, or by a filter; and the photo to it."""
        kind = rng.random()
        if photo.drawings and kind < 0.4:
            drawing = published_in_place(photo, points, self.size_px, rng)
        elif kind < 0.8:
            style = draw_style(SCHOOLS[rng.integers(len(SCHOOLS))], rng)
            drawing, _ = draw(crop, points, style, rng)
            crop, _ = exaggerate(crop, points, believable(style), face_height(points))
        else:
            drawing = filtered(crop, points, rng)
        return (in_other_colours(drawing, rng) if rng.random() < RECOLOURED_SHARE else drawing), crop

    def anime_head(self, number: int, rng: np.random.Generator) -> np.ndarray:
        image = read_rgb(self.anime[shuffled(len(self.anime), self.seed, number)])
        image = image[:, ::-1] if rng.random() < 0.5 else image
        return cv2.resize(image, (self.size_px, self.size_px), interpolation=cv2.INTER_AREA)


def believable(style: Style) -> Style:
    """The style with its proportions held within what a photo could show."""
    kept = {part: max(getattr(style, part), least) for part, least in BELIEVABLE.items()}
    return replace(style, eye_scale=min(style.eye_scale, LARGEST_EYES), **kept)


def read_genders(people_csv: Path) -> dict[str, str]:
    """What `people.csv` says of each person, by normalised name."""
    with people_csv.open(newline="", encoding="utf-8") as file:
        return {normalise(row["name"]): row["gender"] for row in csv.DictReader(file)}


def balanced(portraits: list[FacePhoto], genders: dict[str, str]) -> list[list[FacePhoto]]:
    """Pools to draw from evenly: of each gender the third with the darkest skin, and the others."""
    pools = []
    for gender in sorted(set(genders.values())):
        by_skin = sorted((p for p in portraits if genders[p.person] == gender), key=skin_luminance)
        third = len(by_skin) // 3
        pools += [by_skin[:third], by_skin[third:]]
    return [pool for pool in pools if pool]


def skin_luminance(photo: FacePhoto) -> float:
    """Median luma around the nose, 0 to 255: what the picture shows, by whatever light."""
    quarter = cv2.imread(str(photo.path), cv2.IMREAD_REDUCED_GRAYSCALE_4)
    points = photo.points / 4
    x, y = points[at.NOSE_TIP]
    reach = 0.2 * face_height(points)
    (left, top), (right, bottom) = np.int64([x - reach, y - reach]), np.int64([x + reach, y + reach]) + 1
    return float(np.median(quarter[max(top, 0) : bottom, max(left, 0) : right]))


def published_in_place(
    photo: FacePhoto, points: np.ndarray, size_px: int, rng: np.random.Generator
) -> np.ndarray:
    """A published drawing of the photo, cut so that it lies upon the crop whose landmarks are given."""
    drawing = read_rgb(photo.drawings[rng.integers(len(photo.drawings))])
    on_drawing = photo.points * (drawing.shape[0] / read_rgb(photo.path).shape[0])
    matrix, _ = cv2.estimateAffine2D(on_drawing, points)
    return cv2.warpAffine(drawing, matrix, (size_px, size_px), borderMode=cv2.BORDER_REPLICATE)


def in_other_colours(drawing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As another artist, another light or a memory would have it: the photo keeps its own colours.

    Saturation, the brightness of the middle tones and each channel are changed at random. Black stays black.
    """
    colours = drawing.astype(np.float32) / 255
    grey = colours.mean(2, keepdims=True)
    colours = np.clip(grey + (colours - grey) * rng.uniform(0.3, 1.8), 0, 1)
    colours = colours ** rng.uniform(0.7, 1.5) * rng.uniform(0.5, 1.1, 3)
    return np.uint8(np.clip(colours * 255, 0, 255))


def signed(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).float() / 127.5 - 1


class FrozenEmbedder(nn.Module):
    """The features a trained embedder sees: those of its first three stages, and its unit vector."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.network = resnet18()
        self.network.load_state_dict(read_tensors(folder))
        self.network.eval().requires_grad_(False)
        self.size_px = read_config(folder)["size_px"]

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """(N, 3, H, W) in -1 to 1."""
        net = self.network
        x = F.interpolate(
            x, (self.size_px, self.size_px), mode="bilinear", antialias=True, align_corners=False
        )
        x = ((x + 1) / 2 - MEAN) / STD
        x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
        stages = []
        for layer in (net.layer1, net.layer2, net.layer3):
            x = layer(x)
            stages.append(x)
        return stages, F.normalize(net.avgpool(net.layer4(x)).flatten(1))


class RealizerRecipe(Recipe):
    averaged = ("gen_ab",)

    def __init__(
        self,
        channels: int,
        size_px: int,
        learning_rate: float,
        embedder: Path | None,
        network: str = "ugatit",
        discriminator_channels: int = 64,
        levels: int | None = None,
    ) -> None:
        self.network, self.channels, self.size_px = network, channels, size_px
        self.levels = levels or pix2pix.all_levels(size_px)
        generator = build_generator(network, channels, size_px, self.levels)
        self.networks: dict[str, nn.Module] = {"gen_ab": generator}
        if discriminator_channels:
            self.networks["disc_b"] = Discriminator(layers=5, channels=discriminator_channels)
        self.embedder = FrozenEmbedder(embedder) if embedder else None
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), learning_rate, (0.5, 0.999), fused=True)
            for name, network in self.networks.items()
        }

    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        real_a, real_b, paired = batch["real_a"], batch["real_b"], batch["paired"]
        gen_ab = self.networks["gen_ab"]
        fake_b = translated(gen_ab, real_a)
        losses = {
            "l1": L1_WEIGHT * held(fake_b - real_b, paired),
            "coarse": COARSE_WEIGHT * held(F.adaptive_avg_pool2d(fake_b - real_a, 8), 1 - paired),
        }
        if self.embedder is not None:
            losses |= self.resemblance(fake_b, real_b, paired)
        told = {}
        if "disc_b" in self.networks:
            told["disc"] = self.discriminate(real_b, fake_b.detach(), accelerator)
            losses |= self.realism(fake_b)
        accelerator.backward(sum(losses.values()))
        self.optimizers["gen_ab"].step()
        self.optimizers["gen_ab"].zero_grad()
        clip_rho(gen_ab)
        return {name: loss.detach() for name, loss in losses.items()} | told

    def realism(self, fake_b: Tensor) -> dict[str, Tensor]:
        """What it costs that the discriminator is not taken in."""
        disc_b = self.networks["disc_b"]
        with freeze([disc_b]):
            patches, cam, _ = disc_b(fake_b)
        return {
            "adversarial": ADVERSARIAL_WEIGHT * (patches - 1).square().mean(),
            "cam": CAM_WEIGHT * (cam - 1).square().mean(),
        }

    def discriminate(self, real_b: Tensor, fake_b: Tensor, accelerator: Accelerator) -> Tensor:
        patches, cam, _ = self.networks["disc_b"](torch.cat([real_b, fake_b]))
        truth = torch.cat([torch.ones(len(real_b)), torch.zeros(len(fake_b))]).to(patches)
        loss = (patches - truth.view(-1, 1, 1, 1)).square().mean() + (cam - truth.view(-1, 1)).square().mean()
        accelerator.backward(loss)
        self.optimizers["disc_b"].step()
        self.optimizers["disc_b"].zero_grad()
        return loss.detach()

    def resemblance(self, fake_b: Tensor, real_b: Tensor, paired: Tensor) -> dict[str, Tensor]:
        """What the embedder sees of the fake must be what it sees of the photo."""
        stages, vector = self.embedder.to(fake_b.device)(fake_b)
        with torch.no_grad():
            real_stages, real_vector = self.embedder(real_b)
        features = sum(held(f - r, paired) / r.abs().mean() for f, r in zip(stages, real_stages, strict=True))
        away = (1 - (vector * real_vector).sum(1)) * paired
        return {"features": FEATURE_WEIGHT * features / 3, "identity": IDENTITY_WEIGHT * away.mean()}

    def rate(self, step: int, max_steps: int) -> float:
        """Constant for the first half, then linearly to nothing, as in U-GAT-IT."""
        return min(1.0, step / 50) * min(1.0, 2 * (1 - step / max_steps) + 1e-3)

    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        config = {"name": self.network, "size_px": self.size_px, "channels": self.channels}
        if self.network == "ugatit":
            config |= {"light": True, "blocks": 4}
        else:
            config |= {"levels": self.levels}
        write_stage(folder, config | {"direction": "drawn-to-photo"}, networks["gen_ab"])

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray:
        """Drawing, fake and photo of sixteen samples from another seed."""
        samples = [self.shown[n] for n in range(16)]
        real_a = torch.stack([s["real_a"] for s in samples])
        fake_b = torch.cat([made_by(networks["gen_ab"], part, translated) for part in real_a.split(4)])
        columns = [torch.cat([s["real_a"], f, s["real_b"]], 1) for s, f in zip(samples, fake_b, strict=True)]
        sheet = torch.cat([torch.cat(columns[:8], 2), torch.cat(columns[8:], 2)], 1)
        return ((sheet.permute(1, 2, 0).numpy() + 1) * 127.5).clip(0, 255).astype(np.uint8)

    shown: Dataset


def build_generator(network: str, channels: int, size_px: int, levels: int) -> nn.Module:
    """U-GAT-IT's light generator, or pix2pix's with so many levels."""
    if network == "ugatit":
        return ugatit.Generator(size_px=size_px, light=True, channels=channels)
    generator = pix2pix.Generator(channels, levels)
    normal_weights(generator)
    return generator


def held(difference: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference over the samples whose weight is 1."""
    return (difference.abs().flatten(1).mean(1) * weight).sum() / weight.sum().clamp(min=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/, lfw/ and drawn/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--network", choices=("ugatit", "pix2pix"), default="ugatit", help="the generator")
    parser.add_argument("--size-px", type=int, default=128)
    parser.add_argument("--channels", type=int, default=64, help="of the generator's first layer")
    parser.add_argument("--levels", type=int, help="of pix2pix's U, 5 or more (as many as the side allows)")
    parser.add_argument("--discriminator-channels", type=int, default=64, help="0 for no discriminator")
    parser.add_argument("--embedder", type=Path, help="an embedder's export/, for the resemblance losses")
    parser.add_argument("--gender", choices=("female", "male"), help="only portraits of one gender (all)")
    add_run_flags(parser, 4000, 4, 2e-4)
    args = parser.parse_args()
    if args.network == "pix2pix" and args.size_px.bit_count() != 1:
        parser.error(f"pix2pix takes a --size-px that is a power of two, not {args.size_px}.")
    if args.levels and not 5 <= args.levels <= pix2pix.all_levels(args.size_px):
        parser.error(f"--levels is from 5 to {pix2pix.all_levels(args.size_px)} at {args.size_px} px.")
    torch.manual_seed(args.seed)
    recipe = RealizerRecipe(
        args.channels,
        args.size_px,
        args.learning_rate,
        args.embedder,
        args.network,
        args.discriminator_channels,
        args.levels,
    )
    if args.start_from:
        recipe.networks["gen_ab"].load_state_dict(read_tensors(args.start_from))
    recipe.shown = Pairs(args.data, args.landmarks, args.size_px, args.seed + 1, args.gender)
    told = {
        "name": "realizer",
        "channels": args.channels,
        "size_px": args.size_px,
        "embedder": str(args.embedder or ""),
        "network": args.network,
        "discriminator_channels": args.discriminator_channels,
        "levels": recipe.levels,
        "gender": args.gender or "",
    }
    data = Pairs(args.data, args.landmarks, args.size_px, args.seed, args.gender)
    train(recipe, data, loop_config(args, 0.99, told), args.resume)


if __name__ == "__main__":
    main()
