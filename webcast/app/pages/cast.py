"""Cast a page: drop it, pick the face, keep the sheet."""

import json
from dataclasses import replace
from html import escape

import gradio as gr
from PIL import ImageOps

from webcast import markup
from webcast.app import page_markup, page_scripts
from webcast.app.answers import answer, warn
from webcast.app.blocks import COMPUTED, KEEP
from webcast.app.compute import compute, compute_main_faces
from webcast.app.faces import choose, find_faces
from webcast.app.filters import checked_gender, lay_out_filters
from webcast.app.frame import close_page, open_page
from webcast.app.i18n import GENDER_MARKS, t
from webcast.app.limits import HEAD_PX, KEEP_FOR_S, MAX_FACES
from webcast.app.loaded import EXAMPLES, stages_with
from webcast.app.settings import lay_out_settings
from webcast.app.visitor import visit_of
from webcast.app.work import PROGRESS, begin
from webcast.errors import WebcastError
from webcast.images import fit
from webcast.labels import label
from webcast.sheet import draw_sheet
from webcast.types import Panel
from webcast.words import firmness_in_words, headline


def show_pages(files, visit, request: gr.Request, progress=PROGRESS):
    """From dropped files to the result: first the page with its faces boxed, then the cast."""
    report = begin(request)
    with answer(request) as lang:
        stages = stages_with(visit_of(visit).parts)
        faces, panels, notices = find_faces(files, stages, lang, report)
        warn(notices)
        largest = max(range(len(faces)), key=lambda index: faces[index].box.area)
        page = page_markup.pages(panels, faces, largest, lang)
        # The pages are shown already; to remember every visit's, or large heads, would fill the memory.
        crops = [fit(face.crop, HEAD_PX) for face in faces]
        faces = [
            replace(face, crop=crop, panel=Panel(crop, face.panel.name))
            for face, crop in zip(faces, crops, strict=True)
        ]
        unsaid = gr.Radio(value="", visible=True)
        found = faces, [largest], page, *together_buttons(faces, visit, lang), unsaid
        yield *found, *[gr.skip()] * 4
        yield *[gr.skip()] * len(found), *show_cast(faces, [largest], "", visit, lang, report)


def show_example(event: gr.SelectData, visit, request: gr.Request, progress=PROGRESS):
    with answer(request) as lang:
        if event.index not in range(len(EXAMPLES)):
            raise WebcastError(label("no_example", lang))
    yield from show_pages([str(EXAMPLES[event.index])], visit, request, progress)


def show_choice(event: gr.SelectData, faces, visit, request: gr.Request, progress=PROGRESS):
    """Another face, of whom nobody has said the gender yet."""
    with answer(request) as lang:
        return [event.index], "", *show_cast(faces, [event.index], "", visit, lang, begin(request))


def show_all(faces, gender, visit, request: gr.Request, progress=PROGRESS):
    everyone = list(range(len(faces)))
    with answer(request) as lang:
        return everyone, *show_cast(faces, everyone, gender, visit, lang, begin(request))


def show_main(faces, chosen, gender, visit, request: gr.Request, progress=PROGRESS):
    """The faces most like the chosen one; like the densest, where several are chosen."""
    report = begin(request)
    with answer(request) as lang:
        choose(faces, chosen, lang)
        reference = chosen[0] if len(chosen) == 1 else None
        main = compute_main_faces(faces, reference, visit_of(visit))
        return main, *show_cast(faces, main, gender, visit, lang, report)


def show_again(faces, chosen, gender, visit, request: gr.Request, progress=PROGRESS):
    """The same faces after a setting was changed; nothing where there is no page yet."""
    if not faces:
        return (gr.skip(),) * 6
    with answer(request) as lang:
        shown = show_cast(faces, chosen, gender, visit, lang, begin(request))
        return *together_buttons(faces, visit, lang), *shown


def show_cast(faces, chosen, gender, visit, lang, report):
    """What the result fills: the hint (hidden), the sheet, the slider, and how each face voted."""
    result = compute(choose(faces, chosen, lang), visit_of(visit), checked_gender(gender, lang), report)
    first = result.ballots[0]
    both = tuple(ImageOps.fit(image, (512, 512)) for image in (first.face.crop, first.realized))
    numbers = [index + 1 for index in dict.fromkeys(chosen)]
    told = f"{headline(result, lang)}: {firmness_in_words(result, lang)}"
    sheet = gr.Image(draw_sheet(result, lang), visible=True)
    card = (
        f'<p class="wc-told" role="status" data-chosen="{json.dumps(chosen)}">{escape(told)}</p>'
        f"{markup.notices(result, lang)}{markup.ballots(result, lang, numbers)}"
    )
    return gr.HTML(visible=False), sheet, gr.ImageSlider(both, visible=True), gr.HTML(card, visible=True)


def together_buttons(faces, visit, lang: str) -> tuple[gr.Button, gr.Button]:
    """All faces as one character, and those of the main one alone."""
    count, most = len(faces), visit_of(visit).main.count
    everyone = gr.Button(label("all_faces", lang, count=count), visible=1 < count <= MAX_FACES)
    return everyone, gr.Button(label("main_faces", lang, count=most), visible=most < count)


def lay_out_cast_a_page() -> None:
    visit = open_page("page")
    faces_found = gr.State([], time_to_live=KEEP_FOR_S)
    faces_chosen = gr.State([], time_to_live=KEEP_FOR_S)
    with gr.Row(elem_classes="wc-stage"):
        with gr.Column(scale=5, min_width=320):
            dropped = gr.File(
                label=t("page_drop"),
                file_count="multiple",
                file_types=["image"],
                height=150,
                elem_id="pages",
            )
            examples = gr.HTML(t("examples"), js_on_load=page_scripts.EXAMPLE, elem_id="examples")
            character = gr.Radio(
                GENDER_MARKS, value="", label=t("character"), visible=False, elem_id="character"
            )
            page_view = gr.HTML(js_on_load=page_scripts.CHOOSE, elem_id="faces")
            all_faces = gr.Button(visible=False, elem_id="all-faces")
            main_faces = gr.Button(visible=False, elem_id="main-faces")
        with gr.Column(scale=6, min_width=320, elem_id="result"):
            hint = gr.HTML(t("hint_page"))
            sheet_view = gr.Image(
                label=t("sheet"),
                show_label=False,
                visible=False,
                format="png",
                interactive=False,
                buttons=KEEP,
                elem_id="sheet",
            )
            slider = gr.ImageSlider(
                label=t("slider"),
                visible=False,
                interactive=False,
                max_height=360,
                buttons=KEEP,
                elem_id="slider",
            )
    ballots_view = gr.HTML(visible=False, js_on_load=page_scripts.CHOSEN, elem_id="ballots")
    changed, _ = lay_out_filters(visit)
    changed += lay_out_settings(visit)

    found = [faces_found, faces_chosen, page_view, all_faces, main_faces, character]
    result = [hint, sheet_view, slider, ballots_view]
    again = (show_again, [faces_found, faces_chosen, character, visit], [all_faces, main_faces, *result])
    shown = {"show_progress_on": [hint, sheet_view], **COMPUTED}
    main = [faces_found, faces_chosen, character, visit]
    close_page(
        dropped.upload(show_pages, [dropped, visit], [*found, *result], **shown),
        examples.select(show_example, visit, [*found, *result], **shown),
        page_view.select(show_choice, [faces_found, visit], [faces_chosen, character, *result], **shown),
        all_faces.click(show_all, [faces_found, character, visit], [faces_chosen, *result], **shown),
        main_faces.click(show_main, main, [faces_chosen, *result], **shown),
        character.input(*again, **shown),
        *(event.success(*again, **shown) for event in changed),
    )
