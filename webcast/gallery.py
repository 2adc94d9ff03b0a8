"""The gallery: people, their portraits and unit embeddings; built, saved, loaded and searched."""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from statistics import NormalDist

import numpy as np
from PIL import Image

from webcast.dataset import (
    CARD,
    PARQUET,
    REBUILD,
    StoredPortrait,
    encode,
    read_card,
    read_embeddings,
    read_photos,
    read_table,
    write_card,
    write_table,
)
from webcast.errors import GalleryError, ImageError
from webcast.heads import enlarge
from webcast.images import MIN_SIDE_PX, fit, open_image
from webcast.photos import Photo, find_photos
from webcast.types import Detector, Embedder, Panel, Person, Portrait, Upscaler, Vote

CROP_SIDE_PX = 256
PHOTO_SIDE_PX = 1024  # a photo is reduced to this before its face is looked for
EMBED_BATCH = 32

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Portraits and their embeddings, float32 (N, D), in the same order; for cosine each row has length 1.

    `embedder_id` and `embedder_revision` say which embedder made the vectors. `name` and `revision` say
    which gallery this is. Raises `GalleryError` where there are no portraits or the vectors are unfit.
    """

    portraits: tuple[Portrait, ...]
    embeddings: np.ndarray
    embedder_id: str
    embedder_revision: str
    name: str
    revision: str

    def __post_init__(self) -> None:
        if not self.portraits:
            raise GalleryError(f"The gallery {self.name} is empty: add at least one portrait with a face.")
        shape = self.embeddings.shape
        if len(shape) != 2 or shape[0] != len(self.portraits) or not np.isfinite(self.embeddings).all():
            raise GalleryError(
                f"The gallery {self.name} needs one finite embedding for each of its "
                f"{len(self.portraits)} portraits; rebuild it: {REBUILD}"
            )
        lengths = np.linalg.norm(self.embeddings, axis=1)
        if self.distance == "cosine" and np.abs(lengths - 1).max() > 1e-3:
            raise GalleryError(
                f"The gallery {self.name} has embeddings not of length 1; rebuild it: {REBUILD}"
            )

    @property
    def distance(self) -> str:
        """How its vectors are compared, cosine or euclidean; the embedder's id says so."""
        return "euclidean" if self.embedder_id.endswith("-euclidean") else "cosine"

    @property
    def portraits_each(self) -> dict[Person, int]:
        """How many portraits each person has."""
        return dict(Counter(portrait.person for portrait in self.portraits))

    def embedded_by(self, embedder: Embedder, progress: Progress | None = None) -> "Gallery":
        """The same portraits with the vectors of another embedder; nothing is written."""
        embeddings = _embed(self.portraits, embedder, progress)
        revision = _revision(self.portraits, embeddings)
        return Gallery(self.portraits, embeddings, embedder.id, embedder.revision, self.name, revision)

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody once, in the order of their first portrait."""
        return tuple(self.portraits_each)

    def without(self, person_id: str) -> "Gallery":
        """The gallery without one person; raises `GalleryError` where that is nobody, or everybody."""
        kept = [i for i, portrait in enumerate(self.portraits) if portrait.person.id != person_id]
        if len(kept) == len(self.portraits):
            ids = [person.id for person in self.people]
            near = [p.id for p in self.people if p.name == person_id] or get_close_matches(person_id, ids)
            hint = f"did you mean {', '.join(near)}?" if near else "its ids stand in the column person_id."
            raise GalleryError(f"Nobody in the gallery {self.name} has the id {person_id!r}; {hint}")
        if not kept:
            raise GalleryError(
                f"Nobody but {person_id} is in the gallery {self.name}; delete the whole gallery instead."
            )
        portraits, embeddings = tuple(self.portraits[i] for i in kept), self.embeddings[kept]
        revision = _revision(portraits, embeddings)
        return replace(self, portraits=portraits, embeddings=embeddings, revision=revision)

    def check_embedder(self, embedder: Embedder) -> None:
        """Raises `GalleryError` unless that embedder made the gallery."""
        if (self.embedder_id, self.embedder_revision) != (embedder.id, embedder.revision):
            raise GalleryError(
                f"The gallery {self.name} was made by the embedder {self.embedder_id} "
                f"({self.embedder_revision}), but the weights hold {embedder.id} ({embedder.revision}); "
                f"rebuild it with these weights: {REBUILD} (and the same --embedder and --distance)."
            )

    def search(self, probes: np.ndarray, k: int = 5) -> list[tuple[tuple[Vote, ...], float]]:
        """For each probe, float32 (M, D), for cosine of length 1, its k nearest portraits and its standout.

        The standout is how far the nearest lies above where the best of as many strangers would, in standard
        deviations of the similarity to all portraits, so that it can be compared between galleries of any
        size; 0 where all are equally near. Fewer than k portraits give fewer votes.
        """
        if probes.ndim != 2 or probes.shape[1] != self.embeddings.shape[1]:
            raise GalleryError(
                f"The gallery {self.name} holds vectors of length {self.embeddings.shape[1]}, and the "
                f"probes have shape {probes.shape}; rebuild it: {REBUILD}"
            )
        strangers = best_of(len(self.people))
        return [self._nearest(self._nearness(probe), k, strangers) for probe in probes]

    def _nearness(self, probe: np.ndarray) -> np.ndarray:
        """Of every portrait to a probe, float32 (N,): the cosine, or the Euclidean distance with a minus."""
        if self.distance == "cosine":
            return self.embeddings @ probe
        return -np.linalg.norm(self.embeddings - probe, axis=1)

    def similarities(self, probes: np.ndarray) -> np.ndarray:
        """Of each probe (M, D) to the nearest portrait of each person, float32 (M, people) as `people`.

        A cosine, or one over one plus the Euclidean distance.
        """
        column = {person: number for number, person in enumerate(self.people)}
        owners = np.array([column[portrait.person] for portrait in self.portraits])
        order = np.argsort(owners, kind="stable")
        starts = np.searchsorted(owners[order], np.arange(len(column)))
        nearness = np.stack([self._similarity(self._nearness(probe)) for probe in probes])
        return np.maximum.reduceat(nearness[:, order], starts, axis=1)

    def _similarity(self, nearness: np.ndarray) -> np.ndarray:
        return nearness if self.distance == "cosine" else 1 / (1 - nearness)

    def _nearest(self, nearness: np.ndarray, k: int, strangers: float) -> tuple[tuple[Vote, ...], float]:
        k = min(k, len(nearness))
        nearest = np.argpartition(-nearness, k - 1)[:k]
        nearest = nearest[np.lexsort((nearest, -nearness[nearest]))]
        similarity = self._similarity(nearness)
        votes = tuple(
            Vote(self.portraits[index], float(similarity[index]), rank)
            for rank, index in enumerate(nearest, start=1)
        )
        lead, spread = float(nearness[nearest[0]] - nearness.mean()), float(nearness.std())
        return votes, lead / spread - strangers if spread > 1e-6 else 0.0

    def info(self) -> str:
        """A few lines about the gallery for a reader."""
        genders = Counter(person.gender or "not said" for person in self.people)
        licences = Counter(portrait.licence or "not said" for portrait in self.portraits)
        length = self.embeddings.shape[1]
        return (
            f"gallery    {self.name} ({self.revision})\n"
            f"people     {len(self.people)} (gender: {_counted(genders)})\n"
            f"portraits  {len(self.portraits)} (licence: {_counted(licences)})\n"
            f"embedder   {self.embedder_id} ({self.embedder_revision}), vectors of length {length}"
        )

    def save(self, folder: str | Path) -> None:
        """Writes the gallery beside the folder and renames it, so that no reader sees half of one.

        Raises `GalleryError` where the folder holds something that is not a gallery.
        """
        folder = Path(folder).absolute()
        check_replaceable(folder)
        side, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{end}") for end in ("new", "old"))
        made_by = {"embedder_id": self.embedder_id, "embedder_revision": self.embedder_revision}
        try:
            (side / PARQUET).parent.mkdir(parents=True)
            write_table(self.portraits, self.embeddings, side / PARQUET)
            write_card(self.portraits, made_by, self.name, side / CARD)
            if folder.exists():
                folder.rename(old)
            side.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            raise GalleryError(f"The gallery cannot be written to {folder}: {error.strerror}.") from None
        finally:
            shutil.rmtree(side, ignore_errors=True)


def best_of(count: int) -> float:
    """Where the largest of so many standard normal numbers is to be expected (Blom 1958)."""
    return NormalDist().inv_cdf((count - 0.375) / (count + 0.25))


def build_gallery(
    folder: str | Path,
    embedder: Embedder,
    detector: Detector,
    progress: Progress | None = None,
    upscaler: Upscaler | None = None,
) -> tuple[Gallery, tuple[str, ...]]:
    """A gallery from a folder of photos or from a dataset, and a sentence for each thing to know about it.

    The folder is either `person name/photo.jpg` with an optional `people.csv` (see `photos`), or a
    dataset with the columns name and image. The largest face is cropped, and a small crop is enlarged where
    an upscaler is given; the pictures of a gallery that webcast made are crops already. A picture without a
    face or that cannot be let in is left out and named. Raises `GalleryError` where no portrait is left.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise GalleryError(f"{folder} is not a folder; give one with person name/photo.jpg in it.")
    table = read_table(folder)
    photos = list(find_photos(folder) if table is None else read_photos(table, folder))
    is_cropped = table is not None and "embedder_id" in read_card(folder)
    portraits, notices = _portraits(photos, None if is_cropped else detector, upscaler, progress)
    if not portraits:
        raise GalleryError(
            notices[0]
            if len(notices) == 1
            else f"{folder} gives no portrait with a face; put photos in it as person name/photo.jpg."
        )
    unnamed = sum(not (portrait.source and portrait.licence) for portrait in portraits)
    if unnamed:
        notices.append(
            f"{unnamed} of {len(portraits)} portraits have no source or licence; "
            "write both into people.csv before you publish the gallery."
        )
    embeddings = _embed(portraits, embedder, progress)
    name, revision = folder.resolve().name, _revision(portraits, embeddings)
    gallery = Gallery(tuple(portraits), embeddings, embedder.id, embedder.revision, name, revision)
    return gallery, tuple(notices)


def load_gallery(
    folder: str | Path, embedder: Embedder | None, name: str | None = None, revision: str | None = None
) -> Gallery:
    """The gallery of a folder, which `embedder` must have made (None: whoever made it).

    `name` and `revision` say where it came from; by default the folder's name and a hash of its content.
    Raises `GalleryError` where it is malformed, has no embeddings or was made by another embedder.
    """
    folder = Path(folder)
    table, made_by = read_table(folder), read_card(folder)
    if table is None or not len(table):
        raise GalleryError(f"The gallery {folder} is empty or none at all; build one from photos: {REBUILD}")
    if "embedding" not in table.column_names or "embedder_id" not in made_by:
        command = REBUILD.replace("FOLDER", str(folder))
        raise GalleryError(
            f"{folder} is a dataset without webcast's embeddings; build a gallery of it: {command}"
        )
    portraits = tuple(
        StoredPortrait(photo.person, photo.file, photo.source, photo.licence)
        for photo in read_photos(table, folder)
    )
    embeddings = read_embeddings(table, folder)
    gallery = Gallery(
        portraits,
        embeddings,
        str(made_by["embedder_id"]),
        str(made_by.get("embedder_revision")),
        name or folder.resolve().name,
        revision or _revision(portraits, embeddings),
    )
    if embedder:
        gallery.check_embedder(embedder)
    return gallery


def _portraits(
    photos: Sequence[Photo], detector: Detector | None, upscaler: Upscaler | None, progress: Progress | None
) -> tuple[list[StoredPortrait], list[str]]:
    """The head on each photo, or the whole picture where no detector is given, and what was left out."""
    portraits, notices = [], []
    for done, photo in enumerate(photos, start=1):
        try:
            picture = open_image(photo.file)
            crop = _head(picture, photo.label, detector, upscaler) if detector else picture
            crop = fit(crop, CROP_SIDE_PX)
            portraits.append(StoredPortrait(photo.person, encode(crop), photo.source, photo.licence))
        except ImageError as error:
            notices.append(f"{photo.label} is left out: {error}")
        if progress:
            progress("find portraits", done, len(photos))
    return portraits, notices


def _head(picture: Image.Image, label: str, detector: Detector, upscaler: Upscaler | None) -> Image.Image:
    """The head crop of the largest face on a photo; `ImageError` where there is none, or a tiny one."""
    picture = fit(picture, PHOTO_SIDE_PX)
    (faces,) = detector.detect([Panel(picture, label)])
    if not faces:
        raise ImageError("no face was found on it; use a photo that shows the face from the front.")
    crop = enlarge(upscaler, [faces[0].crop])[0] if upscaler else faces[0].crop
    if min(crop.size) < MIN_SIDE_PX:
        raise ImageError("the face on it is too small; use a closer photo.")
    return crop


def _embed(portraits: Sequence[Portrait], embedder: Embedder, progress: Progress | None) -> np.ndarray:
    rows = []
    for start in range(0, len(portraits), EMBED_BATCH):
        batch = portraits[start : start + EMBED_BATCH]
        rows.append(embedder.embed([portrait.image for portrait in batch]))
        if progress:
            progress("embed portraits", start + len(batch), len(portraits))
    return np.concatenate(rows)


def _revision(portraits: Sequence[Portrait], embeddings: np.ndarray) -> str:
    """Twelve hex digits that change with who is in the gallery and with every vector."""
    digest = hashlib.sha256(embeddings.tobytes())
    for portrait in portraits:
        digest.update(f"{portrait.person.id}\0{portrait.person.name}\0".encode())
    return digest.hexdigest()[:12]


def check_replaceable(folder: Path) -> None:
    """Raises `GalleryError` where a gallery must not be written: there is something that is none."""
    is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not is_free and "embedder_id" not in read_card(folder):
        raise GalleryError(f"{folder} holds something that is not a gallery; name another folder.")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {label}" for label, count in counts.most_common(5))
