"""A result in words. They speak of resemblance, of votes and of ranks, never of a likeness in percent."""

from __future__ import annotations

from webcast.types import CastResult

DISCLAIMER = "AI resemblance, not an identification"


def counted(number: int, noun: str) -> str:
    """`1 vote`, `2 votes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def verdict(result: CastResult) -> str:
    """Whether anybody gets the part, as a headline."""
    return "The part goes to" if result.firmness.firm else "No firmer than chance"


def headline(result: CastResult) -> str:
    """The name of the one ahead, with as much confidence as the votes allow."""
    name = result.standings[0].person.name
    return name if result.firmness.firm else f"Perhaps {name}"


def firmness_in_words(result: CastResult) -> str:
    """How far to trust the result, in one sentence."""
    votes = [standing.votes for standing in result.standings]
    lead = votes[0] - votes[1] if len(votes) > 1 else votes[0]
    ahead = f"{lead} ahead of the next" if lead else "level with the next"
    told = f"{votes[0]} of {counted(sum(votes), 'vote')}, {ahead}"
    if not result.firmness.firm:
        return f"{told}: no firmer than chance, so take it as a guess."
    faces = len(result.ballots)
    if faces == 1:
        return f"{told}."
    agreed = round(result.firmness.agreement * faces)
    return f"{told}; the nearest portrait of {agreed} of {faces} faces."


def sources_in_words(result: CastResult) -> str:
    """Which weights and which gallery gave the result, with their revisions."""
    sources = result.sources
    weights = f"weights {sources.weights} {sources.weights_revision}"
    return f"{weights} · gallery {sources.gallery} {sources.gallery_revision}"
