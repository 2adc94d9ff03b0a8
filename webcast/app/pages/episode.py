"""Cast an episode: drop it, put its characters right, keep the cast."""

from dataclasses import replace
from pathlib import Path

import gradio as gr

from webcast import edits
from webcast.app import episode_page, page_scripts
from webcast.app.answers import answer
from webcast.app.blocks import COMPUTED, KEEP, demo
from webcast.app.compute import compute_maps
from webcast.app.episodes import cast_cards, cast_files, last_cast, part_of, remember_cast, sent_pages
from webcast.app.filters import lay_out_filters, without_person
from webcast.app.frame import close_page, open_page
from webcast.app.i18n import t
from webcast.app.loaded import EXAMPLES
from webcast.app.settings import lay_out_settings
from webcast.app.visitor import Visit, episodes, visit_of, visits
from webcast.app.work import PROGRESS, Report, begin
from webcast.intake import find_pages


def show_episode(files, visit, request: gr.Request, progress=PROGRESS):
    """From dropped files to the cast and the characters."""
    with answer(request) as lang:
        pages = sent_pages([(file, Path(file).name) for file in files or []], lang)
        return show_parts(pages, visit_of(visit), visit, lang, begin(request))


def show_example_episode(visit, request: gr.Request, progress=PROGRESS):
    with answer(request) as lang:
        pages = [(str(path), path.name) for path in EXAMPLES]
        return show_parts(pages, visit_of(visit), visit, lang, begin(request))


def show_edited(event: gr.EventData, visit, request: gr.Request, progress=PROGRESS):
    """After an edit everything follows; what has not changed is not computed again."""
    with answer(request) as lang:
        visitor = visit_of(visit)
        episode = edits.apply(last_cast(visitor, lang).episode, event._data)
        return show_parts(episode, visitor, visit, lang, begin(request))


def show_without(event: gr.EventData, visit, request: gr.Request, progress=PROGRESS):
    """The cast without a person who was clicked; also whom the filters leave out now."""
    with answer(request) as lang:
        visitor = visit_of(visit)
        person = event._data.get("person") if isinstance(event._data, dict) else None
        visitor = without_person(visitor, person, lang)
        token, *shown = show_parts(last_cast(visitor, lang).episode, visitor, visit, lang, begin(request))
    token = visits.put(replace(visit_of(token), filters=visitor.filters), token)
    return token, *shown, list(visitor.filters.without)


def show_episode_again(visit, request: gr.Request, progress=PROGRESS):
    """The same episode after a setting was changed, or on another visit to the page; or nothing."""
    visitor = visit_of(visit)
    known = episodes.get(visitor.episode)
    if known is None:
        return (gr.skip(),) * 9
    with answer(request) as lang:
        return show_parts(known.episode, visitor, visit, lang, begin(request))


def show_parts(pages, visitor: Visit, visit: object, lang: str, report: Report):
    """What an episode fills: visit, hint, cast, characters, faces left out, what to keep, and why."""
    if isinstance(pages, list):
        report("detect", 0, len(find_pages(pages)))
    cast, visit = remember_cast(pages, visitor, visit, report)
    parts = episode_page.cast_cards(cast, lang)
    characters = episode_page.characters(cast.episode, lang)
    left = episode_page.left_faces(cast.episode, lang)
    kept = gr.Group(visible=True), gr.File(visible=False), gr.Gallery(visible=False)
    return visit, gr.HTML(visible=False), parts, characters, left, *kept, ""


def show_why(event: gr.EventData, visit, request: gr.Request, progress=PROGRESS):
    """Of one part the faces, whom they voted for, and where the likeness lies."""
    with answer(request) as lang:
        visitor = visit_of(visit)
        asked = event._data.get("id") if isinstance(event._data, dict) else None
        part = part_of(last_cast(visitor, lang), asked, lang)
        maps = compute_maps(part, visitor)
        return episode_page.why(part, maps, lang)


def show_files(visit, request: gr.Request, progress=PROGRESS):
    """The cast as a sheet and as tables, and the cards to post."""
    with answer(request) as lang:
        cast = last_cast(visit_of(visit), lang)
        files = [file["path"] for file in cast_files(cast, lang)]
        cards = [(card, whose) for _, whose, card in cast_cards(cast, lang)]
    return gr.File(files, visible=True), gr.Gallery(cards, visible=True)


def lay_out_episode() -> None:
    visit = open_page("episode")
    with gr.Row(elem_classes="wc-stage"):
        with gr.Column(scale=5, min_width=320):
            dropped = gr.File(
                label=t("episode_drop"),
                file_count="multiple",
                file_types=["image", ".zip", ".cbz", ".pdf"],
                height=150,
                elem_id="episode",
            )
            example = gr.Button(t("episode_example"), elem_id="example-episode")
        with gr.Column(scale=6, min_width=320):
            hint = gr.HTML(t("hint_episode"))
    cast_view = gr.HTML(js_on_load=page_scripts.CAST, elem_id="cast")
    with gr.Group(visible=False, elem_id="keep") as keep:
        keeping = gr.Button(t("keep"), variant="primary")
        files = gr.File(visible=False, show_label=False, interactive=False, elem_id="files")
        cards = gr.Gallery(
            label=t("get_cards"),
            visible=False,
            format="png",
            columns=4,
            object_fit="contain",
            interactive=False,
            buttons=KEEP,
            elem_id="cards",
        )
    why = gr.HTML(js_on_load=page_scripts.WHY, elem_id="why")
    characters = gr.HTML(js_on_load=page_scripts.EDIT, elem_id="characters")
    left = gr.HTML(js_on_load=page_scripts.EDIT, elem_id="left")
    changed, without = lay_out_filters(visit)
    changed += lay_out_settings(visit)
    gr.Markdown(t("episode_kept"), elem_classes="wc-kept")

    result = [visit, hint, cast_view, characters, left, keep, files, cards, why]
    shown = {"show_progress_on": [hint, cast_view], **COMPUTED}
    close_page(
        dropped.upload(show_episode, [dropped, visit], result, **shown),
        example.click(show_example_episode, visit, result, **shown),
        gr.on([characters.edit, left.edit], show_edited, visit, result, **shown),
        cast_view.edit(show_without, visit, [*result, without], **shown),
        cast_view.select(show_why, visit, why, show_progress_on=[why], **COMPUTED),
        keeping.click(show_files, visit, [files, cards], show_progress_on=[files], **COMPUTED),
        *(event.success(show_episode_again, visit, result, **shown) for event in changed),
        demo.load(show_episode_again, visit, result, show_progress="hidden", **COMPUTED),
    )
