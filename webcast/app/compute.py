"""What is computed for a visitor; each function is one that a Space lends a GPU for."""

from dataclasses import replace
from pathlib import Path

import spaces
from PIL import Image

from webcast.app.limits import MAX_EXPLAINED
from webcast.app.loaded import caster, stages_with
from webcast.app.visitor import Visit, caster_of, filters_of, people_of
from webcast.app.work import Report
from webcast.compare import Column, compare_stage
from webcast.episode import Episode, EpisodeCast, Occlusion, Part
from webcast.gallery import Gallery, build_gallery
from webcast.heads import enlarge
from webcast.selection import select
from webcast.types import CastResult, Face, Panel


@spaces.GPU(duration=60)
def compute(faces: list[Face], visitor: Visit, report: Report | None) -> CastResult:
    allowed = caster_of(visitor)
    allowed = replace(allowed, gallery=select(allowed.gallery, filters_of(visitor)))
    return allowed.cast([], faces, report, visitor.similarity)


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
def compute_photos(heads: list[Image.Image], visitor: Visit) -> list[Image.Image]:
    stages = stages_with(visitor.parts)
    return stages.realizer.realize(enlarge(stages.upscaler, heads))


@spaces.GPU(duration=30)
def compute_drawings(photos: list[Panel]) -> list[Image.Image]:
    return caster.stages.draw(photos)


@spaces.GPU(duration=120)
def compute_columns(stage: str, panel: Panel, visitor: Visit, report: Report | None) -> list[Column]:
    people = people_of(visitor)
    return compare_stage(stage, panel, caster.stages, people, progress=report)


@spaces.GPU(duration=120)
def compute_gallery(folder: Path, report: Report | None) -> tuple[Gallery, tuple[str, ...]]:
    stages = caster.stages
    detector = stages.photo_detector or stages.detector
    upscaler = stages.photo_upscaler or stages.upscaler
    return build_gallery(folder, stages.embedder, detector, report, upscaler)
