"""PDFs: read and drawn in a process of their own, whatever they do to it."""

import random
import sys
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from PIL import Image

from tests.test_intake import make_pdf, page_names
from webcast import pdf
from webcast.errors import EpisodeError, ImageError
from webcast.intake import find_pages, read_parts
from webcast.pdf import Allowance, PdfPages

ENCRYPTED = b"""%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 300 300]>> endobj
4 0 obj <</Filter /Standard /V 1 /R 2 /P -4
/O <1111111111111111111111111111111111111111111111111111111111111111>
/U <2222222222222222222222222222222222222222222222222222222222222222>>> endobj
trailer <</Root 1 0 R /Size 5 /Encrypt 4 0 R /ID [<33> <33>]>>
"""


def form(within: int, paints: bytes) -> bytes:
    """An object that a page or a form draws; within it lies the object of that number."""
    head = b"/Type /XObject /Subtype /Form /BBox [0 0 300 300] /Resources <</XObject <</X %d 0 R>>>>" % within
    return b"<<%s /Length %d>> stream\n%s\nendstream" % (head, len(paints), paints)


def forms_within_forms(depth: int = 12, each: int = 12) -> bytes:
    """A PDF of 3 kB whose one page draws the innermost of its forms `each ** depth` times."""
    objects = [b"<</Type /Catalog /Pages 2 0 R>>", b"<</Type /Pages /Kids [3 0 R] /Count 1>>"]
    inside = b"/Resources <</XObject <</X 5 0 R>>>> /Contents 4 0 R"
    objects += [b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] %s>>" % inside]
    objects += [form(5 + number, b"/X Do " * each) for number in range(depth)]
    objects += [form(3, b"0 0 200 200 re f")]
    numbered = (b"%d 0 obj %s endobj\n" % (number, made) for number, made in enumerate(objects, start=1))
    return b"%PDF-1.4\n" + b"".join(numbered) + b"trailer <</Root 1 0 R /Size 99>>\n"


def hurt_process(tmp_path: Path, monkeypatch, at_draw: str) -> None:
    """Lets pages be drawn by a process that does this instead of drawing the first one."""
    script, before = pdf.PROCESS.read_text(encoding="utf-8"), "        with closing(page.render("
    assert before in script
    hurt = f"        if number == '0':\n            {at_draw}\n{before}"
    (tmp_path / "hurt.py").write_text(script.replace(before, hurt), encoding="utf-8")
    monkeypatch.setattr(pdf, "PROCESS", tmp_path / "hurt.py")


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 no more"])
def test_a_broken_pdf_is_refused(tmp_path, content):
    (tmp_path / "a.pdf").write_bytes(content)
    with pytest.raises(EpisodeError, match="not a PDF that can be read"):
        find_pages([tmp_path / "a.pdf"])


def test_a_pdf_gives_a_page_for_each_of_its_pages(tmp_path):
    assert page_names(make_pdf(tmp_path / "a.pdf", 2)) == ["a.pdf 1", "a.pdf 2"]


def test_no_malformed_pdf_gives_a_traceback(tmp_path):
    whole, rng, refused = make_pdf(tmp_path / "a.pdf", 1, 30).read_bytes(), random.Random(0), 0
    for _ in range(40):
        content = bytearray(whole)
        for _ in range(8):
            content[rng.randrange(len(content))] = rng.randrange(256)
        (tmp_path / "a.pdf").write_bytes(content)
        try:
            assert page_names(tmp_path / "a.pdf")
        except EpisodeError:
            refused += 1
    assert refused > 4


def test_a_pdf_page_like_a_thread_is_left_out(tmp_path):
    document = pdfium.PdfDocument.new()
    document.new_page(0.01, 90_000)
    document.new_page(300, 300)
    document.save(tmp_path / "a.pdf")
    notices = []
    assert len(list(read_parts(find_pages([tmp_path / "a.pdf"]), notices))) == 1
    assert notices == ["Page 1 of a.pdf has no size."]


def test_an_encrypted_pdf_is_refused(tmp_path):
    (tmp_path / "a.pdf").write_bytes(ENCRYPTED)
    with pytest.raises(EpisodeError, match="is encrypted; save it without a password"):
        find_pages([tmp_path / "a.pdf"])


def test_a_page_is_drawn_on_white_as_broad_as_asked(tmp_path):
    with PdfPages(make_pdf(tmp_path / "a.pdf", 1), "a.pdf", Allowance()) as pages:
        picture = pages.draw(0)
    assert (picture.mode, picture.size) == ("RGB", (pdf.BREADTH_PX, pdf.BREADTH_PX))
    assert picture.getextrema() == ((255, 255),) * 3


def test_red_green_and_blue_come_in_this_order(tmp_path):
    Image.new("RGB", (200, 200), (250, 120, 10)).save(tmp_path / "a.pdf")
    with PdfPages(tmp_path / "a.pdf", "a.pdf", Allowance()) as pages:
        colour = pages.draw(0).getpixel((600, 600))
    assert colour == pytest.approx((250, 120, 10), abs=6)


@pytest.mark.parametrize("at_draw", ["import os; os.abort()", "print('no JSON')", "sys.exit()"])
def test_a_page_that_breaks_pdfium_is_left_out_and_the_others_are_drawn(tmp_path, monkeypatch, at_draw):
    hurt_process(tmp_path, monkeypatch, at_draw)
    notices = []
    parts = list(read_parts(find_pages([make_pdf(tmp_path / "a.pdf", 3)]), notices))
    assert [part.page for _, part, _ in parts] == ["a.pdf 2", "a.pdf 3"]
    assert notices == ["Page 1 of a.pdf cannot be drawn (PDFium broke down)."]


def test_a_page_that_takes_too_long_is_left_out(tmp_path, monkeypatch):
    hurt_process(tmp_path, monkeypatch, "import time; time.sleep(600)")
    monkeypatch.setattr(pdf, "PAGE_SECONDS", 3.0)
    notices = []
    parts = list(read_parts(find_pages([make_pdf(tmp_path / "a.pdf", 2)]), notices))
    assert [part.page for _, part, _ in parts] == ["a.pdf 2"]
    assert notices == ["Page 1 of a.pdf cannot be drawn (it takes too long)."]


def test_forms_within_forms_end_nothing_but_their_page(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "PAGE_SECONDS", 3.0)
    (tmp_path / "a.pdf").write_bytes(forms_within_forms())
    with PdfPages(tmp_path / "a.pdf", "a.pdf", Allowance()) as pages:
        assert pages.count() == 1
        with pytest.raises(ImageError, match=r"it takes too long|PDFium broke down"):
            pages.draw(0)
    (tmp_path / "a.pdf").write_bytes(forms_within_forms(depth=2))
    with PdfPages(tmp_path / "a.pdf", "a.pdf", Allowance()) as pages:
        assert pages.draw(0).getpixel((100, pdf.BREADTH_PX - 100)) == (0, 0, 0)


def test_pages_beyond_the_time_of_all_pdfs_are_left_out(tmp_path, monkeypatch):
    files = [make_pdf(tmp_path / f"{name}.pdf", 2) for name in "ab"]
    pages = find_pages(files)
    monkeypatch.setattr(pdf, "ALL_SECONDS", 3.0)
    hurt_process(tmp_path, monkeypatch, "import time; time.sleep(600)")
    notices = []
    with pytest.raises(EpisodeError, match="None of 4 pages is usable"):
        list(read_parts(pages, notices))
    assert notices[0] == "Page 1 of a.pdf cannot be drawn (it takes too long)."
    assert notices[1:] == [
        f"Page {page} cannot be drawn (the pages before it took too long)."
        for page in ("2 of a.pdf", "1 of b.pdf", "2 of b.pdf")
    ]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited where the system can")
def test_a_page_that_fills_the_memory_fails_alone(tmp_path, monkeypatch):
    hurt_process(tmp_path, monkeypatch, "bytearray(4 << 30)")
    with PdfPages(make_pdf(tmp_path / "a.pdf", 2), "a.pdf", Allowance()) as pages:
        with pytest.raises(
            ImageError, match=r"^Page 1 of a.pdf cannot be drawn \(it takes too much memory\)\.$"
        ):
            pages.draw(0)
        assert pages.draw(1).height == pdf.BREADTH_PX


def test_no_process_is_left_behind(tmp_path, monkeypatch):
    started, real = [], pdf.PdfProcess
    monkeypatch.setattr(pdf, "PdfProcess", lambda path: started.append(real(path)) or started[-1])
    reading = read_parts(find_pages([make_pdf(tmp_path / "a.pdf", 3)]), [])
    next(reading)
    assert [one.has_ended() for one in started] == [True, False]
    reading.close()  # as Stop does
    assert all(one.has_ended() for one in started)


@pytest.mark.parametrize("content", [ENCRYPTED, b"%PDF-1.4 no more"])
def test_no_process_of_what_is_refused_is_left_behind(tmp_path, monkeypatch, content):
    started, real = [], pdf.PdfProcess
    monkeypatch.setattr(pdf, "PdfProcess", lambda path: started.append(real(path)) or started[-1])
    (tmp_path / "a.pdf").write_bytes(content)
    with pytest.raises(EpisodeError):
        find_pages([tmp_path / "a.pdf"])
    assert [one._running.returncode is not None for one in started] == [True]


def test_where_no_process_can_be_started_a_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf.sys, "executable", str(tmp_path / "gone"))
    with pytest.raises(EpisodeError, match="no process can be started"):
        find_pages([make_pdf(tmp_path / "a.pdf", 1)])
