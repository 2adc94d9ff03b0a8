"""A card for social networks: the drawn face, what it became, and the actor, with what that is and is not."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw

from webcast.episode import EpisodeCast, Part
from webcast.episode_words import (
    character_name,
    firmness_in_words,
    part_verdict,
    player,
    sources_in_words,
    word,
)
from webcast.errors import WebcastError
from webcast.sheet import ACCENT, GREY, LEMON, MIST, PAPER, draw_backdrop, draw_fitted, paste_panel
from webcast.types import Ballot

SIZES = {"square": (1080, 1080), "wide": (1200, 630)}
MARGIN = 56
Place = tuple[int, int, int]  # left, top, and the side or the width


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the drawing, the photo made of it and the actor lie, where the words, and how much of them."""

    pictures: tuple[Place, Place, Place]
    words: Place
    phrases: int
    name_px: int


SQUARE = Layout(((MARGIN, 56, 300), (MARGIN, 396, 300), (400, 56, 620)), (MARGIN, 752, 968), 3, 64)
WIDE = Layout(((MARGIN, 48, 216), (MARGIN, 304, 216), (310, 48, 400)), (750, 130, 410), 3, 44)


def draw_card(
    cast: EpisodeCast, part: Part, lang: str, size: tuple[int, int] = SIZES["square"]
) -> Image.Image:
    """The part as an RGB picture of one of `SIZES`, in one of `korean.LANGUAGES`.

    Raises `WebcastError` for a part that nobody plays: there is no actor to show.
    """
    if part.person is None or part.portrait is None:
        name = character_name(part.character, lang)
        raise WebcastError(f"Nobody plays {name}, so there is no card to draw; choose another part.")
    card = Image.new("RGB", size, PAPER)
    layout = WIDE if size[0] > size[1] else SQUARE
    # On the wide card the words lie on the dots.
    draw_backdrop(card, ACCENT if part.firm and layout is SQUARE else MIST)
    ballot, shadow = leading_ballot(part), LEMON if part.firm else MIST
    pictures = (ballot.upscaled, "drawn"), (ballot.realized, "as_photo"), (part.portrait.image, "actor")
    for (picture, caption), place in zip(pictures, layout.pictures, strict=True):
        paste_panel(card, picture, place, word(caption, lang), shadow)
    draw = ImageDraw.Draw(card)
    _write_part(draw, part, lang, layout)
    _write_foot(draw, cast, lang, size)
    return card


def leading_ballot(part: Part) -> Ballot:
    """The ballot of the face that came nearest to the player; the best face where none voted for them."""

    def nearness(ballot: Ballot) -> float:
        own = [vote.similarity for vote in ballot.votes if vote.portrait.person == part.person]
        return max(own, default=-2.0)

    return max(part.ballots, key=nearness)


def _write_part(draw: ImageDraw.ImageDraw, part: Part, lang: str, layout: Layout) -> None:
    """Who plays whom, and how firm that is."""
    left, top, room = layout.words
    draw_fitted(draw, (left, top), character_name(part.character, lang), 34, room)
    draw_fitted(draw, (left, top + 40), part_verdict(part, lang), 26, room, "", GREY)
    draw_fitted(draw, (left, top + 112), player(part, lang), layout.name_px, room)
    for line, phrase in enumerate(firmness_in_words(part, lang)[: layout.phrases]):
        draw_fitted(draw, (left, top + 158 + 34 * line), phrase, 24, room, "", GREY)


def _write_foot(draw: ImageDraw.ImageDraw, cast: EpisodeCast, lang: str, size: tuple[int, int]) -> None:
    """What the card is and is not, and which weights and gallery made it."""
    width, height = size
    room = width - 2 * MARGIN
    draw_fitted(draw, (MARGIN, height - 50), word("disclaimer", lang), 26, room)
    draw_fitted(draw, (MARGIN, height - 22), sources_in_words(cast, lang), 18, room, "", GREY)
