"""Who plays whom when nobody may play two parts."""

import numpy as np
import pytest

from webcast.ensemble import assign, beats_strangers, percentile
from webcast.types import Person, Standing

ADA, BEN, CEM = (Person(name, name) for name in ("Ada", "Ben", "Cem"))
PEOPLE = (ADA, BEN, CEM)
EVERYBODY = np.ones((2, 3), bool)
ALIKE = np.zeros((2, 3))


def standings(*votes: tuple[Person, int]) -> list[Standing]:
    return [Standing(person, count, float(count)) for person, count in votes]


def test_each_gets_the_first_choice_where_they_differ():
    votes = [standings((ADA, 5), (BEN, 4)), standings((BEN, 6))]
    assert assign(votes, ALIKE, EVERYBODY, PEOPLE) == [ADA, BEN]


def test_who_loses_least_gives_way():
    votes = [standings((ADA, 5), (BEN, 4)), standings((ADA, 5), (CEM, 1))]
    assert assign(votes, ALIKE, EVERYBODY, PEOPLE) == [BEN, ADA]


def test_ties_fall_to_similarity():
    votes = [standings((ADA, 2), (BEN, 2)), standings((CEM, 1))]
    similarity = np.array([[0.1, 0.4, 0.0], [0.0, 0.0, 0.9]])
    assert assign(votes, similarity, EVERYBODY, PEOPLE) == [BEN, CEM]


def test_whoever_is_not_allowed_gets_no_part():
    allowed = np.array([[False, False, False], [True, True, True]])
    assert assign([[], standings((ADA, 3))], ALIKE, allowed, PEOPLE) == [None, ADA]


def test_the_most_present_come_first_where_people_are_too_few():
    only = [standings((ADA, 1)), standings((ADA, 9)), standings((ADA, 9))]
    assert assign(only, np.zeros((3, 1)), np.ones((3, 1), bool), (ADA,)) == [ADA, None, None]


def test_as_many_parts_as_possible_are_given():
    votes = [standings((ADA, 5)), standings((ADA, 1))]
    allowed = np.array([[True, True], [True, False]])
    assert assign(votes, np.zeros((2, 2)), allowed, (ADA, BEN)) == [BEN, ADA]


def test_percentile_counts_the_others_below():
    assert percentile(np.array([0.1, 0.5, 0.3, 0.9]), 1) == pytest.approx(200 / 3)
    assert percentile(np.array([0.1]), 0) == 100


def test_few_strangers_tell_nothing():
    assert beats_strangers(0.5, np.array([0.1, 0.2, 0.9])) is None
    assert beats_strangers(0.5, np.array([0.1, 0.2, 0.9, 0.3, 0.4])) == pytest.approx(0.8)
