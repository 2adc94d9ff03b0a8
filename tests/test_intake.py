"""Hostile and odd sources of an episode: refused in a sentence, or read in order, never a traceback."""

import io
import random
import zipfile
from itertools import pairwise
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageDraw

from webcast import intake, unpack
from webcast.errors import EpisodeError
from webcast.intake import cut_strip, find_pages, natural, read_parts


def png(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(file, "PNG")
    return file.getvalue()


def archive(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def make_pdf(path: Path, pages: int, side: int = 300) -> Path:
    document = pdfium.PdfDocument.new()
    for number in range(pages):
        document.new_page(side + number, side)
    document.save(path)
    return path


def damaged(path: Path, start: int) -> Path:
    """The archive with 20 bytes of the entry 1.png, from `start` behind its name, turned over."""
    content = bytearray(path.read_bytes())
    first = content.find(b"1.png") + 5 + start
    for place in range(first, first + 20):
        content[place] ^= 0x5A
    path.write_bytes(content)
    return path


def page_names(*sources) -> list[str]:
    return [part.page for _, part, _ in read_parts(find_pages(sources), [])]


def test_pages_come_in_natural_order_whatever_their_numbers(tmp_path):
    names = ["page10.png", "page2.png", "page02b.png", "9" * 5000 + ".png", "10.png"]
    assert sorted(names, key=natural) == [names[4], names[3], names[1], names[2], names[0]]
    cbz = archive(tmp_path / "a.cbz", dict.fromkeys(("10.png", "2.png", "1.png"), png()))
    assert page_names(cbz) == ["1.png", "2.png", "10.png"]


def test_paths_of_an_archive_lead_nowhere(tmp_path):
    (tmp_path / "in").mkdir()
    cbz = archive(tmp_path / "in/a.cbz", {"../../x.png": png(), "/etc/y.png": png()})
    assert sorted(page_names(cbz)) == ["x.png", "y.png"]
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "a.cbz"]


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"1.png": png(), "more.zip": b"PK"}, "holds another archive"),
        ({f"{number}.png": b"x" for number in range(10_000)}, "holds more than 5000 files"),
        ({}, "has no pictures in it"),
        ({"1.png": bytes(intake.MAX_PAGE_BYTES + 1)}, "unpacks to more"),
    ],
    ids=["nested", "10000 files", "empty", "bomb"],
)
def test_an_archive_that_is_not_a_comic_is_refused_in_a_sentence(tmp_path, entries, told):
    with pytest.raises(EpisodeError, match=told):
        page_names(archive(tmp_path / "a.cbz", entries))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_in_one_go_is_not_unpacked(tmp_path, compression):
    """However little is asked for, zipfile unpacks all of such an entry, however much that is."""
    cbz = archive(tmp_path / "a.cbz", {"0.png": png(), "1.png": bytes(1_000_000)}, compression)
    with zipfile.ZipFile(cbz, "a") as file:
        file.writestr("2.png", png(), zipfile.ZIP_DEFLATED)
    notices = []
    assert [part.page for _, part, _ in read_parts(find_pages([cbz]), notices)] == ["2.png"]
    assert "1.png in a.cbz cannot be unpacked (it is packed in a way that is not read here)" in notices[1]


@pytest.mark.parametrize("start", [0, 30])
def test_a_damaged_page_is_left_out_by_name_and_the_others_are_read(tmp_path, start):
    cbz = archive(tmp_path / "a.cbz", {"0.png": png(), "1.png": png() * 50, "2.png": png("blue")})
    notices = []
    pages = find_pages([damaged(cbz, start)])
    assert [part.page for _, part, _ in read_parts(pages, notices)] == ["0.png", "2.png"]
    (notice,) = notices
    assert notice.startswith("1.png in a.cbz cannot be unpacked (")
    assert notice.endswith(") and is left out.")


@pytest.mark.parametrize("make", [lambda path: archive(path, {f"{n}.png": png() for n in range(9)}), None])
def test_what_holds_many_pages_is_opened_once_to_list_and_once_to_read_them(tmp_path, monkeypatch, make):
    opened, name = [], "opened_archive" if make else "PdfPages"
    real = getattr(intake, name)
    monkeypatch.setattr(intake, name, lambda *given: opened.append(given) or real(*given))
    path = make(tmp_path / "a.zip") if make else make_pdf(tmp_path / "a.pdf", 9)
    assert len(page_names(path)) == 9
    assert len(opened) == 2


def test_several_archives_are_open_one_at_a_time_and_none_afterwards(tmp_path, monkeypatch):
    files = [archive(tmp_path / f"{n}.zip", {"1.png": png(), "2.png": png()}) for n in range(3)]
    kept, real = [], zipfile.ZipFile
    monkeypatch.setattr(unpack.zipfile, "ZipFile", lambda file: kept.append(real(file)) or kept[-1])
    for _ in read_parts(find_pages(files), []):
        assert sum(one.fp is not None for one in kept) == 1
    assert all(one.fp is None for one in kept)


def test_a_list_of_files_too_long_to_be_read_is_refused(tmp_path, monkeypatch):
    cbz = archive(tmp_path / "a.cbz", {f"{n}.png": b"x" for n in range(100)})
    monkeypatch.setattr(unpack, "MAX_LIST_BYTES", 3000)
    with pytest.raises(EpisodeError, match="its list of files is too long"):
        find_pages([cbz])


def test_a_name_that_is_not_the_unicode_it_claims_is_told(tmp_path):
    cbz = archive(tmp_path / "a.cbz", {"\u00e9.png": png()})
    cbz.write_bytes(cbz.read_bytes().replace("\u00e9".encode(), b"\xc3\x28"))
    with pytest.raises(EpisodeError, match="cannot be unpacked"):
        page_names(cbz)


def test_no_malformed_archive_gives_a_traceback(tmp_path):
    whole = archive(tmp_path / "a.cbz", {"1.png": png(), "2.png": png("blue")}).read_bytes()
    rng, refused = random.Random(0), 0
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(3):
            content[rng.randrange(len(content))] = rng.randrange(256)
        (tmp_path / "a.cbz").write_bytes(content)
        try:
            page_names(tmp_path / "a.cbz")
        except EpisodeError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("name", ["gone.cbz", "gone.pdf"])
def test_a_file_that_is_not_there_is_named_without_its_folder(tmp_path, name):
    with pytest.raises(EpisodeError, match=f"^There is no file {name}; check the path.$"):
        find_pages([tmp_path / name])


def test_a_strip_is_cut_in_gutters_alone_and_wholly_covered():
    strip = Image.new("RGB", (200, 3000), "white")
    faces = [(top, top + 260) for top in range(40, 2700, 300)]
    for top, bottom in faces:
        ImageDraw.Draw(strip).rectangle((40, top, 160, bottom), fill="red")
    places = cut_strip(strip)
    assert [place.y0 for place in places[1:]] == [place.y1 for place in places[:-1]]
    assert (places[0].y0, places[-1].y1) == (0, 3000)
    assert not any(top < place.y1 < bottom for place in places[:-1] for top, bottom in faces)


def test_a_strip_without_gutters_shares_enough_for_a_face():
    strip = Image.linear_gradient("L").resize((2000, 200)).rotate(90, expand=True).convert("RGB")
    strip.paste(Image.effect_noise(strip.size, 80).convert("RGB"))
    places = cut_strip(strip)
    assert len(places) > 1
    assert all(a.y1 - b.y0 >= 0.9 * 200 for a, b in pairwise(places))


def test_a_thread_thin_strip_is_not_let_in():
    with pytest.raises(EpisodeError, match="too long and thin"):
        next(read_parts(find_pages([Image.new("RGB", (32, 300_000))]), []))


def test_thin_strips_that_fall_into_too_many_parts_are_refused(monkeypatch):
    monkeypatch.setattr(intake, "MAX_PARTS", 300)
    with pytest.raises(EpisodeError, match="more than 300 parts"):
        list(read_parts(find_pages([Image.new("RGB", (32, 16_000))] * 2), []))


def test_one_source_may_come_alone(tmp_path):
    """A string is a sequence too: of letters, of which "." is the folder one is in."""
    cbz = archive(tmp_path / "a.cbz", {"1.png": png()})
    for source in (cbz, str(cbz), png(), Image.new("RGB", (64, 64))):
        assert len(find_pages(source)) == 1
