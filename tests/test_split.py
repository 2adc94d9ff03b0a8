import pytest

from tests.shared_data import SHARED, needs_shared
from training.split import (
    DEVELOPMENT_SHARE,
    FRAME_TEST_SHARE,
    TEST_SHARE,
    is_development_person,
    is_test_frame,
    is_test_person,
    normalise,
    test_names,
)

test_names.__test__ = False


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jane Q. Doe", "jane doe"),
        ("Jane Doe, Jr.", "Jane_Doe"),
        ("Zoë Élan", "zoe elan"),
        ("Ann O'Hara", "Ann OHara"),
    ],
)
def test_spellings_of_one_name_are_one(one, other):
    assert normalise(one) == normalise(other)
    assert is_test_person(one) == is_test_person(other)


def test_different_people_stay_apart():
    assert normalise("Jane Doe") != normalise("John Doe")


@pytest.mark.parametrize(
    ("is_kept", "share", "tolerance"),
    [(is_test_person, TEST_SHARE, 0.06), (is_development_person, DEVELOPMENT_SHARE, 0.03)],
)
def test_about_the_share_of_people_is_kept(is_kept, share, tolerance):
    kept = sum(is_kept(f"Person{chr(97 + i // 26)} Name{chr(97 + i % 26)}") for i in range(676))
    assert abs(kept / 676 - share) < tolerance


@pytest.mark.parametrize("mark", needs_shared)
def test_marks_have_reasons(mark):
    assert mark.mark.name in {"shared", "skipif"}


class TestOnTheRealPortraits:
    pytestmark = needs_shared

    def test_a_hundred_people_with_two_photos_are_kept(self):
        import csv

        with (SHARED / "portraits/people.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        kept = [row for row in rows if is_test_person(row["name"]) and row["second"]]
        assert len(kept) >= 100
        assert {normalise(row["name"]) for row in kept} <= test_names(SHARED / "portraits/people.csv")


def test_about_the_share_of_frames_is_kept():
    kept = sum(is_test_frame(f"{i:04}.jpg") for i in range(3000))
    assert abs(kept / 3000 - FRAME_TEST_SHARE) < 0.03
