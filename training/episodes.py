"""How well the characters of an episode are told apart, and what casting them together is worth.

    python -m training.episodes --data ../shared/data --landmarks DIR --weights webcast/bundle/weights
    python -m training.episodes ... --calibrate --write      sets the limit in the weights' config

Episodes with known characters (`training.stories`) go the whole way: strips are cut, faces found, joined and
cast. Characters are measured by B-cubed (Bagga and Baldwin 1998): for each face the share of its cluster
that is its character, and of its character that is in its cluster. A face found where nobody is counts as
somebody of their own. What is measured shows test people alone, in a published style and in filters that no
model learned from, and in our own renderer's schools, apart. In the published style a character is one
drawing in several crops, since there is one drawing of each person: that flatters. What the photos give that
nobody drew is beside it. The limit is set on the development people of `training.split`, in styles that are
learned and in others that are not, none of which is measured.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from training.bundle import write_config
from training.castback import wilson
from training.faces import FacePhoto, development_photos, test_photos
from training.loop import seeded
from training.processes import fresh_processes
from training.prove import Report
from training.split import HELD_OUT_STYLE
from training.stories import (
    DEVELOPMENT,
    LEARNED,
    REFERENCE,
    UNSEEN,
    Draw,
    Role,
    Story,
    draw_published,
    tell,
)
from webcast.build import load_stages
from webcast.caster import Caster, Stages
from webcast.characters import Clustering, distances, join
from webcast.episode import Episode, EpisodeCast, Sighting
from webcast.gallery import Gallery
from webcast.types import Panel, Person, Portrait
from webcast.weights import read_config

MAINS, EXTRAS, EACH = 5, 3, (4, 8)
PHOTOS = 2  # that a main character is drawn from: a story's people vary less than news photos of many years
EPISODES = {HELD_OUT_STYLE: 8} | dict.fromkeys(UNSEEN | REFERENCE, 8) | dict.fromkeys(LEARNED, 1)
DEVELOPMENT_EPISODES = dict.fromkeys(LEARNED, 2) | {"filters": 4} | dict.fromkeys(DEVELOPMENT, 4)
HIT = 0.4  # intersection over union from which on a box is that of a face
LIMITS = np.round(np.arange(0.1, 1.21, 0.02), 2)
COLOUR_WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5)
NOISE = 0.01  # of a mean F1: about half its standard error over so few episodes
BEFORE_CALIBRATION = Clustering(limit=0.66, colour_weight=0.1)

Labels = Sequence[object]


@dataclass(frozen=True, eq=False)
class Read:
    """An episode as webcast read it, and whose each of its good faces is (None: nobody's)."""

    episode: Episode
    story: Story
    good: tuple[Sighting, ...]
    truth: tuple[str, ...]

    @property
    def clusters(self) -> list[str]:
        """The character to which each good face was given."""
        owner = {number: c.id for c in self.episode.characters for number in c.faces}
        return [owner[sighting.number] for sighting in self.good]


def b_cubed(truth: Labels, found: Labels) -> tuple[float, float, float]:
    """Precision, recall and F1, 0 to 1, of a clustering against the true one."""
    pairs, true, clusters = Counter(zip(truth, found, strict=True)), Counter(truth), Counter(found)
    precision = sum(n * n / clusters[cluster] for (_, cluster), n in pairs.items()) / len(truth)
    recall = sum(n * n / true[person] for (person, _), n in pairs.items()) / len(truth)
    return precision, recall, 2 * precision * recall / (precision + recall)


def stories(photos: Sequence[FacePhoto], draw: Draw, count: int, fewest: int, seed: int) -> list[Story]:
    """Episodes of people who have at least `fewest` photos, as different people in each as there are."""
    by_person: defaultdict[str, list[FacePhoto]] = defaultdict(list)
    for photo in photos:
        by_person[photo.person].append(photo)
    people = [person for person, own in by_person.items() if len(own) >= fewest]
    order = [people[i] for i in seeded(seed, 0).permutation(len(people))]
    casts = [
        [order[(n * (MAINS + EXTRAS) + i) % len(order)] for i in range(MAINS + EXTRAS)] for n in range(count)
    ]
    with fresh_processes().Pool(2) as pool:
        return pool.map(partial(story, dict(by_person), draw, seed), enumerate(casts), chunksize=1)


def story(
    photos: dict[str, list[FacePhoto]], draw: Draw, seed: int, numbered: tuple[int, list[str]]
) -> Story:
    """One episode of the people of its cast: the first ones are mains, the others extras."""
    cv2.setNumThreads(1)
    number, cast = numbered
    rng = seeded(seed, 1 + number)
    roles = []
    for place, person in enumerate(cast):
        own = photos[person][: PHOTOS if place < MAINS else 1]
        roles.append(Role(person, tuple(draw(photo, rng) for photo in own)))
    return tell(roles[:MAINS], roles[MAINS:], EACH, rng)


def read(stages: Stages, told: Story, gallery: Gallery, how: Clustering) -> Read:
    """The episode through intake, detection, embedding and clustering, beside what is true."""
    caster = Caster(replace(stages, clustering=how), gallery)
    episode = caster.read_episode([told.strip])
    good = tuple(sighting for sighting in episode.sightings if sighting.reason is None)
    return Read(episode, told, good, tuple(true_owner(sighting, told) for sighting in good))


def true_owner(sighting: Sighting, told: Story) -> str:
    """Whose face it is; a name of its own where there is nobody."""
    box, person = max(told.faces, key=lambda face: face[0].iou(sighting.page_box))
    return person if box.iou(sighting.page_box) >= HIT else f"nobody, {sighting.number}"


def calibrate(reads: Sequence[Read]) -> tuple[Clustering, float]:
    """The limit and the weight of colours with the best mean B-cubed F1 on some episodes, and that F1.

    Of the weights that are as good as the best to within `NOISE`, and of the limits with that weight, the
    middle one.
    """
    scores = np.zeros((len(COLOUR_WEIGHTS), len(LIMITS)))
    for row, weight in enumerate(COLOUR_WEIGHTS):
        apart = [distances(read.good, weight) for read in reads]
        for column, limit in enumerate(LIMITS):
            f1 = [b_cubed(read.truth, join(a, limit))[2] for read, a in zip(reads, apart, strict=True)]
            scores[row, column] = np.mean(f1)
    row = _middle(scores.max(1))
    column = _middle(scores[row])
    return Clustering(float(LIMITS[column]), COLOUR_WEIGHTS[row]), float(scores[row, column])


def _middle(scores: np.ndarray) -> int:
    """Where, among the scores that are as good as the best to within `NOISE`, the middle one is."""
    best = np.flatnonzero(scores >= scores.max() - NOISE)
    return int(best[len(best) // 2])


def development_stories(data: Path, landmarks: Path) -> list[Story]:
    """Episodes of development people, in the styles that are learned and in those of `DEVELOPMENT`."""
    photos = development_photos(data, landmarks)
    return [
        one
        for number, (style, draw) in enumerate((LEARNED | DEVELOPMENT).items())
        for one in stories(photos, draw, DEVELOPMENT_EPISODES[style], PHOTOS, 40 + number)
    ]


def test_stories(photos: Sequence[FacePhoto], style: str) -> list[Story]:
    """Episodes of test people with two photos; the published style has a drawing of the first photo alone."""
    both = {person for person, count in Counter(p.person for p in photos).items() if count > 1}
    own = [photo for photo in photos if photo.person in both]
    if style == HELD_OUT_STYLE:
        firsts = [photo for photo in own if photo.path.parent.name == "first"]
        return stories(firsts, partial(draw_published, style), EPISODES[style], 1, 60)
    return stories(own, (UNSEEN | REFERENCE | LEARNED)[style], EPISODES[style], PHOTOS, 61)


def mains_found(read: Read) -> int:
    """How many of the true mains have a main character that is mostly theirs, with half of their faces."""
    seen, found = Counter(read.truth), set()
    for character in read.episode.mains:
        owners = Counter(
            person for s, person in zip(read.good, read.truth, strict=True) if s.number in character.faces
        )
        person, count = owners.most_common(1)[0]
        if count > len(character.faces) / 2 and count >= seen[person] / 2 and person in read.story.mains:
            found.add(person)
    return len(found)


def second_portraits(photos: Sequence[FacePhoto], stages: Stages) -> Gallery:
    """The second photo of each test person, as a gallery."""
    portraits = []
    for photo in photos:
        if photo.path.parent.name == "second":
            (faces,) = stages.detector.detect([Panel(Image.open(photo.path).convert("RGB"), photo.person)])
            portraits += [Portrait(Person(photo.person, photo.person), face.crop) for face in faces[:1]]
    vectors = stages.embedder.embed([portrait.image for portrait in portraits])
    return Gallery(tuple(portraits), vectors, stages.embedder.id, stages.embedder.revision, "second", "")


def measure_style(report: Report, style: str, reads: Sequence[Read], how: Clustering) -> None:
    """A row of the table: faces, B-cubed beside the trivial answers and of one main alone, mains found."""
    truth = [list(read.truth) for read in reads]
    mean = partial(np.mean, axis=0)
    own = mean([b_cubed(t, read.clusters) for t, read in zip(truth, reads, strict=True)])
    one = mean([b_cubed(t, [0] * len(t)) for t in truth])
    apart = mean([b_cubed(t, range(len(t))) for t in truth])
    shown = sum(len(read.story.faces) for read in reads)
    found = sum(not person.startswith("nobody") for t in truth for person in t)
    mains = f"{sum(map(mains_found, reads))} of {sum(len(read.story.mains) for read in reads)}"
    alone = np.mean([f1 for read in reads for f1 in alone_f1(read, how)])
    shares = (*own, one[2], apart[2], alone)
    report.row(style, len(reads), f"{found} of {shown}", *(f"{v:.2f}" for v in shares), mains)


def alone_f1(read: Read, how: Clustering) -> list[float]:
    """B-cubed F1 of each main whose faces would be all that there are: whether one character stays one."""
    scores = []
    for person in read.story.mains:
        faces = [s for s, own in zip(read.good, read.truth, strict=True) if own == person]
        if faces:
            found = join(distances(faces, how.colour_weight), how.limit)
            scores.append(b_cubed([person] * len(faces), found)[2])
    return scores


def measure_cast(report: Report, reads: Sequence[Read], casts: Sequence[EpisodeCast]) -> None:
    """How often a main character is played by the one who was drawn, together and each alone."""
    chosen: dict[str, list[bool]] = {"each alone, first choice": [], "together, nobody twice": []}
    firm = []
    for own, cast in zip(reads, casts, strict=True):
        owners = dict(zip((s.number for s in own.good), own.truth, strict=True))
        parts = {}
        for part in reversed(cast.parts):
            person = Counter(owners[n] for n in part.character.faces).most_common(1)[0][0]
            parts[person] = part  # the most present one of a person counts
        for person in own.story.mains:
            part = parts.get(person)
            alone, given = (part.first_choice, part.person) if part else (None, None)
            chosen["each alone, first choice"].append(alone is not None and alone.id == person)
            chosen["together, nobody twice"].append(given is not None and given.id == person)
            if part and part.firm:
                firm.append(given is not None and given.id == person)
        played = [part.person for part in cast.parts if part.person]
        assert len(played) == len(set(played)), "somebody plays two parts"
    for way, right in chosen.items():
        low, high = wilson(sum(right), len(right))
        report.row(way, f"{sum(right)} of {len(right)}", f"{low:.0%} to {high:.0%}")
    report.row("of those called firm", f"{sum(firm)} of {len(firm)}", "")


def measure(report: Report, stages: Stages, told: dict[str, list[Story]], gallery: Gallery) -> None:
    header = ("style", "episodes", "faces", "precision", "recall", "F1", "one cluster", "all apart")
    title = f"Characters, B-cubed, {MAINS} mains and {EXTRAS} extras an episode"
    report.table(title, (*header, "one main alone", "mains"))
    held_out: list[Read] = []
    for style, own in told.items():
        reads = [read(stages, one, gallery, stages.clustering) for one in tqdm(own, desc=style)]
        measure_style(report, style, reads, stages.clustering)
        if style == HELD_OUT_STYLE:
            held_out = reads
    people = len(gallery.people)
    report.table(
        f"Who plays the mains drawn in the held-out style, among {people} people (chance {1 / people:.0%})",
        ("way", "right", "95 %"),
    )
    caster = Caster(stages, gallery)
    measure_cast(report, held_out, [caster.cast_episode(own.episode) for own in held_out])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/, lfw/ and drawn/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--weights", type=Path, required=True, help="the folder of weights to measure")
    parser.add_argument("--calibrate", action="store_true", help="find the limit before measuring")
    parser.add_argument("--write", action="store_true", help="write what was found into the weights' config")
    args = parser.parse_args()
    if args.write and not args.calibrate:
        parser.error("--write writes what --calibrate finds; give both")
    photos = test_photos(args.data, args.landmarks)
    told = {style: test_stories(photos, style) for style in EPISODES}
    development = development_stories(args.data, args.landmarks) if args.calibrate else []
    stages, report = load_stages(args.weights, "cpu"), Report()
    report.say(f"`python -m {__spec__.name} {' '.join(sys.argv[1:])}`")
    gallery = second_portraits(photos, stages)
    if args.calibrate:
        read_so = partial(read, stages, gallery=gallery, how=BEFORE_CALIBRATION)
        how, f1 = calibrate([read_so(one) for one in tqdm(development, desc="development")])
        report.say("", f"Limit {how.limit}, colours count {how.colour_weight}: development F1 {f1:.2f}.")
        stages = replace(stages, clustering=how)
    if args.write:
        characters = {"limit": how.limit, "colour_weight": how.colour_weight}
        write_config(read_config(args.weights) | {"characters": characters}, args.weights)
    if stages.clustering is None:
        parser.error(f"{args.weights} has no limit yet; give --calibrate")
    measure(report, stages, told, gallery)


if __name__ == "__main__":
    main()
