"""The vote: every face casts its nearest portraits, people are counted, and the count is tested.

Pure arithmetic on ballots. A result is firm only if it beats two doubts: that as many votes would come
together by chance, and that the faces resemble nobody in the gallery more than everybody.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from webcast.errors import WebcastError
from webcast.types import Ballot, Firmness, Person, Standing

VOTES_PER_FACE = 5
CHANCE_LIMIT = 0.05
DRAWS = 10_000


def tally(ballots: Sequence[Ballot]) -> tuple[Standing, ...]:
    """People by votes, best first; ties fall to the larger summed similarity, then to the smaller id."""
    votes: Counter[Person] = Counter()
    similarity: defaultdict[Person, float] = defaultdict(float)
    for vote in (vote for ballot in ballots for vote in ballot.votes):
        votes[vote.portrait.person] += 1
        similarity[vote.portrait.person] += vote.similarity
    standings = (Standing(person, count, similarity[person]) for person, count in votes.items())
    return tuple(sorted(standings, key=lambda s: (-s.votes, -s.similarity, s.person.id)))


def chance_of(votes: int, faces: int, portraits_each: Sequence[int]) -> float:
    """How probable it is that somebody gets at least `votes` if portraits were drawn at random.

    `portraits_each` is how many portraits each person of the gallery has. Each face draws
    `VOTES_PER_FACE` different portraits (all of them where there are fewer). Estimated from `DRAWS`
    seeded draws: a probability of 0.05 is known to within 0.005 (two standard errors).
    """
    owners = np.repeat(np.arange(len(portraits_each), dtype=np.int32), portraits_each)
    drawn = min(VOTES_PER_FACE, len(owners))
    if votes > faces * drawn:
        return 0.0
    rng = np.random.default_rng(0)
    draws = _distinct(rng, DRAWS * faces, drawn, len(owners))
    named = np.sort(owners[draws].reshape(faces * drawn, DRAWS).T, axis=1)
    # In a sorted row, somebody has n votes exactly where an entry equals the one n - 1 places on.
    reached = named[:, votes - 1 :] == named[:, : faces * drawn - votes + 1]
    return float(reached.any(axis=1).mean())


def _distinct(rng: np.random.Generator, rows: int, drawn: int, of: int) -> np.ndarray:
    """`rows` uniform subsets of `range(of)`, int32 (drawn, rows), by Floyd's algorithm (1987)."""
    chosen = np.empty((drawn, rows), dtype=np.int32)
    for place, last in enumerate(range(of - drawn, of)):
        pick = rng.integers(0, last, size=rows, endpoint=True, dtype=np.int32)
        taken = np.zeros(rows, dtype=bool)
        for earlier in chosen[:place]:
            taken |= earlier == pick
        chosen[place] = np.where(taken, last, pick)
    return chosen


def firmness(
    ballots: Sequence[Ballot],
    standings: Sequence[Standing],
    portraits_each: Sequence[int],
    firm_standout: float | None = None,
) -> tuple[Firmness, tuple[str, ...]]:
    """How firm the winner's lead is, and a sentence for each doubt about it.

    `portraits_each` is how many portraits each person of the gallery has. `firm_standout` is the mean
    standout below which faces of nobody in a gallery were measured to fall; None where the weights do
    not say. Where so few votes can be had that they tell nothing, the standout alone decides. A gallery of
    one person is never firm. Raises `WebcastError` where nobody voted.
    """
    if not standings:
        raise WebcastError("No face cast a vote: choose at least one face and a gallery with portraits.")
    winner, total = standings[0], sum(standing.votes for standing in standings)
    second = standings[1].votes if len(standings) > 1 else 0
    first_choices = [ballot.votes[0].portrait.person for ballot in ballots]
    chance = chance_of(winner.votes, len(ballots), portraits_each)
    standout = float(np.mean([ballot.standout for ballot in ballots]))
    if len(portraits_each) == 1:
        doubts = (f"The gallery holds {winner.person.name} alone, so nobody else could have been cast.",)
    else:
        can_tell = firm_standout is None or votes_can_tell(len(ballots), portraits_each)
        by_votes = _doubts_by_votes(winner, len(ballots), chance) if can_tell else ()
        doubts = (*by_votes, *_doubts_by_standout(standout, firm_standout))
    measured = Firmness(
        vote_share=winner.votes / total,
        margin=(winner.votes - second) / total,
        agreement=first_choices.count(winner.person) / len(ballots),
        chance=chance,
        firm=not doubts,
    )
    return measured, doubts


def votes_can_tell(faces: int, portraits_each: Sequence[int]) -> bool:
    """Whether the most votes that anybody could get would be rare by chance.

    With one face and one portrait a person they are not: everybody gets one vote or none.
    """
    most = faces * min(VOTES_PER_FACE, max(portraits_each))
    return chance_of(most, faces, portraits_each) <= CHANCE_LIMIT


def _doubts_by_votes(winner: Standing, faces: int, chance: float) -> tuple[str, ...]:
    if chance <= CHANCE_LIMIT:
        return ()
    return (
        f"This is no firmer than chance: {_count(winner.votes, 'vote')} from {_count(faces, 'face')} "
        f"would come together for somebody in {chance:.0%} of random draws from this gallery.",
    )


def _doubts_by_standout(standout: float, firm_standout: float | None) -> tuple[str, ...]:
    if firm_standout is None or standout >= firm_standout:
        return ()
    return (
        "This is no firmer than chance: nobody in the gallery stands out enough from the others "
        f"(the nearest by {standout:.2f}, and it takes {firm_standout:.2f}).",
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
