"""The Gradio app, which the pages and the endpoints are laid into, and how their events run."""

import gradio as gr

from webcast.app.limits import CLEAN_EVERY_S, KEEP_FOR_S

demo = gr.Blocks(
    title="webcast", analytics_enabled=False, delete_cache=(CLEAN_EVERY_S, KEEP_FOR_S), fill_width=True
)
ONE_AT_A_TIME = {"concurrency_id": "compute", "concurrency_limit": 1}
PRIVATE = {"api_visibility": "private"}
COMPUTED = {**PRIVATE, **ONE_AT_A_TIME}
KEEP = ["download", "fullscreen"]  # the buttons of a picture
