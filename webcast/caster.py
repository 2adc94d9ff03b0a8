"""Joins the stages: pages in, a cast out.

    panels -> detect -> crop -> upscale -> realize -> embed -> search -> ballots -> vote

A head goes to the embedder as drawn (similarity "direct") or as realized (similarity "realized").
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path
from typing import Any

from PIL import Image

from webcast import casting
from webcast.characters import Clustering
from webcast.episode import Episode, EpisodeCast, Occlusion, Reading
from webcast.errors import NoFaceError, WebcastError, WeightsError
from webcast.gallery import Gallery
from webcast.heads import enlarge
from webcast.images import load_panels, open_image
from webcast.intake import Sent
from webcast.occlusion import occlude
from webcast.parts import Parts
from webcast.selection import Filters, keep, select
from webcast.types import (
    Ballot,
    CastResult,
    Detector,
    Embedder,
    Face,
    Panel,
    Person,
    Realizer,
    Sources,
    Upscaler,
)
from webcast.vote import VOTES_PER_FACE, firmness, tally

BATCH = 8
SIMILARITIES = ("direct", "realized")
GENDERS = ("female", "male")

Page = str | Path | Image.Image | Panel
Progress = Callable[[str, int, int], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """The four stages of one set of weights, on one device.

    `similarity` is the one of `SIMILARITIES` that was measured to cast better. `firm_standout` is, for
    each similarity, the mean standout below which a result is no firmer than chance; it may be empty.
    `realizers` are those trained for one of `GENDERS` alone, by gender, and `drawer` goes the other way,
    photo to drawn; weights need not have any of them.
    `clustering` says how faces are joined into characters with this embedder; without it no episode can be
    cast.
    The photo parts are for portraits, None where they are those for drawings. `names` gives the name of each
    stage's part, `parts` what was chosen, and `folder` is that of the weights (see `build.with_parts`).
    """

    detector: Detector
    upscaler: Upscaler
    realizer: Realizer
    embedder: Embedder
    name: str
    revision: str
    similarity: str = "direct"
    firm_standout: Mapping[str, float] = field(default_factory=dict)
    device: str = "cpu"
    realizers: Mapping[str, Realizer] = field(default_factory=dict)
    drawer: Realizer | None = None
    photo_detector: Detector | None = None
    photo_upscaler: Upscaler | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    parts: Parts = field(default_factory=Parts)
    folder: Path | None = None
    clustering: Clustering | None = None

    def detect(self, page: Page) -> list[Face]:
        """The faces of one page (a path, a PIL image or a Panel), largest first; empty where none is."""
        (panel,), _ = load_panels([page])
        return self.detector.detect([panel])[0]

    def upscale(self, images: Sequence[str | Path | Image.Image]) -> list[Image.Image]:
        """Pictures of any size, each a whole factor larger."""
        return self.upscaler.upscale([_opened(image) for image in images])

    def realize(self, images: Sequence[str | Path | Image.Image]) -> list[Image.Image]:
        """Square head crops (`Face.crop`), each as a photo-like picture of the weights' size."""
        return self.realizer.realize([_opened(image) for image in images])

    def realizer_for(self, gender: str | None) -> Realizer:
        """The realizer trained for one of `GENDERS`, where these weights have it, and else the common one."""
        return self.realizers.get(gender, self.realizer)

    def doubts_of(self, gender: str | None) -> list[str]:
        """A sentence where a realizer for one of `GENDERS` is asked for and the common one is used."""
        if gender is None or gender in self.realizers:
            return []
        return [f"These weights have no realizer for {gender} characters; the common one was used."]

    def read(self, heads: Sequence[Image.Image], similarity: str, gender: str | None = None) -> list[Reading]:
        """What the stages make of head crops, for one of `SIMILARITIES` and one of `GENDERS` or None."""
        upscaled = enlarge(self.upscaler, heads)
        realized = self.realizer_for(gender).realize(upscaled)
        probes = self.embedder.embed(upscaled if similarity == "direct" else realized)
        way = self.way(similarity, gender)
        return [Reading(*made, way) for made in zip(upscaled, realized, probes, strict=True)]

    def way(self, similarity: str, gender: str | None = None) -> str:
        """A name for how `read` reads: what is compared, for whose realizer, by which parts."""
        whose = gender if gender in self.realizers else "everybody"
        return f"{similarity} {whose} {self.name} {self.revision} {self.parts.told()}"

    def draw(self, photos: Sequence[Page]) -> list[Image.Image]:
        """The largest face of each photo, drawn: square RGB pictures of the drawer's size.

        Raises `WebcastError` where these weights have no drawer, `ImageError` for what is no picture, and
        `NoFaceError` for a photo without a face.
        """
        if self.drawer is None:
            raise WebcastError(
                f"The weights {self.name} have no drawer, which makes drawings of photos; name one with "
                "--drawer, a folder or a Hub id with what `python -m training.train` exported."
            )
        return self.drawer.realize([self.head(photo) for photo in photos])

    def head(self, photo: Page) -> Image.Image:
        """The head crop of the largest face of a photo; `NoFaceError` where there is none."""
        (panel,), _ = load_panels([photo])
        (faces,) = (self.photo_detector or self.detector).detect([panel])
        if not faces:
            raise NoFaceError(f"No face was found on {panel.name}; try a photo with a larger, frontal face.")
        return faces[0].crop


@dataclass(frozen=True, slots=True, eq=False)
class Caster:
    """Casts drawn faces with the people of one gallery. `notices` go into every result.

    Raises `GalleryError` where another embedder made the gallery.
    """

    stages: Stages
    gallery: Gallery
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.gallery.check_embedder(self.stages.embedder)

    @property
    def device(self) -> str:
        return self.stages.device

    @property
    def sources(self) -> Sources:
        """Which weights and which gallery this caster has."""
        stages, gallery = self.stages, self.gallery
        return Sources(stages.name, stages.revision, gallery.name, gallery.revision)

    def with_gallery(self, gallery: Gallery) -> "Caster":
        """The same stages before another gallery; nothing is loaded again."""
        return replace(self, gallery=gallery)

    def detect(self, page: Page) -> list[Face]:
        """See `Stages.detect`."""
        return self.stages.detect(page)

    def upscale(self, images: Sequence[str | Path | Image.Image]) -> list[Image.Image]:
        """See `Stages.upscale`."""
        return self.stages.upscale(images)

    def realize(self, images: Sequence[str | Path | Image.Image]) -> list[Image.Image]:
        """See `Stages.realize`."""
        return self.stages.realize(images)

    def draw(self, photos: Sequence[Page]) -> list[Image.Image]:
        """See `Stages.draw`."""
        return self.stages.draw(photos)

    def cast(
        self,
        pages: Page | Sequence[Page],
        faces: Sequence[int | Face] | None = None,
        progress: Progress | None = None,
        similarity: str | None = None,
        gender: str | None = None,
    ) -> CastResult:
        """Who of the gallery gets the part of one character.

        `pages` are paths, PIL images or Panels; one that cannot be let in becomes a notice. `faces` are
        the character's: indices into the faces of all usable pages in order (each page's largest first),
        or `Face` objects; None takes every face, and the notices say so. `progress` is called with the
        stage's name, how much of it is done and of how many; what it raises ends the cast. `similarity`
        is one of `SIMILARITIES`, by default the one that the weights say casts better. `gender` is the
        character's, one of `GENDERS`, for weights with a realizer of its own for it.

        Raises `WebcastError` for no usable page, no face, an index that is not there, another similarity or
        another gender.
        """
        similarity = self._checked(similarity)
        if gender not in (None, *GENDERS):
            raise WebcastError(f"There is no realizer for {gender!r}; choose female, male or none of them.")
        progress = progress or _silent
        chosen, notices = self._choose(pages, faces, progress)
        notices += self.stages.doubts_of(gender)
        ballots = self._ballots(chosen, similarity, progress, self.stages.realizer_for(gender))
        standings = tally(ballots)
        each = list(self.gallery.portraits_each.values())
        measured, doubts = firmness(ballots, standings, each, self.stages.firm_standout.get(similarity))
        progress("vote", 1, 1)
        chosen_parts = self.stages.parts.told()
        told = (f"Parts other than the weights' own: {chosen_parts}.",) if chosen_parts else ()
        notices = (*self.notices, *told, *notices, *doubts)
        return CastResult(standings, tuple(ballots), measured, self.sources, notices)

    def read_episode(self, sources: Sequence[Sent], progress: Progress | None = None) -> Episode:
        """The characters of an episode, not yet cast; see `episode.Episode`, and `edits` for what changes
        one.

        `sources` are pictures, strips, folders, ZIP or CBZ archives and PDFs, by path, or as a (path, name)
        pair for a file that was sent under another name; PIL images and Panels count as loose pages. Each
        folder, archive and PDF is an episode. `progress` is called as by `cast`.

        Raises `EpisodeError` for what cannot be read or has no face, `WeightsError` where the weights do not
        say how faces are joined.
        """
        stages = self.stages
        if stages.clustering is None and (stages.parts.embedder or stages.parts.distance):
            raise WeightsError(
                "How faces are joined into characters was set for the weights' own embedder and distance; "
                "choose no other for an episode."
            )
        if stages.clustering is None:
            raise WeightsError(
                f"The weights {stages.name} do not say how faces are joined into characters; let "
                "`python -m training.episodes --calibrate --write` add that."
            )
        return casting.read_episode(
            sources, stages.detector, stages.embedder, stages.clustering, progress or _silent
        )

    def cast_episode(
        self,
        pages: Sequence[Sent] | Episode,
        filters: Filters | None = None,
        progress: Progress | None = None,
        similarity: str | None = None,
    ) -> EpisodeCast:
        """Who plays whom in an episode, nobody two parts.

        `pages` are the sources that `read_episode` takes, or an episode that was read, and perhaps edited,
        before: then only faces that never voted are computed, if the episode is that of the last result.
        `filters` say who of the gallery is considered. `progress` and `similarity` are those of `cast`.

        Raises `WebcastError` for another similarity, `GalleryError` where the filters leave nobody, and
        what `read_episode` raises.
        """
        similarity = self._checked(similarity)
        gallery = select(self.gallery, filters or Filters())
        progress = progress or _silent
        episode = pages if isinstance(pages, Episode) else self.read_episode(pages, progress)
        cast = casting.cast_episode(
            episode,
            gallery,
            self.stages,
            similarity,
            self.stages.firm_standout.get(similarity),
            self.sources,
            progress,
        )
        return replace(cast, notices=(*self.notices, *cast.notices))

    def explain(self, ballot: Ballot, person: Person, similarity: str | None = None) -> Occlusion:
        """Which regions of a ballot's face carried its match with a person of the gallery.

        `similarity` is the one that was cast by. The head is embedded once for each region.
        """
        head = ballot.upscaled if self._checked(similarity) == "direct" else ballot.realized
        only = keep(self.gallery, {person})
        return occlude(head, lambda pictures: only.similarities(self.stages.embedder.embed(pictures))[:, 0])

    def _checked(self, similarity: str | None) -> str:
        similarity = similarity or self.stages.similarity
        if similarity not in SIMILARITIES:
            raise WebcastError(f"There is no similarity {similarity!r}; choose direct or realized.")
        return similarity

    def _choose(
        self, pages: Page | Sequence[Page], faces: Sequence[int | Face] | None, progress: Progress
    ) -> tuple[list[Face], list[str]]:
        """The faces to cast, and what the user should know about them."""
        if faces is not None and len(faces) == 0:
            raise WebcastError("No face is chosen; choose at least one.")
        if faces is not None and all(isinstance(face, Face) for face in faces):
            return list(dict.fromkeys(faces)), []
        found, notices = self._find(pages, progress)
        if faces is None:
            if len(found) > 1:
                notices.append(f"All {len(found)} faces found count as one character.")
            return found, notices
        for index in faces:
            if isinstance(index, Integral) and not 0 <= index < len(found):
                raise WebcastError(f"There is no face {index}: {_numbered(len(found))} found.")
        chosen = dict.fromkeys(found[face] if isinstance(face, Integral) else face for face in faces)
        return list(chosen), notices

    def _find(self, pages: Page | Sequence[Page], progress: Progress) -> tuple[list[Face], list[str]]:
        """The faces of all pages in order; `WebcastError` where there is none."""
        alone = isinstance(pages, (str, Path, Image.Image, Panel))
        panels, notices = load_panels([pages] if alone else pages)
        faces = []
        for done, panel in enumerate(panels, start=1):
            faces += self.stages.detector.detect([panel])[0]
            progress("detect", done, len(panels))
        if not faces:
            where = "the picture" if len(panels) == 1 else f"any of the {len(panels)} pictures"
            raise WebcastError(f"No drawn face was found on {where}; try one with a larger, frontal face.")
        return faces, notices

    def _ballots(
        self, faces: Sequence[Face], similarity: str, progress: Progress, realizer: Realizer
    ) -> list[Ballot]:
        """What each face became and how it voted."""
        stages, crops = self.stages, [face.crop for face in faces]
        upscaled = _in_batches("upscale", lambda heads: enlarge(stages.upscaler, heads), crops, progress)
        realized = _in_batches("realize", realizer.realize, upscaled, progress)
        probes = stages.embedder.embed(upscaled if similarity == "direct" else realized)
        progress("embed", len(faces), len(faces))
        found = self.gallery.search(probes, VOTES_PER_FACE)
        return [
            Ballot(face, large, photo, votes, standout)
            for face, large, photo, (votes, standout) in zip(faces, upscaled, realized, found, strict=True)
        ]


def _in_batches(
    stage: str,
    run: Callable[[Sequence[Image.Image]], list[Image.Image]],
    images: Sequence[Image.Image],
    progress: Progress,
) -> list[Image.Image]:
    """`run` over all images, a few at a time, so that memory is bounded and progress is seen."""
    done: list[Image.Image] = []
    for start in range(0, len(images), BATCH):
        done += run(images[start : start + BATCH])
        progress(stage, len(done), len(images))
    return done


def _opened(image: str | Path | Image.Image) -> Image.Image:
    """A head crop as it is, however small; whatever else, through the door of `images`."""
    return image if isinstance(image, Image.Image) and image.mode == "RGB" else open_image(image)


def _silent(stage: str, done: int, total: int) -> None:
    """No progress is wanted."""


def _numbered(count: int) -> str:
    return "one face was, number 0," if count == 1 else f"{count} faces were, numbers 0 to {count - 1},"
