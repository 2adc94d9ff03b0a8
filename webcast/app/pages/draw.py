"""Draw a photo: the way back, where there are weights for it."""

import gradio as gr
from PIL import ImageOps

from webcast.app.answers import answer
from webcast.app.blocks import COMPUTED, KEEP
from webcast.app.compute import compute_drawings
from webcast.app.files import read_pages
from webcast.app.frame import close_page, open_page
from webcast.app.i18n import t
from webcast.app.loaded import caster
from webcast.app.work import PROGRESS, begin


def show_drawing(file, request: gr.Request, progress=PROGRESS):
    """The hint (hidden), the photo's head beside its drawing, and the drawing to keep."""
    report = begin(request)
    with answer(request) as lang:
        panels, _ = read_pages([file] if file else [], lang)
        report("draw", 0, 1)
        (drawing,) = compute_drawings(panels)
        head = ImageOps.fit(caster.stages.head(panels[0]), drawing.size)
    both = gr.ImageSlider((head, drawing), visible=True)
    return gr.HTML(visible=False), both, gr.Image(drawing, visible=True)


def lay_out_draw() -> None:
    open_page("draw")
    with gr.Row(elem_classes="wc-stage"):
        with gr.Column(scale=5, min_width=320):
            dropped = gr.File(label=t("draw_drop"), file_types=["image"], height=150, elem_id="photo")
        with gr.Column(scale=6, min_width=320):
            hint = gr.HTML(t("hint_draw"))
            slider = gr.ImageSlider(
                label=t("draw_slider"),
                visible=False,
                interactive=False,
                max_height=480,
                buttons=KEEP,
                elem_id="both",
            )
            drawing = gr.Image(
                label=t("drawing"),
                visible=False,
                format="png",
                interactive=False,
                buttons=KEEP,
                elem_id="drawing",
            )
    shown = [hint, slider, drawing]
    close_page(dropped.upload(show_drawing, dropped, shown, show_progress_on=[hint, slider], **COMPUTED))
