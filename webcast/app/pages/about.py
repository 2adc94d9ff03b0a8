"""About: which weights, which gallery, their cards and limits."""

import gradio as gr

from webcast.app.frame import close_page, open_page
from webcast.app.i18n import t
from webcast.app.loaded import CARDS


def lay_out_about() -> None:
    open_page("about")
    gr.Markdown(t("about"), elem_id="about")
    for key, card in zip(("card_weights", "card_gallery"), CARDS, strict=True):
        with gr.Accordion(t(key), open=False):
            gr.Markdown(card or t("no_card"), elem_classes="wc-card")
    close_page()
