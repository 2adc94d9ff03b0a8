import math

import pytest
from PIL import Image

from webcast.errors import WebcastError
from webcast.types import Ballot, Box, Face, Panel, Person, Portrait, Vote
from webcast.vote import chance_of, firmness, tally

BLANK = Image.new("RGB", (32, 32))
FACE = Face(Panel(BLANK, "page"), Box(0, 0, 32, 32), BLANK, "fake", 1.0)


def ballot(*votes: tuple[str, float], standout: float = 3.0) -> Ballot:
    """A ballot from (person's id, similarity), nearest first."""
    cast = tuple(
        Vote(Portrait(Person(name, name.title()), BLANK), similarity, rank)
        for rank, (name, similarity) in enumerate(votes, start=1)
    )
    return Ballot(FACE, BLANK, BLANK, cast, standout)


def test_votes_are_counted_per_person_over_all_faces():
    standings = tally(
        [ballot(("ada", 0.9), ("ben", 0.8), ("ada", 0.7)), ballot(("ben", 0.6), ("ada", 0.5), ("cem", 0.4))]
    )
    assert [(s.person.id, s.votes) for s in standings] == [("ada", 3), ("ben", 2), ("cem", 1)]
    assert standings[0].similarity == pytest.approx(2.1)


def test_a_tie_falls_to_the_larger_summed_similarity():
    standings = tally([ballot(("ada", 0.5), ("ben", 0.6))])
    assert [s.person.id for s in standings] == ["ben", "ada"]


def test_a_full_tie_falls_to_the_smaller_id():
    standings = tally([ballot(("ben", 0.5), ("ada", 0.5))])
    assert [s.person.id for s in standings] == ["ada", "ben"]


def exact_chance(votes: int, portraits_each: list[int], drawn: int = 5) -> float:
    """One face: one minus the part of all draws in which everybody stays below `votes` (polynomials)."""
    ways = [1] + [0] * drawn
    for portraits in portraits_each:
        fewer = [math.comb(portraits, count) for count in range(min(votes, drawn + 1))]
        ways = [sum(ways[n - i] * f for i, f in enumerate(fewer) if i <= n) for n in range(drawn + 1)]
    return 1 - ways[drawn] / math.comb(sum(portraits_each), drawn)


@pytest.mark.parametrize(
    ("votes", "portraits_each"),
    [(2, [3] * 48), (3, [3] * 8), (2, [1, 1, 1, 1, 1, 2]), (4, [9, 4, 4]), (2, [2] * 99)],
)
def test_the_chance_of_one_face_is_the_exact_one(votes, portraits_each):
    assert chance_of(votes, 1, portraits_each) == pytest.approx(exact_chance(votes, portraits_each), abs=0.02)


def test_the_chance_of_two_faces_is_the_one_counted_by_hand():
    # Five of six portraits: a face leaves one out. Both faces name all of somebody's three portraits (six
    # votes) where both leave out one of the other's: 2 * (3/6)**2.
    assert chance_of(6, 2, [3, 3]) == pytest.approx(0.5, abs=0.02)


def test_the_chance_is_the_same_each_time_and_falls_with_votes():
    chances = [chance_of(votes, 3, [3] * 48) for votes in range(1, 8)]
    assert chances == [chance_of(votes, 3, [3] * 48) for votes in range(1, 8)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == 1.0
    assert chances[-1] < 0.001


def test_more_votes_than_there_are_have_no_chance():
    assert chance_of(6, 1, [3, 3]) == 0.0


def test_measures_of_a_firm_result():
    ballots = [ballot(("ada", 0.9), ("ada", 0.8), ("ada", 0.7), ("ben", 0.6), ("cem", 0.5))] * 2
    measured, doubts = firmness(ballots, tally(ballots), [3] * 48)
    assert measured.vote_share == pytest.approx(6 / 10)
    assert measured.margin == pytest.approx(4 / 10)
    assert measured.agreement == 1.0
    assert measured.chance < 0.001
    assert measured.firm
    assert doubts == ()


def test_agreement_counts_the_faces_whose_nearest_is_the_winner():
    ballots = [ballot(("ada", 0.9), ("ada", 0.8)), ballot(("ben", 0.9), ("ada", 0.8))]
    measured, _ = firmness(ballots, tally(ballots), [3] * 48)
    assert measured.agreement == 0.5


def test_votes_for_five_different_people_are_no_firmer_than_chance():
    ballots = [ballot(("ada", 0.9), ("ben", 0.8), ("cem", 0.7), ("dua", 0.6), ("eli", 0.5))]
    measured, doubts = firmness(ballots, tally(ballots), [3] * 48)
    assert measured.chance == 1.0
    assert not measured.firm
    assert "no firmer than chance: 1 vote from 1 face would come together for somebody in 100%" in doubts[0]


def test_a_face_like_nobody_is_not_firm_whatever_the_votes():
    ballots = [ballot(("ada", 0.9), ("ada", 0.8), ("ada", 0.7), standout=1.0)] * 3
    assert firmness(ballots, tally(ballots), [3] * 48, firm_standout=None)[0].firm
    assert firmness(ballots, tally(ballots), [3] * 48, firm_standout=0.9)[0].firm
    measured, doubts = firmness(ballots, tally(ballots), [3] * 48, firm_standout=1.1)
    assert not measured.firm
    assert "nobody in the gallery stands out" in doubts[0]


def test_where_votes_cannot_tell_the_standout_alone_decides():
    """One face before a gallery of one portrait each: five people get a vote, whoever it is."""
    ballots = [ballot(("ada", 0.9), ("ben", 0.8), ("cem", 0.7), ("dua", 0.6), ("eli", 0.5), standout=1.2)]
    assert firmness(ballots, tally(ballots), [1] * 48, firm_standout=1.1)[0].firm
    assert not firmness(ballots, tally(ballots), [1] * 48, firm_standout=1.3)[0].firm
    measured, doubts = firmness(ballots, tally(ballots), [1] * 48)
    assert not measured.firm
    assert "random draws" in doubts[0]


def test_a_gallery_of_one_person_is_never_firm():
    ballots = [ballot(*[("ada", 0.9)] * 5, standout=9.0)] * 5
    measured, doubts = firmness(ballots, tally(ballots), [20], firm_standout=1.0)
    assert not measured.firm
    assert doubts == ("The gallery holds Ada alone, so nobody else could have been cast.",)


def test_no_ballot_is_an_error():
    with pytest.raises(WebcastError, match="at least one face"):
        firmness([], (), [3])
