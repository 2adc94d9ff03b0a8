"""From the photos collected under each name to the portraits of a gallery.

    python -m training.collect portraits PHOTOS --out my-actors-photos
    python -m webcast gallery build my-actors-photos --out my-actors

For each person: the largest face of every photo, faces of others dropped (`namesakes.py`), near-duplicates
and blurred ones dropped, and of the rest the two or three that are most frontal, sharp and typical. Written
are `OUT/NAME/n.jpg`, people.csv (name, gender) and photos.csv (file, source, licence, author, date, url).
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from training.collect.ledger import KEPT, Entry, Ledger
from training.collect.namesakes import LIMIT, consistency
from training.collect.people import Name, folder_name
from training.collect.quality import Seen, fault, sharpness
from webcast.caster import Stages
from webcast.errors import ImageError, WebcastError
from webcast.heads import enlarge
from webcast.images import open_image
from webcast.photos import PICTURE_SUFFIXES
from webcast.types import Face, Panel

BEST, FEWEST_LEFT = 3, 1
COLUMNS = ("file", "source", "licence", "author", "date", "url")
UNSTATED = Entry("", KEPT)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """The largest face of one photo, and what the ledger says of the photo."""

    head: Image.Image
    entry: Entry
    frontal: float


def choose_portraits(
    stages: Stages, names: Iterable[Name], photos: Path, out: Path, limit: float = LIMIT
) -> list[str]:
    """Write everybody's portraits; returns a sentence for each person of whom none is left."""
    problems, people, origins = [], [], []
    for name in tqdm(list(names), desc="people", unit="person"):
        folder = photos / folder_name(name.name)
        best = best_of(stages, candidates_of(stages, folder), limit) if folder.is_dir() else []
        if not best:
            problems.append(f"{name.name} has no portrait left; collect more photos of that name.")
            continue
        people.append((name.name, name.gender, folder.name))
        for number, candidate in enumerate(best, start=1):
            file = Path(folder.name) / f"{number}.jpg"
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            candidate.head.save(out / file, quality=95)
            origins.append((file.as_posix(), *origin_of(candidate.entry)))
    if not people:
        raise WebcastError(f"{photos} gives nobody a portrait; collect photos first, one folder a person.")
    write_csv(out / "people.csv", ("name", "gender", "folder"), people)
    write_csv(out / "photos.csv", COLUMNS, origins)
    return problems


def candidates_of(stages: Stages, folder: Path) -> list[Candidate]:
    """One for each photo of the folder that is let in, has a good face and was not rejected."""
    ledger = Ledger(folder)
    found, seen = [], Seen()
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES):
        entry = ledger.entry_of(path.name) or UNSTATED
        if entry.outcome != KEPT:
            continue
        try:
            picture = open_image(path)
        except ImageError:
            continue
        (faces,) = (stages.photo_detector or stages.detector).detect([Panel(picture, path.name)])
        if faces and not fault(faces[0].crop) and seen.is_new(faces[0].crop):
            found.append(Candidate(faces[0].crop, entry, frontality(faces[0])))
    return found


def frontality(face: Face) -> float:
    """1 where the nose tip lies midway between the eyes, toward 0 for a profile; 0.5 without points."""
    if face.points is None:
        return 0.5
    (left, _), (right, _), (nose, _), *_ = face.points
    eyes = max(1e-6, right - left)
    return float(max(0.0, 1 - 2 * abs((nose - (left + right) / 2) / eyes)))


def best_of(stages: Stages, candidates: Sequence[Candidate], limit: float) -> list[Candidate]:
    """At most `BEST` of those that show one person: typical, frontal and sharp; enlarged."""
    if len(candidates) < FEWEST_LEFT:
        return []
    upscaler = stages.photo_upscaler or stages.upscaler
    scores = consistency(stages.embedder.embed([candidate.head for candidate in candidates]))
    kept = [(c, s) for c, s in zip(candidates, scores, strict=True) if s >= limit]
    kept.sort(key=lambda pair: -(pair[1] + pair[0].frontal + 0.2 * np.log10(1 + sharpness(pair[0].head))))
    best = [candidate for candidate, _ in kept[:BEST]]
    heads = enlarge(upscaler, [candidate.head for candidate in best]) if best else []
    return [Candidate(head, c.entry, c.frontal) for head, c in zip(heads, best, strict=True)]


def origin_of(entry: Entry) -> tuple[str, ...]:
    """Source, licence, author, date and address as they go into photos.csv."""
    by = f", by {entry.author}" if entry.licence and entry.author else ""
    return entry.page or entry.url, f"{entry.licence}{by}", entry.author, entry.date, entry.url


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
