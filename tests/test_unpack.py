import io
import stat
import zipfile

import pytest
from PIL import Image

import webcast.unpack as unpack
from webcast.errors import GalleryError


def make_zip(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def unpack_portraits(files, folder):
    return unpack.unpack_portraits([(file, file.name) for file in files], folder)


def laid_out(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "deep" / "out"
    folder.mkdir(parents=True)
    return folder


def test_a_zip_of_folders_gives_the_people(tmp_path, out):
    entries = [("troupe/윤 다온/a.jpg", b"1"), ("troupe/윤 다온/b.PNG", b"2"), ("Marlowe Finch/c.jpeg", b"3")]
    junk = [("__MACOSX/윤 다온/._a.jpg", b"x"), (".hidden/d.jpg", b"x"), ("notes.txt", b"x"), ("empty/", b"")]
    assert unpack_portraits([make_zip(tmp_path / "t.zip", entries + junk)], out) == 3
    assert laid_out(out) == ["Marlowe Finch/0003.jpeg", "윤 다온/0001.jpg", "윤 다온/0002.png"]
    assert (out / "윤 다온" / "0002.png").read_bytes() == b"2"


def test_loose_pictures_are_named_after_their_files(tmp_path, out):
    files = [tmp_path / "Marlowe Finch 1.jpg", tmp_path / "Marlowe Finch_2.jpg", tmp_path / "7.png"]
    for file in files:
        file.write_bytes(b"x")
    assert unpack_portraits(files, out) == 3
    assert laid_out(out) == ["7/0003.png", "Marlowe Finch/0001.jpg", "Marlowe Finch/0002.jpg"]


def test_a_dropped_folder_gives_the_people(tmp_path, out):
    file = tmp_path / "0a1b"
    file.write_bytes(b"x")
    names = [
        "troupe/윤 다온/a.jpg",
        "troupe\\Ann\\b.png",
        "../../c.jpg",
        "troupe/people.csv",
        "troupe/notes.txt",
    ]
    assert unpack.unpack_portraits([(file, name) for name in names], out) == 3
    assert laid_out(out) == ["Ann/0002.png", "people.csv", "unnamed/0003.jpg", "윤 다온/0001.jpg"]
    assert not (tmp_path / "c.jpg").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.jpg",
        "/etc/evil.jpg",
        "a/../../../evil.jpg",
        "..\\..\\evil.jpg",
        "C:\\x\\evil.jpg",
        "../.jpg/x.jpg",
    ],
)
def test_no_path_leads_out_of_the_folder(tmp_path, out, name):
    before = set(tmp_path.rglob("*"))
    archive = make_zip(tmp_path / "t.zip", [(name, b"x"), ("Ann/ok.jpg", b"x")])
    unpack_portraits([archive], out)
    new = set(tmp_path.rglob("*")) - before - {archive}
    assert all(path.is_relative_to(out) for path in new)
    assert len(laid_out(out)) >= 1


def test_links_are_passed_over(tmp_path, out):
    link = zipfile.ZipInfo("Ann/link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = make_zip(tmp_path / "t.zip", [("Ann/ok.jpg", b"x"), (link, "/etc/passwd")])
    assert unpack_portraits([archive], out) == 1


def test_names_that_windows_wrote_in_korean_are_read(tmp_path, out):
    path = make_zip(tmp_path / "t.zip", [("AAAA/a.jpg", b"x")])
    korean = "다온".encode("cp949")
    path.write_bytes(path.read_bytes().replace(b"AAAA", korean))
    unpack_portraits([path], out)
    assert laid_out(out) == ["다온/0001.jpg"]


def test_people_csv_comes_along_and_is_no_picture(tmp_path, out):
    csv = "name,gender\nAnn,woman\n"
    assert (
        unpack_portraits([make_zip(tmp_path / "t.zip", [("people.csv", csv), ("Ann/a.jpg", b"x")])], out) == 1
    )
    assert (out / "people.csv").read_text() == csv


def test_a_bomb_is_refused_while_it_unpacks(tmp_path, out, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_BYTES", 3_000_000)
    archive = make_zip(tmp_path / "t.zip", [("Ann/a.jpg", bytes(2_000_000)), ("Ann/b.jpg", bytes(2_000_000))])
    with pytest.raises(GalleryError, match="more than 3 MB"):
        unpack_portraits([archive], out)


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path, out, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_BYTES", 1_000_000)
    path = make_zip(tmp_path / "t.zip", [("Ann/a.jpg", bytes(5_000_000))])
    size = (5_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(GalleryError):
        unpack_portraits([path], out)
    assert sum(file.stat().st_size for file in out.rglob("*.jpg")) <= 1_000_000


def test_too_many_photos_or_files_are_refused(tmp_path, out, monkeypatch):
    archive = make_zip(tmp_path / "t.zip", [(f"Ann/{n}.jpg", b"x") for n in range(5)])
    monkeypatch.setattr(unpack, "MAX_PHOTOS", 4)
    with pytest.raises(GalleryError, match="At most 4 portraits"):
        unpack_portraits([archive], out)
    monkeypatch.setattr(unpack, "MAX_ENTRIES", 4)
    with pytest.raises(GalleryError, match="more than 4 files"):
        unpack_portraits([archive], out)


def test_more_pixels_than_can_be_decoded_in_time_are_refused(tmp_path, out, monkeypatch):
    picture = io.BytesIO()
    Image.new("1", (400, 100)).save(picture, "PNG")
    many = [make_zip(tmp_path / "t.zip", [(f"Ann/{n}.png", picture.getvalue()) for n in range(3)])]
    monkeypatch.setattr(unpack, "MAX_PIXELS", 3 * 400 * 100)
    assert unpack_portraits(many, out) == 3
    monkeypatch.setattr(unpack, "MAX_PIXELS", 3 * 400 * 100 - 1)
    with pytest.raises(GalleryError, match="million pixels together"):
        unpack_portraits(many, out)


def test_an_archive_within_is_refused(tmp_path, out):
    inner = io.BytesIO()
    zipfile.ZipFile(inner, "w").close()
    archive = make_zip(tmp_path / "t.zip", [("Ann/more.zip", inner.getvalue())])
    with pytest.raises(GalleryError, match="holds another archive"):
        unpack_portraits([archive], out)


def test_an_encrypted_archive_is_refused(tmp_path, out):
    path = make_zip(tmp_path / "t.zip", [("Ann/a.jpg", b"x")])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[content.index(b"PK\x03\x04") + 6] |= 1
    path.write_bytes(content)
    with pytest.raises(GalleryError, match="encrypted"):
        unpack_portraits([path], out)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.zip", b"PK nonsense", "cannot be unpacked"),
        ("t.txt", b"hello", "neither a picture nor a ZIP"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path, out, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GalleryError, match=words):
        unpack_portraits([tmp_path / name], out)


def test_an_archive_without_a_picture_is_refused(tmp_path, out):
    with pytest.raises(GalleryError, match="No picture was found"):
        unpack_portraits([make_zip(tmp_path / "t.zip", [("notes.txt", b"x")])], out)


def test_a_truncated_archive_is_refused(tmp_path, out):
    path = make_zip(tmp_path / "t.zip", [("Ann/a.jpg", bytes(range(256)) * 100)])
    content = bytearray(path.read_bytes())
    content[60:80] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(GalleryError, match="cannot be unpacked"):
        unpack_portraits([path], out)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_in_one_go_is_refused(tmp_path, out, compression):
    with zipfile.ZipFile(tmp_path / "t.zip", "w", compression) as file:
        file.writestr("Ann/a.jpg", bytes(1_000_000))
    with pytest.raises(GalleryError, match="packed in a way that is not read here"):
        unpack_portraits([tmp_path / "t.zip"], out)
