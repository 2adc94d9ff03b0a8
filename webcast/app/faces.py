"""The faces of the pages that came in, and those of them that were chosen."""

from collections.abc import Sequence

from webcast.app.files import read_pages
from webcast.app.limits import MAX_FACES, MAX_PAGES
from webcast.caster import Stages
from webcast.errors import WebcastError
from webcast.labels import label
from webcast.types import Face, Panel


def find_faces(
    paths: Sequence[str], stages: Stages, lang: str, report=None
) -> tuple[list[Face], list[Panel], list[str]]:
    """All faces of the pages in order, each page's largest first; the pages; what was left out."""
    if not paths:
        raise WebcastError(label("no_page", lang))
    if len(paths) > MAX_PAGES:
        raise WebcastError(label("too_many_pages", lang, count=len(paths), limit=MAX_PAGES))
    panels, notices = read_pages(paths, lang)
    faces = []
    for done, panel in enumerate(panels):
        if report:
            report("detect", done, len(panels))
        found = stages.detect(panel)
        if not found:
            notices.append(label("no_face_on", lang, page=panel.name))
        faces += found
    if not faces:
        raise WebcastError(label("no_face", lang))
    return faces, panels, notices


def choose(faces: Sequence[Face], indices: Sequence[int], lang: str) -> list[Face]:
    """The faces of those indices, once each. Whatever came over HTTP may be in `indices`."""
    if not faces:
        raise WebcastError(label("no_page", lang))
    for index in indices:
        if type(index) is not int or not 0 <= index < len(faces):
            raise WebcastError(label("no_such_face", lang, index=repr(index), last=len(faces) - 1))
    chosen = [faces[index] for index in dict.fromkeys(indices)]
    if not chosen:
        raise WebcastError(label("no_choice", lang))
    if len(chosen) > MAX_FACES:
        raise WebcastError(label("too_many_faces", lang, count=len(chosen), limit=MAX_FACES))
    return chosen
