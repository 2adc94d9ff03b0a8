"""What is loaded once, for everybody: weights, gallery, their cards, and other parts when asked for."""

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from webcast.app.limits import MAX_STAGES
from webcast.build import load_caster, with_drawer, with_parts
from webcast.caster import Caster, Stages
from webcast.errors import WebcastError
from webcast.gallery import Gallery
from webcast.hub import BUNDLE, pull
from webcast.parts import Parts

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


@lru_cache(MAX_STAGES)
def stages_with(parts: Parts) -> Stages:
    return caster.stages if parts == OWN_PARTS else with_parts(caster.stages, parts)


@lru_cache(MAX_STAGES)
def embedded(people: Gallery, parts: Parts) -> Gallery:
    """The people as these parts see them."""
    embedder = stages_with(parts).embedder
    is_ours = (people.embedder_id, people.embedder_revision) == (embedder.id, embedder.revision)
    return people if is_ours else people.embedded_by(embedder)
