"""An episode's cast as files: JSON and CSV as they are documented, HTML that asks for nothing, cards."""

import csv
import io
import json
import re

import pytest
from PIL import Image

from tests import fakes
from webcast import edits
from webcast.caster import Caster
from webcast.episode_sheet import COLUMNS, episode_csv, episode_json, write_episode
from webcast.episode_words import firmness_in_words, word
from webcast.errors import WebcastError
from webcast.selection import Filters
from webcast.share_card import SIZES, draw_card

RED, GREEN, BLUE = fakes.COLOURS["Ada"], fakes.COLOURS["Ben"], fakes.COLOURS["Cem"]
EVIL = "=<script>alert(1)</script>"


@pytest.fixture(scope="module")
def caster(tmp_path_factory) -> Caster:
    return Caster(fakes.stages(), fakes.gallery(tmp_path_factory.mktemp("people")))


@pytest.fixture(scope="module")
def cast(caster):
    pages = [fakes.page(RED, GREEN), fakes.page(RED, BLUE), fakes.page(RED, GREEN)]
    episode = edits.leave_out(edits.rename(caster.read_episode(pages), "c2", EVIL), 0)
    return caster.cast_episode(episode)


@pytest.fixture(scope="module")
def written(cast, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return out, write_episode(cast, out, "ko")


def test_json_has_characters_most_present_first(cast):
    told = json.loads(json.dumps(episode_json(cast)))
    characters = told["characters"]
    assert [len(character["faces"]) for character in characters] == [2, 2, 1]
    assert {"page", "box", "number"} <= set(characters[0]["faces"][0])
    assert characters[0]["person"]["name"] == "Ada"
    assert characters[0]["standings"][0]["person"]["name"] == "Ada"
    extra = characters[2]
    assert (extra["main"], extra["person"], extra["standings"]) == (False, None, [])


def test_json_says_which_faces_were_left_out_and_why(cast):
    (face,) = episode_json(cast, "ko")["left_out"]
    assert (face["number"], face["reason"], face["why"]) == (0, "by you", "직접 뺀 얼굴")
    assert face["page"] == "picture 1"


def test_csv_has_a_row_for_each_part_and_no_formula(cast):
    rows = list(csv.DictReader(io.StringIO(episode_csv(cast))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(cast.parts)
    assert f"'{EVIL}" in {row["name"] for row in rows}


def test_the_files_are_those_that_are_documented(written):
    out, paths = written
    names = {path.name for path in paths}
    assert {"sheet.html", "cast.json", "cast.csv", "card-c1-square.png", "card-c1-wide.png"} <= names
    assert {path.name for path in out.iterdir()} == names


def test_the_sheet_asks_for_nothing_and_runs_nothing(written):
    text = (written[0] / "sheet.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert "default-src 'none'" in text
    assert 'lang="ko"' in text
    assert word("disclaimer", "ko") in text
    assert "font/woff" in text  # the letters of the page, Hangul among them


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_card_has_the_size_of_a_social_network(cast, shape, lang):
    assert draw_card(cast, cast.parts[0], lang, SIZES[shape]).size == SIZES[shape]


def test_cards_are_told_apart_by_their_language(cast):
    english, korean = (draw_card(cast, cast.parts[0], lang) for lang in ("en", "ko"))
    assert english.tobytes() != korean.tobytes()


def test_a_part_that_nobody_plays_has_no_card(caster):
    cast = caster.cast_episode([fakes.page(RED, GREEN)] * 2, Filters(shortlist=("Ada",)))
    open_part = next(part for part in cast.parts if part.person is None)
    with pytest.raises(WebcastError, match="there is no card to draw"):
        draw_card(cast, open_part, "en")


def test_another_language_is_refused(cast):
    with pytest.raises(WebcastError, match="choose en or ko"):
        episode_json(cast, "fr")


def test_words_speak_of_votes_and_ranks_never_of_likeness_in_percent(cast):
    for lang in ("en", "ko"):
        told = " ".join(firmness_in_words(cast.parts[0], lang))
        assert "%" not in told
        assert str(len(cast.parts[0].ballots)) in told


def test_left_out_faces_are_shown_on_the_sheet(written):
    text = (written[0] / "sheet.html").read_text(encoding="utf-8")
    assert "직접 뺀 얼굴" in text


def test_a_sheet_is_written_for_an_episode_without_a_good_face(caster, tmp_path):
    episode = edits.leave_out(caster.read_episode([fakes.page(RED)]), 0)
    write_episode(caster.cast_episode(episode), tmp_path)
    assert json.loads((tmp_path / "cast.json").read_text(encoding="utf-8"))["characters"] == []


def test_pictures_of_the_cards_are_whole(written):
    with Image.open(written[0] / "card-c1-wide.png") as card:
        card.load()
        assert card.mode == "RGB"
