"""The only door for untrusted pictures: open, limit, orient, flatten; then slice and crop.

A header is read and judged before a pixel is decoded, and only the formats of `FORMATS` are tried, so that a
file cannot pick an obscure decoder or unpack into more memory than `MAX_PIXELS` allows.
"""

from __future__ import annotations

import io
import struct
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from webcast.errors import ImageError
from webcast.types import Box, Panel

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 120_000_000  # an episode as one strip, 800 x 100000, has 80 million
MIN_SIDE_PX = 32
MAX_ASPECT = 500  # a thread of pixels would be enlarged by the detector to gigabytes
HEAD_SCALE = 1.5
HEAD_LIFT = 0.08
NAME_LENGTH = 80

Source = str | Path | bytes | Image.Image


def open_image(source: Source) -> Image.Image:
    """Let a picture in: a path, a file's bytes or a PIL image of any mode becomes an upright RGB image.

    Transparency is laid on white, 16-bit, 32-bit and float grey are scaled to 8 bit, EXIF orientation is
    applied, and an animation gives its first frame. Raises ImageError, with one sentence that names the
    file, for whatever is not a whole picture of at least `MIN_SIDE_PX` each way, at most `MAX_ASPECT` times
    as long as broad, and of at most `MAX_PIXELS`.
    """
    if isinstance(source, Image.Image):
        return _decode(source, "The picture")
    name = "The picture" if isinstance(source, bytes) else display_name(source)
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else _existing(Path(source), name)
        with Image.open(file, formats=FORMATS) as image:
            return _decode(image, name)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a picture; use PNG, JPEG, WebP, GIF, BMP or TIFF.") from error
    except Image.DecompressionBombError as error:
        raise ImageError(_too_large(name)) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{name} cannot be opened; check the path and that you may read it.") from error


def count_pixels(path: Path) -> int:
    """How many pixels a file says that its picture has, nothing decoded; 0 for what cannot be opened."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.width * image.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 0


def load_panels(sources: Iterable[Source | Panel]) -> tuple[list[Panel], list[str]]:
    """Open every picture that can be opened; the others become notices, one sentence each.

    A `Panel` is passed through. Raises ImageError where there is nothing to open or nothing can be opened.
    """
    panels: list[Panel] = []
    notices: list[str] = []
    for number, source in enumerate(sources, start=1):
        try:
            panels.append(_panel(source, number))
        except ImageError as error:
            notices.append(str(error))
    if not panels and not notices:
        raise ImageError("There is no picture here; give at least one page.")
    if not panels:
        first = notices[0]
        raise ImageError(
            first if len(notices) == 1 else f"None of {len(notices)} pictures is usable: {first}"
        )
    return panels, notices


def display_name(path: str | Path) -> str:
    """A file's own name, fit to be shown or to name another file: no folders, no control or markup signs."""
    base = str(path).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    base = unicodedata.normalize("NFC", base)
    clean = "".join("_" if sign in '<>:"|?*&' else sign for sign in base if sign.isprintable()).strip(" .")
    return clean[:NAME_LENGTH] or "picture"


def slices(size: tuple[int, int], aspect: float = 2.5, overlap: float = 0.9) -> list[Box]:
    """Cut a page of (width, height) pixels along its longer side into boxes that cover it.

    A slice is at most `aspect` times as long as the page is broad, and shares `overlap` breadths with the
    next, so that a face no larger than that is whole in at least one of them.
    """
    width, height = size
    breadth, length = min(size), max(size)
    longest, shared = round(aspect * breadth), round(overlap * breadth)
    if length <= longest:
        return [Box(0, 0, width, height)]
    count = -(-(length - shared) // (longest - shared))
    starts = [round(i * (length - longest) / (count - 1)) for i in range(count)]
    if height >= width:
        return [Box(0, start, width, start + longest) for start in starts]
    return [Box(start, 0, start + longest, height) for start in starts]


def head_box(box: Box) -> Box:
    """The square around a face box that holds the whole head; it may reach beyond the page."""
    side = round(HEAD_SCALE * max(box.width, box.height))
    x0 = round((box.x0 + box.x1 - side) / 2)
    y0 = round((box.y0 + box.y1 - side) / 2 - HEAD_LIFT * side)
    return Box(x0, y0, x0 + side, y0 + side)


def crop_head(image: Image.Image, box: Box) -> Image.Image:
    """The square RGB head crop of a face box; beyond the page's edge its last pixels are repeated."""
    head = head_box(box)
    inside = (max(0, head.x0), max(0, head.y0), min(image.width, head.x1), min(image.height, head.y1))
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        raise ImageError(f"The face box {box} lies outside the picture of {image.width} x {image.height} px.")
    margins = ((inside[1] - head.y0, head.y1 - inside[3]), (inside[0] - head.x0, head.x1 - inside[2]), (0, 0))
    return Image.fromarray(np.pad(np.asarray(image.crop(inside)), margins, mode="edge"))


def fit(image: Image.Image, side_px: int) -> Image.Image:
    """The picture, reduced so that its longer side is at most `side_px`."""
    if max(image.size) <= side_px:
        return image
    reduced = image.copy()
    reduced.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    return reduced


def _panel(source: Source | Panel, number: int) -> Panel:
    if isinstance(source, Panel):
        return source
    name = display_name(source) if isinstance(source, (str, Path)) else f"picture {number}"
    return Panel(open_image(source), name)


def _existing(path: Path, name: str) -> Path:
    """The path, where it is a file that has anything in it."""
    if path.is_dir():
        raise ImageError(f"{name} is a folder; give the picture files in it.")
    if not path.is_file():
        raise ImageError(f"There is no picture file {name}; check the path.")
    if path.stat().st_size == 0:
        raise ImageError(f"{name} is empty (0 bytes); save or download it again.")
    return path


def _decode(image: Image.Image, name: str) -> Image.Image:
    width, height = image.size
    if min(width, height) < MIN_SIDE_PX:
        raise ImageError(f"{name} is only {width} x {height} px; each side needs at least {MIN_SIDE_PX} px.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageError(
            f"{name} is {width} x {height} px, which is too long and thin; cut it into pages first."
        )
    if width * height > MAX_PIXELS:
        raise ImageError(_too_large(name))
    try:
        return _flatten(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, MemoryError) as error:
        raise ImageError(f"{name} is damaged or cut short; save or download it again.") from error


def _too_large(name: str) -> str:
    return f"{name} has more than {MAX_PIXELS // 1_000_000} million pixels; cut it into pages first."


def _flatten(image: Image.Image) -> Image.Image:
    """Any mode to RGB, on white where it is transparent."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _grey8(image).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    page = Image.new("RGB", image.size, "white")
    page.paste(rgba, mask=rgba.getchannel("A"))
    return page


def _grey8(image: Image.Image) -> Image.Image:
    """Deep grey to 8 bit; PIL's own conversion would clip it. The white level is the usual one that fits."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    levels = {"F": (1.0, 255.0, 65535.0), "I": (255.0, 65535.0)}.get(image.mode, (65535.0,))
    peak = float(values.max())
    white = next((level for level in levels if peak <= level), peak)
    return Image.fromarray((np.clip(values / white, 0, 1) * 255).round().astype(np.uint8))
