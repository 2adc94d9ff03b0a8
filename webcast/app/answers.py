"""How the server answers: in which language, and a mistake as its sentence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape

import gradio as gr

from webcast.app.loaded import caster
from webcast.errors import WebcastError
from webcast.korean import said
from webcast.labels import LANGUAGES, label, preferred


def language(request: gr.Request) -> str:
    return preferred(request.headers.get("accept-language"))


def in_words(sentence: str, lang: str, hide: str = "") -> str:
    """A sentence of the library in that language, without the words to hide and the folder of the weights."""
    for private in (hide, f"{caster.stages.folder}/"):
        sentence = sentence.replace(private, "")
    return said(sentence, lang)


@contextmanager
def answer(request: gr.Request, asked: str | None = None, hide: str = "") -> Iterator[str]:
    """The language to answer in: the one asked for, or the request's.

    A user's mistake is shown as its sentence, without a traceback and without the words to hide.
    """
    lang = language(request) if asked is None else asked
    if lang not in LANGUAGES:
        raise gr.Error(f"There is no language {lang!r}; choose en or ko.", print_exception=False)
    try:
        yield lang
    except WebcastError as error:
        told = escape(in_words(str(error), lang, hide), quote=False)
        raise gr.Error(told, title=label("failed", lang), print_exception=False) from None


def warn(notices: Sequence[str]) -> None:
    for notice in notices:
        gr.Warning(escape(notice, quote=False))
