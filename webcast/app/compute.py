"""What is computed for a visitor; each function is one that a Space lends a GPU for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import spaces
from PIL import Image

from webcast.app.limits import MAX_EXPLAINED
from webcast.app.loaded import caster, stages_with
from webcast.app.visitor import Visit, caster_of, filters_of, main_embedder, people_of
from webcast.app.work import Report
from webcast.compare import Column, compare_stage
from webcast.episode import Episode, EpisodeCast, Occlusion, Part
from webcast.gallery import Gallery, build_gallery
from webcast.heads import enlarge
from webcast.main_faces import main_faces
from webcast.selection import select
from webcast.types import CastResult, Face, Panel


@spaces.GPU(duration=60)
def compute(faces: list[Face], visitor: Visit, gender: str | None, report: Report | None) -> CastResult:
    """Who of that gender gets the part; their realizer makes the photo, where the weights have one."""
    allowed, filters = caster_of(visitor), filters_of(visitor)
    filters = replace(filters, gender=gender or filters.gender)
    allowed = replace(allowed, gallery=select(allowed.gallery, filters))
    whose = filters.gender if filters.gender in allowed.stages.realizers else None
    return allowed.cast([], faces, report, visitor.similarity, whose)


@spaces.GPU(duration=300)
def compute_episode(pages: list[tuple[str, str]] | Episode, visitor: Visit, report: Report) -> EpisodeCast:
    return caster_of(visitor).cast_episode(pages, filters_of(visitor), report, visitor.similarity)


@spaces.GPU(duration=60)
def compute_maps(part: Part, visitor: Visit) -> dict[int, Occlusion]:
    """Of a part's best faces, which region carried the match with who plays it."""
    explaining, person = caster_of(visitor), part.person or part.first_choice
    best = list(zip(part.numbers, part.ballots, strict=True))[:MAX_EXPLAINED] if person else []
    return {number: explaining.explain(ballot, person, visitor.similarity) for number, ballot in best}


@spaces.GPU(duration=30)
def compute_photos(heads: list[Image.Image], visitor: Visit, gender: str | None) -> list[Image.Image]:
    stages = stages_with(visitor.parts)
    return stages.realizer_for(gender).realize(enlarge(stages.upscaler, heads))


@spaces.GPU(duration=30)
def compute_drawings(photos: list[Panel]) -> list[Image.Image]:
    return caster.stages.draw(photos)


@spaces.GPU(duration=120)
def compute_columns(stage: str, panel: Panel, visitor: Visit, report: Report | None) -> list[Column]:
    people = people_of(visitor)
    return compare_stage(stage, panel, caster.stages, people, progress=report)


@spaces.GPU(duration=120)
def compute_gallery(folder: Path, visitor: Visit, report: Report | None) -> tuple[Gallery, tuple[str, ...]]:
    """The visitor's own people, found by the parts they chose; `seen_by` lets their embedder see them."""
    stages = stages_with(visitor.parts)
    detector = stages.photo_detector or stages.detector
    upscaler = stages.photo_upscaler or stages.upscaler
    return build_gallery(folder, caster.stages.embedder, detector, report, upscaler)


@spaces.GPU(duration=30)
def compute_main_faces(faces: Sequence[Face], reference: int | None, visitor: Visit) -> list[int]:
    """Which of the faces are the main character's: those nearest to the reference or to the densest face."""
    stages, main = stages_with(visitor.parts), visitor.main
    embedder = main_embedder(visitor.parts, main)
    heads = [face.crop for face in faces]
    vectors = embedder.embed(enlarge(stages.upscaler, heads))
    return main_faces(vectors, main.count, None if reference is None else vectors[reference], main.distance)
