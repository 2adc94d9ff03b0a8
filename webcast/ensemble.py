"""The cast as a whole: who plays whom, when nobody may play two parts.

The assignment that is best for all parts together (Kuhn 1955; scipy's `linear_sum_assignment`) over the
standings: a person is worth to a character their share of its votes, and, where votes are equal, their
similarity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from webcast.types import Person, Standing

TIE = 1e-3  # what similarity may add, so that it settles ties and nothing else
FEWEST_STRANGERS = 5


def assign(
    standings: Sequence[Sequence[Standing]],
    similarity: np.ndarray,
    allowed: np.ndarray,
    people: Sequence[Person],
) -> list[Person | None]:
    """Who plays each character, most present first, nobody twice; None where nobody is left for it.

    `similarity` (characters, people) is the mean cosine of a character's faces to each person, and
    `allowed`, of the same shape, says whom a character may be played by. As many parts as possible are
    given, the most present characters' first; whoever got no vote may still get a part that nobody else can.
    """
    count = len(standings)
    worth = TIE * similarity + worth_by_votes(standings, people)
    # More than all votes together are worth, and more for each character before the next.
    worth = worth + 10 * count * (2 * count - np.arange(count))[:, None]
    rows, columns = linear_sum_assignment(np.where(allowed, worth, 0), maximize=True)
    given = {row: people[column] for row, column in zip(rows, columns, strict=True) if allowed[row, column]}
    return [given.get(row) for row in range(count)]


def worth_by_votes(standings: Sequence[Sequence[Standing]], people: Sequence[Person]) -> np.ndarray:
    """Each person's share of each character's votes, (characters, people)."""
    column = {person: number for number, person in enumerate(people)}
    worth = np.zeros((len(standings), len(people)))
    for row, own in enumerate(standings):
        total = sum(standing.votes for standing in own)
        for standing in own:
            worth[row, column[standing.person]] = standing.votes / total
    return worth


def percentile(similarity: np.ndarray, column: int) -> float:
    """How many in a hundred people are less similar than the one of that column, 0 to 100."""
    others = np.delete(similarity, column)
    return float(100 * (others < similarity[column]).mean()) if len(others) else 100.0


def beats_strangers(own: float, strangers: np.ndarray) -> float | None:
    """The share of other faces that are less similar to a person than `own`; None where they are too few."""
    return float((strangers < own).mean()) if len(strangers) >= FEWEST_STRANGERS else None
