"""What is measured of each stage's parts: the pictures, one part on all of them, and its cells of the table.

A `Comparison` has `prepare`, which makes the pictures that all parts see, and `measure`, which runs one part
on them. Both run in processes of their own (`training.compare`), so that a part's memory is its own. Every
picture is of the test people of `training.split`, or of nobody.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.castback import (
    Heads,
    find_heads,
    gallery_pictures,
    published_drawings,
    ranks,
    similarities,
    wilson,
)
from training.episodes import b_cubed
from training.faces import FacePhoto, Jitter, cut_head, face_box, read_rgb, test_photos
from training.loop import seeded
from training.pages import compose, faceless
from training.prove import Evidence, fidelity, shrink, texture_features
from training.realism import kid_of_pairs
from training.realizer import FrozenEmbedder
from training.render import SCHOOLS, render
from training.split import HELD_OUT_STYLE, is_test_frame
from training.upscaler import degrade
from webcast.build import load_part, load_stages
from webcast.caster import Stages
from webcast.compare import draw_faces
from webcast.heads import enlarge
from webcast.images import open_image
from webcast.main_faces import DISTANCES, main_faces
from webcast.parts import Listed, Parts
from webcast.types import Box, Detector, Face, Panel

HIT_IOU = 0.4
ANIME_FACE = Box(45, 35, 215, 205)  # where a face lies on the 256 px anime frames, which are cut around it
PAGE_SIZES = ((800, 1200), (1000, 1000), (690, 1600))
HEAD_PX = 192
SHOWN = 6
MIB = 2**20

Labelled = tuple[Image.Image, list[Box]]


@dataclass(frozen=True)
class Setup:
    """Where everything is, and how many pictures are taken."""

    data: Path
    landmarks: Path
    weights: Path | None
    parts: Path | None
    count: int

    def stages(self) -> Stages:
        """The weights' own parts."""
        return load_stages(self.weights, "cpu", Parts(folder=str(self.parts) if self.parts else None))

    def part(self, stage: str, name: str) -> Any:
        """One part alone, so that its memory is its own."""
        return load_part(stage, name, self.weights, self.parts)

    @cached_property
    def photos(self) -> list[FacePhoto]:
        return test_photos(self.data, self.landmarks)

    def firsts(self) -> list[FacePhoto]:
        return [p for p in self.photos if p.path.parent.name == "first"][: self.count]


@dataclass
class Outcome:
    """One part's cells, what its pictures look like, and what it cost: seconds a picture, MiB."""

    cells: list[str]
    pictures: list[Image.Image]
    seconds: float
    peak_mib: float


def memory_kib(key: str) -> int:
    """What Linux says of this process's memory: VmRSS is what it holds now, VmHWM the most that it held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def forget_peak() -> int:
    """Let the peak begin anew, for a copied process inherits its peak; returns the KiB that it holds now."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory_kib("VmRSS")


@dataclass
class Meter:
    """How long a part takes on how many pictures, and the most memory that its process took (on Linux)."""

    start_kib: int = field(default_factory=forget_peak)
    seconds: float = 0.0
    count: int = 0

    def run(self, work: Callable[[], Any], count: int = 1) -> Any:
        start = time.perf_counter()
        done = work()
        self.seconds += time.perf_counter() - start
        self.count += count
        return done

    def outcome(self, cells: list[str], pictures: Sequence[Image.Image], peak_mib: float) -> Outcome:
        return Outcome(cells, list(pictures)[:SHOWN], self.seconds / max(1, self.count), peak_mib)

    def peak_mib(self) -> float:
        """To be read before what is not the part's own is loaded."""
        return (memory_kib("VmHWM") - self.start_kib) / 1024


@dataclass(frozen=True)
class Comparison:
    """A stage of `training.compare`: its table's columns, and the two functions that fill them."""

    stage: str
    title: str
    header: tuple[str, ...]
    prepare: Callable[[Setup], Any]
    measure: Callable[[Setup, Any, str, Meter], Outcome]
    joined: tuple[str, ...] = ()
    ways: Callable[[Sequence[Listed]], list[str]] | None = None

    def names(self, listed: Sequence[Listed]) -> list[str]:
        """What is run: the parts that are here, those joined of them, or the ways to use them."""
        if self.ways:
            return self.ways(listed)
        here = [part.name for part in listed if part.is_here]
        return here + [joined for joined in self.joined if set(joined.split("+")) <= set(here)]


# --- detect ------------------------------------------------------------------------------------------


def drawn_pages(setup: Setup) -> dict[str, list[Labelled]]:
    """Close-ups of both schools with their box, composed pages of them, and pages without a face."""
    count = max(2, setup.count // 2)
    photos = setup.firsts()[:count]
    realistic = [realistic_closeup(setup, photo, number) for number, photo in enumerate(photos)]
    frames = [p for p in sorted((setup.data / "drawn/anime").glob("*.jpg")) if is_test_frame(p.name)]
    frames = frames[:: max(1, len(frames) // count)][:count]
    anime = [(open_image(path), [ANIME_FACE]) for path in frames]
    faces, pages = anime + realistic, []
    for seed in range(max(2, setup.count // 5)):
        rng = seeded(21, seed)
        chosen = rng.choice(len(faces), size=min(len(faces), int(rng.integers(1, 6))), replace=False)
        drawn = [(faces[i][0], faces[i][1][0]) for i in chosen]
        pages.append(compose(drawn, PAGE_SIZES[seed % len(PAGE_SIZES)], rng))
    empty = [(faceless(PAGE_SIZES[seed % 3], seeded(22, seed)), []) for seed in range(len(pages))]
    return {"anime": anime, "realistic": realistic, "pages": pages, "empty": empty}


def realistic_closeup(setup: Setup, photo: FacePhoto, number: int) -> Labelled:
    """The held-out style's drawing of a portrait, or our renderer's, by turns, and the face's box on it."""
    if number % 2:
        drawing = open_image(setup.data / "drawn/cartoongan" / HELD_OUT_STYLE / photo.path.name)
    else:
        drawn, _ = render(read_rgb(photo.path), photo.points, SCHOOLS[number // 2 % 3], seeded(23, number))
        drawing = Image.fromarray(drawn).resize((320, 320), Image.Resampling.LANCZOS)
    return drawing, [face_box(photo, drawing.width / open_image(photo.path).width)]


def search(detector: Detector, pictures: Sequence[Labelled]) -> list[list[Face]]:
    return [detector.detect([Panel(image, "page")])[0] for image, _ in pictures]


def hits(found: Sequence[Sequence[Face]], pictures: Sequence[Labelled]) -> tuple[int, int, int, int]:
    """How many faces there are, how many of them are found, how many boxes, how many of those are right."""
    faces = hit = boxes = right = 0
    for seen, (_, labels) in zip(found, pictures, strict=True):
        faces, boxes = faces + len(labels), boxes + len(seen)
        hit += sum(any(label.iou(face.box) >= HIT_IOU for face in seen) for label in labels)
        right += sum(any(label.iou(face.box) >= HIT_IOU for label in labels) for face in seen)
    return faces, hit, boxes, right


def part_of(whole: int, part: int) -> str:
    return f"{part / whole:.2f}" if whole else "-"


def measure_detector(setup: Setup, pages: dict[str, list[Labelled]], name: str, meter: Meter) -> Outcome:
    detector = setup.part("detector", name)
    found = {kind: search(detector, pages[kind]) for kind in ("anime", "realistic", "empty")}
    found["pages"] = meter.run(lambda: search(detector, pages["pages"]), len(pages["pages"]))
    seen = {kind: hits(found[kind], pages[kind]) for kind in found}
    cells = [part_of(*seen[kind][:2]) for kind in ("anime", "realistic", "pages")]
    cells += [part_of(*seen["pages"][2:]), str(seen["empty"][2])]
    shown = [
        drawn for kind in ("pages", "anime", "realistic") for drawn in boxed(found[kind], pages[kind])[:2]
    ]
    return meter.outcome(cells, shown, meter.peak_mib())


def boxed(found: Sequence[Sequence[Face]], pictures: Sequence[Labelled]) -> list[Image.Image]:
    """The first pictures with what was found on them."""
    return [draw_faces(image, seen) for seen, (image, _) in zip(found[:SHOWN], pictures[:SHOWN], strict=True)]


# --- detect-photo ------------------------------------------------------------------------------------


def photo_faces(setup: Setup) -> list[Labelled]:
    photos = setup.photos[:: max(1, len(setup.photos) // setup.count)][: setup.count]
    return [(open_image(photo.path), [face_box(photo)]) for photo in photos]


def measure_photo_detector(setup: Setup, photos: list[Labelled], name: str, meter: Meter) -> Outcome:
    detector = setup.part("photo_detector", name)
    found = meter.run(lambda: search(detector, photos), len(photos))
    faces, hit, boxes, right = hits(found, photos)
    overlaps = [
        max((labels[0].iou(face.box) for face in seen), default=0.0)
        for seen, (_, labels) in zip(found, photos, strict=True)
    ]
    cells = [part_of(faces, hit), part_of(boxes, right), f"{np.mean(overlaps):.2f}"]
    return meter.outcome(cells, boxed(found, photos), meter.peak_mib())


# --- upscale, upscale-photo --------------------------------------------------------------------------


def heads_to_enlarge(setup: Setup, drawn: bool) -> list[np.ndarray]:
    """Heads of `HEAD_PX`, RGB uint8: drawings in the held-out style and by our renderer, or photos.

    cunet takes seconds a drawing, so there are fewer drawings than photos.
    """
    photos = setup.firsts()[: max(2, setup.count * 3 // 10) if drawn else setup.count]
    evidence = Evidence(photos, setup.data, setup.landmarks)
    wanted = [
        drawing if drawn else photo
        for kind, drawing, photo in evidence.pairs()
        if drawn or kind == HELD_OUT_STYLE
    ]
    if drawn:  # each person once, by turns in the one style and the other
        wanted = [wanted[2 * i + i % 2] for i in range(len(wanted) // 2)]
    return [
        np.asarray(Image.fromarray(head).resize((HEAD_PX, HEAD_PX), Image.Resampling.LANCZOS))
        for head in wanted
    ]


def measure_upscaling(heads: list[np.ndarray], upscale: Callable, meter: Meter) -> Outcome:
    """Fidelity of a quarter-size copy, clean and as readers get it, brought back to `HEAD_PX`."""
    cells, pictures = [], []
    copies = {"clean": shrink, "reader's": lambda head: degrade(head, seeded(9, int(head.sum())))}
    for copy in copies.values():
        small = [Image.fromarray(copy(head)) for head in heads]
        large = meter.run(lambda small=small: [to_head_px(upscale, image) for image in small], len(small))
        cells += fidelity(large, heads).split(" / ")
        pictures += large[: SHOWN // 2]
    return meter.outcome(cells, pictures, meter.peak_mib())


def to_head_px(upscale: Callable, image: Image.Image) -> Image.Image:
    """Enlarged until it is large enough, and brought to `HEAD_PX`; bicubically where it does not grow."""
    while image.width < HEAD_PX:
        (larger,) = upscale([image])
        if larger.width == image.width:
            break
        image = larger
    way = Image.Resampling.BICUBIC if image.width < HEAD_PX else Image.Resampling.LANCZOS
    return image.resize((HEAD_PX, HEAD_PX), way)


def measure_upscaler(setup: Setup, heads: list[np.ndarray], name: str, meter: Meter) -> Outcome:
    return measure_upscaling(heads, setup.part("upscaler", name).upscale, meter)


def measure_photo_upscaler(setup: Setup, heads: list[np.ndarray], name: str, meter: Meter) -> Outcome:
    return measure_upscaling(heads, setup.part("photo_upscaler", name).upscale, meter)


# --- translate ---------------------------------------------------------------------------------------


def people_to_cast(setup: Setup) -> dict[str, Heads]:
    """Heads of the held-out style's drawings and of another photo of the same people."""
    stages = setup.stages()
    photos = stages.photo_detector or stages.detector
    gallery = find_heads(photos, first_of(gallery_pictures(setup.data, setup.landmarks), setup.count))
    drawings = published_drawings(setup.data, HELD_OUT_STYLE, gallery.people)
    probes = find_heads(stages.detector, drawings)
    large = enlarge(stages.upscaler, list(probes.crops.values()))
    return {"probes": Heads(dict(zip(probes.crops, large, strict=True)), probes.people), "gallery": gallery}


def first_of(pictures: dict[str, Image.Image], count: int) -> dict[str, Image.Image]:
    return dict(list(pictures.items())[:count])


def measure_realizer(setup: Setup, people: dict[str, Heads], name: str, meter: Meter) -> Outcome:
    realizer = setup.part("realizer", name)
    probes, gallery = people["probes"], people["gallery"]
    drawn = list(probes.crops.values())
    made = meter.run(lambda: realizer.realize(drawn), len(drawn))
    peak, stages = meter.peak_mib(), setup.stages()
    features = FrozenEmbedder(Path(stages.folder) / "embedder")
    photos = dict(zip(probes.crops, made, strict=True))
    both = [person for person in photos if person in gallery.crops]
    distance, error = kid_of_pairs(
        *(texture_features(features, [side[person] for person in both]) for side in (photos, gallery.crops))
    )
    places = ranks(Heads(photos, probes.people), gallery, stages.embedder.embed, stages.embedder.embed)
    cells = [f"{distance:.2f} ± {error:.2f}", top(places, 1), top(places, 5)]
    return meter.outcome(cells, made, peak)


def top(places: np.ndarray, most: int) -> str:
    """A share in % with its 95 % interval."""
    hit = int((places <= most).sum())
    low, high = wilson(hit, len(places))
    return f"{100 * hit / len(places):.0f} ({100 * low:.0f}-{100 * high:.0f})"


# --- match -------------------------------------------------------------------------------------------


def people_to_match(setup: Setup) -> dict[str, Heads]:
    """The same heads, as drawn and as realized."""
    people = people_to_cast(setup)
    drawn = people["probes"]
    made = setup.stages().realizer.realize(list(drawn.crops.values()))
    realized = Heads(dict(zip(drawn.crops, made, strict=True)), drawn.people)
    return {"direct": drawn, "realized": realized, "gallery": people["gallery"]}


def measure_match(setup: Setup, people: dict[str, Heads], name: str, meter: Meter) -> Outcome:
    """`name` is embedder, distance and similarity, joined by spaces."""
    embedder, distance, similarity = name.split()
    probes, gallery = people[similarity], people["gallery"]
    nearness = negative_distance if distance == "euclidean" else None
    embed = setup.part("embedder", embedder).by(distance).embed
    rows, columns, near = meter.run(
        lambda: matched(probes, gallery, embed, nearness), len(probes.crops) + len(gallery.crops)
    )
    peak = meter.peak_mib()
    places = places_of(probes, gallery, rows, columns, near)
    best = [columns[n] for n in near.argmax(1)]
    pairs = [beside(probes.crops[row], gallery.crops[own]) for row, own in zip(rows, best, strict=True)]
    return meter.outcome([top(places, 1), top(places, 5)], pairs, peak)


def matched(probes: Heads, gallery: Heads, embed: Callable, nearness: Callable | None) -> tuple:
    if nearness is None:
        near, rows, columns = similarities(probes, gallery, embed, embed)
        return rows, columns, near
    rows, columns = list(probes.crops), list(gallery.crops)
    return rows, columns, nearness(embed(list(probes.crops.values())), embed(list(gallery.crops.values())))


def negative_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return -np.linalg.norm(a[:, None] - b[None], axis=2)


def places_of(probes: Heads, gallery: Heads, rows: list, columns: list, near: np.ndarray) -> np.ndarray:
    """As `castback.ranks`, for any measure of nearness."""
    wanted = [person for person in probes.people if person in gallery.people]
    places = np.full(len(wanted), len(gallery.people) + 1)
    for number, person in enumerate(wanted):
        if person in rows and person in columns:
            line = near[rows.index(person)]
            places[number] = 1 + (line > line[columns.index(person)]).sum()
    return places


def beside(left: Image.Image, right: Image.Image) -> Image.Image:
    pair = Image.new("RGB", (256, 128), "white")
    pair.paste(left.resize((128, 128)), (0, 0))
    pair.paste(right.resize((128, 128)), (128, 0))
    return pair


def ways_to_match(listed: Sequence[Listed]) -> list[str]:
    here = [part.name for part in listed if part.is_here]
    return [" ".join(way) for way in product(here, DISTANCES, ("direct", "realized"))]


# --- main-faces --------------------------------------------------------------------------------------

MAIN_FACES, OTHER_FACES, EPISODES = 10, 30, 4


def episodes(setup: Setup) -> list[tuple[list[Image.Image], np.ndarray]]:
    """Episodes in one school of drawing each: head crops, and which of them are the main character's."""
    by_person: dict[str, list[FacePhoto]] = {}
    for photo in setup.photos:
        by_person.setdefault(photo.person, []).append(photo)
    people = [photos for photos in by_person.values() if len(photos) == 2]
    each = 1 + OTHER_FACES // 3
    made = []
    for number in range(min(EPISODES, len(people) // each)):
        main, *others = people[number * each : (number + 1) * each]
        drawn = [main[i % 2] for i in range(MAIN_FACES)]
        drawn += [photos[i % 2] for photos in others for i in range(3)]
        school = SCHOOLS[number % len(SCHOOLS)]
        crops = [
            drawn_head(photo, school, seeded(31, number * 1000 + place)) for place, photo in enumerate(drawn)
        ]
        made.append((crops, np.arange(len(crops)) < MAIN_FACES))
    return made


def drawn_head(photo: FacePhoto, school: str, rng: np.random.Generator) -> Image.Image:
    """A head as an artist may draw it once more: another place, size and tilt, perhaps mirrored."""
    crop, points = cut_head(read_rgb(photo.path), photo.points, 160, rng, Jitter.draw(rng))
    return Image.fromarray(render(crop, points, school, rng)[0])


def ways_to_choose(listed: Sequence[Listed]) -> list[str]:
    here = [part.name for part in listed if part.is_here]
    return [" ".join(way) for way in product(here, DISTANCES, ("densest", "reference"))]


def measure_main_faces(setup: Setup, drawn: list, name: str, meter: Meter) -> Outcome:
    """`name` is embedder, distance and what is searched around, joined by spaces."""
    embedder, distance, around = name.split()
    embed = setup.part("embedder", embedder).by(distance).embed
    precision, cubed, shown = [], [], []
    for crops, is_main in drawn:
        vectors = meter.run(lambda crops=crops: embed(crops), len(crops))
        reference = vectors[0] if around == "reference" else None
        chosen = main_faces(vectors, MAIN_FACES, reference, distance)
        is_chosen = np.isin(np.arange(len(crops)), chosen)
        precision.append(is_main[chosen].mean())
        cubed.append(b_cubed(is_main.tolist(), is_chosen.tolist())[2])
        shown += [crops[i] for i in chosen[:3]]
    cells = [f"{np.mean(precision):.2f}", f"{np.mean(cubed):.2f}"]
    return meter.outcome(cells, shown, meter.peak_mib())


COMPARISONS = {
    "detect": Comparison(
        "detector",
        "Detecting drawn faces",
        ("anime found", "realistic found", "pages: recall", "precision", "boxes on faceless pages"),
        drawn_pages,
        measure_detector,
        ("animeface+lbpcascade", "animeface+lbpcascade+yunet"),
    ),
    "detect-photo": Comparison(
        "photo_detector",
        "Detecting faces on photos",
        ("recall", "precision", "mean IoU"),
        photo_faces,
        measure_photo_detector,
    ),
    "upscale": Comparison(
        "upscaler",
        "Upscaling drawings fourfold",
        ("clean: PSNR", "SSIM", "reader's copy: PSNR", "SSIM"),
        partial(heads_to_enlarge, drawn=True),
        measure_upscaler,
    ),
    "upscale-photo": Comparison(
        "photo_upscaler",
        "Upscaling photos fourfold",
        ("clean: PSNR", "SSIM", "reader's copy: PSNR", "SSIM"),
        partial(heads_to_enlarge, drawn=False),
        measure_photo_upscaler,
    ),
    "main-faces": Comparison(
        "embedder",
        "Choosing the main character's faces",
        (f"right of the first {MAIN_FACES}", "B-cubed F1"),
        episodes,
        measure_main_faces,
        ways=ways_to_choose,
    ),
    "translate": Comparison(
        "realizer",
        "Translating drawings into photos",
        ("KID of textures", "cast back: top-1 %", "top-5 %"),
        people_to_cast,
        measure_realizer,
    ),
    "match": Comparison(
        "embedder",
        "Matching drawings with photos",
        ("top-1 %", "top-5 %"),
        people_to_match,
        measure_match,
        ways=ways_to_match,
    ),
}
