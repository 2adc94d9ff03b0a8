"""What is loaded once, for everybody: weights, gallery, their cards, and other parts when asked for."""

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from webcast.app.limits import MAX_STAGES
from webcast.build import load_caster, parts_here, with_drawer, with_parts
from webcast.caster import Caster, Stages
from webcast.compare import STAGES
from webcast.errors import WebcastError
from webcast.gallery import Gallery
from webcast.hub import BUNDLE, pull
from webcast.parts import Parts
from webcast.types import Embedder

EXAMPLES = sorted((BUNDLE / "examples").glob("*.png"))
WEIGHTS, GALLERY, PARTS, DRAWER = (
    os.environ.get(f"WEBCAST_{name}") or None for name in ("WEIGHTS", "GALLERY", "PARTS", "DRAWER")
)
OWN_PARTS = Parts(folder=PARTS)  # those that the weights name


def start() -> tuple[Caster, list[str]]:
    """What casts, and the cards of the weights and of the gallery."""
    try:
        pulled = pull(WEIGHTS, GALLERY)
        loaded = load_caster(GALLERY, WEIGHTS, parts=OWN_PARTS)
        if DRAWER:
            loaded = replace(loaded, stages=with_drawer(loaded.stages, DRAWER))
    except WebcastError as error:
        raise SystemExit(f"webcast cannot start: {error}") from None
    return loaded, [read_card(source.folder) for source in pulled[:2]]


def read_card(folder: Path) -> str:
    """The text of a model's or dataset's card below its metadata; empty where there is none."""
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return text.split("---", 2)[-1].strip() if text.startswith("---") else text


caster, CARDS = start()
PARTS_HERE = {stage: parts_here(caster.stages, stage) for stage in STAGES}  # with those that lack something


@lru_cache(MAX_STAGES)
def stages_with(parts: Parts) -> Stages:
    return caster.stages if parts == OWN_PARTS else with_parts(caster.stages, parts)


@lru_cache(MAX_STAGES)
def gallery_seen_by(embedder: Embedder) -> Gallery:
    """The gallery as that embedder sees it."""
    own = caster.stages.embedder
    is_ours = (own.id, own.revision) == (embedder.id, embedder.revision)
    return caster.gallery if is_ours else caster.gallery.embedded_by(embedder)
