"""The gallery: who can be cast, where their pictures are from, and actors of the visitor's own."""

from dataclasses import replace
from pathlib import Path

import gradio as gr

from webcast.app import page_markup, page_scripts
from webcast.app.answers import answer, language
from webcast.app.blocks import COMPUTED, PRIVATE, demo
from webcast.app.files import uploaded
from webcast.app.filters import AMONG, checked_filters, without_person
from webcast.app.frame import close_page, open_page
from webcast.app.i18n import GENDER_CHOICES, t
from webcast.app.limits import KEEP_FOR_S, MAX_SHOWN
from webcast.app.own_actors import remember_actors
from webcast.app.settings import lay_out_settings
from webcast.app.visitor import filters_of, people_of, visit_of, visits
from webcast.app.work import PROGRESS, begin
from webcast.errors import WebcastError
from webcast.labels import label


def show_people(search, gender, visit, request: gr.Request):
    """The people that fit the search as pictures, their ids in that order, and what to say about them."""
    lang, visitor = language(request), visit_of(visit)
    actors, faces = people_of(visitor), {}
    for portrait in actors.portraits:
        if portrait.person.id not in visitor.filters.without:
            faces.setdefault(portrait.person, portrait)
    wanted = str(search or "").casefold().strip()
    found = [
        person for person in faces if wanted in person.name.casefold() and gender in (None, "", person.gender)
    ]
    shown = found[:MAX_SHOWN]
    pictures = [(faces[person].image, person.name) for person in shown]
    portraits = sum(portrait.person in faces for portrait in actors.portraits)
    told = label("people_told", lang, count=len(faces), portraits=portraits)
    if len(found) < len(faces) or len(shown) < len(found):
        counts = label("people_shown", lang, shown=len(shown), found=len(found))
        told += f" {counts}" if found else f" {label('nobody_found', lang)}"
    return gr.Gallery(pictures, selected_index=None), [person.id for person in shown], told, ""


def show_person(event: gr.SelectData, shown, visit, request: gr.Request):
    """All portraits of the person who was clicked, with their sources."""
    lang, actors = language(request), people_of(visit_of(visit))
    if event.index not in range(len(shown)):
        return gr.skip()
    mine = [portrait for portrait in actors.portraits if portrait.person.id == shown[event.index]]
    return page_markup.portraits_of(mine[0].person, mine, lang) if mine else gr.skip()


def show_left_out(visit):
    """Who is left out on this visit, with a way back; hidden where that is nobody."""
    visitor = visit_of(visit)
    names, without = (
        [(person.name, person.id) for person in people_of(visitor).people],
        filters_of(visitor).without,
    )
    return gr.Dropdown(names, value=list(without), visible=bool(without))


def leave_out(event: gr.EventData, visit, request: gr.Request):
    with answer(request) as lang:
        person = event._data.get("person") if isinstance(event._data, dict) else None
        return visits.put(without_person(visit_of(visit), person, lang), visit)


def set_left_out(without, visit, request: gr.Request):
    with answer(request) as lang:
        chosen = visit_of(visit).filters
        ages = chosen.youngest, chosen.oldest
        filters = checked_filters(chosen.gender, *ages, list(chosen.shortlist), without, lang)
        return visits.put(replace(visit_of(visit), filters=filters), visit)


def show_sources(visit, request: gr.Request):
    """Among whom is cast, the choice where there is one, and where the portraits are from."""
    lang, visitor = language(request), visit_of(visit)
    actors = people_of(visitor)
    key = f"{visitor.among if visitor.own else 'gallery'}_told"
    counts = {"people": len(actors.people), "portraits": len(actors.portraits)}
    told = label(key, lang, **counts, name=actors.name, revision=actors.revision)
    choice = gr.Radio(value=visitor.among, visible=visitor.own is not None)
    return told, choice, page_markup.sources(actors.portraits, lang)


def set_among(among, visit):
    return visits.put(replace(visit_of(visit), among=among), visit) if among in AMONG else visit


def use_actors(files, visit, request: gr.Request, progress=PROGRESS):
    """A gallery of the visitor's own portraits, from loose photos or a ZIP."""
    files = [(file, Path(file).name) for file in files or []]
    return remember_actors(files, visit, request, None, begin(request))


def use_folder(event: gr.EventData, visit, request: gr.Request, progress=PROGRESS):
    """The same from a folder, whose files the page uploads with their names inside it."""
    sent = event._data.get("files") if isinstance(event._data, dict) else None
    with answer(request) as lang:
        if not isinstance(sent, list) or not all(isinstance(file, dict) for file in sent):
            raise WebcastError(label("no_folder", lang))
        paths = uploaded(sent)
    files = [(path, str(file.get("name"))) for path, file in zip(paths, sent, strict=True)]
    return remember_actors(files, visit, request, None, begin(request))


def lay_out_gallery() -> None:
    visit = open_page("gallery")
    shown = gr.State([], time_to_live=KEEP_FOR_S)
    told = gr.Markdown(elem_id="among")
    among = gr.Radio([(t(f"among_{name}"), name) for name in AMONG], label=t("among"), visible=False)
    with gr.Row():
        search = gr.Textbox(label=t("search"), placeholder=t("search_hint"), elem_id="search", scale=2)
        gender = gr.Radio(GENDER_CHOICES, value="", label=t("gender"), scale=3)
    counted = gr.Markdown(elem_id="counted")
    people = gr.Gallery(
        label=t("people"),
        show_label=False,
        columns=6,
        height="auto",
        object_fit="cover",
        format="jpeg",
        allow_preview=False,
        buttons=[],
        interactive=False,
        elem_id="people",
    )
    person = gr.HTML(js_on_load=page_scripts.PERSON, elem_id="person")
    left_out = gr.Dropdown(
        [], multiselect=True, label=t("left_out"), info=t("left_out_info"), visible=False, elem_id="left-out"
    )
    with gr.Accordion(t("own_actors"), open=False, elem_id="own-actors"):
        gr.Markdown(t("own_hint"))
        portraits = gr.File(label=t("own_drop"), file_count="multiple", height=140, elem_id="portraits")
        folder = gr.HTML(t("folder"), js_on_load=page_scripts.FOLDER, elem_id="portrait-folder")
    lay_out_settings(visit)
    origins = gr.HTML(elem_id="sources")

    browse = (show_people, [search, gender, visit], [people, shown, counted, person])
    where = (show_sources, visit, [told, among, origins])
    gone = (show_left_out, visit, left_out)
    gr.on([search.change, gender.input], *browse, show_progress="hidden", **PRIVATE)
    people.select(show_person, [shown, visit], person, show_progress="hidden", **PRIVATE)
    added = [
        portraits.upload(use_actors, [portraits, visit], visit, show_progress_on=[people], **COMPUTED),
        folder.upload(use_folder, visit, visit, show_progress_on=[people], **COMPUTED),
    ]
    close_page(*added)
    changed = [
        *added,
        among.input(set_among, [among, visit], visit, **PRIVATE),
        person.edit(leave_out, visit, visit, **PRIVATE),
        left_out.input(set_left_out, [left_out, visit], visit, **PRIVATE),
    ]
    for event in changed:
        shown_again = event.success(*browse, show_progress_on=[people], **PRIVATE)
        for follows in (where, gone):
            shown_again.then(*follows, show_progress="hidden", **PRIVATE)
    demo.load(*browse, show_progress_on=[people], **PRIVATE)
    for also in (where, gone):
        demo.load(*also, show_progress="hidden", **PRIVATE)
