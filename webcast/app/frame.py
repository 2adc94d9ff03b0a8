"""What stands above and below every page."""

import json
import secrets

import gradio as gr
from gradio.events import Dependency

from webcast.app import page_scripts
from webcast.app.blocks import PRIVATE, demo
from webcast.app.i18n import t
from webcast.app.limits import MAX_FILE_MB
from webcast.app.loaded import caster
from webcast.app.work import leave, stop
from webcast.labels import LANGUAGES, label

VISIT_SECRET = secrets.token_urlsafe(16)
PAGES = ("episode", *(("draw",) if caster.stages.drawer else ()), "gallery", "compare", "about")


# Of pictures and links that Gradio leaves nameless, by a selector, what they are called by a label.
NAMES = {
    "#sheet img": "sheet",
    "#drawing img": "drawing",
    "#slider img": "slider",
    "#both img": "draw_slider",
    "a.download-link": "download",
}


def open_page(key: str) -> gr.BrowserState:
    """What stands on top of every page; the visit, which the browser remembers from page to page."""
    words = {lang: browser_words(key, lang) for lang in LANGUAGES}
    bar = gr.Navbar(words["en"]["links"], main_page_name=t("nav_page"))
    visit = gr.BrowserState(None, storage_key="webcast-visit", secret=VISIT_SECRET)
    gr.HTML(t(f"header_{key}"))
    script = page_scripts.OPEN.replace("WORDS", json.dumps(words))
    demo.load(None, None, bar, js=script, **PRIVATE)
    demo.unload(leave)
    return visit


def browser_words(key: str, lang: str) -> dict[str, object]:
    """What `page_scripts.OPEN` puts into the page."""
    return {
        "title": f"{label(f'nav_{key}', lang)} · webcast",
        "links": [[label(f"nav_{page}", lang), page] for page in PAGES],
        "names": {where: label(name, lang) for where, name in NAMES.items()},
        "failed": label("failed", lang),
        "wrong_kind": label("wrong_kind", lang, file="{file}"),
        "too_large": label("too_large", lang, file="{file}", limit=MAX_FILE_MB),
    }


def close_page(*long_work: Dependency) -> None:
    """What stands below every page; its button ends the page's long work, begun or still in the queue."""
    stopping = gr.Button(t("stop"), variant="stop", size="sm", elem_id="stop")
    stopped = gr.HTML(elem_id="stopped")
    ends = {"cancels": list(long_work), "show_progress": "hidden", **PRIVATE}
    stopping.click(stop, None, stopped, queue=False, **ends)
    gr.HTML(t("footer"))
