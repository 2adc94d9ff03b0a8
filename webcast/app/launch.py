"""Joins the pages and the endpoints into `demo`, and serves it."""

import threading
from pathlib import Path

import gradio as gr

from webcast import markup
from webcast.app.blocks import ONE_AT_A_TIME, demo
from webcast.app.endpoints import ENDPOINTS, gallery
from webcast.app.frame import PAGES
from webcast.app.i18n import i18n
from webcast.app.limits import MAX_FILE_MB, MAX_VISITS, MAX_WAITING
from webcast.app.pages.about import lay_out_about
from webcast.app.pages.cast import lay_out_cast_a_page
from webcast.app.pages.compare import lay_out_compare
from webcast.app.pages.draw import lay_out_draw
from webcast.app.pages.episode import lay_out_episode
from webcast.app.pages.gallery import lay_out_gallery
from webcast.app.theme import THEME
from webcast.app.visitor import forget_in_time
from webcast.labels import label

LAY_OUT = {
    "episode": lay_out_episode,
    "draw": lay_out_draw,
    "gallery": lay_out_gallery,
    "compare": lay_out_compare,
    "about": lay_out_about,
}

with demo:
    lay_out_cast_a_page()
    for endpoint in ENDPOINTS:
        gr.api(endpoint, api_name=endpoint.__name__, **ONE_AT_A_TIME)
    gr.api(gallery, api_name="gallery")
for page in PAGES:
    with demo.route(label(f"nav_{page}", "en"), f"/{page}", show_in_navbar=False):
        LAY_OUT[page]()

demo.queue(max_size=MAX_WAITING)


def launch() -> None:
    """Serves the app until it is ended."""
    threading.Thread(target=forget_in_time, daemon=True).start()
    demo.launch(
        theme=THEME,
        css=markup.BALLOT_CSS,
        css_paths=Path(__file__).with_name("style.css"),
        i18n=i18n,
        max_file_size=f"{MAX_FILE_MB}mb",
        state_session_capacity=MAX_VISITS,
        footer_links=["api"],
        mcp_server=True,
        ssr_mode=False,
    )
