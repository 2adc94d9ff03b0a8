"""The pages and the API: lays out, checks what comes in, and shows what the library answers. No model code.

Read it from the end: the layout names every page, the handlers above it are in the order of the pages.
"""

import spaces  # first: on ZeroGPU it must patch torch before torch is imported

# isort: split
import json
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from html import escape
from pathlib import Path
from urllib.parse import unquote

import gradio as gr
from gradio.i18n import I18nData
from gradio.processing_utils import save_base64_to_cache, save_bytes_to_cache, save_pil_to_cache
from gradio.utils import get_upload_folder
from PIL import Image, ImageOps

from webcast import Parts, edits, episode_page, load_caster, markup, page_markup, page_scripts
from webcast.build import parts_here, with_drawer, with_parts
from webcast.caster import GENDERS, SIMILARITIES, Caster, Stages
from webcast.compare import STAGES, Column, compare_stage
from webcast.episode import Episode, EpisodeCast, Occlusion, Part
from webcast.episode_markup import episode_html
from webcast.episode_sheet import episode_csv, episode_json
from webcast.episode_words import character_name
from webcast.errors import ImageError, WebcastError
from webcast.gallery import Gallery, build_gallery
from webcast.heads import enlarge
from webcast.hub import pull
from webcast.images import display_name, open_image
from webcast.intake import find_pages
from webcast.korean import said
from webcast.labels import LABELS, LANGUAGES, label, preferred
from webcast.selection import Filters, join, select
from webcast.share_card import draw_card
from webcast.sheet import draw_boxes, draw_sheet, face_json, to_json
from webcast.types import CastResult, Face, Panel
from webcast.unpack import MAX_PHOTOS, unpack_portraits
from webcast.visits import Visits
from webcast.words import firmness_in_words, headline

MAX_PAGES = 12  # of one call
MAX_PIXELS = 120_000_000  # of all pages of one call together
MAX_FACES = 24  # cast at once
MAX_EPISODE_PAGES = 200
MAX_EPISODE_FACES = 600
MAX_EPISODES = 8  # that are remembered
MAX_EXPLAINED = 3  # faces of a part whose likeness is mapped; each takes about a second
MAX_FILE_MB = 20
MAX_WAITING = 24  # calls in the queue; one is computed at a time
MAX_VISITS = 64  # that are remembered
MAX_SHOWN = 60  # people of the gallery at once
MAX_STAGES = 4  # sets of parts that are kept loaded
KEEP_FOR_S = 3600
CLEAN_EVERY_S = 600
LIMITS = {
    "pages": MAX_PAGES,
    "file_mb": MAX_FILE_MB,
    "megapixels": MAX_PIXELS // 10**6,
    "faces": MAX_FACES,
    "photos": MAX_PHOTOS,
    "waiting": MAX_WAITING,
    "episode_pages": MAX_EPISODE_PAGES,
    "episode_faces": MAX_EPISODE_FACES,
    "episodes": MAX_EPISODES,
    "minutes": (KEEP_FOR_S + CLEAN_EVERY_S) // 60,
}

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE / "webcast" / "bundle" / "examples").glob("*.png"))
WEIGHTS, GALLERY, PARTS, DRAWER = (
    os.environ.get(f"WEBCAST_{name}") or None for name in ("WEIGHTS", "GALLERY", "PARTS", "DRAWER")
)
EVERYBODY = Filters()
OWN_PARTS = Parts(folder=PARTS)  # those that the weights name


def start() -> tuple[Caster, list[str]]:
    """What casts, and the cards of the weights and of the gallery."""
    try:
        pulled = pull(WEIGHTS, GALLERY)
        loaded = load_caster(GALLERY, WEIGHTS, parts=OWN_PARTS)
        if DRAWER:
            loaded = replace(loaded, stages=with_drawer(loaded.stages, DRAWER))
    except WebcastError as error:
        raise SystemExit(f"webcast cannot start: {error}") from None
    return loaded, [read_card(source.folder) for source in pulled[:2]]


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
    """What a visitor brought and chose; it holds on every page and for whatever their programs call."""

    own: Gallery | None = None
    among: str = "gallery"  # or own, or both
    filters: Filters = EVERYBODY
    similarity: str | None = None
    parts: Parts = OWN_PARTS
    episode: str | None = None  # the token of what was cast last


visits: Visits[Visit] = Visits(MAX_VISITS, KEEP_FOR_S)
episodes: Visits[EpisodeCast] = Visits(MAX_EPISODES, KEEP_FOR_S)
VISIT_SECRET = secrets.token_urlsafe(16)
at_work: dict[str, str] = {}  # the work that each session waits for; another one, or none, ends it


def visit_of(token: object) -> Visit:
    """What is remembered of a visitor of the page; a new one where that is nothing."""
    return visits.get(token) or Visit()


def visit_asked(token: str | None, lang: str) -> Visit:
    """The visit that a program names; one that is not there is an error."""
    found = Visit() if token is None else visits.get(token)
    if found is None:
        raise WebcastError(label("visit_gone", lang))
    return found


def language(request: gr.Request) -> str:
    return preferred(request.headers.get("accept-language"))


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


def stop(request: gr.Request) -> None:
    if at_work.pop(request.session_hash, None):
        gr.Info(label("stopped", language(request)))


def forget_in_time() -> None:
    """Lets go of what visitors left, also where nobody comes by any more; runs for ever."""
    while True:
        time.sleep(CLEAN_EVERY_S)
        visits.forget_old()
        episodes.forget_old()


def leave(request: gr.Request) -> None:
    at_work.pop(request.session_hash, None)


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
        told = escape(said(str(error).replace(hide, ""), lang), quote=False)
        raise gr.Error(told, title=label("failed", lang), print_exception=False) from None


def warn(notices: Sequence[str]) -> None:
    for notice in notices:
        gr.Warning(escape(notice, quote=False))


# What comes in


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


def read_pages(paths: Sequence[str], lang: str) -> tuple[list[Panel], list[str]]:
    """The pages that can be let in, and a sentence for each other; one at a time, to bound the memory."""
    panels, notices, pixels = [], [], 0
    for path in paths:
        try:
            panels.append(Panel(open_image(path), display_name(path)))
        except ImageError as error:
            notices.append(said(str(error), lang))
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


@lru_cache(MAX_STAGES)
def stages_with(parts: Parts) -> Stages:
    return caster.stages if parts == OWN_PARTS else with_parts(caster.stages, parts)


@lru_cache(MAX_STAGES)
def embedded(people: Gallery, parts: Parts) -> Gallery:
    """The people as these parts see them."""
    embedder = stages_with(parts).embedder
    is_ours = (people.embedder_id, people.embedder_revision) == (embedder.id, embedder.revision)
    return people if is_ours else people.embedded_by(embedder)


def people_of(visitor: Visit) -> Gallery:
    """Whom a visitor casts among."""
    if visitor.own is None or visitor.among == "gallery":
        return caster.gallery
    return visitor.own if visitor.among == "own" else join([visitor.own, caster.gallery])


def caster_of(visitor: Visit) -> Caster:
    stages = stages_with(visitor.parts)
    return replace(caster, stages=stages, gallery=embedded(people_of(visitor), visitor.parts))


def filters_of(visitor: Visit) -> Filters:
    """The filters, without people whom the visitor does not cast among any more."""
    there = {person.id for person in people_of(visitor).people}
    chosen = visitor.filters
    shortlist, without = (
        tuple(id for id in ids if id in there) for ids in (chosen.shortlist, chosen.without)
    )
    return replace(chosen, shortlist=shortlist, without=without)


@spaces.GPU(duration=60)
def compute(faces: list[Face], visitor: Visit, report: Report | None) -> CastResult:
    allowed = caster_of(visitor)
    allowed = replace(allowed, gallery=select(allowed.gallery, filters_of(visitor)))
    return allowed.cast([], faces, report, visitor.similarity)


@spaces.GPU(duration=300)
def compute_episode(pages: list[tuple[str, str]] | Episode, visitor: Visit, report: Report) -> EpisodeCast:
    return caster_of(visitor).cast_episode(pages, filters_of(visitor), report, visitor.similarity)


@spaces.GPU(duration=60)
def compute_maps(part: Part, visitor: Visit) -> dict[int, Occlusion]:
    """Of a part's best faces, which region carried the match with who plays it."""
    explaining, person = caster_of(visitor), part.person or part.first_choice
    best = list(zip(part.numbers, part.ballots, strict=True))[:MAX_EXPLAINED] if person else []
    return {number: explaining.explain(ballot, person, visitor.similarity) for number, ballot in best}


@spaces.GPU(duration=30)
def compute_photos(heads: list[Image.Image], visitor: Visit) -> list[Image.Image]:
    stages = stages_with(visitor.parts)
    return stages.realizer.realize(enlarge(stages.upscaler, heads))


@spaces.GPU(duration=30)
def compute_drawings(photos: list[Panel]) -> list[Image.Image]:
    return caster.stages.draw(photos)


@spaces.GPU(duration=120)
def compute_columns(stage: str, panel: Panel, visitor: Visit, report: Report | None) -> list[Column]:
    people = people_of(visitor)
    return compare_stage(stage, panel, caster.stages, people, progress=report)


@spaces.GPU(duration=120)
def compute_gallery(folder: Path, report: Report | None) -> tuple[Gallery, tuple[str, ...]]:
    stages = caster.stages
    detector = stages.photo_detector or stages.detector
    upscaler = stages.photo_upscaler or stages.upscaler
    return build_gallery(folder, stages.embedder, detector, report, upscaler)


# Who may be cast and how it is done, which holds on every page


def set_filters(visit, request: gr.Request, gender, youngest, oldest, shortlist, without):
    with answer(request) as lang:
        filters = checked_filters(gender, youngest, oldest, shortlist, without, lang)
        return visits.put(replace(visit_of(visit), filters=filters), visit)


def checked_filters(gender, youngest, oldest, shortlist, without, lang: str) -> Filters:
    """The filters, each of which may come from anywhere."""
    ages = [None if age in (None, "") else age for age in (youngest, oldest)]
    lists = [[] if ids is None else ids for ids in (shortlist, without)]
    fits = gender in (None, "", *GENDERS)
    fits = fits and all(age is None or (type(age) in (int, float) and 0 <= age <= 200) for age in ages)
    if not fits or not all(type(ids) is list and all(type(id) is str for id in ids) for ids in lists):
        raise WebcastError(label("bad_filter", lang))
    return Filters(gender or None, *(None if age is None else int(age) for age in ages), *map(tuple, lists))


def show_filters(visit):
    """What the visitor chose before, on this page or on another; the lists name whom they cast among."""
    visitor = visit_of(visit)
    filters, people = filters_of(visitor), people_of(visitor).people
    have_ages = any(person.born for person in people)
    ages = [gr.Number(age, visible=have_ages) for age in (filters.youngest, filters.oldest)]
    names = [(person.name, person.id) for person in people]
    lists = [gr.Dropdown(names, value=list(ids)) for ids in (filters.shortlist, filters.without)]
    return filters.gender or "", *ages, *lists


AMONG = ("own", "gallery", "both")
CHOSEN = ("detector", "upscaler", "realizer", "embedder", "distance")  # the parts to choose for casting


def set_parts(visit, request: gr.Request, similarity, detectors, *others):
    """Remember how to cast; what is not chosen is done by the weights' own part."""
    with answer(request) as lang:
        names = {"detector": "+".join(detectors or ()), **dict(zip(CHOSEN[1:], others, strict=True))}
        return visits.put(with_settings(visit_of(visit), similarity, names, lang), visit)


def with_settings(visitor: Visit, similarity: str | None, names: dict, lang: str) -> Visit:
    """The visit with other settings, each of which may come from anywhere; the parts are loaded."""
    if similarity not in (None, *SIMILARITIES):
        raise WebcastError(label("no_similarity", lang))
    if not all(name is None or isinstance(name, str) for name in names.values()):
        raise WebcastError(label("no_part", lang))
    own = caster.stages.names
    names = {stage: None if name in ("", own[stage]) else name for stage, name in names.items()}
    parts = replace(visitor.parts, **names)
    stages_with(parts)
    return replace(visitor, similarity=similarity, parts=parts)


def show_settings(visit):
    """What the visitor chose before, on this page or on another."""
    visitor = visit_of(visit)
    chosen = {**caster.stages.names, **visitor.parts.chosen}
    similarity = visitor.similarity or caster.stages.similarity
    return similarity, chosen["detector"].split("+"), *(chosen[stage] for stage in CHOSEN[1:])


# Cast a page


def show_pages(files, visit, request: gr.Request, progress=PROGRESS):
    """From dropped files to the result: first the page with its faces boxed, then the cast."""
    report = begin(request)
    with answer(request) as lang:
        stages = stages_with(visit_of(visit).parts)
        faces, panels, notices = find_faces(files, stages, lang, report)
        warn(notices)
        largest = max(range(len(faces)), key=lambda index: faces[index].box.area)
        page = page_markup.pages(panels, faces, largest, lang)
        # The pages are shown already; to remember every visit's would fill the memory.
        faces = [replace(face, panel=Panel(face.crop, face.panel.name)) for face in faces]
        yield faces, [largest], page, all_button(len(faces), lang), *[gr.skip()] * 4
        yield *[gr.skip()] * 4, *show_cast(faces, [largest], visit, lang, report)


def show_example(event: gr.SelectData, visit, request: gr.Request, progress=PROGRESS):
    with answer(request) as lang:
        if event.index not in range(len(EXAMPLES)):
            raise WebcastError(label("no_example", lang))
    yield from show_pages([str(EXAMPLES[event.index])], visit, request, progress)


def show_choice(event: gr.SelectData, faces, visit, request: gr.Request, progress=PROGRESS):
    with answer(request) as lang:
        return [event.index], *show_cast(faces, [event.index], visit, lang, begin(request))


def show_all(faces, visit, request: gr.Request, progress=PROGRESS):
    everyone = list(range(len(faces)))
    with answer(request) as lang:
        return everyone, *show_cast(faces, everyone, visit, lang, begin(request))


def show_again(faces, chosen, visit, request: gr.Request, progress=PROGRESS):
    """The same faces after a setting was changed; nothing where there is no page yet."""
    with answer(request) as lang:
        return show_cast(faces, chosen, visit, lang, begin(request)) if faces else (gr.skip(),) * 4


def show_cast(faces, chosen, visit, lang, report):
    """What the result fills: the hint (hidden), the sheet, the slider, and how each face voted."""
    result = compute(choose(faces, chosen, lang), visit_of(visit), report)
    first = result.ballots[0]
    both = tuple(ImageOps.fit(image, (512, 512)) for image in (first.face.crop, first.realized))
    told = f"{headline(result, lang)}: {firmness_in_words(result, lang)}"
    sheet = gr.Image(draw_sheet(result, lang), visible=True)
    card = (
        f'<p class="wc-told" role="status">{escape(told)}</p>{markup.notices(result, lang)}'
        f"{markup.ballots(result, lang)}"
    )
    return gr.HTML(visible=False), sheet, gr.ImageSlider(both, visible=True), gr.HTML(card, visible=True)


def all_button(count: int, lang: str) -> gr.Button:
    return gr.Button(label("all_faces", lang, count=count), visible=1 < count <= MAX_FACES)


# Cast an episode


def sent_pages(files: Sequence[tuple[str, str]], lang: str) -> list[tuple[str, str]]:
    """The files of an episode with their names, if they are not too much at once."""
    if not files:
        raise WebcastError(label("no_episode", lang))
    pages = len(find_pages(files))
    if pages > MAX_EPISODE_PAGES:
        raise WebcastError(label("too_many_pages", lang, count=pages, limit=MAX_EPISODE_PAGES))
    return list(files)


def last_cast(visitor: Visit, lang: str) -> EpisodeCast:
    """What the visitor cast last."""
    found = episodes.get(visitor.episode)
    if found is None:
        raise WebcastError(label("episode_gone" if visitor.episode else "no_episode", lang))
    return found


def remember_cast(pages, visitor: Visit, visit: object, report: Report) -> tuple[EpisodeCast, str]:
    """Casts an episode, or one that was edited, and keeps it as long as the visit; the visit's token."""
    cast = compute_episode(pages, visitor, report)
    token = episodes.put(cast, visitor.episode)
    return cast, visits.put(replace(visitor, episode=token), visit)


def part_of(cast: EpisodeCast, id: object, lang: str) -> Part:
    for part in cast.parts:
        if part.character.id == id:
            return part
    raise WebcastError(label("no_part_of", lang, id=repr(id)))


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
        if person not in [each.id for each in people_of(visitor).people]:
            raise WebcastError(label("nobody_found", lang))
        filters = replace(visitor.filters, without=(*visitor.filters.without, person))
        visitor = replace(visitor, filters=filters)
        shown = show_parts(last_cast(visitor, lang).episode, visitor, visit, lang, begin(request))
    return *shown, list(filters.without)


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
        cards = [
            (draw_card(cast, part, lang), character_name(part.character, lang))
            for part in cast.parts
            if part.person
        ]
    return gr.File(files, visible=True), gr.Gallery(cards, visible=True)


def cast_files(cast: EpisodeCast, lang: str) -> list[dict]:
    """The sheet, the JSON and the CSV of a cast as files."""
    written = json.dumps(episode_json(cast, lang), ensure_ascii=False, indent=2)
    return [
        text_file(episode_html(cast, lang), "cast.html", "text/html"),
        text_file(written, "cast.json", "application/json"),
        text_file(episode_csv(cast, lang), "cast.csv", "text/csv"),
    ]


# Draw a photo


def show_drawing(file, request: gr.Request, progress=PROGRESS):
    """The hint (hidden), the photo's head beside its drawing, and the drawing to keep."""
    report = begin(request)
    with answer(request) as lang:
        panels, _ = read_pages([file] if file else [], lang)
        report("draw", 0, 1)
        (drawing,) = compute_drawings(panels)
        head = ImageOps.fit(caster.stages.head(panels[0]), drawing.size)
    both = gr.ImageSlider((head, drawing), visible=True)
    return gr.HTML(visible=False), both, gr.Image(drawing, visible=True)


# Compare


def show_comparison(file, stage, visit, request: gr.Request, progress=PROGRESS):
    """The hint (hidden), and what each part of the stage makes of the picture."""
    report = begin(request)
    with answer(request) as lang:
        panels, _ = read_pages([file] if file else [], lang)
        made = compute_columns(stage, panels[0], visit_of(visit), report)
        columns = [(column.label, column.picture, column.told, column.seconds) for column in made]
        return gr.HTML(visible=False), gr.HTML(page_markup.columns(columns, lang), visible=True)


# The gallery


def show_people(search, gender, visit, request: gr.Request):
    """The people that fit the search as pictures, their ids in that order, and what to say about them."""
    lang, actors = language(request), people_of(visit_of(visit))
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
    lang, actors = language(request), people_of(visit_of(visit))
    if event.index not in range(len(shown)):
        return gr.skip()
    mine = [portrait for portrait in actors.portraits if portrait.person.id == shown[event.index]]
    return page_markup.portraits_of(mine[0].person, mine, lang) if mine else gr.skip()


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


def remember_actors(files, visit, request, asked_lang, report) -> str:
    """Remembers a gallery as long as the visit; the visit's token."""
    with tempfile.TemporaryDirectory() as private, answer(request, asked_lang, f"{private}/") as lang:
        folder = Path(private) / label("own_actors", lang)
        folder.mkdir()
        unpack_portraits(files, folder)
        actors, notices = compute_gallery(folder, report)
        notices = [said(notice, lang) for notice in notices]
    for notice in notices:
        gr.Info(escape(notice, quote=False))
    return visits.put(replace(visit_of(visit), own=actors, among="own"), visit)


# The API


def cast(
    pages: list[gr.FileData],
    request: gr.Request,
    faces: list[int] | None = None,
    similarity: str | None = None,
    visit: str | None = None,
    lang: str | None = None,
) -> tuple[gr.FileData, dict]:
    """Cast a drawn character with people of the gallery: AI resemblance, not identification.

    Args:
        pages: The pages, panels or strips as picture files.
        faces: Which faces are the character, as indices from /detect; without it all faces count as one.
        similarity: "direct" compares the drawing, "realized" its photo; without it the better one.
        visit: What /own_actors or /settings gave, to cast among your own actors or with other parts.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The casting sheet as a picture
        The standings (best first), every face's ballot, how firm the result is, and its sources
    """
    with answer(request, lang) as lang:
        visitor = visit_asked(visit, lang)
        visitor = with_settings(visitor, similarity or visitor.similarity, {}, lang)
        found, _, notices = find_faces(uploaded(pages), stages_with(visitor.parts), lang)
        if faces is None and len(found) > 1:
            notices.append(label("all_count", lang, count=len(found)))
        chosen = choose(found, range(len(found)) if faces is None else faces, lang)
        result = compute(chosen, visitor, None)
    told = [said(notice, lang) for notice in result.notices]
    result = replace(result, notices=(*notices, *told))
    return picture_file(draw_sheet(result, lang), "sheet"), to_json(result)


def detect(
    pages: list[gr.FileData], request: gr.Request, visit: str | None = None, lang: str | None = None
) -> tuple[list[gr.FileData], dict]:
    """Find the drawn faces of webtoon pages.

    Args:
        pages: The pages, panels or strips as picture files.
        visit: What /settings gave, to use other parts.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The pages with every face boxed and numbered
        The faces: index for /cast and /realize, number as drawn, page, box in pixels, detector, likelihood
    """
    with answer(request, lang) as lang:
        stages = stages_with(visit_asked(visit, lang).parts)
        faces, panels, notices = find_faces(uploaded(pages), stages, lang)
    marks = {panel: [] for panel in panels}
    for index, face in enumerate(faces):
        marks[face.panel].append((index + 1, face, False))
    boxed = [picture_file(draw_boxes(panel, mine), "boxed") for panel, mine in marks.items()]
    told = [{"index": index, "number": index + 1, **face_json(face)} for index, face in enumerate(faces)]
    return boxed, {"faces": told, "notices": notices}


def realize(
    pages: list[gr.FileData],
    request: gr.Request,
    faces: list[int] | None = None,
    visit: str | None = None,
    lang: str | None = None,
) -> tuple[list[gr.FileData], dict]:
    """Turn the drawn faces of webtoon pages into photo-like pictures of nobody.

    Args:
        pages: The pages, panels or strips as picture files.
        faces: Which faces, as indices from /detect; without it all faces.
        visit: What /settings gave, to use other parts.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The photo-like pictures, in the order of the faces
        The faces: page, box in pixels, detector, likelihood
    """
    with answer(request, lang) as lang:
        visitor = visit_asked(visit, lang)
        found, _, notices = find_faces(uploaded(pages), stages_with(visitor.parts), lang)
        chosen = choose(found, range(len(found)) if faces is None else faces, lang)
        photos = compute_photos([face.crop for face in chosen], visitor)
    told = {"faces": [face_json(face) for face in chosen], "notices": notices}
    return [picture_file(photo, "realized") for photo in photos], told


def cast_episode(
    episode: list[gr.FileData], request: gr.Request, visit: str | None = None, lang: str | None = None
) -> tuple[list[gr.FileData], list[gr.FileData], dict]:
    """Cast a whole episode: who plays whom, and nobody two parts. AI resemblance, not identification.

    Args:
        episode: Pages or strips as pictures, ZIP or CBZ archives, or PDFs.
        visit: What /own_actors or /settings gave, to cast among your own actors, with filters or other parts.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The cast as a sheet (HTML), as JSON and as CSV
        A card to post for each part
        The characters, most present first, each with id, faces, standings and the person assigned; the visit
    """
    with answer(request, lang) as lang:
        visitor = visit_asked(visit, lang)
        pages = sent_pages([(path, display_name(path)) for path in uploaded(episode)], lang)
        return told_cast(pages, visitor, visit, lang)


def edit_episode(
    visit: str, changes: list[dict], request: gr.Request, lang: str | None = None
) -> tuple[list[gr.FileData], list[gr.FileData], dict]:
    """Put the characters of an episode right; everything after follows. Without edits it is cast again.

    Args:
        visit: What /cast_episode gave.
        changes: In their order: {"do": "merge", "ids": ["c1", "c2"]}, {"do": "drop", "id": "c1"}, ...
            The others are split (id, faces), restore (id), rename (id, name), gender (id, gender), leave_out
            (faces) and bring_back (face).
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The cast as a sheet (HTML), as JSON and as CSV
        A card to post for each part
        The characters, as /cast_episode tells them
    """
    with answer(request, lang) as lang:
        visitor = visit_asked(visit, lang)
        episode = last_cast(visitor, lang).episode
        for change in changes if isinstance(changes, list) else [changes]:
            episode = edits.apply(episode, change)
        return told_cast(episode, visitor, visit, lang)


def told_cast(pages, visitor: Visit, visit: str | None, lang: str) -> tuple[list[dict], list[dict], dict]:
    cast, visit = remember_cast(pages, visitor, visit, Report(lang))
    cards = [picture_file(draw_card(cast, part, lang), "card") for part in cast.parts if part.person]
    return cast_files(cast, lang), cards, {**episode_json(cast, lang), "visit": visit}


def explain(
    visit: str, character: str, request: gr.Request, lang: str | None = None
) -> tuple[list[gr.FileData], dict]:
    """Why somebody got a part: which regions of the character's best faces carried the match.

    Args:
        visit: What /cast_episode gave.
        character: The id of a character with a part.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        A map of each of the best faces: the brighter, the more of the match is lost when that is covered
        The faces' numbers, and for each a grid of how much the similarity falls
    """
    with answer(request, lang) as lang:
        visitor = visit_asked(visit, lang)
        part = part_of(last_cast(visitor, lang), character, lang)
        maps = compute_maps(part, visitor)
    drops = {str(number): found.drop.round(4).tolist() for number, found in maps.items()}
    pictures = [picture_file(found.picture, f"face-{number}") for number, found in maps.items()]
    return pictures, {"faces": list(maps), "drop": drops}


def draw(
    photos: list[gr.FileData], request: gr.Request, lang: str | None = None
) -> tuple[list[gr.FileData], dict]:
    """Turn the largest face of each photo into a webtoon drawing.

    Args:
        photos: Photos with a face as picture files.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The drawings, in the order of the photos that could be opened
        What was left out and why
    """
    with answer(request, lang) as lang:
        panels, notices = read_pages(uploaded(photos), lang)
        drawings = compute_drawings(panels)
    return [picture_file(drawing, "drawing") for drawing in drawings], {"notices": notices}


def compare(
    picture: gr.FileData,
    stage: str,
    request: gr.Request,
    visit: str | None = None,
    lang: str | None = None,
) -> tuple[list[gr.FileData], dict]:
    """Let every part of a stage that is here do its work on one picture, side by side.

    Args:
        picture: A picture file with a face.
        stage: detector, photo_detector, upscaler, photo_upscaler, realizer, embedder or distance.
        visit: What /own_actors gave, to compare embedders by whom they find among your own actors.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        What each part made of the picture, for the parts that are here
        Every part: its name and label, what is told of it or what it lacks, and its seconds
    """
    with answer(request, lang) as lang:
        panels, _ = read_pages(uploaded([picture]), lang)
        columns = compute_columns(stage, panels[0], visit_asked(visit, lang), None)
    pictures = [picture_file(column.picture, column.part) for column in columns if column.picture]
    parts = [
        {
            "part": column.part,
            "label": column.label,
            "here": column.picture is not None,
            "told": column.told,
            "seconds": round(column.seconds, 3),
        }
        for column in columns
    ]
    return pictures, {"parts": parts}


def gallery(request: gr.Request, visit: str | None = None, lang: str | None = None) -> dict:
    """Who can be cast: the people of the gallery, and which weights and gallery this app has.

    Args:
        visit: What /own_actors or /settings gave, to see whom it casts among.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The people (id, name, gender, number of portraits) and the sources
    """
    with answer(request, lang) as lang:
        people = people_of(visit_asked(visit, lang))
    told = [{**asdict(person), "portraits": n} for person, n in people.portraits_each.items()]
    notices = [said(notice, lang) for notice in caster.notices]
    return {"people": told, "sources": asdict(caster.sources), "notices": notices}


def own_actors(
    photos: list[gr.FileData], request: gr.Request, visit: str | None = None, lang: str | None = None
) -> dict:
    """Bring actors of your own: loose photos named after the person, or ZIPs with a folder per person.

    Args:
        photos: The photos or ZIPs. Only use photos that you may use.
        visit: What an earlier call gave, to keep its settings.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The visit, which the other endpoints take, and the people in it
    """
    with answer(request, lang) as asked:
        paths = uploaded(photos)
        if visit is not None:
            visit_asked(visit, asked)
    files = [(path, display_name(path)) for path in paths]
    visit = remember_actors(files, visit, request, lang, None)
    return {"visit": visit, "people": [asdict(person) for person in visits.get(visit).own.people]}


def settings(
    request: gr.Request,
    gender: str | None = None,
    youngest: int | None = None,
    oldest: int | None = None,
    shortlist: list[str] | None = None,
    without: list[str] | None = None,
    among: str = "gallery",
    similarity: str | None = None,
    detector: str | None = None,
    upscaler: str | None = None,
    realizer: str | None = None,
    embedder: str | None = None,
    distance: str | None = None,
    visit: str | None = None,
    lang: str | None = None,
) -> dict:
    """Choose who may be cast, and the parts that cast by name; without a name the weights' own part does it.

    Args:
        gender: "female" or "male", as the gallery says; without it everybody.
        youngest: In years; people without a year of birth are out where an age is given.
        oldest: In years.
        shortlist: Ids of the only people to consider.
        without: Ids of people who get no part.
        among: "gallery", "own" (your own actors, from /own_actors) or "both".
        similarity: "direct" compares the drawing, "realized" its photo; without it the better one.
        detector: What finds drawn faces; several are joined with +.
        upscaler: What upscales drawings.
        realizer: What turns drawings into photos.
        embedder: What compares faces.
        distance: "cosine" or "euclidean".
        visit: What an earlier call gave, to keep its actors.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The visit, which the other endpoints take, and for each stage the parts: name, label, what is missing
    """
    with answer(request, lang) as lang:
        names = dict(zip(CHOSEN, (detector, upscaler, realizer, embedder, distance), strict=True))
        if among not in AMONG:
            raise WebcastError(label("bad_filter", lang))
        filters = checked_filters(gender, youngest, oldest, shortlist, without, lang)
        visitor = replace(visit_asked(visit, lang), filters=filters, among=among)
        visit = visits.put(with_settings(visitor, similarity, names, lang), visit)
        parts = {stage: [asdict(part) for part in parts_here(caster.stages, stage)] for stage in STAGES}
    return {"visit": visit, "parts": parts}


def picture_file(image: Image.Image, name: str) -> dict:
    """The picture as a file in Gradio's cache, which is served from there and deleted in time."""
    path = save_pil_to_cache(image, get_upload_folder(), name=name, format="png")
    return gr.FileData(path=path, orig_name=f"{name}.png", mime_type="image/png").model_dump()


def text_file(text: str, name: str, mime_type: str) -> dict:
    """The text as a file in Gradio's cache, which is deleted in time as pictures are."""
    path = deleted_in_time(save_bytes_to_cache(text.encode("utf-8"), name, get_upload_folder()))
    return gr.FileData(path=path, orig_name=name, mime_type=mime_type).model_dump()


# The words of the page, which the browser puts into its own language


# Gradio has words of its own under short keys, such as "slider".
i18n = gr.I18n(
    **{
        lang: {f"webcast_{key}": text for key, text in words.items()}
        for lang, words in page_markup.page_words(
            {**LIMITS, **asdict(caster.sources)}, caster.notices, EXAMPLES
        ).items()
    }
)


def t(key: str) -> I18nData:
    """The words of that key in the language of whoever looks."""
    return i18n(f"webcast_{key}")


# The layout

PAGES = ("episode", *(("draw",) if caster.stages.drawer else ()), "gallery", "compare", "about")
ONE_AT_A_TIME = {"concurrency_id": "compute", "concurrency_limit": 1}
PRIVATE = {"api_visibility": "private"}
COMPUTED = {**PRIVATE, **ONE_AT_A_TIME}
GENDER_CHOICES = [(t("everyone"), ""), (t("women"), "female"), (t("men"), "male")]


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


def lay_out_settings(visit: gr.BrowserState) -> list:
    """How casting is done; the events after which it has changed."""
    with gr.Accordion(t("settings"), open=False, elem_id="settings"):
        gr.Markdown(t("settings_hint"))
        similarity = gr.Radio(
            [(t(name), name) for name in SIMILARITIES],
            value=caster.stages.similarity,
            label=t("similarity"),
            info=t("similarity_info"),
        )
        with gr.Row():
            parts = [part_choice(stage) for stage in CHOSEN]
    chosen = [similarity, *parts]
    demo.load(show_settings, visit, chosen, show_progress="hidden", **PRIVATE)
    return [each.input(set_parts, [visit, *chosen], visit, **COMPUTED) for each in chosen]


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


def part_choice(stage: str) -> gr.Dropdown:
    """The parts of a stage that are here; for detectors more than one."""
    here = [part for part in parts_here(caster.stages, stage) if part.is_here]
    is_detector = stage == "detector"
    return gr.Dropdown(
        [(part.label, part.name) for part in here],
        value=[here[0].name] if is_detector else here[0].name,
        multiselect=is_detector,
        label=t(stage),
        info=t("detector_info") if is_detector else None,
        min_width=220,
    )


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
            examples = gr.HTML(t("examples"), js_on_load=page_scripts.EXAMPLE, elem_id="examples")
            page_view = gr.HTML(js_on_load=page_scripts.CHOOSE, elem_id="faces")
            all_faces = gr.Button(visible=False, elem_id="all-faces")
        with gr.Column(scale=6, min_width=320):
            hint = gr.HTML(t("hint_page"))
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
    changed, _ = lay_out_filters(visit)
    changed += lay_out_settings(visit)
    close_page()

    found = [faces_found, faces_chosen, page_view, all_faces]
    result = [hint, sheet_view, slider, ballots_view]
    shown = {"show_progress_on": [hint, sheet_view], **COMPUTED}
    dropped.upload(show_pages, [dropped, visit], [*found, *result], **shown)
    examples.select(show_example, visit, [*found, *result], **shown)
    page_view.select(show_choice, [faces_found, visit], [faces_chosen, *result], **shown)
    all_faces.click(show_all, [faces_found, visit], [faces_chosen, *result], **shown)
    for event in changed:
        event.success(show_again, [faces_found, faces_chosen, visit], result, **shown)


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
            label=t("get_cards"), visible=False, format="png", columns=4, interactive=False, elem_id="cards"
        )
    why = gr.HTML(js_on_load=page_scripts.WHY, elem_id="why")
    characters = gr.HTML(js_on_load=page_scripts.EDIT, elem_id="characters")
    left = gr.HTML(js_on_load=page_scripts.EDIT, elem_id="left")
    changed, without = lay_out_filters(visit)
    changed += lay_out_settings(visit)
    gr.Markdown(t("episode_kept"), elem_classes="wc-kept")
    close_page()

    result = [visit, hint, cast_view, characters, left, keep, files, cards, why]
    shown = {"show_progress_on": [hint, cast_view], **COMPUTED}
    dropped.upload(show_episode, [dropped, visit], result, **shown)
    example.click(show_example_episode, visit, result, **shown)
    gr.on([characters.edit, left.edit], show_edited, visit, result, **shown)
    cast_view.edit(show_without, visit, [*result, without], **shown)
    cast_view.select(show_why, visit, why, show_progress_on=[why], **COMPUTED)
    keeping.click(show_files, visit, [files, cards], show_progress_on=[files], **COMPUTED)
    for event in changed:
        event.success(show_episode_again, visit, result, **shown)
    demo.load(show_episode_again, visit, result, show_progress="hidden", **COMPUTED)


def lay_out_draw() -> None:
    open_page("draw")
    with gr.Row(elem_classes="wc-stage"):
        with gr.Column(scale=5, min_width=320):
            dropped = gr.File(label=t("draw_drop"), file_types=["image"], height=150, elem_id="photo")
        with gr.Column(scale=6, min_width=320):
            hint = gr.HTML(t("hint_draw"))
            slider = gr.ImageSlider(
                label=t("draw_slider"), visible=False, interactive=False, max_height=480, elem_id="both"
            )
            drawing = gr.Image(
                label=t("drawing"), visible=False, format="png", interactive=False, elem_id="drawing"
            )
    close_page()
    shown = [hint, slider, drawing]
    dropped.upload(show_drawing, dropped, shown, show_progress_on=[hint, slider], **COMPUTED)


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
        folder = gr.HTML(t("folder"), js_on_load=page_scripts.FOLDER, elem_id="portrait-folder")
    origins = gr.HTML(elem_id="sources")
    close_page()

    browse = (show_people, [search, gender, visit], [people, shown, counted, person])
    where = (show_sources, visit, [told, among, origins])
    gr.on([search.change, gender.input], *browse, show_progress="hidden", **PRIVATE)
    people.select(show_person, [shown, visit], person, show_progress="hidden", **PRIVATE)
    changed = [
        portraits.upload(use_actors, [portraits, visit], visit, show_progress_on=[people], **COMPUTED),
        folder.upload(use_folder, visit, visit, show_progress_on=[people], **COMPUTED),
        among.input(set_among, [among, visit], visit, **PRIVATE),
    ]
    for event in changed:
        shown_again = event.success(*browse, show_progress_on=[people], **PRIVATE)
        shown_again.then(*where, show_progress="hidden", **PRIVATE)
    demo.load(*browse, show_progress_on=[people], **PRIVATE)
    demo.load(*where, show_progress="hidden", **PRIVATE)


def lay_out_compare() -> None:
    visit = open_page("compare")
    with gr.Row(elem_classes="wc-stage"):
        with gr.Column(scale=5, min_width=320):
            dropped = gr.File(label=t("compare_drop"), file_types=["image"], height=150, elem_id="picture")
            stage = gr.Dropdown(
                [(t(name), name) for name in STAGES], value=STAGES[0], label=t("compare_stage")
            )
            go = gr.Button(t("compare_go"), variant="primary")
        with gr.Column(scale=6, min_width=320):
            hint = gr.HTML(t("hint_compare"))
    made = gr.HTML(visible=False, elem_id="columns")
    close_page()
    again = (show_comparison, [dropped, stage, visit], [hint, made])
    gr.on([dropped.upload, go.click], *again, show_progress_on=[hint, made], **COMPUTED)


def lay_out_about() -> None:
    open_page("about")
    gr.Markdown(t("about"), elem_id="about")
    for key, card in zip(("card_weights", "card_gallery"), CARDS, strict=True):
        with gr.Accordion(t(key), open=False):
            gr.Markdown(card or t("no_card"), elem_classes="wc-card")
    close_page()


LAY_OUT = {
    "episode": lay_out_episode,
    "draw": lay_out_draw,
    "gallery": lay_out_gallery,
    "compare": lay_out_compare,
    "about": lay_out_about,
}

ENDPOINTS = (
    cast, detect, realize, cast_episode, edit_episode, explain, draw, compare, own_actors, settings,
)  # fmt: skip

with gr.Blocks(
    title="webcast", analytics_enabled=False, delete_cache=(CLEAN_EVERY_S, KEEP_FOR_S), fill_width=True
) as demo:
    lay_out_cast_a_page()
    for endpoint in ENDPOINTS:
        gr.api(endpoint, api_name=endpoint.__name__, **ONE_AT_A_TIME)
    gr.api(gallery, api_name="gallery")
for page in PAGES:
    with demo.route(label(f"nav_{page}", "en"), f"/{page}", show_in_navbar=False):
        LAY_OUT[page]()

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
    threading.Thread(target=forget_in_time, daemon=True).start()
    demo.launch(
        theme=THEME,
        css=markup.BALLOT_CSS,
        css_paths=HERE / "app.css",
        i18n=i18n,
        max_file_size=f"{MAX_FILE_MB}mb",
        state_session_capacity=MAX_VISITS,
        footer_links=["api"],
        mcp_server=True,
        ssr_mode=False,
    )
