"""How casting is done, by which parts: what a visitor chooses on any page holds on all of them."""

from dataclasses import replace

import gradio as gr

from webcast.app.answers import answer
from webcast.app.blocks import COMPUTED, PRIVATE, demo
from webcast.app.i18n import part_label, t
from webcast.app.limits import MAIN_FACES, MAX_FACES
from webcast.app.loaded import PARTS_HERE, caster, stages_with
from webcast.app.visitor import MainFaces, Visit, main_embedder, visit_of, visits
from webcast.caster import SIMILARITIES
from webcast.compare import STAGES
from webcast.errors import WebcastError
from webcast.labels import label
from webcast.parts import JOIN

DETECTORS = ("detector", "photo_detector")  # several of them can be joined


def set_parts(visit, request: gr.Request, similarity, *chosen):
    """Remember how to cast; what is not chosen is done by the weights' own part."""
    *parts, embedder, distance, count = chosen
    with answer(request) as lang:
        names = dict(zip(STAGES, parts, strict=True))
        names |= {stage: JOIN.join(names[stage] or ()) for stage in DETECTORS}
        visitor = with_settings(visit_of(visit), similarity, names, lang)
        return visits.put(with_main_faces(visitor, embedder, distance, count, lang), visit)


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


def with_main_faces(visitor: Visit, embedder, distance, count, lang: str) -> Visit:
    """The visit with another way to choose the main character's faces; each may come from anywhere."""
    if not all(name is None or isinstance(name, str) for name in (embedder, distance)):
        raise WebcastError(label("no_part", lang))
    count = MAIN_FACES if count is None else count
    if type(count) not in (int, float) or not 1 <= count <= MAX_FACES:
        raise WebcastError(label("bad_count", lang, limit=MAX_FACES))
    main = MainFaces(embedder or None, distance or MainFaces.distance, int(count))
    main_embedder(visitor.parts, main)
    return replace(visitor, main=main)


def show_settings(visit):
    """What the visitor chose before, on this page or on another."""
    visitor = visit_of(visit)
    names = {**caster.stages.names, **visitor.parts.chosen}
    shown = {stage: names[stage].split(JOIN) if stage in DETECTORS else names[stage] for stage in STAGES}
    main = visitor.main
    return (
        visitor.similarity or caster.stages.similarity,
        *shown.values(),
        main.embedder or names["embedder"],
        main.distance,
        main.count,
    )


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
            parts = [part_choice(stage) for stage in STAGES]
        gr.Markdown(t("main_hint"))
        with gr.Row():
            embedder, distance = part_choice("embedder", "main_"), part_choice("distance", "main_")
            count = gr.Number(
                MAIN_FACES, label=t("main_count"), minimum=1, maximum=MAX_FACES, precision=0, min_width=300
            )
    chosen = [similarity, *parts, embedder, distance, count]
    demo.load(show_settings, visit, chosen, show_progress="hidden", **PRIVATE)
    timely = [each.input for each in chosen[:-1]] + [count.submit, count.blur]
    return [gr.on(timely, set_parts, [visit, *chosen], visit, **COMPUTED)]


def part_choice(stage: str, used_for: str = "") -> gr.Dropdown:
    """The parts of a stage that are here, for detectors more than one; `used_for` tells two choices apart."""
    here = [part for part in PARTS_HERE[stage] if part.is_here]
    is_detector = stage in DETECTORS
    return gr.Dropdown(
        [(part_label(part.label), part.name) for part in here],
        value=[here[0].name] if is_detector else here[0].name,
        multiselect=is_detector,
        label=t(f"{used_for}{stage}"),
        info=t("detector_info") if is_detector else None,
        min_width=300,
    )
