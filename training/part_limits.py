"""Where two limits of an episode stand: what is no face, and what is no firmer than chance.

    python -m training.part_limits --data ../shared/data --landmarks DIR --weights webcast/bundle/weights

Development episodes (`training.episodes`) are read and cast with another photo of each development person who
has one that was not drawn; those who have none cannot be found, and whoever plays them is wrong. One table
says for `looks.UNSURE` how many faces, and how many boxes where nobody is, lie below a likelihood; the other
says for `casting.STRANGERS_LIMIT` how many parts are called firm, and how many of these are right.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from training.episodes import PHOTOS, Read, development_stories, read, true_owner
from training.faces import FacePhoto, development_photos
from training.prove import Report
from webcast.build import load_stages
from webcast.caster import Caster, Stages
from webcast.casting import STRANGERS_LIMIT
from webcast.episode import EpisodeCast, Part
from webcast.gallery import Gallery
from webcast.looks import UNSURE
from webcast.types import Panel, Person, Portrait

LIKELIHOODS = (0.56, 0.57, 0.58, 0.59, 0.6, 0.62, 0.65, 0.7)
STRANGERS = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0)


def undrawn_portraits(photos: Sequence[FacePhoto], stages: Stages) -> Gallery:
    """A photo of everybody whose every photo is not drawn: the one after those, or the only one."""
    by_person: defaultdict[str, list[FacePhoto]] = defaultdict(list)
    for photo in photos:
        by_person[photo.person].append(photo)
    portraits = []
    for person, own in tqdm(by_person.items(), desc="portraits"):
        if len(own) == PHOTOS:
            continue
        picture = Image.open(own[-1].path).convert("RGB")
        (faces,) = (stages.photo_detector or stages.detector).detect([Panel(picture, person)])
        portraits += [Portrait(Person(person, person), face.crop) for face in faces[:1]]
    vectors = stages.embedder.embed([portrait.image for portrait in portraits])
    return Gallery(tuple(portraits), vectors, stages.embedder.id, stages.embedder.revision, "undrawn", "")


def measure_likelihoods(report: Report, reads: Sequence[Read]) -> None:
    """A row for each likelihood: what lies below it."""
    faces, others = [], []
    for one in reads:
        for sighting in one.episode.sightings:
            own = others if true_owner(sighting, one.story).startswith("nobody") else faces
            own.append(sighting.face.likelihood)
    header = "likelihood below", f"of {len(faces)} faces", f"of {len(others)} boxes where nobody is"
    report.table(f"What is left out as odd (now below {UNSURE})", header)
    for limit in LIKELIHOODS:
        report.row(limit, *(f"{np.mean(np.array(own) < limit):.0%}" for own in (faces, others)))


def otherwise_firm(part: Part) -> bool:
    """Whether the votes alone, and who stands out, make the part firm."""
    return part.person is not None and part.person == part.first_choice and part.firmness.firm


def measure_strangers(report: Report, reads: Sequence[Read], casts: Sequence[EpisodeCast]) -> None:
    """A row for each limit: parts called firm, and right ones among them."""
    parts = []
    for one, cast in zip(reads, casts, strict=True):
        owners = dict(zip((s.number for s in one.good), one.truth, strict=True))
        for part in cast.parts:
            person = Counter(owners[n] for n in part.character.faces).most_common(1)[0][0]
            if part.person is not None and part.strangers is not None:
                parts.append((part, part.person.id == person))
    header = "strangers at least", "parts", "right", "otherwise firm parts", "right"
    report.table(f"What is called firm, of {len(parts)} parts (now at {STRANGERS_LIMIT})", header)
    for limit in STRANGERS:
        passing = [(part, right) for part, right in parts if part.strangers >= limit]
        firm = [right for part, right in passing if otherwise_firm(part)]
        report.row(limit, len(passing), sum(right for _, right in passing), len(firm), sum(firm))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/, lfw/ and drawn/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--weights", type=Path, required=True, help="the folder of weights to measure with")
    args = parser.parse_args()
    told = development_stories(args.data, args.landmarks)
    stages, report = load_stages(args.weights, "cpu"), Report()
    report.say(f"`python -m {__spec__.name} {' '.join(sys.argv[1:])}`")
    gallery = undrawn_portraits(development_photos(args.data, args.landmarks), stages)
    reads = [read(stages, one, gallery, stages.clustering) for one in tqdm(told, desc="read")]
    measure_likelihoods(report, reads)
    caster = Caster(stages, gallery)
    casts = [caster.cast_episode(one.episode) for one in tqdm(reads, desc="cast")]
    measure_strangers(report, reads, casts)


if __name__ == "__main__":
    main()
