"""An episode's cast as files: a sheet to read, JSON and CSV to parse, cards to post, faces to look at."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from webcast.episode import Character, Episode, EpisodeCast, Occlusion, Part, Sighting
from webcast.episode_markup import NO_REASONS, episode_html
from webcast.episode_words import (
    character_name,
    doubts_in_words,
    firmness_in_words,
    notices_in_words,
    part_verdict,
    word,
)
from webcast.share_card import SIZES, draw_card
from webcast.sheet import ballot_json

UTF8_MARK = "\ufeff"  # by it alone spreadsheets read a CSV as UTF-8
COLUMNS = (
    *("character", "name", "gender", "faces", "person_id", "person", "first_choice", "firm", "votes"),
    *("of_votes", "percentile", "strangers"),
)


def episode_json(cast: EpisodeCast, lang: str = "en") -> dict:
    """The cast without its pictures (`cast.json`): plain lists, dicts, strings and numbers.

    `characters` are all that are not dropped, most present first; extras have no standings and no person.
    Doubts and notices are in the language asked for.
    """
    parts = {part.character.id: part for part in cast.parts}
    episode = cast.episode
    return {
        "characters": [
            character_json(episode, character, parts.get(character.id), lang)
            for character in episode.characters
            if character.id not in episode.dropped
        ],
        "dropped": [c.id for c in episode.characters if c.id in episode.dropped],
        "left_out": [
            face_json(episode.sightings[number]) | {"reason": reason, "why": word(reason, lang)}
            for number, reason in episode.left_out.items()
        ],
        "pages": list(dict.fromkeys(part.page for part in episode.parts)),
        "sources": asdict(cast.sources),
        "notices": list(notices_in_words(cast, lang)),
        "disclaimer": word("disclaimer", lang),
    }


def character_json(episode: Episode, character: Character, part: Part | None, lang: str) -> dict:
    """A character: who they are, where they are seen, and, if they have a part, who plays it and why."""
    told = {
        "id": character.id,
        "name": character_name(character, lang),
        "gender": character.gender,
        "main": part is not None,
        "faces": [face_json(episode.sightings[number]) for number in character.faces],
        "standings": [],
        "person": None,
    }
    if part is None:
        return told
    return told | {
        "standings": [
            {"person": asdict(s.person), "votes": s.votes, "similarity": round(float(s.similarity), 6)}
            for s in part.standings
        ],
        "person": asdict(part.person) if part.person else None,
        "first_choice": asdict(part.first_choice) if part.first_choice else None,
        "verdict": part_verdict(part, lang),
        "firm": part.firm,
        "firmness": asdict(part.firmness) if part.firmness else None,
        "percentile": None if part.percentile is None else round(part.percentile, 2),
        "strangers": None if part.strangers is None else round(part.strangers, 4),
        "words": list(firmness_in_words(part, lang)),
        "doubts": list(doubts_in_words(part, lang)),
        "ballots": [
            {"face_number": number} | ballot_json(ballot)
            for number, ballot in zip(part.numbers, part.ballots, strict=True)
        ],
    }


def face_json(sighting: Sighting) -> dict:
    """Where a face is: its number, its page by name, its box there in pixels (x0, y0, x1, y1, half open)."""
    box, panel = sighting.page_box, sighting.face.panel
    return {
        "number": sighting.number,
        "page": panel.page,
        "episode": panel.episode,
        "box": [box.x0, box.y0, box.x1, box.y1],
        "quality": round(sighting.quality, 3),
    }


def episode_csv(cast: EpisodeCast, lang: str = "en") -> str:
    """A row for each main character with the columns `COLUMNS`; what could be a formula is quoted."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for part in cast.parts:
        character, person, first = part.character, part.person, part.first_choice
        votes = next((s.votes for s in part.standings if s.person == person), 0)
        row = (
            *(character.id, character_name(character, lang), character.gender, len(character.faces)),
            *(person and person.id, person and person.name, first and first.name, part.firm, votes),
            *(sum(s.votes for s in part.standings), part.percentile, part.strangers),
        )
        writer.writerow("" if cell is None else _safe(cell) for cell in row)
    return file.getvalue()


def write_episode(
    cast: EpisodeCast, out_dir: str | Path, lang: str = "en", why: Mapping[str, Occlusion] = NO_REASONS
) -> list[Path]:
    """Writes the cast as files and returns their paths.

    `sheet.html` (one file that asks for nothing else), `cast.json`, `cast.csv`, and for each part that
    somebody plays two cards, `card-c1-square.png` and `card-c1-wide.png`.
    """
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    texts = {
        "sheet.html": episode_html(cast, lang, why),
        "cast.json": json.dumps(episode_json(cast, lang), ensure_ascii=False, indent=2) + "\n",
        "cast.csv": UTF8_MARK + episode_csv(cast, lang),
    }
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8", newline="")
    names = list(texts)
    for part in cast.parts:
        if part.person is not None:
            for shape, size in SIZES.items():
                names.append(f"card-{part.character.id}-{shape}.png")
                draw_card(cast, part, lang, size).save(out / names[-1])
    return [out / name for name in names]


def _safe(cell: object) -> object:
    """A cell that a spreadsheet takes for text, whatever a stranger wrote into a name."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
