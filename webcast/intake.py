"""What a stranger hands in as an episode, opened safely and read one part at a time.

A source is a picture, a long strip, a folder, a ZIP or CBZ, or a PDF. Pages come in natural order, 2 before
10. A long strip is cut where a line of it is of one colour, the gutters that webtoons scroll through. Nothing
of an archive's own paths is used but names to show and sort by, nothing is unpacked to disk, sizes are
counted as they are read (those in an archive's directory may lie), and no archive is opened within another.
"""

from __future__ import annotations

import io
import re
import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
from PIL import Image

from webcast.episode import PagePart
from webcast.errors import EpisodeError, ImageError
from webcast.images import MIN_SIDE_PX, Source, display_name, open_image
from webcast.pdf import Allowance, PdfPages
from webcast.photos import PICTURE_SUFFIXES
from webcast.types import Box, Panel
from webcast.unpack import (
    ARCHIVE_SUFFIXES,
    BROKEN,
    CHUNK,
    is_junk,
    opened_archive,
    opened_entry,
    readable_name,
)

MAX_PAGES = 1000  # of all sources together
MAX_EPISODE_PIXELS = 1_000_000_000  # of all pages together
MAX_PARTS = 3000  # of all pages: a strip 32 px broad would fall into tens of thousands
MAX_ENTRIES = 5000  # in one archive, whatever they are
MAX_PAGE_BYTES = 100_000_000
MAX_BYTES = 1_000_000_000  # unpacked, of one archive
LONG = 2.5  # a page so many times as long as broad is a strip
PART_LENGTH = 2.0  # in breadths: what a part of a strip is cut to, if gutters allow
LONGEST_PART = 4.0  # in breadths: where no gutter comes, a part ends there
GUTTER_RANGE = 12  # grey levels that a line of a gutter may span; JPEG makes a few of one colour
OVERLAP = 0.9  # in breadths: what two parts share where there is no gutter, so that no face is cut
KEPT_QUALITY = 90
REASON_LENGTH = 100  # of what a library says is wrong with an archive: it repeats a stranger's names

T = TypeVar("T")
Sent = Source | Panel | tuple[str | Path, str]


@dataclass(frozen=True, slots=True, eq=False)
class PageFile:
    """A page that was not opened yet: its name, its episode from 0, and what opens it as RGB.

    What it lies in, an archive or a PDF, is held open from one page to the next.
    """

    name: str
    episode: int
    open: Callable[[Held], Image.Image]


class Held:
    """The one archive or PDF that is open at a time; to be used in a `with`, which closes it in the end.

    All PDFs that it holds one after the other share its `allowance` of time.
    """

    def __init__(self) -> None:
        self.allowance = Allowance()
        self._path: Path | None = None
        self._stack = ExitStack()

    def file(self, path: Path, opened: Callable[[], AbstractContextManager[T]]) -> T:
        """What `opened` gives for the path; what was open of another path is closed before."""
        if path != self._path:
            self.close()
            self._file, self._path = self._stack.enter_context(opened()), path
        return self._file

    def close(self) -> None:
        self._path = None
        self._stack.close()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def find_pages(sources: Sent | Sequence[Sent]) -> list[PageFile]:
    """The pages of all sources, or of a single one, in reading order, none of them decoded.

    A source is a path, the bytes of a picture, a PIL image, a Panel, or a (path, name) pair for a file that
    was sent under another name. Each folder, archive and PDF is an episode; loose pictures are one together,
    in the order given. Raises `EpisodeError`, with what to do, for what is none of these, is empty, encrypted
    or broken, holds another archive, or is too much.
    """
    if isinstance(sources, (str, Path, bytes, Image.Image, Panel)):
        sources = [sources]
    pages: list[PageFile] = []
    episode, was_loose = -1, False
    with Held() as held:
        for number, source in enumerate(sources, start=1):
            is_loose = not _holds_many(source)
            episode += not (is_loose and was_loose)
            was_loose = is_loose
            pages += _pages_of(source, number, max(0, episode), held)
            if len(pages) > MAX_PAGES:
                raise EpisodeError(f"An episode may have {MAX_PAGES} pages at most; give fewer at once.")
    if not pages:
        raise EpisodeError("There is no page here; give pictures, a folder, a ZIP or CBZ, or a PDF.")
    return pages


def read_parts(pages: Sequence[PageFile], notices: list[str]) -> Iterator[tuple[int, PagePart, Image.Image]]:
    """How many pages are read, and each part with its picture, one after the other.

    A page that cannot be let in becomes a sentence in `notices`. Raises `EpisodeError` where no page is
    usable, or where all of them together are too large.
    """
    number, pixels = 0, 0
    for done, page, picture in _opened_pages(pages, notices):
        pixels += picture.width * picture.height
        if pixels > MAX_EPISODE_PIXELS:
            raise EpisodeError(
                f"The pages have more than {MAX_EPISODE_PIXELS // 1_000_000} million pixels together; "
                "give fewer at once."
            )
        named = _named_parts(picture, page.name)
        if number + len(named) > MAX_PARTS:
            raise EpisodeError(f"The pages fall into more than {MAX_PARTS} parts; give fewer at once.")
        for place, name in named:
            part = picture.crop((place.x0, place.y0, place.x1, place.y1))
            yield done, PagePart(_encode(part), name, page.name, number, page.episode, place), part
            number += 1
    if not number:
        raise EpisodeError(f"None of {len(pages)} pages is usable: {notices[0]}")


def _opened_pages(
    pages: Sequence[PageFile], notices: list[str]
) -> Iterator[tuple[int, PageFile, Image.Image]]:
    """How many pages are read, and each page that can be let in with its picture."""
    with Held() as held:
        for done, page in enumerate(pages, start=1):
            try:
                picture = page.open(held)
            except ImageError as error:
                notices.append(str(error))
                continue
            yield done, page, picture


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in a name by their value, 2 before 10."""
    # By how many digits, then by the digits: `int` refuses more than 4300 of them.
    parts = [(part.isdecimal(), part.lstrip("0")) for part in re.split(r"(\d+)", name)]
    return [(len(part), part) if is_number else (-1, part) for is_number, part in parts]


def cut_strip(picture: Image.Image) -> list[Box]:
    """The parts of a page from top to bottom: itself, or for a strip what lies between gutters.

    A part is some `PART_LENGTH` breadths long. It ends in a gutter, a run of lines of one colour; where none
    comes for `LONGEST_PART` breadths, it shares `OVERLAP` breadths with the next one, so that no face is cut.
    """
    width, height = picture.size
    if height <= LONG * width:
        return [Box(0, 0, width, height)]
    cuts, parts, start = gutters(picture), [], 0
    while height - start > LONG * width:
        wanted, last = start + PART_LENGTH * width, start + LONGEST_PART * width
        first, latest = start + 0.5 * width, min(last, height - MIN_SIDE_PX)
        near = cuts[bisect_left(cuts, first) : bisect_right(cuts, latest)]
        end = min(near, key=lambda cut: abs(cut - wanted)) if near else min(round(last), height)
        parts.append(Box(0, start, width, end))
        if end == height:
            return parts
        start = end if near else round(end - OVERLAP * width)
    return [*parts, Box(0, start, width, height)]


def gutters(picture: Image.Image) -> list[int]:
    """The middle line of each gutter of a strip: lines that span `GUTTER_RANGE` grey levels at most."""
    plain = np.empty(picture.height, dtype=bool)
    for top in range(0, picture.height, 4096):  # a strip's pixels are never all copied
        lines = picture.crop((0, top, picture.width, min(top + 4096, picture.height)))
        grey = np.asarray(lines.convert("L"))
        plain[top : top + len(grey)] = np.ptp(grey, axis=1) <= GUTTER_RANGE
    edges = np.flatnonzero(np.diff(np.concatenate([[0], plain.view(np.int8), [0]])))
    return [int(first + end) // 2 for first, end in edges.reshape(-1, 2) if end - first >= 8]


def _named_parts(picture: Image.Image, name: str) -> list[tuple[Box, str]]:
    places = cut_strip(picture)
    if len(places) == 1:
        return [(places[0], name)]
    return [(place, f"{name} ({number})") for number, place in enumerate(places, start=1)]


def _encode(part: Image.Image) -> bytes:
    file = io.BytesIO()
    part.save(file, "JPEG", quality=KEPT_QUALITY)
    return file.getvalue()


def _holds_many(source: Sent) -> bool:
    path, name = _path_and_name(source)
    return path is not None and (path.is_dir() or Path(name).suffix.lower() in {".zip", ".cbz", ".pdf"})


def _path_and_name(source: Sent) -> tuple[Path | None, str]:
    if isinstance(source, tuple):
        return Path(source[0]), source[1]
    if isinstance(source, (str, Path)):
        return Path(source), str(source)
    return None, ""


def _pages_of(source: Sent, number: int, episode: int, held: Held) -> list[PageFile]:
    path, sent = _path_and_name(source)
    if path is None:
        name = source.name if isinstance(source, Panel) else f"picture {number}"
        image = source.image if isinstance(source, Panel) else source
        return [PageFile(name, episode, lambda held: open_image(image))]
    name, suffix = display_name(sent), Path(sent).suffix.lower()
    if path.is_dir():
        return _folder_pages(path, name, episode)
    if suffix in {".zip", ".cbz"}:
        return _archive_pages(path, name, episode)
    if suffix == ".pdf":
        return _pdf_pages(path, name, episode, held)
    if suffix in ARCHIVE_SUFFIXES:
        raise EpisodeError(f"{name} is an archive of a kind that is not read; make it a ZIP or CBZ.")
    return [PageFile(name, episode, lambda held: _open_named(path, name))]


def _open_named(source: Path | bytes, name: str) -> Image.Image:
    """The picture; its errors call it by the name that the user knows."""
    try:
        return open_image(source)
    except ImageError as error:
        told = str(error)
        for own in ("The picture", display_name(source) if isinstance(source, Path) else ""):
            told = told.replace(own, name, 1) if own else told
        raise ImageError(told) from None


def _folder_pages(folder: Path, name: str, episode: int) -> list[PageFile]:
    """The pictures of a folder, at any depth; hidden ones and links are passed over."""
    inside = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        is_hidden = any(part.startswith(".") for part in parts) or path.is_symlink()
        if not is_hidden and path.suffix.lower() in PICTURE_SUFFIXES and path.is_file():
            inside.append(path)
        if len(inside) > MAX_PAGES:
            raise EpisodeError(f"An episode may have {MAX_PAGES} pages at most; give fewer at once.")
    if not inside:
        raise EpisodeError(f"The folder {name} has no pictures in it; give pages, or a folder of pages.")
    inside.sort(key=lambda path: natural(str(path.relative_to(folder))))
    return [PageFile(display_name(path), episode, partial(_open_loose, path)) for path in inside]


def _open_loose(path: Path, held: Held) -> Image.Image:
    return _open_named(path, path.name)


def _archive_pages(path: Path, name: str, episode: int) -> list[PageFile]:
    if not path.is_file():
        raise EpisodeError(f"There is no file {name}; check the path.")
    with _opened_archive(path, name) as archive:
        entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise EpisodeError(f"{name} holds more than {MAX_ENTRIES} files; leave some out.")
    inside = []
    for entry in entries:
        shown = PurePosixPath(readable_name(entry).replace("\\", "/"))
        if is_junk(entry, shown):
            continue
        if shown.suffix.lower() in ARCHIVE_SUFFIXES:
            raise EpisodeError(f"{name} holds another archive; put the pages themselves into it.")
        if shown.suffix.lower() in PICTURE_SUFFIXES:
            inside.append((shown, entry))
    if not inside:
        raise EpisodeError(f"{name} has no pictures in it; put the pages themselves into it.")
    if any(entry.flag_bits & 0x1 for _, entry in inside):
        raise EpisodeError(f"{name} is encrypted; make it again without a password.")
    inside.sort(key=lambda pair: natural(str(pair[0])))
    room = [MAX_BYTES]
    return [
        PageFile(display_name(shown.name), episode, partial(_open_entry, path, name, entry, shown.name, room))
        for shown, entry in inside
    ]


def _open_entry(
    path: Path, name: str, entry: zipfile.ZipInfo, shown: str, room: list[int], held: Held
) -> Image.Image:
    """One picture of an archive; `room` is how many bytes the archive may still unpack to."""
    archive = held.file(path, partial(_opened_archive, path, name))
    content = bytearray()
    try:
        with opened_entry(archive, entry) as file:
            while chunk := file.read(CHUNK):
                content += chunk
                room[0] -= len(chunk)
                if room[0] < 0 or len(content) > MAX_PAGE_BYTES:
                    raise EpisodeError(f"{name} unpacks to more than a comic needs; use smaller pictures.")
    except (*BROKEN, RuntimeError) as error:  # RuntimeError: a password is missing after all
        raise ImageError(
            f"{display_name(shown)} in {name} cannot be unpacked ({_reason(error)}) and is left out."
        ) from None
    return _open_named(bytes(content), display_name(shown))


@contextmanager
def _opened_archive(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(opened_archive(path))
        except BROKEN as error:
            raise EpisodeError(
                f"{name} cannot be unpacked ({_reason(error)}); make the archive again."
            ) from None
        yield archive


def _reason(error: Exception) -> str:
    """What is wrong, in the library's words, as far as they can be shown."""
    return "".join(sign for sign in str(error) if sign.isprintable())[:REASON_LENGTH]


def _pdf_pages(path: Path, name: str, episode: int, held: Held) -> list[PageFile]:
    count = _opened_pdf(path, name, held).count()
    if count > MAX_PAGES:
        raise EpisodeError(f"An episode may have {MAX_PAGES} pages at most; give fewer at once.")
    if not count:
        raise EpisodeError(f"{name} has no pages; give another PDF.")
    return [
        PageFile(f"{name} {number + 1}", episode, partial(_open_pdf_page, path, name, number))
        for number in range(count)
    ]


def _open_pdf_page(path: Path, name: str, number: int, held: Held) -> Image.Image:
    return _opened_pdf(path, name, held).draw(number)


def _opened_pdf(path: Path, name: str, held: Held) -> PdfPages:
    return held.file(path, partial(PdfPages, path, name, held.allowance))
