"""The page and the API: lays out, checks what comes in, and puts results into words. No model code."""

import spaces  # first: on ZeroGPU it must patch torch before torch is imported

# isort: split
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from html import escape
from pathlib import Path
from urllib.parse import unquote

import gradio as gr
from gradio.processing_utils import save_base64_to_cache, save_pil_to_cache
from gradio.utils import get_upload_folder
from PIL import Image, ImageOps

from webcast import load_caster, markup
from webcast.caster import Caster, enlarge
from webcast.errors import ImageError, WebcastError
from webcast.gallery import Gallery, build_gallery
from webcast.images import display_name, open_image
from webcast.sheet import draw_boxes, draw_sheet, face_json, to_json
from webcast.types import CastResult, Face, Panel
from webcast.unpack import MAX_PHOTOS, unpack_portraits
from webcast.words import DISCLAIMER, counted, firmness_in_words, headline

MAX_PAGES = 12  # of one call
MAX_PIXELS = 120_000_000  # of all pages of one call together
MAX_FACES = 24  # cast at once
MAX_FILE_MB = 20
MAX_WAITING = 24  # calls in the queue; one is computed at a time
MAX_VISITS = 64  # whose faces are remembered
KEEP_FOR_S = 3600
CLEAN_EVERY_S = 600

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE / "webcast" / "bundle" / "examples").glob("*.png"))
STAGES = {
    "detect": "Looking for faces",
    "upscale": "Upscaling the heads",
    "realize": "Turning the drawing into a photo",
    "embed": "Comparing with the gallery",
    "vote": "Counting the votes",
    "find portraits": "Looking for the faces of your actors",
    "embed portraits": "Remembering your actors for this visit",
}


def start() -> Caster:
    try:
        return load_caster(os.environ.get("WEBCAST_GALLERY"), os.environ.get("WEBCAST_WEIGHTS"))
    except WebcastError as error:
        raise SystemExit(f"webcast cannot start: {error}") from None


caster = start()
PROGRESS = gr.Progress()  # Gradio shows progress for the functions that have one among their defaults


# What comes in


def find_faces(paths: Sequence[str]) -> tuple[list[Face], list[Panel], list[str]]:
    """All faces of the pages in order, each page's largest first; the pages; what was left out."""
    if not paths:
        raise WebcastError("There is no page yet; drop at least one picture.")
    if len(paths) > MAX_PAGES:
        raise WebcastError(f"{len(paths)} pages are too many at once; drop at most {MAX_PAGES}.")
    panels, notices = read_pages(paths)
    faces = []
    for done, panel in enumerate(panels):
        report("detect", done, len(panels))
        found = caster.detect(panel)
        if not found:
            notices.append(f"No drawn face was found on {panel.name}.")
        faces += found
    if not faces:
        raise WebcastError("No drawn face was found; try a page with a larger, frontal face.")
    return faces, panels, notices


def read_pages(paths: Sequence[str]) -> tuple[list[Panel], list[str]]:
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
            raise ImageError(f"The pages have over {MAX_PIXELS // 10**6} megapixels together; drop fewer.")
    if not panels:
        raise ImageError(" ".join(notices))
    return panels, notices


def choose(faces: Sequence[Face], indices: Sequence[int]) -> list[Face]:
    """The faces of those indices, once each. Whatever came over HTTP may be in `indices`."""
    if not faces:
        raise WebcastError("There is no page yet; drop at least one picture.")
    for index in indices:
        if type(index) is not int or not 0 <= index < len(faces):
            raise WebcastError(
                f"There is no face {index!r}; the faces have the numbers 0 to {len(faces) - 1}."
            )
    chosen = [faces[index] for index in dict.fromkeys(indices)]
    if not chosen:
        raise WebcastError("No face is chosen; choose at least one.")
    if len(chosen) > MAX_FACES:
        raise WebcastError(f"{len(chosen)} faces are too many at once; choose at most {MAX_FACES}.")
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


@contextmanager
def errors_in_words(hide: str = "") -> Iterator[None]:
    """A user's mistake is shown as its sentence, without a traceback and without the words to hide."""
    try:
        yield
    except WebcastError as error:
        raise gr.Error(
            escape(str(error).replace(hide, ""), quote=False),
            title="That did not work",
            print_exception=False,
        ) from None


def report(stage: str, done: int, total: int) -> None:
    """Name the stage on the page of whoever waits for it."""
    PROGRESS((done, total), desc=STAGES.get(stage, stage), unit="")


# What is computed


@spaces.GPU(duration=30)
def compute(faces: list[Face], actors: Gallery | None, similarity: str | None) -> CastResult:
    troupe = caster.with_gallery(actors) if actors else caster
    return troupe.cast([], faces, report, similarity)


@spaces.GPU(duration=30)
def compute_photos(heads: list[Image.Image]) -> list[Image.Image]:
    return caster.stages.realizer.realize(enlarge(caster.stages.upscaler, heads))


@spaces.GPU(duration=120)
def compute_gallery(folder: Path) -> tuple[Gallery, tuple[str, ...]]:
    stages = caster.stages
    return build_gallery(folder, stages.embedder, stages.detector, report)


# The page


def show_pages(files, similarity, actors, progress=PROGRESS):
    """From dropped files to the result: first the page with its faces boxed, then the cast."""
    with errors_in_words():
        faces, panels, notices = find_faces(files)
        for notice in notices:
            gr.Warning(escape(notice, quote=False))
        largest = max(range(len(faces)), key=lambda index: faces[index].box.area)
        page, all_faces = pages_html(panels, faces, largest), all_button(len(faces))
        # The pages are shown already; to remember every visit's would fill the memory.
        faces = [replace(face, panel=Panel(face.crop, face.panel.name)) for face in faces]
        yield faces, [largest], page, all_faces, *[gr.skip()] * 4
        yield *[gr.skip()] * 4, *show_cast(faces, [largest], similarity, actors)


def show_example(event: gr.SelectData, similarity, actors, progress=PROGRESS):
    with errors_in_words():
        if event.index not in range(len(EXAMPLES)):
            raise WebcastError("There is no such example; click one of those shown.")
    yield from show_pages([str(EXAMPLES[event.index])], similarity, actors, progress)


def show_choice(event: gr.SelectData, faces, similarity, actors, progress=PROGRESS):
    with errors_in_words():
        choose(faces, [event.index])
        return [event.index], *show_cast(faces, [event.index], similarity, actors)


def show_all(faces, similarity, actors, progress=PROGRESS):
    everyone = list(range(len(faces)))
    return everyone, *show_cast(faces, everyone, similarity, actors)


def show_again(faces, chosen, similarity, actors, progress=PROGRESS):
    """The same faces after a setting was changed; nothing where there is no page yet."""
    return show_cast(faces, chosen, similarity, actors) if faces else (gr.skip(),) * 4


def show_cast(faces, chosen, similarity, actors):
    """What the result fills: the hint (hidden), the sheet, the slider, and how each face voted."""
    with errors_in_words():
        result = compute(choose(faces, chosen), actors, similarity)
    first = result.ballots[0]
    both = tuple(ImageOps.fit(image, (512, 512)) for image in (first.face.crop, first.realized))
    told = f"{headline(result)}: {firmness_in_words(result)}"
    sheet = gr.Image(draw_sheet(result), visible=True)
    card = (
        f'<p class="wc-told" role="status">{escape(told)}</p>{markup.notices(result)}{markup.ballots(result)}'
    )
    return gr.HTML(visible=False), sheet, gr.ImageSlider(both, visible=True), gr.HTML(card, visible=True)


def use_actors(files, progress=PROGRESS):
    """A gallery of the visitor's own portraits, from loose photos or a ZIP."""
    return make_gallery([(file, Path(file).name) for file in files or []])


def use_folder(event: gr.EventData, progress=PROGRESS):
    """The same from a folder, whose files the page uploads with their names inside it."""
    sent = event._data.get("files") if isinstance(event._data, dict) else None
    if not isinstance(sent, list) or not all(isinstance(file, dict) for file in sent):
        raise gr.Error("That is no folder.", print_exception=False)
    with errors_in_words():
        paths = uploaded(sent)
    return make_gallery([(path, str(file.get("name"))) for path, file in zip(paths, sent, strict=True)])


def make_gallery(files: list[tuple[str, str]]) -> tuple[Gallery, str]:
    """The gallery, which lives as long as the visit, and what to say about it."""
    with tempfile.TemporaryDirectory() as private, errors_in_words(hide=f"{private}/"):
        folder = Path(private) / "your actors"
        folder.mkdir()
        unpack_portraits(files, folder)
        actors, notices = compute_gallery(folder)
    for notice in notices:
        gr.Info(escape(notice, quote=False))
    people, portraits = counted(len(actors.people), "actor"), counted(len(actors.portraits), "portrait")
    return actors, f"Casting among **your {people}** ({portraits}), for this visit only."


def forget_actors():
    return None, gallery_in_words()


def gallery_in_words() -> str:
    gallery = caster.gallery
    people = counted(len(gallery.people), "person").replace("persons", "people")
    return f"Casting among the **{people}** of the gallery {gallery.name} ({gallery.revision})."


def all_button(count: int) -> gr.Button:
    words = f"All {count} faces are one character: let them all vote"
    return gr.Button(words, visible=1 < count <= MAX_FACES)


def examples_html() -> str:
    buttons = ""
    for index, path in enumerate(EXAMPLES):
        name, picture = path.stem.replace("-", " "), markup.data_uri(open_image(path), (400, 400))
        buttons += (
            f'<button type="button" data-example="{index}"><img alt="Cast our example page" src="{picture}">'
            f"<span>{escape(name)}</span></button>"
        )
    return (
        f'<p class="wc-told">No page at hand? Click one of ours.</p><div class="wc-examples">{buttons}</div>'
    )


def pages_html(panels: Sequence[Panel], faces: Sequence[Face], chosen: int) -> str:
    """The pages one below the other, with a button over each face."""
    buttons: dict[Panel, str] = dict.fromkeys(panels, "")
    for index, face in enumerate(faces):
        buttons[face.panel] += face_button(index, face, index == chosen)
    pages = ""
    for panel, inside in buttons.items():
        picture = markup.data_uri(panel.image, (900, 30000))
        pages += f'<div class="wc-page"><img alt="{escape(panel.name)}" src="{picture}">{inside}</div>'
    found = f"{counted(len(faces), 'face')} found."
    told = f"{found} Click the one to cast." if len(faces) > 1 else found
    return f'<p class="wc-told" role="status">{told}</p><div class="wc-pages">{pages}</div>'


def face_button(index: int, face: Face, is_chosen: bool) -> str:
    width, height, box = *face.panel.image.size, face.box
    place = (
        f"left:{100 * box.x0 / width:.2f}%;top:{100 * box.y0 / height:.2f}%;"
        f"width:{100 * box.width / width:.2f}%;height:{100 * box.height / height:.2f}%"
    )
    return (
        f'<button type="button" class="wc-face" data-face="{index}" aria-pressed="{str(is_chosen).lower()}" '
        f'aria-label="Cast face {index + 1} on {escape(face.panel.name)}" style="{place}">'
        f"<span>{index + 1}</span></button>"
    )


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

FOLDER_HTML = """
<label class="wc-folder">Or choose a folder with a folder of photos per person
<input type="file" webkitdirectory multiple></label>
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

HEADER = """
<header class="wc-header"><h1>webcast</h1>
<p>Who would play them? Drop a webtoon page, and the drawn face votes for the people it resembles.</p>
</header>
"""

HINT = """
<div class="wc-hint"><ol><li><b>Drop a page</b> or a whole episode, or take one of ours.</li>
<li><b>Pick the face</b> to cast. The largest is picked for you.</li>
<li><b>Keep the sheet</b>: the drawing, the photo it became, and who gets the part.</li></ol></div>
"""


def footer() -> str:
    """Where the result comes from, what is allowed, and what becomes of the pictures."""
    sources = caster.sources
    warned = "".join(f"<p><b>{escape(notice)}</b></p>" for notice in caster.notices)
    return f"""<footer class="wc-footer">{warned}
<p><b>{DISCLAIMER}.</b> Votes come from the likeness of pictures. They say nothing about who anybody is.</p>
<p>Weights: {escape(sources.weights)} <code>{escape(sources.weights_revision)}</code>.
Gallery: {escape(sources.gallery)} <code>{escape(sources.gallery_revision)}</code>.</p>
<p>At once: {MAX_PAGES} pages of {MAX_FILE_MB} MB each, {MAX_PIXELS // 10**6} megapixels together;
{MAX_FACES} faces; {MAX_PHOTOS} portraits of your own. One call is computed at a time, {MAX_WAITING} may
wait.</p>
<p>Your pictures go to the machine that runs this page, serve for nothing else, and are deleted within
{(KEEP_FOR_S + CLEAN_EVERY_S) // 60} minutes. Your own actors are forgotten with your visit.</p></footer>"""


# The API


def cast(
    pages: list[gr.FileData], faces: list[int] | None = None, similarity: str | None = None
) -> tuple[gr.FileData, dict]:
    """Cast a drawn character with people of the gallery: AI resemblance, not identification.

    Args:
        pages: The pages, panels or strips as picture files.
        faces: Which faces are the character, as indices from /detect; without it all faces count as one.
        similarity: "direct" compares the drawing, "realized" its photo; without it the better one.

    Returns:
        The casting sheet as a picture
        The standings (best first), every face's ballot, how firm the result is, and its sources
    """
    with errors_in_words():
        found, _, notices = find_faces(uploaded(pages))
        if faces is None and len(found) > 1:
            notices.append(f"All {len(found)} faces found count as one character.")
        chosen = choose(found, range(len(found)) if faces is None else faces)
        result = compute(chosen, None, similarity)
    result = replace(result, notices=(*notices, *result.notices))
    return picture_file(draw_sheet(result), "sheet"), to_json(result)


def detect(pages: list[gr.FileData]) -> tuple[list[gr.FileData], dict]:
    """Find the drawn faces of webtoon pages.

    Args:
        pages: The pages, panels or strips as picture files.

    Returns:
        The pages with every face boxed and numbered
        The faces: index for /cast and /realize, number as drawn, page, box in pixels, detector, likelihood
    """
    with errors_in_words():
        faces, panels, notices = find_faces(uploaded(pages))
    marks = {panel: [] for panel in panels}
    for index, face in enumerate(faces):
        marks[face.panel].append((index + 1, face, False))
    boxed = [picture_file(draw_boxes(panel, mine), "boxed") for panel, mine in marks.items()]
    told = [{"index": index, "number": index + 1, **face_json(face)} for index, face in enumerate(faces)]
    return boxed, {"faces": told, "notices": notices}


def realize(pages: list[gr.FileData], faces: list[int] | None = None) -> tuple[list[gr.FileData], dict]:
    """Turn the drawn faces of webtoon pages into photo-like pictures of nobody.

    Args:
        pages: The pages, panels or strips as picture files.
        faces: Which faces, as indices from /detect; without it all faces.

    Returns:
        The photo-like pictures, in the order of the faces
        The faces: page, box in pixels, detector, likelihood
    """
    with errors_in_words():
        found, _, notices = find_faces(uploaded(pages))
        chosen = choose(found, range(len(found)) if faces is None else faces)
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


# The layout

ONE_AT_A_TIME = {"concurrency_id": "compute", "concurrency_limit": 1}
PRIVATE = {"api_visibility": "private", **ONE_AT_A_TIME}

with gr.Blocks(
    title="webcast", analytics_enabled=False, delete_cache=(CLEAN_EVERY_S, KEEP_FOR_S), fill_width=True
) as demo:
    faces_found = gr.State([], time_to_live=KEEP_FOR_S)
    faces_chosen = gr.State([], time_to_live=KEEP_FOR_S)
    own_actors = gr.State(None, time_to_live=KEEP_FOR_S)
    gr.HTML(HEADER)
    with gr.Row(elem_classes="wc-stage"):
        with gr.Column(scale=5, min_width=320):
            dropped = gr.File(
                label="Webtoon pages",
                file_count="multiple",
                file_types=["image"],
                height=150,
                elem_id="pages",
            )
            examples = gr.HTML(examples_html(), js_on_load=EXAMPLE_JS, elem_id="examples")
            page_view = gr.HTML(js_on_load=CHOOSE_JS, elem_id="faces")
            all_faces = gr.Button(visible=False)
        with gr.Column(scale=6, min_width=320):
            hint = gr.HTML(HINT)
            sheet_view = gr.Image(
                label="The casting sheet",
                show_label=False,
                visible=False,
                format="png",
                interactive=False,
                buttons=["download", "fullscreen"],
                elem_id="sheet",
            )
            slider = gr.ImageSlider(
                label="Drag: from the drawing to the photo", visible=False, interactive=False, max_height=360
            )
    ballots_view = gr.HTML(visible=False, elem_id="ballots")
    with gr.Accordion("Cast with your own actors", open=False):
        gr.Markdown(
            "Drop one ZIP with a folder of photos per person, or loose photos named after the person "
            "(`Marlowe Finch 1.jpg`). Use photos you may use; nobody else sees them."
        )
        portraits = gr.File(label="Portraits", file_count="multiple", height=140, elem_id="portraits")
        portrait_folder = gr.HTML(FOLDER_HTML, js_on_load=FOLDER_JS, elem_id="portrait-folder")
        actors_told = gr.Markdown(gallery_in_words())
        back = gr.Button("Back to the gallery of this app", size="sm")
    with gr.Accordion("How faces are compared", open=False):
        similarity = gr.Radio(
            [("The drawing itself", "direct"), ("The photo it became", "realized")],
            value=caster.stages.similarity,
            label="Compare with the portraits",
            info="Chosen at first is the one that was measured to cast better.",
        )
    gr.HTML(footer())

    found = [faces_found, faces_chosen, page_view, all_faces]
    result = [hint, sheet_view, slider, ballots_view]
    settings = [similarity, own_actors]
    shown = {"show_progress_on": [hint, sheet_view], **PRIVATE}
    again = (show_again, [faces_found, faces_chosen, *settings], result)
    dropped.upload(show_pages, [dropped, *settings], [*found, *result], **shown)
    examples.select(show_example, settings, [*found, *result], **shown)
    page_view.select(show_choice, [faces_found, *settings], [faces_chosen, *result], **shown)
    all_faces.click(show_all, [faces_found, *settings], [faces_chosen, *result], **shown)
    similarity.input(*again, **shown)
    told = [own_actors, actors_told]
    portraits.upload(use_actors, portraits, told, **PRIVATE).success(*again, **shown)
    portrait_folder.upload(use_folder, None, told, **PRIVATE).success(*again, **shown)
    back.click(forget_actors, None, told, **PRIVATE).success(*again, **shown)
    for endpoint in (cast, detect, realize):
        gr.api(endpoint, api_name=endpoint.__name__, **ONE_AT_A_TIME)
    gr.api(gallery, api_name="gallery")

demo.queue(max_size=MAX_WAITING)

INK, PAPER, NIGHT, CARD = "#17151f", "#fdf8ee", "#15131b", "#fffdf8"
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.rose,
    neutral_hue=gr.themes.colors.stone,
    radius_size=gr.themes.sizes.radius_none,
    font=["Pretendard", "system-ui", "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", "sans-serif"],
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
        max_file_size=f"{MAX_FILE_MB}mb",
        state_session_capacity=MAX_VISITS,
        footer_links=["api"],
        mcp_server=True,
        ssr_mode=False,
    )
