"""Measures trained weights: how real translated pictures look, both ways, and how well they cast.

    python -m training.evaluate --weights W --drawn DRAWN --photos PHOTOS --back RUN/export/photo-to-drawn \\
        --probes SHINKAI PAPRIKA --gallery G --out evaluation

KID and FID need `--drawn` and `--photos`, folders of head pictures that were not trained on. Cast-back needs
`--probes`, one folder of drawings per style, laid out as the photos of a gallery are (`person/drawing.png` or
`person.png`, with a people.csv where a folder is not named after the person), and a `--gallery` of other
photos of those people. Under `accelerate launch` the processes share the pictures. `--out` gets
evaluation.md, for the model card, and evaluation.json.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object
from PIL import Image, ImageOps

from training.castback import person_places, share
from training.processes import this_process
from training.prove import Report, texture_features
from training.realism import (
    Features,
    check_subset,
    fid_with_error,
    find_inception,
    inception,
    kid,
    mean_kid,
    textures,
)
from training.realizer import FrozenEmbedder
from webcast.build import build_stages
from webcast.caster import SIMILARITIES, Stages, enlarge
from webcast.errors import WebcastError
from webcast.gallery import Gallery, load_gallery
from webcast.hub import pull_gallery, pull_models
from webcast.images import open_image
from webcast.photos import Photo, find_photos
from webcast.realize import REALIZERS
from webcast.types import Panel, Person, Realizer
from webcast.weights import pick, read_config, setting

DIGITS = {"kid": 4, "fid": 2}
STEP = 16  # pictures that are in memory at once


@dataclass(frozen=True)
class Sharer:
    """Shares items out among the processes, and brings their results together again in order."""

    process: int
    processes: int

    def each(self, compute: Callable[[Sequence[Any]], np.ndarray], items: Sequence[Any]) -> np.ndarray:
        """`compute`, of a few items at a time, over all items: rows in the order of the items."""
        mine = items[self.process :: self.processes]
        rows = [compute(mine[start : start + STEP]) for start in range(0, len(mine), STEP)]
        parts = gather_object([np.concatenate(rows) if rows else None])
        first = next(part for part in parts if part is not None)
        whole = np.empty((len(items), *first.shape[1:]), first.dtype)
        for number, part in enumerate(parts):
            if part is not None:
                whole[number :: len(parts)] = part
        return whole


@dataclass(frozen=True)
class Probe:
    """A drawing of somebody in the gallery, and the style it is drawn in."""

    photo: Photo
    style: str


@dataclass(frozen=True, eq=False)
class Way:
    """A realizer, the pictures that it translates, and those that its fakes should be like."""

    name: str
    realizer: Realizer
    source: list[Path]
    target: list[Path]


def measure_realism(
    report: Report, sharer: Sharer, features: Features, ways: Sequence[Way], subset: int, subsets: int
) -> list[dict[str, Any]]:
    """KID, mean KID and FID of every way's fakes, beside those of the pictures left as they are."""
    report.table(
        f"Realism: KID over {subsets} subsets of {subset} and the error of so few draws (less is better)",
        ["way", "pictures", "KID", "FID", "mean KID x 100 (U-GAT-IT)"],
    )
    rows = []
    for way in ways:
        check_subset(subset, {"the source": len(way.source), "the target": len(way.target)})
        source, fake, target = features_of(way, sharer, features)
        to_target = kid(fake, target, subset, subsets)
        both = mean_kid(to_target, kid(fake, source, subset, subsets))
        as_is = {"way": f"{way.name}, left as they are", "kid": kid(source, target, subset, subsets)}
        rows += [
            as_is | {"fid": fid_with_error(source, target), "pictures": [len(source), len(target)]},
            {"way": f"{way.name}, translated", "kid": to_target, "fid": fid_with_error(fake, target)}
            | {"mean_kid_x100": both, "pictures": [len(fake), len(target)]},
        ]
    for row in rows:
        both = row.get("mean_kid_x100")
        told = f"{both[0]:.3f} ± {both[1]:.3f}" if both else ""
        pictures = "{} and {}".format(*row["pictures"])
        kids, fids = ("{:.{digits}f} ± {:.{digits}f}".format(*row[n], digits=d) for n, d in DIGITS.items())
        report.row(row["way"], pictures, kids, fids, told)
    report.say("", features.told)
    report.say("FID is too large by a bias that shrinks with more pictures; its error leaves that out.")
    return rows


def features_of(way: Way, sharer: Sharer, features: Features) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the source's pictures, of their fakes, and of the target's pictures, each (N, D)."""
    size = way.realizer.size_px

    def real(files: Sequence[Path]) -> np.ndarray:
        return features.extract(read_heads(files, size))

    def fake(files: Sequence[Path]) -> np.ndarray:
        return features.extract(fitted(way.realizer.realize(read_heads(files, size)), size))

    return sharer.each(real, way.source), sharer.each(fake, way.source), sharer.each(real, way.target)


def read_heads(files: Sequence[Path], size_px: int) -> list[Image.Image]:
    """The pictures cut square around their centre."""
    return fitted([open_image(file) for file in files], size_px)


def fitted(images: Sequence[Image.Image], size_px: int) -> list[Image.Image]:
    return [ImageOps.fit(image, (size_px, size_px), Image.Resampling.BICUBIC) for image in images]


def choose_features(wanted: str, file: Path | None, weights: Path, revision: str, device: str) -> Features:
    """Inception where its weights can be had; else, or where it is wished, our embedder."""
    why = "it was asked for"
    if wanted != "embedder":
        try:
            return inception(find_inception(file), torch.device(device))
        except OSError as error:
            if wanted == "inception":
                raise WebcastError(
                    f"Inception's weights cannot be fetched ({error}); give --inception."
                ) from None
            why = f"Inception's weights are not here and cannot be fetched ({error})"
    network = FrozenEmbedder(weights / "embedder")
    return textures(lambda images: texture_features(network, images), revision, why)


def measure_castback(
    report: Report, sharer: Sharer, stages: Stages, gallery: Gallery, probes: Sequence[Probe]
) -> list[dict[str, Any]]:
    """Top-1 and top-5 of the direct and the realized similarity, by style and by gender, beside chance."""
    people = {person.id: person for person in gallery.people}
    probes = [probe for probe in probes if probe.photo.person.id in people]
    if not probes:
        raise WebcastError("Nobody of the probes is in the gallery; name both after the same people.")
    places = sharer.each(lambda some: places_of(some, stages, gallery), probes)
    report.table(
        f"Cast-back among {len(people)} people, page in, detection included: "
        "top-1 / top-5 in % (95 % interval)",
        ["probes", "number", "no face found", *SIMILARITIES, "chance"],
    )
    chance = f"{100 / len(people):.1f} / {100 * min(1, 5 / len(people)):.1f}"
    rows = []
    for name, chosen in groups_of(probes, people).items():
        mine = places[chosen]
        row = {"probes": name, "number": len(mine), "not_found": int((mine[:, 0] == 0).sum())}
        for column, similarity in enumerate(SIMILARITIES):
            row[similarity] = [
                int(((mine[:, column] > 0) & (mine[:, column] <= top)).sum()) for top in (1, 5)
            ]
        told = [" / ".join(share(hits, len(mine)) for hits in row[s]) for s in SIMILARITIES]
        report.row(name, row["number"], row["not_found"], *told, chance)
        rows.append(row | {"people": len(people)})
    return rows


def groups_of(probes: Sequence[Probe], people: dict[str, Person]) -> dict[str, np.ndarray]:
    """All probes, those of each style and those of each gender, as masks over the probes."""
    styles = [f"style {probe.style}" for probe in probes]
    genders = [f"gender {people[probe.photo.person.id].gender or 'not said'}" for probe in probes]
    groups = {"all": np.ones(len(probes), bool)}
    for labels in (styles, genders):
        groups |= {label: np.array([label == other for other in labels]) for label in dict.fromkeys(labels)}
    return groups


def places_of(probes: Sequence[Probe], stages: Stages, gallery: Gallery) -> np.ndarray:
    """For each probe the place of its person by each of `SIMILARITIES`, int (N, 2); 0 without a face."""
    places = np.zeros((len(probes), len(SIMILARITIES)), int)
    pages = [Panel(open_image(probe.photo.file), probe.photo.label) for probe in probes]
    faces = stages.detector.detect(pages)
    seen = [number for number, found in enumerate(faces) if found]
    if not seen:
        return places
    owners = [portrait.person.id for portrait in gallery.portraits]
    wanted = [probes[number].photo.person.id for number in seen]
    upscaled = enlarge(stages.upscaler, [faces[number][0].crop for number in seen])
    for column, heads in enumerate((upscaled, stages.realizer.realize(upscaled))):  # as in SIMILARITIES
        similarity = stages.embedder.embed(heads) @ gallery.embeddings.T
        places[seen, column] = person_places(similarity, owners, wanted)
    return places


def read_probes(folders: Sequence[Path]) -> list[Probe]:
    """The drawings of every folder, which is one style; one that cannot be let in is an error."""
    probes = []
    for folder in folders:
        if not folder.is_dir():
            raise WebcastError(f"{folder} is not a folder of drawings.")
        probes += [Probe(photo, folder.name) for photo in find_photos(folder)]
    return probes


def pictures_in(folder: Path) -> list[Path]:
    files = [photo.file for photo in find_photos(folder)] if folder.is_dir() else []
    if not files:
        raise WebcastError(f"{folder} is not a folder with pictures.")
    return files


def load_realizer(folder: Path, device: str) -> Realizer:
    name = setting(read_config(folder), "name", str, folder)
    return pick(REALIZERS, name, "realizer")(folder, torch.device(device))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--weights", help="the weights: a folder or Hub id[@revision] (default: the bundled ones)")
    add("--realizer", type=Path, metavar="RUN/export", help="a realizer in the place of the weights' own")
    add(
        "--back",
        type=Path,
        metavar="RUN/export",
        help="the way back, photo to drawn, in the place of the weights' drawer",
    )
    add("--drawn", type=Path, metavar="DIR", help="drawn heads")
    add("--photos", type=Path, metavar="DIR", help="photos of heads")
    add("--probes", type=Path, nargs="+", metavar="DIR", help="drawings of people, a folder for each style")
    add(
        "--gallery",
        help="the gallery to cast among: a folder or Hub id[@revision] (default: the bundled one)",
    )
    add("--subset", type=int, default=50, help="pictures in one of KID's subsets")
    add("--subsets", type=int, default=100, help="how many of them KID is the mean over")
    text = "what pictures are compared by; auto is Inception where it can be had, and else our embedder"
    add("--features", choices=("auto", "inception", "embedder"), default="auto", help=text)
    add("--inception", type=Path, metavar="FILE", help="torch-fidelity's weights, if they are here already")
    add("--out", type=Path, metavar="DIR", help="folder for evaluation.md and evaluation.json")
    return parser.parse_args(arguments)


def run(args: argparse.Namespace, command: str) -> None:
    check_arguments(args)
    state = this_process()
    device = str(state.device)
    report = Report() if state.is_main_process else Quiet()
    with state.main_process_first():
        models = pull_models(args.weights)
        people = pull_gallery(args.gallery) if args.probes else None
    stages = build_stages(models, state.device)
    if args.realizer:
        stages = replace(stages, realizer=load_realizer(args.realizer, device))
    report.say(
        f"`{command}`", "", f"Weights {models.name} {models.revision}; processes: {state.num_processes}."
    )
    told = {"command": command, "processes": state.num_processes, "weights": list(models[1:])}
    sharer = Sharer(state.process_index, state.num_processes)
    if args.drawn:
        revision = stages.embedder.revision
        features = choose_features(args.features, args.inception, models.folder, revision, device)
        ways = ways_of(args, stages, device)
        told["features"] = features.told
        told["realism"] = measure_realism(report, sharer, features, ways, args.subset, args.subsets)
    if people:
        gallery = load_gallery(people.folder, stages.embedder, people.name, people.revision)
        told["gallery"] = [gallery.name, gallery.revision]
        told["castback"] = measure_castback(report, sharer, stages, gallery, read_probes(args.probes))
    if args.out and state.is_main_process:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "evaluation.md").write_text("\n".join([*report.lines, ""]), encoding="utf-8")
        (args.out / "evaluation.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def check_arguments(args: argparse.Namespace) -> None:
    if bool(args.drawn) != bool(args.photos) or not (args.drawn or args.probes):
        raise WebcastError("Give --drawn and --photos, or --probes, or all three; see --help.")
    if args.back and not args.drawn:
        raise WebcastError("--back is measured on --drawn and --photos; give both.")
    if args.subset < 2 or args.subsets < 2:
        raise WebcastError("--subset and --subsets must be 2 or more, or there is no error to tell.")


def ways_of(args: argparse.Namespace, stages: Stages, device: str) -> list[Way]:
    drawn, photos = pictures_in(args.drawn), pictures_in(args.photos)
    ways = [Way("drawn to photo", stages.realizer, drawn, photos)]
    drawer = load_realizer(args.back, device) if args.back else stages.drawer
    if drawer:
        ways.append(Way("photo to drawn", drawer, photos, drawn))
    for way in ways:
        direction = getattr(way.realizer, "direction", None)
        if direction != way.name.replace(" ", "-"):
            raise WebcastError(f"The realizer for {way.name} was trained for {direction or 'nothing'}.")
    return ways


class Quiet(Report):
    """A report that is not printed, for all processes but one."""

    def say(self, *lines: str) -> None:
        self.lines += lines


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        run(parse(arguments), shlex.join(["python", "-m", "training.evaluate", *arguments]))
    except WebcastError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
