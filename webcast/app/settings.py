"""How casting is done, by which parts: what a visitor chooses on any page holds on all of them."""

from dataclasses import replace

import gradio as gr

from webcast.app.answers import answer
from webcast.app.blocks import COMPUTED, PRIVATE, demo
from webcast.app.i18n import t
from webcast.app.loaded import caster, stages_with
from webcast.app.visitor import Visit, visit_of, visits
from webcast.build import parts_here
from webcast.caster import SIMILARITIES
from webcast.errors import WebcastError
from webcast.labels import label

CHOSEN = ("detector", "upscaler", "realizer", "embedder", "distance")  # the parts to choose for casting


def set_parts(visit, request: gr.Request, similarity, detectors, *others):
    """Remember how to cast; what is not chosen is done by the weights' own part."""
    with answer(request) as lang:
        names = {"detector": "+".join(detectors or ()), **dict(zip(CHOSEN[1:], others, strict=True))}
        return visits.put(with_settings(visit_of(visit), similarity, names, lang), visit)


def with_settings(visitor: Visit, similarity: str | None, names: dict, lang: str) -> Visit:
    """The visit with other settings, each of which may come from anywhere; the parts are loaded."""
    if similarity not in (None, *SIMILARITIES):
        raise WebcastError(label("no_similarity", lang))
    if not all(name is None or isinstance(name, str) for name in names.values()):
        raise WebcastError(label("no_part", lang))
    own = caster.stages.names
    names = {stage: None if name in ("", own[stage]) else name for stage, name in names.items()}
    parts = replace(visitor.parts, **names)
    stages_with(parts)
    return replace(visitor, similarity=similarity, parts=parts)


def show_settings(visit):
    """What the visitor chose before, on this page or on another."""
    visitor = visit_of(visit)
    chosen = {**caster.stages.names, **visitor.parts.chosen}
    similarity = visitor.similarity or caster.stages.similarity
    return similarity, chosen["detector"].split("+"), *(chosen[stage] for stage in CHOSEN[1:])


def lay_out_settings(visit: gr.BrowserState) -> list:
    """How casting is done; the events after which it has changed."""
    with gr.Accordion(t("settings"), open=False, elem_id="settings"):
        gr.Markdown(t("settings_hint"))
        similarity = gr.Radio(
            [(t(name), name) for name in SIMILARITIES],
            value=caster.stages.similarity,
            label=t("similarity"),
            info=t("similarity_info"),
        )
        with gr.Row():
            parts = [part_choice(stage) for stage in CHOSEN]
    chosen = [similarity, *parts]
    demo.load(show_settings, visit, chosen, show_progress="hidden", **PRIVATE)
    return [each.input(set_parts, [visit, *chosen], visit, **COMPUTED) for each in chosen]


def part_choice(stage: str) -> gr.Dropdown:
    """The parts of a stage that are here; for detectors more than one."""
    here = [part for part in parts_here(caster.stages, stage) if part.is_here]
    is_detector = stage == "detector"
    return gr.Dropdown(
        [(part.label, part.name) for part in here],
        value=[here[0].name] if is_detector else here[0].name,
        multiselect=is_detector,
        label=t(stage),
        info=t("detector_info") if is_detector else None,
        min_width=220,
    )
