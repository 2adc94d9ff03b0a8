import string

import pytest

from webcast.labels import LABELS, LANGUAGES, label, preferred


def places(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


@pytest.mark.parametrize("key", LABELS)
def test_every_label_is_there_in_each_language_with_the_same_places(key):
    words = LABELS[key]
    assert len(words) == len(LANGUAGES)
    assert all(words)
    assert len({frozenset(places(each)) for each in words}) == 1
    assert len({each.count("<b>") for each in words}) == 1


def test_korean_labels_are_korean():
    latin_only = [key for key, (_, ko) in LABELS.items() if not any("가" <= sign <= "힣" for sign in ko)]
    assert latin_only == []


def test_places_are_filled():
    assert label("face_button", "ko", number=2, page="a.png") == "a.png의 2번 얼굴 캐스팅"
    assert label("stop", "en") == "Stop"


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", "en"),
        ("de-DE,de;q=0.9,ko;q=0.5", "ko"),
        ("en;q=0.2,ko;q=0.9", "ko"),
        ("KO", "ko"),
        ("fr,de", "en"),
        ("", "en"),
        (None, "en"),
        ("*", "en"),
        ("ko;q=abc,en", "ko"),
        ("," * 100000, "en"),
    ],
)
def test_the_language_is_the_one_that_is_asked_for_most(accepted, lang):
    assert preferred(accepted) == lang
