"""The pages and the API: lays out, checks what comes in, and shows what the library answers. No model code.

Read it from the end: the layout names every page, the handlers above it are in the order of the pages.
"""

import spaces  # first: on ZeroGPU it must patch torch before torch is imported

# isort: split
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from urllib.parse import unquote

import gradio as gr
from gradio.processing_utils import save_base64_to_cache, save_pil_to_cache
from gradio.utils import get_upload_folder
from PIL import Image, ImageOps

from webcast import load_caster, markup, page_markup
from webcast.caster import Caster, enlarge
from webcast.errors import ImageError, WebcastError
from webcast.gallery import Gallery, build_gallery
from webcast.hub import pull
from webcast.images import display_name, open_image
from webcast.labels import LABELS, LANGUAGES, label, preferred
from webcast.sheet import draw_boxes, draw_sheet, face_json, to_json
from webcast.types import CastResult, Face, Panel
from webcast.unpack import MAX_PHOTOS, unpack_portraits
from webcast.visits import Visits
from webcast.words import firmness_in_words, headline

PAGES = ("gallery", "about")  # beside the first one, in the order of the bar
MAX_PAGES = 12  # of one call
MAX_PIXELS = 120_000_000  # of all pages of one call together
MAX_FACES = 24  # cast at once
MAX_FILE_MB = 20
MAX_WAITING = 24  # calls in the queue; one is computed at a time
MAX_VISITS = 64  # that are remembered
MAX_SHOWN = 60  # people of the gallery at once
KEEP_FOR_S = 3600
CLEAN_EVERY_S = 600
LIMITS = {
    "pages": MAX_PAGES,
    "file_mb": MAX_FILE_MB,
    "megapixels": MAX_PIXELS // 10**6,
    "faces": MAX_FACES,
    "photos": MAX_PHOTOS,
    "waiting": MAX_WAITING,
    "minutes": (KEEP_FOR_S + CLEAN_EVERY_S) // 60,
    "keep": KEEP_FOR_S // 60,
}

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE / "webcast" / "bundle" / "examples").glob("*.png"))
WEIGHTS, GALLERY = os.environ.get("WEBCAST_WEIGHTS"), os.environ.get("WEBCAST_GALLERY")


def start() -> tuple[Caster, list[str]]:
    """What casts, and the cards of the weights and of the gallery."""
    try:
        pulled = pull(WEIGHTS, GALLERY)
        return load_caster(GALLERY, WEIGHTS), [read_card(source.folder) for source in pulled[:2]]
    except WebcastError as error:
        raise SystemExit(f"webcast cannot start: {error}") from None


def read_card(folder: Path) -> str:
    """The text of a model's or dataset's card below its metadata; empty where there is none."""
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return text.split("---", 2)[-1].strip() if text.startswith("---") else text


caster, CARDS = start()
PROGRESS = gr.Progress()  # Gradio shows progress for the functions that have one among their defaults


# Who visits


@dataclass(frozen=True)
class Visit:
    """Whom a visitor casts among: their own actors, where they brought some."""

    own: Gallery | None = None


visits: Visits[Visit] = Visits(MAX_VISITS, KEEP_FOR_S)
VISIT_SECRET = secrets.token_urlsafe(16)
at_work: dict[str, object] = {}  # the work that each session waits for; another one, or none, ends it


def visit_of(token: object) -> Visit:
    return visits.get(token) or Visit()


def language(request: gr.Request) -> str:
    return preferred(request.headers.get("accept-language"))


def asked_language(lang: str | None, request: gr.Request) -> str:
    """The language that a program asked for, or the one of its request."""
    if lang is not None and lang not in LANGUAGES:
        raise gr.Error(f"There is no language {lang!r}; choose en or ko.", print_exception=False)
    return lang or language(request)


def reporter(request: gr.Request) -> Callable[[str, int, int], None]:
    """Names the stage to whoever waits for it, and ends the work once they asked to stop or went away."""
    lang, session, mine = language(request), request.session_hash, object()
    at_work[session] = mine

    def report(stage: str, done: int, total: int) -> None:
        if at_work.get(session) is not mine:
            raise WebcastError(label("stopped", lang))
        PROGRESS((done, total), desc=label(f"stage_{stage}", lang), unit="")

    return report


def stop(request: gr.Request) -> None:
    if at_work.pop(request.session_hash, None):
        gr.Info(label("stopped", language(request)))


def leave(request: gr.Request) -> None:
    at_work.pop(request.session_hash, None)


@contextmanager
def errors_in_words(lang: str, hide: str = "") -> Iterator[None]:
    """A user's mistake is shown as its sentence, without a traceback and without the words to hide."""
    try:
        yield
    except WebcastError as error:
        raise gr.Error(
            escape(str(error).replace(hide, ""), quote=False),
            title=label("failed", lang),
            print_exception=False,
        ) from None


def warn(notices: Sequence[str]) -> None:
    for notice in notices:
        gr.Warning(escape(notice, quote=False))


# What comes in


def find_faces(paths: Sequence[str], lang: str, report=None) -> tuple[list[Face], list[Panel], list[str]]:
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
        found = caster.detect(panel)
        if not found:
            notices.append(label("no_face_on", lang, page=panel.name))
        faces += found
    if not faces:
        raise WebcastError(label("no_face", lang))
    return faces, panels, notices


def read_pages(paths: Sequence[str], lang: str) -> tuple[list[Panel], list[str]]:
    """The pages that can be let in, and a sentence for each other; one at a time, to bound the memory."""
    panels, notices, pixels = [], [], 0
    for path in paths:
        try:
            panels.append(Panel(open_image(path), display_name(path)))
        except ImageError as error:
            notices.append(str(error))
            continue
        pixels += panels[-1].image.width * panels[-1].image.height
        if pixels > MAX_PIXELS:
            raise ImageError(label("too_many_pixels", lang, limit=MAX_PIXELS // 10**6))
    if not panels:
        raise ImageError(" ".join(notices))
    return panels, notices


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


def uploaded(pages: list[dict | str]) -> list[str]:
    """The paths of files that came over HTTP, each of which must have been uploaded to this app."""
    if not isinstance(pages, list):
        raise ImageError("The pages must be a list of picture files.")
    paths = [str(page.get("path")) if isinstance(page, dict) else received(page) for page in pages]
    home = Path(get_upload_folder()).resolve()
    if not all(Path(path).resolve().is_relative_to(home) for path in paths):
        raise ImageError("A page must be a file that was uploaded to this app.")
    return paths


def received(page: str) -> str:
    """The path of a file that came as a string, as MCP clients send it and Gradio then leaves it.

    It is the address that an upload to this app gave, or the file itself as a data URI. Other addresses are
    not fetched: Gradio would read whatever they answer into memory, however large.
    """
    is_text = isinstance(page, str)
    if is_text and "/gradio_api/file=" in page:
        return unquote(page.partition("/gradio_api/file=")[2])
    if is_text and page.startswith("data:") and len(page) < MAX_FILE_MB * 1_400_000:
        try:
            return deleted_in_time(save_base64_to_cache(page, get_upload_folder()))
        except ValueError as error:
            raise ImageError(f"A page is no data URI ({error}); upload it instead.") from None
    raise ImageError(f"A page must be an uploaded file of at most {MAX_FILE_MB} MB, or a data URI.")


def deleted_in_time(path: str) -> str:
    """The path, known to Gradio now as one of its uploads, which `delete_cache` deletes."""
    demo.upload_file_set.add(path)
    return path


# What is computed


@spaces.GPU(duration=30)
def compute(faces: list[Face], actors: Gallery, similarity: str | None, report) -> CastResult:
    return caster.with_gallery(actors).cast([], faces, report, similarity)


@spaces.GPU(duration=30)
def compute_photos(heads: list[Image.Image]) -> list[Image.Image]:
    return caster.stages.realizer.realize(enlarge(caster.stages.upscaler, heads))


@spaces.GPU(duration=120)
def compute_gallery(folder: Path, report) -> tuple[Gallery, tuple[str, ...]]:
    stages = caster.stages
    return build_gallery(folder, stages.embedder, stages.detector, report)


# Cast a page


def show_pages(files, similarity, visit, request: gr.Request, progress=PROGRESS):
    """From dropped files to the result: first the page with its faces boxed, then the cast."""
    lang, report = language(request), reporter(request)
    with errors_in_words(lang):
        faces, panels, notices = find_faces(files, lang, report)
        warn(notices)
        largest = max(range(len(faces)), key=lambda index: faces[index].box.area)
        page = page_markup.pages(panels, faces, largest, lang)
        # The pages are shown already; to remember every visit's would fill the memory.
        faces = [replace(face, panel=Panel(face.crop, face.panel.name)) for face in faces]
        yield faces, [largest], page, all_button(len(faces), lang), *[gr.skip()] * 4
        yield *[gr.skip()] * 4, *show_cast(faces, [largest], similarity, visit, lang, report)


def show_example(event: gr.SelectData, similarity, visit, request: gr.Request, progress=PROGRESS):
    lang = language(request)
    with errors_in_words(lang):
        if event.index not in range(len(EXAMPLES)):
            raise WebcastError(label("no_example", lang))
    yield from show_pages([str(EXAMPLES[event.index])], similarity, visit, request, progress)


def show_choice(event: gr.SelectData, faces, similarity, visit, request: gr.Request, progress=PROGRESS):
    lang = language(request)
    with errors_in_words(lang):
        choose(faces, [event.index], lang)
        shown = show_cast(faces, [event.index], similarity, visit, lang, reporter(request))
    return [event.index], *shown


def show_all(faces, similarity, visit, request: gr.Request, progress=PROGRESS):
    everyone = list(range(len(faces)))
    return everyone, *show_cast(faces, everyone, similarity, visit, language(request), reporter(request))


def show_again(faces, chosen, similarity, visit, request: gr.Request, progress=PROGRESS):
    """The same faces after a setting was changed; nothing where there is no page yet."""
    if not faces:
        return (gr.skip(),) * 4
    return show_cast(faces, chosen, similarity, visit, language(request), reporter(request))


def show_cast(faces, chosen, similarity, visit, lang, report):
    """What the result fills: the hint (hidden), the sheet, the slider, and how each face voted."""
    with errors_in_words(lang):
        result = compute(choose(faces, chosen, lang), actors_of(visit), similarity, report)
    first = result.ballots[0]
    both = tuple(ImageOps.fit(image, (512, 512)) for image in (first.face.crop, first.realized))
    told = f"{headline(result)}: {firmness_in_words(result)}"
    sheet = gr.Image(draw_sheet(result), visible=True)
    card = (
        f'<p class="wc-told" role="status">{escape(told)}</p>{markup.notices(result)}{markup.ballots(result)}'
    )
    return gr.HTML(visible=False), sheet, gr.ImageSlider(both, visible=True), gr.HTML(card, visible=True)


def all_button(count: int, lang: str) -> gr.Button:
    return gr.Button(label("all_faces", lang, count=count), visible=1 < count <= MAX_FACES)


# The gallery


def actors_of(visit: object) -> Gallery:
    """Whom a visitor casts among."""
    return visit_of(visit).own or caster.gallery


def show_people(search, gender, visit, request: gr.Request):
    """The people that fit the search as pictures, their ids in that order, and what to say about them."""
    lang, actors = language(request), actors_of(visit)
    faces = {}
    for portrait in actors.portraits:
        faces.setdefault(portrait.person, portrait)
    wanted = str(search or "").casefold().strip()
    found = [
        person for person in faces if wanted in person.name.casefold() and gender in (None, "", person.gender)
    ]
    shown = found[:MAX_SHOWN]
    pictures = [(faces[person].image, person.name) for person in shown]
    told = label("people_told", lang, count=len(actors.people), portraits=len(actors.portraits))
    if len(found) < len(faces) or len(shown) < len(found):
        counts = label("people_shown", lang, shown=len(shown), found=len(found))
        told += f" {counts}" if found else f" {label('nobody_found', lang)}"
    return gr.Gallery(pictures, selected_index=None), [person.id for person in shown], told, ""


def show_person(event: gr.SelectData, shown, visit, request: gr.Request):
    """All portraits of the person who was clicked, with their sources."""
    lang, actors = language(request), actors_of(visit)
    if event.index not in range(len(shown)):
        return gr.skip()
    mine = [portrait for portrait in actors.portraits if portrait.person.id == shown[event.index]]
    return page_markup.portraits_of(mine[0].person, mine, lang) if mine else gr.skip()


def show_sources(visit, request: gr.Request) -> tuple[str, str]:
    """Among whom is cast, and where the portraits are from."""
    lang, visitor, actors = language(request), visit_of(visit), actors_of(visit)
    counts = {"people": len(actors.people), "portraits": len(actors.portraits)}
    if visitor.own:
        told = label("own_told", lang, **counts)
    else:
        told = label("gallery_told", lang, **counts, name=actors.name, revision=actors.revision)
    return told, page_markup.sources(actors.portraits, lang)


def use_actors(files, visit, request: gr.Request, progress=PROGRESS):
    """A gallery of the visitor's own portraits, from loose photos or a ZIP."""
    return make_gallery([(file, Path(file).name) for file in files or []], visit, request)


def use_folder(event: gr.EventData, visit, request: gr.Request, progress=PROGRESS):
    """The same from a folder, whose files the page uploads with their names inside it."""
    lang = language(request)
    sent = event._data.get("files") if isinstance(event._data, dict) else None
    with errors_in_words(lang):
        if not isinstance(sent, list) or not all(isinstance(file, dict) for file in sent):
            raise WebcastError(label("no_folder", lang))
        paths = uploaded(sent)
    files = [(path, str(file.get("name"))) for path, file in zip(paths, sent, strict=True)]
    return make_gallery(files, visit, request)


def make_gallery(files: list[tuple[str, str]], visit: object, request: gr.Request) -> str:
    """Remembers the gallery as long as the visit; the visit's token."""
    lang, report = language(request), reporter(request)
    with tempfile.TemporaryDirectory() as private, errors_in_words(lang, hide=f"{private}/"):
        folder = Path(private) / label("own_actors", lang)
        folder.mkdir()
        unpack_portraits(files, folder)
        actors, notices = compute_gallery(folder, report)
    for notice in notices:
        gr.Info(escape(notice, quote=False))
    return visits.put(replace(visit_of(visit), own=actors), visit)


def forget_actors(visit):
    return visits.put(replace(visit_of(visit), own=None), visit)


# The API


def cast(
    pages: list[gr.FileData],
    request: gr.Request,
    faces: list[int] | None = None,
    similarity: str | None = None,
    lang: str | None = None,
) -> tuple[gr.FileData, dict]:
    """Cast a drawn character with people of the gallery: AI resemblance, not identification.

    Args:
        pages: The pages, panels or strips as picture files.
        faces: Which faces are the character, as indices from /detect; without it all faces count as one.
        similarity: "direct" compares the drawing, "realized" its photo; without it the better one.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The casting sheet as a picture
        The standings (best first), every face's ballot, how firm the result is, and its sources
    """
    lang = asked_language(lang, request)
    with errors_in_words(lang):
        found, _, notices = find_faces(uploaded(pages), lang)
        if faces is None and len(found) > 1:
            notices.append(label("all_count", lang, count=len(found)))
        chosen = choose(found, range(len(found)) if faces is None else faces, lang)
        result = compute(chosen, caster.gallery, similarity, None)
    result = replace(result, notices=(*notices, *result.notices))
    return picture_file(draw_sheet(result), "sheet"), to_json(result)


def detect(
    pages: list[gr.FileData], request: gr.Request, lang: str | None = None
) -> tuple[list[gr.FileData], dict]:
    """Find the drawn faces of webtoon pages.

    Args:
        pages: The pages, panels or strips as picture files.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The pages with every face boxed and numbered
        The faces: index for /cast and /realize, number as drawn, page, box in pixels, detector, likelihood
    """
    lang = asked_language(lang, request)
    with errors_in_words(lang):
        faces, panels, notices = find_faces(uploaded(pages), lang)
    marks = {panel: [] for panel in panels}
    for index, face in enumerate(faces):
        marks[face.panel].append((index + 1, face, False))
    boxed = [picture_file(draw_boxes(panel, mine), "boxed") for panel, mine in marks.items()]
    told = [{"index": index, "number": index + 1, **face_json(face)} for index, face in enumerate(faces)]
    return boxed, {"faces": told, "notices": notices}


def realize(
    pages: list[gr.FileData], request: gr.Request, faces: list[int] | None = None, lang: str | None = None
) -> tuple[list[gr.FileData], dict]:
    """Turn the drawn faces of webtoon pages into photo-like pictures of nobody.

    Args:
        pages: The pages, panels or strips as picture files.
        faces: Which faces, as indices from /detect; without it all faces.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The photo-like pictures, in the order of the faces
        The faces: page, box in pixels, detector, likelihood
    """
    lang = asked_language(lang, request)
    with errors_in_words(lang):
        found, _, notices = find_faces(uploaded(pages), lang)
        chosen = choose(found, range(len(found)) if faces is None else faces, lang)
        photos = compute_photos([face.crop for face in chosen])
    told = {"faces": [face_json(face) for face in chosen], "notices": notices}
    return [picture_file(photo, "realized") for photo in photos], told


def gallery() -> dict:
    """Who can be cast: the people of the gallery, and which weights and gallery this app has.

    Returns:
        The people (id, name, gender, number of portraits) and the sources
    """
    people = [{**asdict(person), "portraits": n} for person, n in caster.gallery.portraits_each.items()]
    return {"people": people, "sources": asdict(caster.sources), "notices": list(caster.notices)}


def picture_file(image: Image.Image, name: str) -> dict:
    """The picture as a file in Gradio's cache, which is served from there and deleted in time."""
    path = save_pil_to_cache(image, get_upload_folder(), name=name, format="png")
    return gr.FileData(path=path, orig_name=f"{name}.png", mime_type="image/png").model_dump()


# The words of the page, which the browser puts into its own language


def page_words() -> dict[str, dict[str, str]]:
    """For each language what `t` may name: the labels, filled in, and what is made of them."""
    sources, words = asdict(caster.sources), {}
    for lang in LANGUAGES:
        mine = {key: label(key, lang) for key in LABELS}
        mine |= {
            key: label(key, lang, **LIMITS, **sources)
            for key in ("foot_limits", "foot_private", "foot_sources")
        }
        mine["about"] = label("about", lang, private=mine["foot_private"], limits=mine["foot_limits"])
        mine["header"] = f'<header class="wc-header"><h1>webcast</h1><p>{mine["tagline"]}</p></header>'
        for page in PAGES:
            name, lead = mine[f"nav_{page}"], mine[f"lead_{page}"]
            mine[f"header_{page}"] = f'<header class="wc-header"><h1>{name}</h1><p>{lead}</p></header>'
        mine["hint"] = f'<div class="wc-hint">{mine["page_hint"]}</div>'
        mine["examples"] = page_markup.examples(EXAMPLES, lang)
        mine["folder"] = (
            f'<label class="wc-folder">{mine["own_folder"]}'
            '<input type="file" webkitdirectory multiple></label>'
        )
        mine["footer"] = footer(mine)
        words[lang] = mine
    return words


def footer(words: dict[str, str]) -> str:
    """Where results come from, what is allowed, and what becomes of the pictures."""
    warned = "".join(f"<p><b>{escape(notice)}</b></p>" for notice in caster.notices)
    told = "".join(
        f"<p>{words[key]}</p>" for key in ("foot_likeness", "foot_sources", "foot_limits", "foot_private")
    )
    return f'<footer class="wc-footer">{warned}{told}</footer>'


t = gr.I18n(**page_words())

EXAMPLE_JS = """
element.addEventListener('click', event => {
  const example = event.target.closest('[data-example]');
  if (example) trigger('select', {index: Number(example.dataset.example), value: null});
});
"""

CHOOSE_JS = """
element.addEventListener('click', event => {
  const face = event.target.closest('[data-face]');
  if (!face) return;
  for (const other of element.querySelectorAll('[data-face]'))
    other.setAttribute('aria-pressed', other === face);
  trigger('select', {index: Number(face.dataset.face), value: null});
});
"""

FOLDER_JS = """
element.addEventListener('change', async event => {
  const files = [];
  for (const file of [...event.target.files].slice(0, MAX_PHOTOS + 1)) {
    const sent = await upload(file);
    files.push({path: sent.path, name: file.webkitRelativePath});
  }
  trigger('upload', {files});
});
""".replace("MAX_PHOTOS", str(MAX_PHOTOS))


# The layout

ONE_AT_A_TIME = {"concurrency_id": "compute", "concurrency_limit": 1}
PRIVATE = {"api_visibility": "private"}
COMPUTED = {**PRIVATE, **ONE_AT_A_TIME}


def open_page(key: str) -> gr.BrowserState:
    """What stands on top of every page; the visit, which the browser remembers from page to page."""
    links = {lang: [[label(f"nav_{page}", lang), page] for page in PAGES] for lang in LANGUAGES}
    bar = gr.Navbar(links["en"], main_page_name=t("nav_page"))
    visit = gr.BrowserState(None, storage_key="webcast-visit", secret=VISIT_SECRET)
    gr.HTML(t("header" if key == "page" else f"header_{key}"))
    titles = {lang: f"{label(f'nav_{key}', lang)} · webcast" for lang in LANGUAGES}
    # Gradio translates what it shows, but neither the bar's links nor the document's language and title.
    script = f"""() => {{
      const lang = navigator.language.startsWith('ko') ? 'ko' : 'en';
      document.documentElement.lang = lang;
      document.title = {json.dumps(titles)}[lang];
      return [{json.dumps(links)}[lang]];
    }}"""
    demo.load(None, None, bar, js=script, **PRIVATE)
    return visit


def close_page() -> None:
    """What stands below every page."""
    stopping = gr.Button(t("stop"), variant="stop", size="sm", elem_id="stop")
    stopping.click(stop, None, None, queue=False, **PRIVATE)
    gr.HTML(t("footer"))


def lay_out_cast_a_page() -> None:
    visit = open_page("page")
    faces_found = gr.State([], time_to_live=KEEP_FOR_S)
    faces_chosen = gr.State([], time_to_live=KEEP_FOR_S)
    with gr.Row(elem_classes="wc-stage"):
        with gr.Column(scale=5, min_width=320):
            dropped = gr.File(
                label=t("page_drop"),
                file_count="multiple",
                file_types=["image"],
                height=150,
                elem_id="pages",
            )
            examples = gr.HTML(t("examples"), js_on_load=EXAMPLE_JS, elem_id="examples")
            page_view = gr.HTML(js_on_load=CHOOSE_JS, elem_id="faces")
            all_faces = gr.Button(visible=False, elem_id="all-faces")
        with gr.Column(scale=6, min_width=320):
            hint = gr.HTML(t("hint"))
            sheet_view = gr.Image(
                label=t("sheet"),
                show_label=False,
                visible=False,
                format="png",
                interactive=False,
                buttons=["download", "fullscreen"],
                elem_id="sheet",
            )
            slider = gr.ImageSlider(label=t("slider"), visible=False, interactive=False, max_height=360)
    ballots_view = gr.HTML(visible=False, elem_id="ballots")
    with gr.Accordion(t("settings"), open=False):
        similarity = gr.Radio(
            [(t("direct"), "direct"), (t("realized"), "realized")],
            value=caster.stages.similarity,
            label=t("similarity"),
            info=t("similarity_info"),
        )
    close_page()

    found = [faces_found, faces_chosen, page_view, all_faces]
    result = [hint, sheet_view, slider, ballots_view]
    settings = [similarity, visit]
    shown = {"show_progress_on": [hint, sheet_view], **COMPUTED}
    dropped.upload(show_pages, [dropped, *settings], [*found, *result], **shown)
    examples.select(show_example, settings, [*found, *result], **shown)
    page_view.select(show_choice, [faces_found, *settings], [faces_chosen, *result], **shown)
    all_faces.click(show_all, [faces_found, *settings], [faces_chosen, *result], **shown)
    similarity.input(show_again, [faces_found, faces_chosen, *settings], result, **shown)


def lay_out_gallery() -> None:
    visit = open_page("gallery")
    shown = gr.State([], time_to_live=KEEP_FOR_S)
    among = gr.Markdown(elem_id="among")
    with gr.Row():
        search = gr.Textbox(label=t("search"), placeholder=t("search_hint"), elem_id="search", scale=2)
        gender = gr.Radio(
            [(t("everyone"), ""), (t("women"), "female"), (t("men"), "male")],
            value="",
            label=t("gender"),
            scale=3,
        )
    counted = gr.Markdown(elem_id="counted")
    people = gr.Gallery(
        label=t("people"),
        columns=6,
        height="auto",
        object_fit="cover",
        format="jpeg",
        allow_preview=False,
        buttons=[],
        interactive=False,
        elem_id="people",
    )
    person = gr.HTML(elem_id="person")
    with gr.Accordion(t("own_actors"), open=False, elem_id="own-actors"):
        gr.Markdown(t("own_hint"))
        portraits = gr.File(label=t("own_drop"), file_count="multiple", height=140, elem_id="portraits")
        folder = gr.HTML(t("folder"), js_on_load=FOLDER_JS, elem_id="portrait-folder")
        back = gr.Button(t("back"), size="sm")
    origins = gr.HTML(elem_id="sources")
    close_page()

    browse = (show_people, [search, gender, visit], [people, shown, counted, person])
    told = (show_sources, visit, [among, origins])
    gr.on([search.change, gender.input], *browse, show_progress="hidden", **PRIVATE)
    people.select(show_person, [shown, visit], person, show_progress="hidden", **PRIVATE)
    changed = [
        portraits.upload(use_actors, [portraits, visit], visit, show_progress_on=[people], **COMPUTED),
        folder.upload(use_folder, visit, visit, show_progress_on=[people], **COMPUTED),
        back.click(forget_actors, visit, visit, **PRIVATE),
    ]
    for event in changed:
        shown_again = event.success(*browse, show_progress_on=[people], **PRIVATE)
        shown_again.then(*told, show_progress="hidden", **PRIVATE)
    demo.load(*browse, show_progress_on=[people], **PRIVATE)
    demo.load(*told, show_progress="hidden", **PRIVATE)


def lay_out_about() -> None:
    open_page("about")
    gr.Markdown(t("about"), elem_id="about")
    for key, card in zip(("card_weights", "card_gallery"), CARDS, strict=True):
        with gr.Accordion(t(key), open=False):
            gr.Markdown(card or t("no_card"), elem_classes="wc-card")
    close_page()


with gr.Blocks(
    title="webcast", analytics_enabled=False, delete_cache=(CLEAN_EVERY_S, KEEP_FOR_S), fill_width=True
) as demo:
    lay_out_cast_a_page()
    gr.Timer(CLEAN_EVERY_S).tick(visits.forget_old, **PRIVATE)
    for endpoint in (cast, detect, realize):
        gr.api(endpoint, api_name=endpoint.__name__, **ONE_AT_A_TIME)
    gr.api(gallery, api_name="gallery")
    demo.unload(leave)
with demo.route("The gallery", "/gallery", show_in_navbar=False):
    lay_out_gallery()
with demo.route("About", "/about", show_in_navbar=False):
    lay_out_about()

demo.queue(max_size=MAX_WAITING)

INK, PAPER, NIGHT, CARD = "#17151f", "#fdf8ee", "#15131b", "#fffdf8"
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.rose,
    neutral_hue=gr.themes.colors.stone,
    radius_size=gr.themes.sizes.radius_none,
    font=[
        "Pretendard",
        "system-ui",
        "Apple SD Gothic Neo",
        "Malgun Gothic",
        "Noto Sans KR",
        "sans-serif",
    ],
    font_mono=["ui-monospace", "monospace"],
).set(
    body_background_fill=PAPER,
    body_background_fill_dark=NIGHT,
    body_text_color=INK,
    block_background_fill=CARD,
    block_background_fill_dark="#201d29",
    block_border_width="2px",
    block_border_color=INK,
    block_border_color_dark="#5b5468",
)

if __name__ == "__main__":
    demo.launch(
        theme=THEME,
        css=markup.BALLOT_CSS,
        css_paths=HERE / "app.css",
        i18n=t,
        max_file_size=f"{MAX_FILE_MB}mb",
        state_session_capacity=MAX_VISITS,
        footer_links=["api"],
        mcp_server=True,
        ssr_mode=False,
    )
