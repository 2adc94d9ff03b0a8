"""The work that a session waits for: its progress, and its end when somebody stops it or goes away."""

import secrets
from dataclasses import dataclass

import gradio as gr

from webcast.app import page_markup
from webcast.app.answers import language
from webcast.app.limits import MAX_EPISODE_FACES
from webcast.errors import WebcastError
from webcast.labels import LABELS, label

PROGRESS = gr.Progress()  # Gradio shows progress for the functions that have one among their defaults
at_work: dict[str, str] = {}  # the work that each session waits for; another one, or none, ends it


@dataclass(frozen=True)
class Report:
    """Names the stage to whoever waits for it, and ends the work once they asked to stop or went away."""

    lang: str
    session: str = ""
    work: str | None = None  # None: what a program asked for goes on to its end

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self.work and at_work.get(self.session) != self.work:
            raise WebcastError(label("stopped", self.lang))
        if stage == "embed faces" and total > MAX_EPISODE_FACES:
            raise WebcastError(label("too_many_seen", self.lang, count=total, limit=MAX_EPISODE_FACES))
        key = f"stage_{stage}"
        PROGRESS((done, total), desc=label(key, self.lang) if key in LABELS else stage, unit="")


def begin(request: gr.Request) -> Report:
    """The report of new work, which ends what this session waited for before."""
    report = Report(language(request), request.session_hash, secrets.token_hex(8))
    at_work[report.session] = report.work
    return report


def stop(request: gr.Request) -> str:
    """Ends the work that the session waits for, and says so: the queue no longer tells that page anything."""
    leave(request)
    return page_markup.stopped(language(request))


def leave(request: gr.Request) -> None:
    at_work.pop(request.session_hash, None)
