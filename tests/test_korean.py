"""What the library says, in Korean: each sentence of the table is one that the library can say."""

import ast
import re
import string
from pathlib import Path

import pytest

from webcast.korean import LONGEST, SENTENCES, said

SOURCES = Path(__file__).resolve().parents[1] / "webcast"


def template(node: ast.expr) -> str | None:
    """A string of the source, what is filled in as `{}`; None for what is no string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def sentences_of_the_library() -> set[str]:
    """Every string of the source, what is filled in as `{}`."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        if path.name == "korean.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found.add(template(node))
    return found - {None}


SAID = sentences_of_the_library()
PUT_TOGETHER = {"{} votes", "{} vote", "{} faces", "{} face", "Character {}"}  # of number and noun
MET_BY_VISITORS = (
    *(
        "images",
        "intake",
        "pdf",
        "unpack",
        "edits",
        "casting",
        "caster",
        "selection",
        "share_card",
        "compare",
    ),
    *("photos", "dataset", "gallery", "hub", "__main__"),
)
OF_THE_PROGRAM = {  # what no visitor's doing brings about, and commands that speak English alone
    "The face box {} lies outside the picture of {} x {} px.",
    "No drawn face was found; try a page with a larger, frontal face.",
    "No face was found; try a photo with a larger, frontal face.",
    "--squash is for a published gallery; name it with --push USER/NAME.",
    "no such picture was asked for",
    "it ended on the way",
}


def raised_in(module: str) -> set[str]:
    """The sentences of the errors that a module raises."""
    tree = ast.parse((SOURCES / f"{module}.py").read_text(encoding="utf-8"))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    told = [call for call in calls if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)]
    return {template(call.args[0]) for call in told if call.args} - {None}


def test_no_sentence_is_in_the_table_twice():
    assert len(dict(SENTENCES)) == len(SENTENCES)


@pytest.mark.parametrize("english", [english for english, _ in SENTENCES])
def test_the_library_says_each_sentence_of_the_table(english):
    assert re.sub(r"{\w+}", "{}", english) in SAID | PUT_TOGETHER


@pytest.mark.parametrize("module", MET_BY_VISITORS)
def test_every_error_that_a_visitor_can_meet_is_in_the_table(module):
    told = {re.sub(r"{\w+}", "{}", english) for english, _ in SENTENCES}
    assert raised_in(module) - told - OF_THE_PROGRAM == set()


@pytest.mark.parametrize(("english", "korean"), SENTENCES)
def test_korean_says_nothing_that_english_does_not(english, korean):
    places = {place for _, place, _, _ in string.Formatter().parse(english) if place}
    assert {place for _, place, _, _ in string.Formatter().parse(korean) if place} <= places
    assert re.search("[가-힣]", korean)


def test_what_a_sentence_holds_is_translated_too():
    told = said("Nobody of troupe is left whose gender is female; change the filters.", "ko")
    assert told == "troupe에 성별이 여성인 사람이 남지 않습니다. 조건을 바꿔 주세요."


def test_a_sentence_within_a_sentence_is_not_taken_for_a_name():
    told = said("None of 1 pages is usable: 1.png in a.cbz cannot be unpacked (x) and is left out.", "ko")
    assert told == (
        "페이지 1장 가운데 쓸 수 있는 것이 없습니다: a.cbz의 1.png: 압축을 풀 수 없어 뺐습니다(x)."
    )


def test_english_and_unknown_sentences_stay_as_they_are():
    assert said("Face 3 is not among those left out.", "en") == "Face 3 is not among those left out."
    assert said("Something else.", "ko") == "Something else."


def test_a_sentence_with_a_strangers_words_is_not_searched_for_minutes():
    hostile = "There is no character '" + " is only 1 x 1" * LONGEST + "'; there are c1."
    assert said(hostile, "ko") == hostile
