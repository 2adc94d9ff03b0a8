"""A result as something to look at: boxed pages, a picture to post, a page to read, a file to parse.

Everything here speaks of resemblance, never of identification. A cosine is written to `cast.json` as
the number it is, and is never shown to a reader as a percentage of likeness: a reader sees ranks and
votes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from webcast.fonts import font
from webcast.korean import said
from webcast.markup import document
from webcast.types import Ballot, Box, CastResult, Face, Panel, Portrait, Standing
from webcast.words import firmness_in_words, headline, sources_in_words, verdict, votes_in_words, word

PAPER, INK, ACCENT, LEMON, MIST = "#fdf8ee", "#17151f", "#ff4a5f", "#ffd84a", "#e6dfd0"
GREY = "#6a6472"
SHEET_SIZE = (1080, 1350)
MARGIN = 60
MAX_ROWS = 4


def draw_boxes(panel: Panel, marks: Sequence[tuple[int, Face, bool]]) -> Image.Image:
    """The panel with a box for each (number, face, whether it stands out): RGB, of the same size."""
    page = panel.image.copy()
    draw = ImageDraw.Draw(page)
    width = max(2, round(min(page.size) / 200))
    for number, face, stands_out in marks:
        colour = ACCENT if stands_out else INK
        box = face.box
        corners = (box.x0, box.y0, max(box.x0, box.x1 - 1), max(box.y0, box.y1 - 1))
        draw.rectangle(corners, outline="white", width=2 * width)
        draw.rectangle(corners, outline=colour, width=width)
        draw_number(draw, box, str(number), colour)
    return page


def draw_number(draw: ImageDraw.ImageDraw, box: Box, number: str, colour: str) -> None:
    """A tag with a number in the upper left corner of a box."""
    size = max(12, min(box.width, box.height) // 5)
    text = font("Bold", size)
    side = round(size * 0.5 + max(size, draw.textlength(number, text)))
    draw.rectangle((box.x0, box.y0, box.x0 + side, box.y0 + side), fill=colour)
    draw.text((box.x0 + side / 2, box.y0 + side / 2), number, "white", text, anchor="mm")


def draw_sheet(result: CastResult, lang: str = "en") -> Image.Image:
    """The standing as a picture to post: RGB, 1080 x 1350 px, in English or Korean ("ko").

    The drawn face, what it was realized to, the winner's nearest portrait, the votes as bars, how firm
    the result is in words, and which weights and gallery gave it.
    """
    sheet = Image.new("RGB", SHEET_SIZE, PAPER)
    draw = ImageDraw.Draw(sheet)
    draw_backdrop(sheet, ACCENT if result.firmness.firm else MIST)
    draw_heading(draw, result, lang)
    draw_pictures(sheet, result, lang)
    draw_verdict(draw, result, lang)
    draw_votes(draw, result.standings, lang)
    draw_footer(draw, result, lang)
    return sheet


def draw_backdrop(sheet: Image.Image, colour: str) -> None:
    """Screentone, the dots of printed comics, that fade out from the top right."""
    width, height = sheet.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    pitch = 18.0
    u = (x + y) / np.sqrt(2) % pitch - pitch / 2
    v = (x - y) / np.sqrt(2) % pitch - pitch / 2
    radius = pitch * 0.52 * (1 - np.hypot((width - x) / (0.75 * width), y / (0.62 * height)))
    dots = np.clip(radius - np.hypot(u, v) + 0.5, 0, 1) * 255
    sheet.paste(Image.new("RGB", sheet.size, colour), mask=Image.fromarray(dots.astype(np.uint8)))


def draw_heading(draw: ImageDraw.ImageDraw, result: CastResult, lang: str) -> None:
    draw.text((MARGIN, 62), "webcast", INK, font("Bold", 46), anchor="ls")
    faces = len(result.ballots)
    told = word("casting_of_one", lang) if faces == 1 else word("casting_of", lang, count=faces)
    draw.text((MARGIN, 98), told, GREY, font("", 26), anchor="ls")


def draw_pictures(sheet: Image.Image, result: CastResult, lang: str) -> None:
    """The way from the drawing to the actor: two small panels on the left, the portrait big."""
    ballot = leading_ballot(result)
    firm = result.firmness.firm
    paste_panel(sheet, ballot.face.crop, (MARGIN, 130, 295), word("drawn", lang), MIST)
    paste_panel(sheet, ballot.realized, (MARGIN, 455, 295), word("as_photo", lang), MIST)
    paste_panel(sheet, winning_portrait(result).image, (388, 130, 620), "", LEMON if firm else MIST)


def paste_panel(
    sheet: Image.Image, picture: Image.Image, place: tuple[int, int, int], caption: str, shadow: str
) -> None:
    """A square picture at `place` (left, top, side) in an inked frame with a hard shadow."""
    left, top, side = place
    draw = ImageDraw.Draw(sheet)
    draw.rectangle(
        (left + 14, top + 14, left + side + 13, top + side + 13), fill=shadow, outline=INK, width=3
    )
    sheet.paste(ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS), (left, top))
    draw.rectangle((left, top, left + side - 1, top + side - 1), outline=INK, width=5)
    if caption:
        text = font("Bold", 24)
        width = draw.textlength(caption, text) + 28
        draw.rectangle((left, top + side - 42, left + width, top + side - 1), fill=INK)
        draw.text((left + 14, top + side - 21), caption, "white", text, anchor="lm")


def draw_verdict(draw: ImageDraw.ImageDraw, result: CastResult, lang: str) -> None:
    """Who gets the part, or that nobody can be told from chance."""
    firm = result.firmness.firm
    label = verdict(result, lang).upper()
    text = font("Bold", 26)
    draw.rectangle((MARGIN, 822, MARGIN + draw.textlength(label, text) + 32, 866), fill=INK)
    draw.text((MARGIN + 16, 844), label, LEMON if firm else "white", text, anchor="lm")
    room = SHEET_SIZE[0] - 2 * MARGIN
    draw_fitted(draw, (MARGIN, 944), headline(result, lang), 76 if firm else 56, room)
    draw_fitted(draw, (MARGIN, 992), firmness_in_words(result, lang), 27, room, weight="", colour=GREY)


def draw_votes(draw: ImageDraw.ImageDraw, standings: Sequence[Standing], lang: str) -> None:
    """The first few people with their votes as bars."""
    most = standings[0].votes
    for row, standing in enumerate(standings[:MAX_ROWS]):
        y = 1050 + 54 * row
        draw_fitted(draw, (MARGIN, y), standing.person.name, 28, 330, weight="Bold" if row == 0 else "")
        end = 410 + round(490 * standing.votes / most)
        draw.rectangle((410, y - 24, end, y + 6), fill=ACCENT if row == 0 else MIST, outline=INK, width=3)
        draw.text((end + 16, y), votes_in_words(standing.votes, lang), INK, font("", 24), anchor="ls")


def draw_footer(draw: ImageDraw.ImageDraw, result: CastResult, lang: str) -> None:
    room = SHEET_SIZE[0] - 2 * MARGIN
    draw.line((MARGIN, 1262, MARGIN + room, 1262), fill=INK, width=3)
    draw.text((MARGIN, 1298), word("disclaimer", lang), INK, font("Bold", 24), anchor="ls")
    draw_fitted(draw, (MARGIN, 1328), sources_in_words(result, lang), 20, room, weight="", colour=GREY)


def draw_fitted(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    words: str,
    size: int,
    room: int,
    weight: str = "Bold",
    colour: str = INK,
) -> None:
    """One line at `place` (left, baseline), smaller where it would not fit, cut where it still does not."""
    words = " ".join(words.split())
    smallest = max(16, size // 2)
    while size > smallest and draw.textlength(words, font(weight, size)) > room:
        size -= 2
    if draw.textlength(words, font(weight, size)) > room:
        while words and draw.textlength(words + "…", font(weight, size)) > room:
            words = words[:-1]
        words = words.rstrip() + "…"
    draw.text(place, words, colour, font(weight, size), anchor="ls")


def winning_portrait(result: CastResult) -> Portrait:
    """The portrait of the one ahead that came nearest to any of the faces."""
    person = result.standings[0].person
    votes = [
        vote for ballot in result.ballots for vote in ballot.votes if vote.portrait.person.id == person.id
    ]
    return max(votes, key=lambda vote: vote.similarity).portrait


def leading_ballot(result: CastResult) -> Ballot:
    """The ballot of the face that came nearest to the one ahead."""
    portrait = winning_portrait(result)
    voters = [b for b in result.ballots if any(vote.portrait is portrait for vote in b.votes)]
    return max(voters, key=lambda b: max(v.similarity for v in b.votes if v.portrait is portrait))


def to_json(result: CastResult, lang: str = "en") -> dict:
    """The result without its pictures, as plain lists, dicts, strings and numbers (`cast.json`).

    Notices are in the language asked for.
    """
    return {
        "standings": [
            {"person": asdict(s.person), "votes": s.votes, "similarity": round(float(s.similarity), 6)}
            for s in result.standings
        ],
        "ballots": [ballot_json(ballot) for ballot in result.ballots],
        "firmness": asdict(result.firmness),
        "sources": asdict(result.sources),
        "notices": [said(notice, lang) for notice in result.notices],
    }


def ballot_json(ballot: Ballot) -> dict:
    return {
        "face": face_json(ballot.face),
        "votes": [
            {
                "person": asdict(vote.portrait.person),
                "similarity": round(float(vote.similarity), 6),
                "rank": vote.rank,
                "source": vote.portrait.source,
                "licence": vote.portrait.licence,
            }
            for vote in ballot.votes
        ],
        "standout": round(float(ballot.standout), 6),
    }


def face_json(face: Face) -> dict:
    """Where a face is: its page by name, its box in pixels (x0, y0, x1, y1, half open), who found it."""
    box = face.box
    return {
        "page": face.panel.name,
        "box": [box.x0, box.y0, box.x1, box.y1],
        "detector": face.detector,
        "likelihood": round(float(face.likelihood), 6),
    }


def write_sheet(result: CastResult, out_dir: str | Path, lang: str = "en") -> list[Path]:
    """Write a result as files, in one of `korean.LANGUAGES`, and return their paths.

    `sheet.png` to post, `sheet.html` to read (one file that asks for nothing else), `cast.json` to parse,
    every page that has a face that voted, those faces boxed, and each of them as crop, upscaled and realized.
    The names of the files are numbers in the order of the ballots, so no page name can lead out of `out_dir`.
    """
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    boxed = boxed_pages(result)
    pictures = {"sheet.png": draw_sheet(result, lang)}
    pictures |= {f"page-{number}.png": page for number, page in enumerate(boxed, start=1)}
    for number, ballot in enumerate(result.ballots, start=1):
        pictures[f"face-{number}-crop.png"] = ballot.face.crop
        pictures[f"face-{number}-upscaled.png"] = ballot.upscaled
        pictures[f"face-{number}-realized.png"] = ballot.realized
    for name, picture in pictures.items():
        picture.save(out / name)
    page = document(result, pictures["sheet.png"], boxed, lang)
    (out / "sheet.html").write_text(page, encoding="utf-8")
    written = json.dumps(to_json(result, lang), ensure_ascii=False, indent=2)
    (out / "cast.json").write_text(written + "\n", encoding="utf-8")
    return [out / name for name in (*pictures, "sheet.html", "cast.json")]


def boxed_pages(result: CastResult) -> list[Image.Image]:
    """The pages that have a ballot, in order, their faces numbered as the ballots are."""
    marks: dict[Panel, list[tuple[int, Face, bool]]] = {}
    for number, ballot in enumerate(result.ballots, start=1):
        marks.setdefault(ballot.face.panel, []).append((number, ballot.face, True))
    return [draw_boxes(panel, mine) for panel, mine in marks.items()]
