"""Actors of the visitor's own, for the page and for the endpoint."""

import tempfile
from dataclasses import replace
from html import escape
from pathlib import Path

import gradio as gr

from webcast.app.answers import answer, in_words
from webcast.app.compute import compute_gallery
from webcast.app.visitor import visit_of, visits
from webcast.labels import label
from webcast.unpack import unpack_portraits


def remember_actors(files, visit, request, asked_lang, report) -> str:
    """Remembers a gallery as long as the visit; the visit's token."""
    with tempfile.TemporaryDirectory() as private, answer(request, asked_lang, f"{private}/") as lang:
        folder = Path(private) / label("own_actors", lang)
        folder.mkdir()
        unpack_portraits(files, folder)
        actors, notices = compute_gallery(folder, visit_of(visit), report)
        notices = [in_words(notice, lang) for notice in notices]
    for notice in notices:
        gr.Info(escape(notice, quote=False))
    return visits.put(replace(visit_of(visit), own=actors, among="own"), visit)
