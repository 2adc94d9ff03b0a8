import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from webcast.markup import ballots
from webcast.sheet import SHEET_SIZE, draw_boxes, draw_sheet, to_json, write_sheet
from webcast.types import (
    Ballot,
    Box,
    CastResult,
    Face,
    Firmness,
    Panel,
    Person,
    Portrait,
    Sources,
    Standing,
    Vote,
)
from webcast.words import DISCLAIMER, firmness_in_words

SOURCES = Sources("bundle", "0123456789ab", "bundle", "ba9876543210")


def plain(colour: str, side: int = 64) -> Image.Image:
    return Image.new("RGB", (side, side), colour)


def a_result(name: str = "윤 다온", firm: bool = True, page: str = "page.png") -> CastResult:
    winner, other = Person("a", name, "woman"), Person("b", "Marlowe Finch")
    panel = Panel(Image.new("RGB", (300, 400), "white"), page)
    face = Face(panel, Box(20, 30, 120, 130), plain("red"), "haar", 0.9)
    order = (winner, winner, other, winner, other)
    votes = tuple(
        Vote(Portrait(person, plain("blue"), "made up", "CC0-1.0"), 0.9 - rank / 10, rank)
        for rank, person in enumerate(order, start=1)
    )
    ballot = Ballot(face, plain("red", 256), plain("green", 128), votes, 2.5)
    return CastResult(
        (Standing(winner, 3, 2.0), Standing(other, 2, 1.0)),
        (ballot,),
        Firmness(0.6, 0.2, 1.0, 0.01, firm),
        SOURCES,
        ("A notice.",),
    )


def test_faces_are_boxed_and_the_chosen_one_stands_out():
    result = a_result()
    face = result.ballots[0].face
    plain_box = np.asarray(draw_boxes(face.panel, [(1, face, False)]))
    chosen_box = np.asarray(draw_boxes(face.panel, [(1, face, True)]))
    assert plain_box.shape == (400, 300, 3)
    assert tuple(plain_box[130, 70]) != (255, 255, 255) or tuple(plain_box[129, 70]) != (255, 255, 255)
    assert not np.array_equal(plain_box, chosen_box)
    assert np.asarray(face.panel.image).min() == 255, "the page itself must stay as it was"


def test_a_box_at_the_edge_of_a_tiny_page_can_be_drawn():
    panel = Panel(Image.new("RGB", (5, 5)), "tiny")
    face = Face(panel, Box(4, 4, 5, 5), plain("red", 8), "haar", 1.0)
    assert draw_boxes(panel, [(1, face, False)]).size == (5, 5)


def test_the_sheet_shows_the_winners_portrait_and_the_drawing():
    sheet = np.asarray(draw_sheet(a_result()))
    assert sheet.shape == (SHEET_SIZE[1], SHEET_SIZE[0], 3)
    colours = {tuple(colour) for colour in sheet[130:760:20, 60:1000:20].reshape(-1, 3).tolist()}
    assert {(255, 0, 0), (0, 128, 0), (0, 0, 255)} <= colours


def test_a_hangul_name_is_drawn_and_another_name_looks_otherwise():
    sheets = [np.asarray(draw_sheet(a_result(name)))[880:960] for name in ("윤 다온", "강 이든", "가" * 300)]
    assert not np.array_equal(sheets[0], sheets[1])
    assert (sheets[2][:, 1025:] == sheets[0][:, 1025:]).all(), "a long name must not leave the margin"


@pytest.mark.parametrize("name", ["", " \n\t ", "a\nb", "../../x", "<b>", "\U0001d54f" * 80, "\x00"])
def test_any_name_can_be_drawn(name):
    assert draw_sheet(a_result(name)).size == SHEET_SIZE


def test_a_result_no_firmer_than_chance_is_drawn_otherwise_and_says_so():
    firm, loose = a_result(), a_result(firm=False)
    assert "no firmer than chance" in firmness_in_words(loose)
    assert "chance" not in firmness_in_words(firm)
    assert not np.array_equal(np.asarray(draw_sheet(firm))[800:960], np.asarray(draw_sheet(loose))[800:960])


def test_json_holds_what_the_pictures_come_from():
    told = json.loads(json.dumps(to_json(a_result())))
    assert told["standings"][0] == {
        "person": {"id": "a", "name": "윤 다온", "gender": "woman", "born": None},
        "votes": 3,
        "similarity": 2.0,
    }
    assert [vote["rank"] for vote in told["ballots"][0]["votes"]] == [1, 2, 3, 4, 5]
    assert told["ballots"][0]["votes"][0]["licence"] == "CC0-1.0"
    assert told["ballots"][0]["face"]["box"] == [20, 30, 120, 130]
    assert told["sources"] == dataclasses.asdict(SOURCES)
    assert told["firmness"]["firm"] is True
    assert told["notices"] == ["A notice."]


def test_json_takes_numpy_numbers():
    result = a_result()
    ballot = dataclasses.replace(result.ballots[0], standout=np.float32(1.5))
    assert json.dumps(to_json(dataclasses.replace(result, ballots=(ballot,))))


class Pictures(HTMLParser):
    def __init__(self):
        super().__init__()
        self.sources, self.alts, self.tags = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "img":
            self.sources.append(dict(attrs)["src"])
            self.alts.append(dict(attrs)["alt"])


def test_every_file_is_written_and_html_asks_for_nothing_else(tmp_path):
    paths = write_sheet(a_result(), tmp_path / "new" / "out")
    names = {path.name for path in paths}
    assert names == {
        "sheet.png",
        "page-1.png",
        "face-1-crop.png",
        "face-1-upscaled.png",
        "face-1-realized.png",
        "sheet.html",
        "cast.json",
    }
    assert all(path.is_file() for path in paths)
    html = (tmp_path / "new" / "out" / "sheet.html").read_text(encoding="utf-8")
    page = Pictures()
    page.feed(html)
    assert len(page.sources) == 1 + 3 + 5 + 1
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert all(page.alts)
    assert not re.search(r"https?:|url\((?!data:)|@import", html)
    assert not page.tags & {"script", "link", "iframe"}
    assert DISCLAIMER in html
    assert "0123456789ab" in html


def test_hostile_names_stay_words_in_html_and_stay_inside_the_folder(tmp_path):
    evil = '<img src=x onerror="alert(1)">'
    write_sheet(a_result(evil, page='../../"><script>alert(2)</script>.png'), tmp_path / "out")
    html = (tmp_path / "out" / "sheet.html").read_text(encoding="utf-8")
    page = Pictures()
    page.feed(html)
    assert "x" not in page.sources
    assert "script" not in page.tags
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_result_is_told_in_korean_too():
    result = a_result()
    assert firmness_in_words(result, "ko") == "5표 가운데 3표, 다음 사람보다 1표 앞섬."
    assert not np.array_equal(np.asarray(draw_sheet(result, "ko")), np.asarray(draw_sheet(result)))
    assert "사진이 된 얼굴" in ballots(result, "ko")


def test_html_never_shows_a_cosine(tmp_path):
    write_sheet(a_result(), tmp_path)
    text = re.sub(
        r"<style>.*?</style>|data:[^\"]*|style=\"[^\"]*\"",
        "",
        (tmp_path / "sheet.html").read_text("utf-8"),
        flags=re.S,
    )
    assert "%" not in text
    assert not re.search(r"\d\.\d", text.replace("CC0-1.0", ""))
