"""A stranger's portraits, loose or in ZIP files, laid out as the folder `person name/photo.jpg`.

Nothing of an archive's own paths is used but one folder name per picture, and what is written is counted
as it is unpacked, for the sizes in an archive's directory may lie.
"""

from __future__ import annotations

import io
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from webcast.errors import GalleryError
from webcast.images import count_pixels
from webcast.photos import PICTURE_SUFFIXES

MAX_PHOTOS = 300
MAX_BYTES = 200_000_000
MAX_PIXELS = 4_000_000_000  # of all portraits together: as many as 300 photos of a telephone have
MAX_ENTRIES = 5000
MAX_LIST_BYTES = 4_000_000  # of the list of an archive's files, which is read before anybody can count them
NAME_LENGTH = 60
ARCHIVE_SUFFIXES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".cbz", ".cbr"}
CHUNK = 1 << 20
BROKEN = (  # what zipfile lets through for a malformed archive
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    EOFError,
    OSError,
    UnicodeDecodeError,
)


def unpack_portraits(files: Iterable[tuple[str | Path, str]], folder: Path) -> int:
    """Copy the pictures of `files` to `folder` as `person name/number.suffix`, and say how many.

    Each file comes with the name that its sender gave it. In a ZIP, or with a folder in that name, a
    picture is of whom its folder says; a loose one is of whom its name says, without a number at its end.
    A `people.csv` comes along, other files of a folder are passed over. Raises `GalleryError` for too many
    pictures, bytes or pixels, an archive within an archive, an encrypted or broken one, and no picture.
    """
    photos, room, pixels = 0, MAX_BYTES, 0
    for path, name in files:
        sent = PurePosixPath(name.replace("\\", "/"))
        with _errors_in_words(sent.name):
            for person, suffix, source in _pictures(Path(path), sent):
                photos += suffix != ".csv"
                if photos > MAX_PHOTOS:
                    raise GalleryError(f"At most {MAX_PHOTOS} portraits can be used at once; leave some out.")
                target = folder / person / f"{photos:04}{suffix}"
                if suffix == ".csv":
                    target = folder / "people.csv"
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, target.open("wb") as copy:
                    room -= _copy(source, copy, room, sent.name)
                pixels += count_pixels(target)
                if pixels > MAX_PIXELS:
                    raise GalleryError(
                        f"The portraits have more than {MAX_PIXELS // 1_000_000} million pixels together; "
                        "use smaller photos."
                    )
    if not photos:
        raise GalleryError("No picture was found; give a ZIP with one folder of photos per person.")
    return photos


@contextmanager
def _errors_in_words(name: str) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise GalleryError(f"{name} cannot be unpacked ({error}); make the ZIP again.") from None
    except RuntimeError:  # zipfile's word for a missing password
        raise GalleryError(f"{name} is encrypted; make a ZIP without a password.") from None


def _pictures(path: Path, sent: PurePosixPath) -> Iterator[tuple[str, str, BinaryIO]]:
    """Whose picture, its suffix and its opened bytes, for one picture or each picture of a ZIP."""
    suffix, folder = sent.suffix.lower(), sent.parent.name
    if suffix == ".zip":
        yield from _zip_pictures(path, sent.name)
    elif suffix in PICTURE_SUFFIXES or sent.name == "people.csv":
        yield _person(folder or sent.stem, loose=not folder), suffix, path.open("rb")
    elif not folder:
        raise GalleryError(
            f"{sent.name} is neither a picture nor a ZIP; give JPEG or PNG photos, or one ZIP."
        )


def _zip_pictures(path: Path, name: str) -> Iterator[tuple[str, str, BinaryIO]]:
    with opened_archive(path) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES:
            raise GalleryError(f"{name} holds more than {MAX_ENTRIES} files; leave some out.")
        for entry in entries:
            inside = PurePosixPath(readable_name(entry).replace("\\", "/"))
            suffix, folder = inside.suffix.lower(), inside.parent.name
            if is_junk(entry, inside):
                continue
            if suffix in ARCHIVE_SUFFIXES:
                raise GalleryError(f"{name} holds another archive; ZIP the folders of photos themselves.")
            if suffix in PICTURE_SUFFIXES or inside.name == "people.csv":
                yield _person(folder or inside.stem, loose=not folder), suffix, opened_entry(archive, entry)


@contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The ZIP, open for reading; raises one of `BROKEN` where it is none, or where its list of files is
    longer than `MAX_LIST_BYTES`, so that a list of millions never fills the memory."""
    with _FewBytes(path) as file, zipfile.ZipFile(file) as archive:
        yield archive


def opened_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    """A file of a ZIP, open for reading; raises one of `BROKEN` where it is packed in a rare way.

    zipfile unpacks what is packed by BZIP2 or LZMA in one go, however little of it is asked for.
    """
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError("it is packed in a way that is not read here")
    return archive.open(entry)


class _FewBytes(io.FileIO):
    """A file that gives at most `MAX_LIST_BYTES` at once; zipfile reads a list of files in one go."""

    def read(self, size: int | None = -1) -> bytes:
        wanted = Path(self.name).stat().st_size - self.tell() if size is None or size < 0 else size
        if wanted > MAX_LIST_BYTES:
            raise zipfile.BadZipFile("its list of files is too long")
        return super().read(size)


def is_junk(entry: zipfile.ZipInfo, inside: PurePosixPath) -> bool:
    """Folders, links, and what macOS and others leave behind."""
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    is_hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in inside.parts)
    return entry.is_dir() or is_link or is_hidden


def readable_name(entry: zipfile.ZipInfo) -> str:
    """The name as its maker saw it; Korean Windows writes cp949, and older tools UTF-8, without saying so."""
    if entry.flag_bits & 0x800:
        return entry.filename
    raw = entry.filename.encode("cp437", errors="replace")
    for encoding in ("utf-8", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _person(name: str, loose: bool) -> str:
    """A person's name that is safe as the name of one folder."""
    if loose:
        name = re.sub(r"[\s_-]*\(?\d+\)?$", "", name) or name
    name = unicodedata.normalize("NFC", name)
    name = re.sub(r"[/\\\x00-\x1f\x7f]", " ", name).strip(" .")[:NAME_LENGTH]
    return name or "unnamed"


def _copy(source: BinaryIO, target: BinaryIO, room: int, name: str) -> int:
    """Copy at most `room` bytes and say how many there were."""
    copied = 0
    while chunk := source.read(CHUNK):
        copied += len(chunk)
        if copied > room:
            raise GalleryError(
                f"{name} unpacks to more than {MAX_BYTES // 1_000_000} MB; use smaller photos."
            )
        target.write(chunk)
    return copied
