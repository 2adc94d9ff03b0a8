"""The episode that a visitor cast last, for the page and for the endpoints."""

import json
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from webcast.app.compute import compute_episode
from webcast.app.files import text_file
from webcast.app.limits import MAX_EPISODE_PAGES
from webcast.app.visitor import Visit, episodes, visits
from webcast.app.work import Report
from webcast.episode import EpisodeCast, Part
from webcast.episode_markup import episode_html
from webcast.episode_sheet import UTF8_MARK, episode_csv, episode_json
from webcast.episode_words import character_name
from webcast.errors import WebcastError
from webcast.intake import find_pages
from webcast.labels import label
from webcast.share_card import SIZES, draw_card


def sent_pages(files: Sequence[tuple[str, str]], lang: str) -> list[tuple[str, str]]:
    """The files of an episode with their names, if they are not too much at once."""
    if not files:
        raise WebcastError(label("no_episode", lang))
    pages = len(find_pages(files))
    if pages > MAX_EPISODE_PAGES:
        raise WebcastError(label("too_many_pages", lang, count=pages, limit=MAX_EPISODE_PAGES))
    return list(files)


def last_cast(visitor: Visit, lang: str) -> EpisodeCast:
    """What the visitor cast last."""
    found = episodes.get(visitor.episode)
    if found is None:
        raise WebcastError(label("episode_gone" if visitor.episode else "no_episode", lang))
    return found


def remember_cast(pages, visitor: Visit, visit: object, report: Report) -> tuple[EpisodeCast, str]:
    """Casts an episode, or one that was edited, and keeps it as long as the visit; the visit's token.

    What the visitor chose while it was computed is not undone.
    """
    cast = compute_episode(pages, visitor, report)
    token = episodes.put(cast, visitor.episode)
    return cast, visits.put(replace(visits.get(visit) or visitor, episode=token), visit)


def part_of(cast: EpisodeCast, id: object, lang: str) -> Part:
    for part in cast.parts:
        if part.character.id == id:
            return part
    raise WebcastError(label("no_part_of", lang, id=repr(id)))


def cast_files(cast: EpisodeCast, lang: str) -> list[dict]:
    """The sheet, the JSON and the CSV of a cast as files."""
    written = json.dumps(episode_json(cast, lang), ensure_ascii=False, indent=2)
    return [
        text_file(episode_html(cast, lang), "cast.html", "text/html"),
        text_file(written, "cast.json", "application/json"),
        text_file(UTF8_MARK + episode_csv(cast, lang), "cast.csv", "text/csv"),
    ]


def cast_cards(cast: EpisodeCast, lang: str) -> list[tuple[str, str, Image.Image]]:
    """The cards to post, for each part one of each shape: a name for its file, whose it is, the picture."""
    cards = []
    for part in cast.parts:
        whose = character_name(part.character, lang)
        for shape, size in SIZES.items() if part.person else ():
            cards.append((f"card-{part.character.id}-{shape}", whose, draw_card(cast, part, lang, size)))
    return cards
