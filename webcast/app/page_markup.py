"""The pieces of HTML that the app's pages are made of; every word of a stranger is escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from secrets import token_hex

from PIL import Image

from webcast.images import open_image
from webcast.labels import LABELS, LANGUAGES, label
from webcast.markup import data_uri, picture
from webcast.types import Face, Panel, Person, Portrait

PAGES_WITH_STEPS = ("page", "draw", "compare", "episode")


def page_words(
    filled: Mapping[str, object], notices: Sequence[str], example_pages: Sequence[Path]
) -> dict[str, dict[str, str]]:
    """For each language all labels, and the pieces of HTML that are made of them alone.

    `filled` is what the labels' places get: the app's limits and sources.
    """
    filled = {key: escape(value) if isinstance(value, str) else value for key, value in filled.items()}
    return {lang: _words(lang, filled, notices, example_pages) for lang in LANGUAGES}


def _words(
    lang: str, filled: Mapping, notices: Sequence[str], example_pages: Sequence[Path]
) -> dict[str, str]:
    words = {key: label(key, lang) for key in LABELS}
    for key in ("foot_limits", "foot_private", "foot_sources", "episode_kept"):
        words[key] = label(key, lang, **filled)
    words["about"] = label("about", lang, private=words["foot_private"], limits=words["foot_limits"])
    words["header_page"] = header("webcast", words["tagline"])
    for key in LABELS:
        if key.startswith("lead_"):
            page = key.removeprefix("lead_")
            words[f"header_{page}"] = header(words[f"nav_{page}"], words[key])
    for page in PAGES_WITH_STEPS:
        words[f"hint_{page}"] = f'<div class="wc-hint">{words[f"{page}_hint"]}</div>'
    words["examples"] = examples(example_pages, lang)
    words["folder"] = (
        f'<label class="wc-folder">{words["own_folder"]}<input type="file" webkitdirectory multiple></label>'
    )
    words["footer"] = footer(words, notices)
    return words


def header(title: str, lead: str) -> str:
    return f'<header class="wc-header"><h1>{title}</h1><p>{lead}</p></header>'


def footer(words: Mapping[str, str], notices: Sequence[str]) -> str:
    """Where results come from, what is allowed, and what becomes of the pictures."""
    warned = "".join(f"<p><b>{escape(notice)}</b></p>" for notice in notices)
    told = "".join(
        f"<p>{words[key]}</p>" for key in ("foot_likeness", "foot_sources", "foot_limits", "foot_private")
    )
    return f'<footer class="wc-footer">{warned}{told}</footer>'


def stopped(lang: str) -> str:
    """That work was ended as asked; it fades, and no two are alike, so that each is shown anew."""
    return (
        f'<p class="wc-stopped" role="status" data-one="{token_hex(4)}">{escape(label("stopped", lang))}</p>'
    )


def examples(paths: Sequence[Path], lang: str) -> str:
    """A button with a picture for each example page."""
    buttons = ""
    for index, path in enumerate(paths):
        name = label(f"example_{path.stem}", lang) if f"example_{path.stem}" in LABELS else path.stem
        picture = data_uri(open_image(path), (400, 400))
        buttons += (
            f'<button type="button" data-example="{index}">'
            f'<img alt="{label("example_alt", lang)}" src="{picture}"><span>{escape(name)}</span></button>'
        )
    return f'<p class="wc-told">{label("page_examples", lang)}</p><div class="wc-examples">{buttons}</div>'


def pages(panels: Sequence[Panel], faces: Sequence[Face], chosen: int, lang: str) -> str:
    """The pages one below the other, with a button over each face."""
    buttons: dict[Panel, str] = dict.fromkeys(panels, "")
    for index, face in enumerate(faces):
        buttons[face.panel] += face_button(index, face, index == chosen, lang)
    shown = ""
    for panel, inside in buttons.items():
        picture = data_uri(panel.image, (900, 30000))
        shown += f'<div class="wc-page"><img alt="{escape(panel.name)}" src="{picture}">{inside}</div>'
    told = label("found_one", lang) if len(faces) == 1 else label("found_many", lang, count=len(faces))
    return f'<p class="wc-told" role="status">{told}</p><div class="wc-pages">{shown}</div>'


def face_button(index: int, face: Face, is_chosen: bool, lang: str) -> str:
    width, height, box = *face.panel.image.size, face.box
    place = (
        f"left:{100 * box.x0 / width:.2f}%;top:{100 * box.y0 / height:.2f}%;"
        f"width:{100 * box.width / width:.2f}%;height:{100 * box.height / height:.2f}%"
    )
    told = escape(label("face_button", lang, number=index + 1, page=face.panel.name))
    return (
        f'<button type="button" class="wc-face" data-face="{index}" aria-pressed="{str(is_chosen).lower()}" '
        f'aria-label="{told}" style="{place}"><span>{index + 1}</span></button>'
    )


def portraits_of(person: Person, portraits: Sequence[Portrait], lang: str) -> str:
    """Every portrait of one person with its source and licence, and a way to leave them out."""
    name = escape(person.name)
    items = ""
    for portrait in portraits:
        origin = ", ".join(part for part in (portrait.source, portrait.licence) if part)
        told = escape(origin or label("no_origin", lang))
        alt = escape(label("portraits_of", lang, name=person.name))
        items += (
            f'<li><figure><img alt="{alt}" src="{data_uri(portrait.image, (320, 320))}">'
            f"<figcaption><small>{told}</small></figcaption></figure></li>"
        )
    told = escape(label("leave_person", lang, name=person.name))
    out = f'<button type="button" data-do="without" data-person="{escape(person.id)}">{told}</button>'
    return (
        f'<article class="wc-ballot"><h3>{name}</h3><ul class="wc-nearest">{items}</ul>'
        f'<p class="wc-buttons">{out}</p></article>'
    )


def sources(portraits: Sequence[Portrait], lang: str) -> str:
    """How many portraits come from where, under which licence."""
    each = Counter((portrait.source, portrait.licence) for portrait in portraits)
    unsaid = label("not_said", lang)
    rows = "".join(
        f"<tr><td>{escape(source or unsaid)}</td><td>{escape(licence or unsaid)}</td><td>{count}</td></tr>"
        for (source, licence), count in each.most_common(50)
    )
    head = "".join(f"<th>{label(key, lang)}</th>" for key in ("source", "licence", "portraits"))
    return (
        f'<table class="wc-table"><caption>{label("sources", lang)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def columns(made: Sequence[tuple[str, Image.Image | None, str, float]], lang: str) -> str:
    """Parts of a stage side by side: (label, picture or None, what is told of it, seconds) each.

    Those without a picture are listed below, with what they lack.
    """
    cards, missing = "", ""
    for name, image, told, seconds in made:
        if image is None:
            missing += f"<li><b>{escape(name)}</b> <small>{escape(told)}</small></li>"
            continue
        alt = label("compare_of", lang, part=name)
        took = label("compare_took", lang, seconds=f"{seconds:.2f}")
        cards += (
            f'<figure class="wc-column">{picture(image, alt, (900, 3000))}<figcaption><b>{escape(name)}</b>'
            f"<span>{escape(told)}</span><small>{took}</small></figcaption></figure>"
        )
    lacking = f"<details><summary>{label('compare_missing', lang)}</summary><ul>{missing}</ul></details>"
    return f'<div class="wc-columns">{cards}</div>{lacking if missing else ""}'
