"""What stands above and below every page."""

import json
import secrets

import gradio as gr

from webcast.app.blocks import PRIVATE, demo
from webcast.app.i18n import t
from webcast.app.loaded import caster
from webcast.app.work import leave, stop
from webcast.labels import LANGUAGES, label

VISIT_SECRET = secrets.token_urlsafe(16)
PAGES = ("episode", *(("draw",) if caster.stages.drawer else ()), "gallery", "compare", "about")


def open_page(key: str) -> gr.BrowserState:
    """What stands on top of every page; the visit, which the browser remembers from page to page."""
    links = {lang: [[label(f"nav_{page}", lang), page] for page in PAGES] for lang in LANGUAGES}
    bar = gr.Navbar(links["en"], main_page_name=t("nav_page"))
    visit = gr.BrowserState(None, storage_key="webcast-visit", secret=VISIT_SECRET)
    gr.HTML(t(f"header_{key}"))
    titles = {lang: f"{label(f'nav_{key}', lang)} · webcast" for lang in LANGUAGES}
    # Gradio translates what it shows, but neither the bar's links nor the document's language and title.
    script = f"""() => {{
      const lang = navigator.language.startsWith('ko') ? 'ko' : 'en';
      document.documentElement.lang = lang;
      document.title = {json.dumps(titles)}[lang];
      return [{json.dumps(links)}[lang]];
    }}"""
    demo.load(None, None, bar, js=script, **PRIVATE)
    demo.unload(leave)
    return visit


def close_page() -> None:
    """What stands below every page."""
    stopping = gr.Button(t("stop"), variant="stop", size="sm", elem_id="stop")
    stopping.click(stop, None, None, queue=False, **PRIVATE)
    gr.HTML(t("footer"))
