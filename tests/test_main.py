"""The command line with plain stages, but the real door, vote, gallery and sheet; then with the bundle."""

import argparse
import errno
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from tests import fakes, tiny_weights
from webcast import build
from webcast.__main__ import Bars, build_parser, main
from webcast.caster import Caster
from webcast.gallery import load_gallery
from webcast.parts import Parts
from webcast.words import WORDS

RED = "#c03030"


@pytest.fixture(scope="module")
def troupe(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("troupe")
    fakes.gallery(folder / "photos", each=5).save(folder / "gallery")
    return folder / "gallery"


@pytest.fixture
def plain(troupe, monkeypatch):
    """Puts the plain stages in the place of the real ones; gives the parts that were asked for."""
    asked = []

    def load_stages(weights=None, device=None, parts=None):
        build.choose_device(device)
        asked.append(parts)
        return fakes.stages()

    def load_caster(gallery=None, weights=None, device=None, parts=None):
        stages = load_stages(weights, device, parts)
        return Caster(stages, load_gallery(gallery or troupe, stages.embedder))

    monkeypatch.setattr(build, "load_stages", load_stages)
    monkeypatch.setattr(build, "load_caster", load_caster)
    return asked


@pytest.fixture
def good(tmp_path) -> Path:
    path = tmp_path / "good.png"
    fakes.page(RED).save(path)
    return path


def run(*argv: object) -> int:
    return main([str(word) for word in argv])


def refused(capsys, code: int) -> str:
    """The one sentence of a refusal."""
    told = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert told[-1].startswith("webcast: ")
    assert not any("Traceback" in line for line in told)
    return told[-1]


# --- cast --------------------------------------------------------------------------------------------


def test_cast_writes_the_sheet_the_pictures_and_the_json(plain, good, tmp_path, capsys):
    assert run("cast", good, "--out", tmp_path / "out") == 0
    told = json.loads((tmp_path / "out" / "cast.json").read_text(encoding="utf-8"))
    assert told["standings"][0]["person"]["name"] == "Ada"
    assert told["standings"][0]["votes"] == 5
    assert told["standings"][0]["similarity"] > 4.9
    assert len(told["ballots"]) == 1
    assert told["sources"]["weights_revision"] == "f00000000000"
    assert len(told["sources"]["gallery_revision"]) == 12
    assert told["firmness"]["firm"] is True
    html = (tmp_path / "out" / "sheet.html").read_text(encoding="utf-8")
    assert "http" not in html.split("<body")[1].replace("http-equiv", "")
    assert len(list((tmp_path / "out").glob("*.png"))) >= 4
    printed = capsys.readouterr()
    assert printed.out.startswith("1  Ada  votes 5")
    assert "realize" in printed.err, "progress names the stage"


def test_cast_speaks_korean(plain, tmp_path, capsys):
    fakes.page(RED, RED).save(tmp_path / "two.png")
    assert run("cast", tmp_path / "two.png", "--lang", "ko", "--out", tmp_path / "out") == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("1위  Ada  10표  유사도 10.000")
    assert "알림: 찾은 얼굴 2개를 모두 한 인물로 봅니다." in printed.err
    told = json.loads((tmp_path / "out" / "cast.json").read_text(encoding="utf-8"))
    assert told["notices"] == ["찾은 얼굴 2개를 모두 한 인물로 봅니다."]
    html = (tmp_path / "out" / "sheet.html").read_text(encoding="utf-8")
    assert '<html lang="ko">' in html
    words = html.partition("<body>")[2]
    assert [english for english, _ in WORDS.values() if "{" not in english and english in words] == []


def test_a_refusal_is_told_in_korean(plain, good, tmp_path, capsys):
    code = run("cast", good, "--faces", "3", "--lang", "ko", "--out", tmp_path / "o")
    assert refused(capsys, code) == "webcast: 3번 얼굴은 없습니다. 찾은 얼굴: 하나, 번호는 0입니다."


def test_cast_takes_faces_and_a_similarity(plain, tmp_path):
    fakes.page(RED, "#30c030").save(tmp_path / "two.png")
    assert (
        run("cast", tmp_path / "two.png", "--faces", "1", "--similarity", "realized", "--out", tmp_path / "o")
        == 0
    )
    told = json.loads((tmp_path / "o" / "cast.json").read_text())
    assert len(told["ballots"]) == 1
    assert run("cast", tmp_path / "two.png", "--faces", "1", "--out", tmp_path / "o") == 0
    assert json.loads((tmp_path / "o" / "cast.json").read_text())["standings"][0]["person"]["name"] == "Ben"


def test_a_folder_stands_for_its_pictures_in_natural_order(plain, tmp_path, capsys):
    for number in (10, 2, 1):
        fakes.page(RED).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("passed over")
    assert run("detect", tmp_path) == 0
    names = [line.split("  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert names == ["1.png", "2.png", "10.png"]


def test_each_stage_has_one_bar(capsys):
    with Bars() as progress:
        for stage in ("detect", "realize"):
            for done in (1, 2, 3):
                progress(stage, done, 3)
    printed = capsys.readouterr().err
    assert [printed.count(f"{stage}:   0%") for stage in ("detect", "realize")] == [1, 1]
    assert printed.count("3/3") == 2


def test_all_faces_as_one_character_is_told(plain, tmp_path, capsys):
    fakes.page(RED, RED).save(tmp_path / "two.png")
    assert run("cast", tmp_path / "two.png", "--out", tmp_path / "o") == 0
    assert "note: All 2 faces found count as one character." in capsys.readouterr().err


# --- bad input ---------------------------------------------------------------------------------------


def bomb() -> bytes:
    """A small PNG that says it is 60000 x 60000."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def bad_pages(folder: Path) -> dict[str, Path]:
    """Pages that cannot be let in."""
    made = {name: folder / f"{name}.png" for name in ("text", "empty", "dot", "thread", "bomb", "missing")}
    made["text"].write_text("this is not a picture")
    made["empty"].write_bytes(b"")
    Image.new("RGB", (1, 1)).save(made["dot"])
    Image.new("RGB", (20_000, 1)).save(made["thread"])
    made["bomb"].write_bytes(bomb())
    made["cut"] = folder / "cut.jpg"
    fakes.page(RED, size=(600, 600)).save(made["cut"])
    made["cut"].write_bytes(made["cut"].read_bytes()[:2000])
    return made


def odd_pages(folder: Path) -> dict[str, Path]:
    """Pages of unusual kinds that are handled."""
    page = fakes.page(RED)
    made = {mode: folder / f"{mode}.png" for mode in ("RGBA", "P")}
    for mode, path in made.items():
        page.convert(mode).save(path)
    made |= {"CMYK": folder / "CMYK.jpg", "EXIF": folder / "EXIF.jpg"}
    page.convert("CMYK").save(made["CMYK"], quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6
    page.save(made["EXIF"], exif=exif, quality=95)
    for kind in ("gif", "webp"):
        made[kind] = folder / f"moving.{kind}"
        page.save(made[kind], save_all=True, append_images=[fakes.page("#3030c0")], duration=100)
    made["long"] = folder / "김민수 <b>&..png"
    fakes.page(RED, size=(300, 5000)).save(made["long"])
    return made


BAD = ("text", "empty", "dot", "thread", "bomb", "missing", "cut")


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_page_is_one_sentence(plain, tmp_path, capsys, kind):
    page = bad_pages(tmp_path)[kind]
    assert page.name in refused(capsys, run("cast", page, "--out", tmp_path / "out"))
    assert not (tmp_path / "out" / "cast.json").exists()


def test_a_good_page_among_bad_ones_is_cast(plain, good, tmp_path, capsys):
    pages = bad_pages(tmp_path).values()
    assert run("cast", *pages, good, "--out", tmp_path / "out") == 0
    told = json.loads((tmp_path / "out" / "cast.json").read_text())
    assert told["standings"][0]["person"]["name"] == "Ada"
    printed = capsys.readouterr().err
    for page, notice in zip(pages, told["notices"][: len(pages)], strict=True):
        assert page.name in notice
        assert f"note: {notice}" in printed


def test_odd_pages_are_cast(plain, tmp_path):
    pages = odd_pages(tmp_path)
    assert run("cast", *pages.values(), "--out", tmp_path / "out") == 0
    told = json.loads((tmp_path / "out" / "cast.json").read_text())
    assert len(told["ballots"]) == len(pages)
    assert told["standings"][0]["person"]["name"] == "Ada"
    assert told["standings"][0]["votes"] == 5 * len(pages)


@pytest.mark.parametrize("mode", ["LA", "I;16"])
def test_a_grey_page_is_let_in(plain, tmp_path, capsys, mode):
    """The plain detector sees colour alone, so that it finds no face is as far as a grey page can get."""
    Image.new(mode, (300, 300)).save(tmp_path / "grey.png")
    assert "No drawn face" in refused(capsys, run("cast", tmp_path / "grey.png", "--out", tmp_path / "out"))


def test_no_face_is_one_sentence(plain, tmp_path, capsys):
    fakes.page().save(tmp_path / "blank.png")
    assert "No drawn face was found" in refused(
        capsys, run("cast", tmp_path / "blank.png", "--out", tmp_path / "o")
    )


def test_a_hundred_faces_are_cast(plain, tmp_path):
    page = Image.new("RGB", (1000, 1000), "white")
    for number in range(100):
        x, y = 100 * (number % 10) + 20, 100 * (number // 10) + 20
        page.paste(RED, (x, y, x + 50, y + 50))
    page.save(tmp_path / "crowd.png")
    assert run("cast", tmp_path / "crowd.png", "--out", tmp_path / "out") == 0
    assert len(json.loads((tmp_path / "out" / "cast.json").read_text())["ballots"]) == 100


def test_a_face_that_is_not_there_is_one_sentence(plain, good, tmp_path, capsys):
    assert "one face was, number 0" in refused(
        capsys, run("cast", good, "--faces", "3", "--out", tmp_path / "o")
    )


def test_an_empty_folder_of_pages_is_one_sentence(plain, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "no pictures in it" in refused(capsys, run("cast", tmp_path / "empty", "--out", tmp_path / "o"))


def test_an_empty_gallery_is_one_sentence(plain, good, tmp_path, capsys):
    (tmp_path / "none").mkdir()
    argv = ("cast", good, "--gallery", tmp_path / "none", "--out", tmp_path / "o")
    assert "gallery build" in refused(capsys, run(*argv))


def test_a_gallery_of_one_person_casts_but_is_not_firm(plain, good, tmp_path, capsys):
    fakes.gallery(tmp_path / "photos", people={"Zoe": RED}).save(tmp_path / "one")
    assert run("cast", good, "--gallery", tmp_path / "one", "--out", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "cast.json").read_text())["firmness"]["firm"] is False
    assert "Zoe alone" in capsys.readouterr().err


def test_names_in_hangul_and_with_path_characters(plain, good, tmp_path, capsys):
    folder = fakes.photos(tmp_path / "photos", people={"김민수": RED, "b": "#3030c0"})
    (folder / "people.csv").write_text("name,folder\n../../etc/<b>,b\n", encoding="utf-8")
    assert run("gallery", "build", folder, "--out", tmp_path / "g") == 0
    assert run("cast", good, "--gallery", tmp_path / "g", "--out", tmp_path / "out") == 0
    told = json.loads((tmp_path / "out" / "cast.json").read_text(encoding="utf-8"))
    assert told["standings"][0]["person"] == {"id": "김민수", "name": "김민수", "gender": None, "born": None}
    assert {s["person"]["id"] for s in told["standings"]} == {"김민수", "etc-b"}
    assert {path.parent for path in (tmp_path / "out").rglob("*")} == {tmp_path / "out"}
    assert "1  김민수" in capsys.readouterr().out


def test_a_wrong_device_is_one_sentence(plain, good, tmp_path, capsys):
    assert "choose cuda" in refused(capsys, run("cast", good, "--device", "tpu", "--out", tmp_path / "o"))


def test_an_out_that_is_a_file_is_one_sentence(plain, good, capsys):
    assert "name another" in refused(capsys, run("cast", good, "--out", good))


def test_a_folder_that_cannot_be_written_is_one_sentence(plain, good, tmp_path, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "o"))

    monkeypatch.setattr("webcast.sheet.write_sheet", full)
    told = refused(capsys, run("cast", good, "--out", tmp_path / "o"))
    assert "o cannot be read or written (No space left on device)." in told


def test_a_gallery_is_refused_before_its_photos_are_read(plain, tmp_path, capsys, monkeypatch):
    folder = fakes.photos(tmp_path / "photos", each=1)
    monkeypatch.setattr("webcast.gallery.build_gallery", lambda *_: pytest.fail("photos were read"))
    told = refused(capsys, run("gallery", "build", folder, "--out", folder))
    assert "something that is not a gallery" in told


def test_ctrl_c_ends_quietly(plain, good, tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "load_caster", interrupted)
    assert run("cast", good, "--out", tmp_path / "o") == 130
    assert capsys.readouterr().err == ""


def test_weights_that_are_none_are_one_sentence_of_the_real_loader(good, tmp_path, capsys):
    argv = ("cast", good, "--weights", tmp_path, "--out", tmp_path / "o")
    assert "give a folder of webcast weights" in refused(capsys, run(*argv))


# --- the other commands ------------------------------------------------------------------------------


def test_detect_prints_the_numbers_that_cast_takes(plain, tmp_path, capsys):
    fakes.page(RED, "#30c030").save(tmp_path / "a.png")
    fakes.page("#3030c0").save(tmp_path / "b.png")
    assert run("detect", tmp_path / "a.png", tmp_path / "b.png", "--out", tmp_path / "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[:2] for line in lines] == [["0", "a.png"], ["1", "a.png"], ["2", "b.png"]]
    assert lines[0] == "0  a.png  x 20-80  y 20-80  patch"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["000-a.png", "001-b.png"]
    fakes.page().save(tmp_path / "a.png")
    assert "No drawn face" in refused(capsys, run("detect", tmp_path / "a.png"))


def test_upscale_writes_larger_pictures(plain, good, tmp_path):
    bad = bad_pages(tmp_path)["text"]
    assert run("upscale", bad, good, "--out", tmp_path / "out") == 0
    assert Image.open(tmp_path / "out" / "000-good.png").size == (1200, 1600)


def test_realize_writes_a_picture_of_each_face(plain, tmp_path, capsys):
    fakes.page(RED, "#30c030").save(tmp_path / "a.png")
    assert run("realize", tmp_path / "a.png", "--out", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["000-a.png", "001-a.png"]
    fakes.page().save(tmp_path / "a.png")
    assert "No drawn face" in refused(capsys, run("realize", tmp_path / "a.png", "--out", tmp_path / "out"))


def test_a_gallery_is_built_and_described(plain, tmp_path, capsys):
    folder = fakes.photos(tmp_path / "photos", each=2)
    (folder / "Ada" / "text.png").write_text("not a picture")
    assert run("gallery", "build", folder, "--out", tmp_path / "actors") == 0
    printed = capsys.readouterr()
    assert "text.png is left out" in printed.err
    assert run("gallery", "info", tmp_path / "actors") == 0
    told = capsys.readouterr().out
    assert "people     5" in told
    assert told.splitlines()[1:] == printed.out.splitlines()[1:]


def test_a_gallery_of_nothing_is_one_sentence(plain, tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    argv = ("gallery", "build", tmp_path / "photos", "--out", tmp_path / "actors")
    assert "no portrait with a face" in refused(capsys, run(*argv))
    argv = ("gallery", "build", tmp_path / "nowhere", "--out", tmp_path / "actors")
    assert "neither a folder nor a Hub id" in refused(capsys, run(*argv))


def test_draw_wants_a_drawer_and_draws_every_photo_with_a_face(plain, good, tmp_path, capsys):
    told = refused(capsys, run("draw", good, "--out", tmp_path / "out"))
    assert "have no drawer" in told
    assert "--drawer" in told
    drawer = tiny_weights.write_realizer(
        tmp_path / "export/photo-to-drawn", direction="photo-to-drawn"
    ).parent
    fakes.page().save(tmp_path / "empty.png")
    photos = (good, tmp_path / "empty.png")
    assert run("draw", *photos, "--drawer", drawer, "--out", tmp_path / "out") == 0
    printed = capsys.readouterr()
    assert "1 files in" in printed.out
    assert "No face was found on empty.png" in printed.err
    assert [Image.open(path).size for path in (tmp_path / "out").iterdir()] == [(32, 32)]
    told = refused(capsys, run("draw", photos[1], "--drawer", drawer, "--out", tmp_path / "out"))
    assert "No face was found" in told


def test_the_gender_of_the_character_goes_to_the_caster(plain, good, tmp_path, capsys):
    assert run("cast", good, "--gender", "female", "--out", tmp_path / "out") == 0
    assert "no realizer for female characters" in capsys.readouterr().err


# --- help --------------------------------------------------------------------------------------------


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Every command with its parser, `gallery build` as one."""
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                deeper = {f"{name} {rest}": leaf for rest, leaf in commands(inner).items()}
                found |= deeper or {name: inner}
    return found


COMMANDS = commands(build_parser())


def test_these_are_the_commands():
    assert set(COMMANDS) == {
        "cast",
        "detect",
        "upscale",
        "realize",
        "draw",
        "gallery build",
        "gallery info",
        "gallery remove",
        "parts",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_each_help_is_enough(name):
    parser = COMMANDS[name]
    assert all(action.help for action in parser._actions)
    example = parser.epilog.removeprefix("example: python -m webcast ").split()
    parsed = build_parser().parse_args(example)
    assert parsed.run is parser.get_default("run"), "the example is one of this command"


def test_a_wrong_flag_is_exit_code_2(capsys):
    for argv in (["cast"], ["cast", "x.png", "--out", "o", "--faces", "one"], ["fly"]):
        with pytest.raises(SystemExit) as exit_code:
            main(argv)
        assert exit_code.value.code == 2
    assert "is not a list of numbers such as 0,2" in capsys.readouterr().err


def test_help_does_not_load_torch():
    code = "import sys; sys.argv = ['webcast', '--help']; import webcast.__main__ as m\n"
    code += "try: m.main()\nexcept SystemExit: assert not {'torch', 'datasets', 'cv2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, stdout=subprocess.DEVNULL)


def test_parts_are_chosen_by_name(plain, good, tmp_path):
    out = ["--out", tmp_path / "out"]
    assert run("detect", good, "--detector", "animeface+haar", "--parts", "p") == 0
    assert run("upscale", good, "--upscaler", "none", *out) == 0
    assert run("realize", good, "--realizer", "cyclegan", "--upscaler", "srcnn", *out) == 0
    assert run("cast", good, "--embedder", "vgg16-imagenet", "--distance", "euclidean", *out) == 0
    photos, own = fakes.photos(tmp_path / "photos", each=1), tmp_path / "own"
    assert (
        run("gallery", "build", photos, "--photo-detector", "yunet", "--photo-upscaler", "rdn", "--out", own)
        == 0
    )
    assert plain == [
        Parts(detector="animeface+haar", folder="p"),
        Parts(upscaler="none"),
        Parts(realizer="cyclegan", upscaler="srcnn"),
        Parts(embedder="vgg16-imagenet", distance="euclidean"),
        Parts(photo_detector="yunet", photo_upscaler="rdn"),
    ]


# --- with the bundle ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundled() -> Caster:
    return build.load_caster(device="cpu")


@pytest.fixture
def real(bundled, monkeypatch):
    """The bundle, loaded once for all of these tests."""
    monkeypatch.setattr(build, "load_caster", lambda *_: bundled)
    monkeypatch.setattr(build, "load_stages", lambda *_: bundled.stages)


@pytest.fixture
def real_page(bundled) -> Image.Image:
    page = Image.new("RGB", (600, 800), "white")
    page.paste(bundled.gallery.portraits[0].image.resize((300, 300)), (150, 200))
    return page


def test_the_bundle_casts_pages_of_every_mode(real, real_page, tmp_path):
    grey = real_page.convert("L")
    real_page.convert("RGBA").save(tmp_path / "1.png")
    grey.convert("LA").save(tmp_path / "2.png")
    real_page.convert("P").save(tmp_path / "3.png")
    real_page.convert("CMYK").save(tmp_path / "4.jpg")
    grey.convert("I").point(lambda level: level * 257).convert("I;16").save(tmp_path / "5.png")
    pages = sorted(tmp_path.iterdir())
    assert run("cast", *pages, "--out", tmp_path / "out") == 0
    told = json.loads((tmp_path / "out" / "cast.json").read_text(encoding="utf-8"))
    assert len(told["ballots"]) >= 5, "the face is found in each mode"
    assert told["sources"]["weights"] == told["sources"]["gallery"] == "bundle"


def test_the_bundle_casts_the_good_page_among_bad_ones(real, real_page, tmp_path, capsys):
    real_page.save(tmp_path / "good.png")
    pages = bad_pages(tmp_path).values()
    assert run("cast", *pages, tmp_path / "good.png", "--faces", "0", "--out", tmp_path / "out") == 0
    printed = capsys.readouterr().err
    assert all(page.name in printed for page in pages)


def test_the_bundle_finds_no_face_on_a_blank_page(real, tmp_path, capsys):
    fakes.page(size=(800, 800)).save(tmp_path / "blank.png")
    assert "No drawn face" in refused(capsys, run("cast", tmp_path / "blank.png", "--out", tmp_path / "o"))


def test_the_bundle_builds_a_gallery_and_casts_with_it(
    real, bundled, real_page, tmp_path, capsys, monkeypatch
):
    for portrait in bundled.gallery.portraits[:6]:
        folder = tmp_path / "photos" / portrait.person.name
        folder.mkdir(parents=True, exist_ok=True)
        page = Image.new("RGB", (500, 500), "white")
        page.paste(portrait.image.resize((300, 300)), (100, 100))
        page.save(folder / f"{len(list(folder.iterdir()))}.png")
    assert run("gallery", "build", tmp_path / "photos", "--out", tmp_path / "own") == 0
    own = bundled.with_gallery(load_gallery(tmp_path / "own", bundled.stages.embedder))
    monkeypatch.setattr(build, "load_caster", lambda *_: own)
    real_page.save(tmp_path / "page.png")
    assert run("cast", tmp_path / "page.png", "--faces", "0", "--out", tmp_path / "out") == 0
    assert bundled.gallery.portraits[0].person.name in capsys.readouterr().out


def test_parts_lists_every_part_with_what_it_lacks(tmp_path, capsys):
    assert run("parts", "--parts", tmp_path) == 0
    printed = capsys.readouterr().out
    assert "photo upscaler" in printed
    assert "realesrgan                Real-ESRGAN compact, our weights: the weights' own" in printed
    assert "RealESRGAN_x4plus.pth" in printed
    fakes.page(RED).save(tmp_path / "x.png")
    capsys.readouterr()
    assert run("detect", tmp_path / "x.png", "--detector", "hair") == 2
    assert "no detector called 'hair'; choose one of centerface, joined" in refused(capsys, 2)
