"""Files that came over HTTP, each judged before it is read, and files that go out."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

import gradio as gr
from gradio.processing_utils import save_base64_to_cache, save_bytes_to_cache, save_pil_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from webcast.app.answers import in_words
from webcast.app.blocks import demo
from webcast.app.limits import MAX_FILE_MB, MAX_PIXELS
from webcast.errors import ImageError
from webcast.images import display_name, open_image
from webcast.labels import label
from webcast.types import Panel


def uploaded(pages: list[dict | str]) -> list[str]:
    """The paths of files that came over HTTP, each of which must have been uploaded to this app."""
    if not isinstance(pages, list):
        raise ImageError("The pages must be a list of picture files.")
    paths = [str(page.get("path")) if isinstance(page, dict) else received(page) for page in pages]
    if not all(map(is_upload, paths)):
        pass_over_folders()
        raise ImageError("A page must be a file that was uploaded to this app.")
    return paths


def is_upload(path: str) -> bool:
    """Whether it is a file, not a folder of everybody's files, below where uploads lie."""
    try:
        file = Path(path).resolve()
    except ValueError:  # a NUL in it
        return False
    return file.is_file() and file.is_relative_to(Path(get_upload_folder()).resolve())


def pass_over_folders() -> None:
    """Takes folders, which a call may name, from what Gradio is to delete: the first would end its work."""
    for files in demo.temp_file_sets:
        files -= {file for file in list(files) if Path(file).is_dir()}


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


def read_pages(paths: Sequence[str], lang: str) -> tuple[list[Panel], list[str]]:
    """The pages that can be let in, and a sentence for each other; one at a time, to bound the memory."""
    panels, notices, pixels = [], [], 0
    for path in paths:
        try:
            panels.append(Panel(open_image(path), display_name(path)))
        except ImageError as error:
            notices.append(in_words(str(error), lang))
            continue
        pixels += panels[-1].image.width * panels[-1].image.height
        if pixels > MAX_PIXELS:
            raise ImageError(label("too_many_pixels", lang, limit=MAX_PIXELS // 10**6))
    if not panels:
        raise ImageError(" ".join(notices))
    return panels, notices


def picture_file(image: Image.Image, name: str) -> dict:
    """The picture as a file in Gradio's cache, which is served from there and deleted in time."""
    path = save_pil_to_cache(image, get_upload_folder(), name=name, format="png")
    return gr.FileData(path=path, orig_name=f"{name}.png", mime_type="image/png").model_dump()


def text_file(text: str, name: str, mime_type: str) -> dict:
    """The text as a file in Gradio's cache, which is deleted in time as pictures are."""
    path = deleted_in_time(save_bytes_to_cache(text.encode("utf-8"), name, get_upload_folder()))
    return gr.FileData(path=path, orig_name=name, mime_type=mime_type).model_dump()
