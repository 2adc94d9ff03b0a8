"""Who may be cast: what a visitor chooses on any page holds on all of them."""

from dataclasses import replace

import gradio as gr

from webcast.app.answers import answer
from webcast.app.blocks import PRIVATE, demo
from webcast.app.i18n import GENDER_CHOICES, t
from webcast.app.visitor import Visit, filters_of, people_of, visit_of, visits
from webcast.caster import GENDERS
from webcast.errors import WebcastError
from webcast.labels import label
from webcast.selection import Filters

AMONG = ("own", "gallery", "both")


def checked_gender(gender: object, lang: str) -> str | None:
    if gender not in (None, "", *GENDERS):
        raise WebcastError(label("bad_filter", lang))
    return gender or None


def checked_filters(gender, youngest, oldest, shortlist, without, lang: str) -> Filters:
    """The filters, each of which may come from anywhere."""
    ages = [None if age in (None, "") else age for age in (youngest, oldest)]
    lists = [[] if ids is None else ids for ids in (shortlist, without)]
    gender = checked_gender(gender, lang)
    fits = all(age is None or (type(age) in (int, float) and 0 <= age <= 200) for age in ages)
    if not fits or not all(type(ids) is list and all(type(id) is str for id in ids) for ids in lists):
        raise WebcastError(label("bad_filter", lang))
    return Filters(gender, *(None if age is None else int(age) for age in ages), *map(tuple, lists))


def without_person(visitor: Visit, person: object, lang: str) -> Visit:
    """The visit without somebody of those who can be cast."""
    if person not in [each.id for each in people_of(visitor).people]:
        raise WebcastError(label("nobody_found", lang))
    without = dict.fromkeys((*visitor.filters.without, person))
    return replace(visitor, filters=replace(visitor.filters, without=tuple(without)))


def set_filters(visit, request: gr.Request, gender, youngest, oldest, shortlist, without):
    with answer(request) as lang:
        filters = checked_filters(gender, youngest, oldest, shortlist, without, lang)
        return visits.put(replace(visit_of(visit), filters=filters), visit)


def show_filters(visit):
    """What the visitor chose before, on this page or on another; the lists name whom they cast among."""
    visitor = visit_of(visit)
    filters, people = filters_of(visitor), people_of(visitor).people
    have_ages = any(person.born for person in people)
    ages = [
        gr.Number(age, visible=have_ages or age is not None) for age in (filters.youngest, filters.oldest)
    ]
    names = [(person.name, person.id) for person in people]
    lists = [gr.Dropdown(names, value=list(ids)) for ids in (filters.shortlist, filters.without)]
    return filters.gender or "", *ages, *lists


def lay_out_filters(visit: gr.BrowserState) -> tuple[list, gr.Dropdown]:
    """Who may be cast; the events after which that has changed, and the list of people left out."""
    with gr.Accordion(t("filters"), open=False, elem_id="filters"):
        with gr.Row():
            gender = gr.Radio(GENDER_CHOICES, value="", label=t("filter_gender"), min_width=220)
            youngest = gr.Number(label=t("youngest"), minimum=0, maximum=200, precision=0, min_width=120)
            oldest = gr.Number(label=t("oldest"), minimum=0, maximum=200, precision=0, min_width=120)
        with gr.Row():
            shortlist, without = (
                gr.Dropdown([], multiselect=True, label=t(key), elem_id=key)
                for key in ("shortlist", "without")
            )
    chosen = [gender, youngest, oldest, shortlist, without]
    demo.load(show_filters, visit, chosen, show_progress="hidden", **PRIVATE)
    timely = [gender.input, youngest.submit, youngest.blur, oldest.submit, oldest.blur]
    timely += [shortlist.input, without.input]
    return [gr.on(timely, set_filters, [visit, *chosen], visit, **PRIVATE)], without
