"""Measures a folder of weights against trivial baselines, and writes the numbers into its config and card.

    python -m training.prove --data ../shared/data --landmarks DIR --weights webcast/bundle/weights --write

Every picture is of the test people of `training.split`. The baselines are those a reader would ask for:
bicubic enlargement, the drawing left as it is, raw pixels, and the same networks with untrained weights.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch.nn import functional as F

from training.abstention import answers, development_probes, gallery_of, limit_for
from training.bundle import write_config
from training.castback import (
    Heads,
    find_heads,
    gallery_pictures,
    published_drawings,
    ranks,
    raw_pixels,
    rendered_drawings,
    share,
)
from training.faces import FacePhoto, aligned_head, read_rgb, test_photos
from training.loop import seeded
from training.realism import kid_of_pairs
from training.realizer import FrozenEmbedder, published_in_place
from training.render import SCHOOLS, render
from training.split import HELD_OUT_STYLE
from training.stability import CROPS, agreement
from training.upscaler import degrade
from webcast.build import load_stages
from webcast.caster import Stages, enlarge
from webcast.embed import EMBEDDERS, NetworkEmbedder, resnet18
from webcast.realize import NETWORKS, realizer_of
from webcast.tensors import to_tensor
from webcast.types import Realizer, Upscaler
from webcast.upscale import UPSCALERS
from webcast.weights import pick, read_config, read_tensors

SAMPLES = 60
CARD_START, CARD_END = "<!-- measured by training.prove -->", "<!-- end of measured -->"


@dataclass
class Report:
    """Rows of Markdown tables, printed as they come."""

    lines: list[str] = field(default_factory=list)

    def table(self, title: str, header: Sequence[str]) -> None:
        self.say("", f"**{title}**", "", "| " + " | ".join(header) + " |", "|---" * len(header) + "|")

    def row(self, *cells: object) -> None:
        self.say("| " + " | ".join(str(cell) for cell in cells) + " |")

    def say(self, *lines: str) -> None:
        self.lines += lines
        print(*lines, sep="\n", flush=True)


@dataclass(frozen=True)
class Evidence:
    """The pictures that everything is measured on."""

    photos: list[FacePhoto]
    data: Path
    landmarks: Path

    def pairs(self) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
        """Kind, drawing and photo of the same head crop, RGB uint8 (256, 256, 3)."""
        firsts = [p for p in self.photos if p.path.parent.name == "first"][:SAMPLES]
        for number, photo in enumerate(firsts):
            rng = partial(seeded, 7, number)
            crop, points = aligned_head(read_rgb(photo.path), photo.points, 256, rng())
            yield "our renderer", render(crop, points, SCHOOLS[number % 3], rng())[0], crop
            drawings = (self.data / "drawn/cartoongan" / HELD_OUT_STYLE / photo.path.name,)
            held_out = FacePhoto(photo.path, photo.person, photo.points, drawings)
            yield HELD_OUT_STYLE, published_in_place(held_out, points, 256, rng()), crop


def measure_upscaler(
    report: Report,
    stages: Stages,
    others: Sequence[Path],
    pairs: list[tuple[str, np.ndarray, np.ndarray]],
) -> None:
    """Beside bicubic and, where their folders are given, the published networks."""
    ways = {"bicubic": None, "ours": stages.upscaler} | {
        folder.name: load_upscaler(folder) for folder in others
    }
    report.table("Upscaling a quarter-size picture (mean PSNR in dB / SSIM)", ["pictures", *ways])
    for title, damage in (
        ("clean", shrink),
        ("degraded", lambda image: degrade(image, seeded(9, int(image.sum())))),
    ):
        for kind, large in kinds(pairs):
            small = [Image.fromarray(damage(image)) for image in large]
            cells = [fidelity(enlarged(way, small), large) for way in ways.values()]
            report.row(f"{kind}, {title}", *cells)


def kinds(pairs: list[tuple[str, np.ndarray, np.ndarray]]) -> Iterable[tuple[str, list[np.ndarray]]]:
    """The drawings of each kind, and the photos."""
    for kind in dict.fromkeys(kind for kind, _, _ in pairs):
        yield kind, [drawing for k, drawing, _ in pairs if k == kind]
    yield "photos", [photo for kind, _, photo in pairs if kind == HELD_OUT_STYLE]


def load_upscaler(folder: Path) -> Upscaler:
    name = read_config(folder)["name"]
    return pick(UPSCALERS, name, "upscaler")(folder, torch.device("cpu"))


def enlarged(upscaler: Upscaler | None, small: Sequence[Image.Image]) -> list[Image.Image]:
    """The pictures at 256 px; None enlarges them bicubically."""
    large = small if upscaler is None else enlarge(upscaler, small)
    return [image.resize((256, 256), Image.Resampling.BICUBIC) for image in large]


def shrink(image: np.ndarray) -> np.ndarray:
    size = (image.shape[1] // 4, image.shape[0] // 4)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def fidelity(images: Sequence[Image.Image], truth: Sequence[np.ndarray]) -> str:
    pairs = [(np.asarray(image), true) for image, true in zip(images, truth, strict=True)]
    psnr = np.mean([peak_signal_noise_ratio(t, i) for i, t in pairs])
    ssim = np.mean([structural_similarity(t, i, channel_axis=2) for i, t in pairs])
    return f"{psnr:.2f} / {ssim:.3f}"


def measure_realizer(
    report: Report, stages: Stages, weights: Path, pairs: list[tuple[str, np.ndarray, np.ndarray]]
) -> None:
    size, embedder = stages.realizer.size_px, FrozenEmbedder(weights / "embedder")
    report.table(
        f"Realizing, against the photo of the same head at {size} px",
        ["drawings", "measure", "left as they are", "untrained", "ours"],
    )
    makers = {
        "as is": fit_to(size),
        "untrained": untrained_realizer(weights).realize,
        "ours": stages.realizer.realize,
    }
    for kind in dict.fromkeys(kind for kind, _, _ in pairs):
        drawings = [Image.fromarray(drawing) for k, drawing, _ in pairs if k == kind]
        photos = fit_to(size)([Image.fromarray(photo) for k, _, photo in pairs if k == kind])
        made = [make(drawings) for make in makers.values()]
        report.row(
            kind, "mean absolute error (0 to 255, less is better)", *[f"{error(m, photos):.1f}" for m in made]
        )
        truth = texture_features(embedder, photos)
        distances = [kid_of_pairs(texture_features(embedder, pictures), truth) for pictures in made]
        report.row(kind, "KID (less is better)", *[f"{mean:.3f} ± {sem:.3f}" for mean, sem in distances])
    report.say(
        "",
        "KID is between the pictures made of one half of the people and the photos of the other half, over "
        "random halves, with its standard error over people; its features are means and deviations of the "
        "embedder's first two stages, since Inception's weights cannot be loaded here: compare only within "
        "this table.",
    )


def fit_to(size: int) -> Callable[[Sequence[Image.Image]], list[Image.Image]]:
    return lambda images: [ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC) for image in images]


def error(images: Sequence[Image.Image], truth: Sequence[Image.Image]) -> float:
    pairs = zip(images, truth, strict=True)
    return float(
        np.mean([np.abs(np.asarray(a, np.float32) - np.asarray(b, np.float32)).mean() for a, b in pairs])
    )


@torch.inference_mode()
def texture_features(embedder: FrozenEmbedder, images: Sequence[Image.Image]) -> np.ndarray:
    """Channel means and deviations of the embedder's first two stages, of length 20, float (N, 384)."""
    stages, _ = embedder(to_tensor(images, 128) * 2 - 1)
    parts = [part for stage in stages[:2] for part in (stage.mean((2, 3)), stage.std((2, 3)))]
    return F.normalize(torch.cat(parts, 1)).mul(20).numpy()


def untrained_realizer(weights: Path) -> Realizer:
    """The same network as it starts; what was fitted to it and not trained, its own buffers, it has."""
    torch.manual_seed(0)
    folder = weights / "realizer"
    config = read_config(folder)
    network = pick(NETWORKS, config["name"], "realizer")(config, folder)
    trained = read_tensors(folder)
    fitted = {name: trained[name] for name, _ in network.named_buffers(recurse=False)}
    network.load_state_dict(network.state_dict() | fitted)
    return realizer_of(network, config, folder, torch.device("cpu"))


def untrained_embedder(stages: Stages) -> NetworkEmbedder:
    torch.manual_seed(0)
    return NetworkEmbedder(
        resnet18(),
        torch.device(stages.device),
        stages.embedder.size_px,
        [0.5] * 3,
        [0.5] * 3,
        "untrained",
        "0" * 12,
        stages.embedder.windows,
    )


def measure_castback(
    report: Report, stages: Stages, gallery: Heads, probes: dict[str, Heads], photos_only: Path | None
) -> None:
    """The cast-back of every way to compare."""
    ways = ways_to_compare(stages) | torchvision_style(stages, photos_only)
    report.table(
        f"Cast-back among {len(gallery.people)} people, detection included: top-1 / top-5 in % (95 %)",
        ["drawings", *ways, "chance"],
    )
    for kind, heads in probes.items():
        cells = []
        for of_drawing, of_photo in ways.values():
            places = ranks(heads, gallery, of_drawing, of_photo)
            cells.append(" / ".join(share(int((places <= top).sum()), len(places)) for top in (1, 5)))
        missed = len(heads.people) - len(heads.crops)
        report.row(
            f"{kind} ({len(heads.people)}, {missed} not detected)", *cells, chance(len(gallery.people))
        )


def choose_similarity(report: Report, stages: Stages, drawn: list[list[Heads]], others: Heads) -> str:
    """The way to compare that casts development people better: a choice, so not by the test people."""
    ways, shares = ways_to_compare(stages), {}
    every = [heads for kind in drawn for heads in kind]
    people = len(every[0].people)
    for way in ("direct", "realized"):
        embed_probe, embed_photo = ways[way]
        photos = embed_photo(list(others.crops.values()))  # once, for all ways of drawing
        found = [ranks(heads, others, embed_probe, lambda _, own=photos: own) <= 5 for heads in every]
        shares[way] = float(np.mean(found))
    told = ", ".join(f"{way} {share(round(found * people), people)}" for way, found in shares.items())
    report.say(
        "",
        f"The default similarity is chosen by the mean top-5 of {people} development people in {len(every)} "
        f"ways of drawing in %: {told}.",
    )
    return max(shares, key=shares.get)


def ways_to_compare(stages: Stages) -> dict[str, tuple]:
    embed, untrained = stages.embedder.embed, untrained_embedder(stages).embed

    def direct(crops: Sequence[Image.Image]) -> np.ndarray:
        return embed(enlarge(stages.upscaler, crops))

    def realized(crops: Sequence[Image.Image]) -> np.ndarray:
        return embed(stages.realizer.realize(enlarge(stages.upscaler, crops)))

    return {
        "direct": (direct, embed),
        "realized": (realized, embed),
        "raw pixels": (raw_pixels, raw_pixels),
        "untrained": (untrained, untrained),
    }


def torchvision_style(stages: Stages, photos_only: Path | None) -> dict[str, tuple]:
    """What webcast began with: a ResNet18 that never saw a drawing, on realized faces."""
    if photos_only is None:
        return {}
    embed = EMBEDDERS["resnet18"](photos_only, torch.device(stages.device)).embed

    def realized(crops: Sequence[Image.Image]) -> np.ndarray:
        return embed(stages.realizer.realize(enlarge(stages.upscaler, crops)))

    return {"ResNet18 of photos alone, realized": (realized, embed)}


def probe_sets(stages: Stages, evidence: Evidence, people: Sequence[str]) -> dict[str, Heads]:
    find = partial(find_heads, stages.detector)
    rendered = rendered_drawings(evidence.photos, seed=3)
    styles = sorted(style.name for style in (evidence.data / "drawn/cartoongan").iterdir())
    sets = {
        style + (" (held out)" if style == HELD_OUT_STYLE else ""): find(
            published_drawings(evidence.data, style, people)
        )
        for style in styles
    }
    return sets | {"our renderer": find({p: rendered[p] for p in people if p in rendered})}


def chance(people: int) -> str:
    return f"{100 / people:.1f} / {500 / people:.1f}"


def measure_abstention(
    report: Report,
    stages: Stages,
    development: tuple[list[list[Heads]], Heads],
    gallery: Heads,
    probes: dict[str, Heads],
) -> dict[str, float]:
    """Set the standout under which to abstain on the development people, and report the test people."""
    drawn, others = development
    ways, limits = ways_to_compare(stages), {}
    count = sum(len(heads.crops) for kind in drawn for heads in kind)
    report.table(
        f"Abstaining, by a limit set on {count} drawings of development people",
        [
            "drawings",
            "similarity",
            "limit",
            "abstains: not in the gallery",
            "answers: in it",
            "of these right",
        ],
    )
    for way in ("direct", "realized"):
        embed_probe, embed_photo = ways[way]
        limit = limit_for(drawn, gallery_of(others.crops, embed_photo), embed_probe)
        limits[way] = round(limit, 3)
        portraits = gallery_of(gallery.crops, embed_photo)
        for kind, heads in probes.items():
            told = answers(heads, portraits, embed_probe, limit)
            abstains = share(told.abstained, told.absent)
            right = share(told.right, told.answered) if told.answered else "none answered"
            report.row(kind, way, f"{limit:.2f}", abstains, share(told.answered, told.present), right)
    report.say("", "In % (95 %); the face was found on drawing and photo.")
    return limits


def measure_stability(report: Report, stages: Stages, evidence: Evidence, gallery: Heads) -> None:
    """Ten random crops of each held-out drawing, the whole way."""
    direct, of_photo = ways_to_compare(stages)["direct"]
    pages = published_drawings(evidence.data, HELD_OUT_STYLE, gallery.people)
    shares = agreement(stages.detector, gallery_of(gallery.crops, of_photo), direct, list(pages.values()))
    report.table(
        f"Stability over {CROPS} random crops of one {HELD_OUT_STYLE} drawing",
        ["drawings", "crops that agree on the winner", "drawings with 8 or more agreeing"],
    )
    report.row(len(shares), f"{shares.mean():.0%}", f"{(shares >= 0.8).mean():.0%}")


def measure_elsewhere(report: Report, args: argparse.Namespace) -> None:
    """What has commands of its own, detection and characters, told as they tell it."""
    data = ["--data", str(args.data), "--landmarks", str(args.landmarks), "--weights", str(args.weights)]
    detectors = ["--detector", "centerface", "--detector", "joined", "--count", str(SAMPLES)]
    detectors += ["--weights", str(args.weights / "detector")]
    for title, command in (
        ("Detection", ["tests.benchmarks.detection", *detectors]),
        ("Characters of an episode", ["training.episodes", *data]),
    ):
        report.say("", f"**{title}**", "", f"`python -m {' '.join(command)}`", "", "```text")
        told = subprocess.run([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True, check=True)
        report.say(*told.stdout.strip().splitlines(), "```")


def write_card(weights: Path, report: Report) -> None:
    """Put the measured tables between the card's two marks; at the end of a card that has none."""
    card = weights / "README.md"
    written = card.read_text(encoding="utf-8") if card.is_file() else f"# {weights.resolve().name}\n"
    before, _, rest = written.partition(CARD_START)
    _, _, after = rest.partition(CARD_END)
    text = "\n".join([before + CARD_START, *report.lines, "", CARD_END + after])
    card.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/ and drawn/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--weights", type=Path, required=True, help="the folder of weights to measure")
    parser.add_argument(
        "--upscalers", type=Path, nargs="*", default=[], help="folders of other upscalers to compare with"
    )
    parser.add_argument("--photos-only", type=Path, help="an embedder that saw no drawing, to compare with")
    parser.add_argument("--write", action="store_true", help="write limits, default similarity and card")
    args = parser.parse_args()
    stages = load_stages(args.weights, "cpu")
    evidence = Evidence(test_photos(args.data, args.landmarks), args.data, args.landmarks)
    report, pairs = Report(), list(evidence.pairs())
    report.say(f"`python -m {__spec__.name} {' '.join(sys.argv[1:])}`")
    measure_upscaler(report, stages, args.upscalers, pairs)
    measure_realizer(report, stages, args.weights, pairs)
    gallery = find_heads(stages.detector, gallery_pictures(args.data, args.landmarks))
    probes = probe_sets(stages, evidence, gallery.people)
    measure_castback(report, stages, gallery, probes, args.photos_only)
    development = development_probes(args.data, args.landmarks, stages.detector)
    similarity = choose_similarity(report, stages, *development)
    limits = measure_abstention(report, stages, development, gallery, probes)
    measure_stability(report, stages, evidence, gallery)
    measure_elsewhere(report, args)
    if args.write:
        config = read_config(args.weights) | {"similarity": similarity, "firm_standout": limits}
        write_config(config, args.weights)
        write_card(args.weights, report)


if __name__ == "__main__":
    main()
