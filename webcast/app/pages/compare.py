"""Compare: every part of a stage on one picture."""

import gradio as gr

from webcast.app import page_markup
from webcast.app.answers import answer, in_words
from webcast.app.blocks import COMPUTED
from webcast.app.compute import compute_columns
from webcast.app.files import read_pages
from webcast.app.frame import close_page, open_page
from webcast.app.i18n import t
from webcast.app.visitor import visit_of
from webcast.app.work import PROGRESS, begin
from webcast.compare import STAGES


def show_comparison(file, stage, visit, request: gr.Request, progress=PROGRESS):
    """The hint (hidden), and what each part of the stage makes of the picture."""
    report = begin(request)
    with answer(request) as lang:
        panels, _ = read_pages([file] if file else [], lang)
        made = compute_columns(stage, panels[0], visit_of(visit), report)
        columns = [
            (in_words(each.label, lang), each.picture, in_words(each.told, lang), each.seconds)
            for each in made
        ]
        return gr.HTML(visible=False), gr.HTML(page_markup.columns(columns, lang), visible=True)


def lay_out_compare() -> None:
    visit = open_page("compare")
    with gr.Row(elem_classes="wc-stage"):
        with gr.Column(scale=5, min_width=320):
            dropped = gr.File(label=t("compare_drop"), file_types=["image"], height=150, elem_id="picture")
            stage = gr.Dropdown(
                [(t(name), name) for name in STAGES], value=STAGES[0], label=t("compare_stage")
            )
            go = gr.Button(t("compare_go"), variant="primary")
        with gr.Column(scale=6, min_width=320):
            hint = gr.HTML(t("hint_compare"))
    made = gr.HTML(visible=False, elem_id="columns")
    again = (show_comparison, [dropped, stage, visit], [hint, made])
    close_page(gr.on([dropped.upload, go.click], *again, show_progress_on=[hint, made], **COMPUTED))
