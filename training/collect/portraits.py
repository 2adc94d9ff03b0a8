"""From the photos collected under each name to the portraits of a gallery.

    python -m training.collect portraits PHOTOS --out my-actors-photos
    python -m webcast gallery build my-actors-photos --out my-actors

For each person: the largest face of every photo, faces of others dropped (`namesakes.py`), near-duplicates
and blurred ones dropped, and of the rest the two or three that are most frontal, sharp and typical. Written
are `OUT/NAME/n.jpg` (old ones are taken away first), people.csv (name, gender) and photos.csv (file, source,
licence, author, date, fetched, url); and `OUT.dataset`, every consistent face as a row of a `datasets`
dataset whose splits hold different people. What `training.curate` rejected stays out, and what looks like it.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tqdm import tqdm

from training.collect.ledger import KEPT, REJECTED, Entry, Ledger
from training.collect.namesakes import LIMIT, consistency
from training.collect.people import folder_name
from training.collect.quality import Seen, good_face, sharpness
from training.collect.rows import save_rows
from training.collect.sources import Name
from webcast.caster import Stages
from webcast.dataset import encode
from webcast.errors import ImageError, WebcastError
from webcast.heads import enlarge
from webcast.images import open_image
from webcast.photos import PICTURE_SUFFIXES
from webcast.types import Face

BEST = 3
REJECTED_FOLDER, HEADS = ".rejected", ".heads"
FACES = "faces.json"
"""In each person's folder of photos: the similarity of each photo's face to that person, by file."""

COLUMNS = ("file", "source", "licence", "author", "date", "fetched", "url")


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """The largest face of one photo, whose it is, and what the ledger says of the photo."""

    head: Image.Image
    entry: Entry
    frontal: float
    similarity: float = 1.0

    @property
    def worth(self) -> float:
        """Typical, frontal and sharp is more."""
        return self.similarity + self.frontal + 0.2 * float(np.log10(1 + sharpness(self.head)))


def choose_portraits(
    stages: Stages, names: Iterable[Name], photos: Path, out: Path, limit: float = LIMIT
) -> list[str]:
    """Write everybody's portraits and the dataset; returns a sentence for each person of whom none is left.

    Raises `WebcastError` where there is nobody at all, and where the portraits would be written among the
    photos that they are chosen from.
    """
    if out.resolve() == photos.resolve():
        raise WebcastError(f"The portraits cannot be written into {photos} itself; name another --out.")
    problems, people, origins, rows = [], [], [], []
    for name in tqdm(list(names), desc="people", unit="person"):
        folder = photos / folder_name(name.name)
        judged = judge(stages, candidates_of(stages, folder)) if folder.is_dir() else []
        if judged:
            known = {candidate.entry.file: round(candidate.similarity, 4) for candidate in judged}
            (folder / FACES).write_text(json.dumps(known), encoding="utf-8")
        found = [candidate for candidate in judged if candidate.similarity >= limit]
        clear(out / folder.name)
        if not found:
            problems.append(f"{name.name} has no portrait left; collect more photos of that name.")
            continue
        people.append((name.name, name.gender, folder.name))
        origins += write_portraits(stages, found[:BEST], out, folder.name)
        rows += [row_of(name, folder.name, candidate) for candidate in found]
    if not people:
        raise WebcastError(f"{photos} gives nobody a portrait; collect photos first, one folder a person.")
    write_csv(out / "people.csv", ("name", "gender", "folder"), people)
    write_csv(out / "photos.csv", COLUMNS, origins)
    save_rows(rows, "name", dataset_of(out))
    return problems


def dataset_of(out: Path) -> Path:
    """Beside the portraits, for whatever lies in their folder is taken for photos."""
    return out.with_name(f"{out.name}.dataset")


def clear(folder: Path) -> None:
    """Takes away the portraits of an earlier run: numbered pictures, and nothing else."""
    for number in range(1, BEST + 1):
        (folder / f"{number}.jpg").unlink(missing_ok=True)


def write_portraits(
    stages: Stages, best: Sequence[Candidate], out: Path, folder: str
) -> list[tuple[str, ...]]:
    """Enlarges and saves one person's portraits; returns their rows of photos.csv."""
    heads = enlarge(stages.photo_upscaler or stages.upscaler, [candidate.head for candidate in best])
    (out / folder).mkdir(parents=True, exist_ok=True)
    origins = []
    for number, (head, candidate) in enumerate(zip(heads, best, strict=True), start=1):
        head.save(out / folder / f"{number}.jpg", quality=95)
        origins.append((f"{folder}/{number}.jpg", *origin_of(candidate.entry)))
    return origins


def candidates_of(stages: Stages, folder: Path) -> list[Candidate]:
    """One for each photo of the folder that is let in, has a good face, and neither is nor looks rejected."""
    ledger = Ledger(folder)
    entries = {entry.file: entry for entry in ledger if entry.file}
    rejected = {entry.url for entry in ledger if entry.outcome == REJECTED}
    heads = []
    for path in sorted([*folder.iterdir(), *folder.glob(f"{REJECTED_FOLDER}/*")]):
        if path.suffix.lower() not in PICTURE_SUFFIXES or not path.is_file():
            continue
        entry = entries.get(path.name) or Entry(path.name, KEPT, path.name)
        try:
            found = head_of(stages, path, folder / HEADS)
        except ImageError:
            continue
        if found:
            heads.append((entry.url in rejected, *found, entry))
    seen, fresh = Seen(), []
    for is_rejected, head, frontal, entry in sorted(
        heads, key=lambda head: not head[0]
    ):  # the rejected first
        if seen.is_new(head) and not is_rejected:
            fresh.append(Candidate(head, entry, frontal))
    return fresh


def head_of(stages: Stages, photo: Path, kept: Path) -> tuple[Image.Image, float] | None:
    """The head on a photo and how frontal it is, if a good face is on it; found once and kept in a folder.

    Raises `ImageError` for what is no picture.
    """
    place = kept / f"{stages.names['photo_detector']}-{stages.revision}"
    file, nothing = place / f"{photo.name}-{photo.stat().st_size}.png", b""
    if not file.is_file():
        face = good_face(stages.photo_detector or stages.detector, open_image(photo), photo.name)
        place.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        if face:
            about = PngInfo()
            about.add_text("frontal", repr(frontality(face)))
            face.crop.save(partial, format="PNG", pnginfo=about)
        else:
            partial.write_bytes(nothing)
        partial.replace(file)
    if file.stat().st_size == len(nothing):
        return None
    with Image.open(file) as head:
        return head.convert("RGB"), float(head.text["frontal"])


def judge(stages: Stages, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with their similarity to who most of them show, the best portrait first."""
    if not candidates:
        return []
    scores = consistency(stages.embedder.embed([candidate.head for candidate in candidates]))
    judged = [replace(c, similarity=float(score)) for c, score in zip(candidates, scores, strict=True)]
    return sorted(judged, key=lambda candidate: -candidate.worth)


def row_of(name: Name, folder: str, candidate: Candidate) -> dict:
    """The row of a face; `key` is the folder and the photo's address in its ledger."""
    entry = candidate.entry
    return {
        "image": {"bytes": encode(candidate.head), "path": None},
        "name": name.name,
        "gender": name.gender,
        "similarity": round(candidate.similarity, 4),
        "sharpness": round(sharpness(candidate.head), 1),
        "frontal": round(candidate.frontal, 3),
        "source": entry.page or entry.url,
        "url": entry.url,
        "author": entry.author,
        "licence": entry.licence,
        "date": entry.date,
        "fetched": entry.fetched,
        "key": f"{folder}/{entry.url}",
    }


def frontality(face: Face) -> float:
    """1 where the nose tip lies midway between the eyes, toward 0 for a profile; 0.5 without points."""
    if face.points is None:
        return 0.5
    (left, _), (right, _), (nose, _), *_ = face.points
    eyes = max(1e-6, right - left)
    return float(max(0.0, 1 - 2 * abs((nose - (left + right) / 2) / eyes)))


def origin_of(entry: Entry) -> tuple[str, ...]:
    """Source, licence, author, date, day of fetching and address as they go into photos.csv."""
    by = f", by {entry.author}" if entry.licence and entry.author else ""
    return entry.page or entry.url, f"{entry.licence}{by}", entry.author, entry.date, entry.fetched, entry.url


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
