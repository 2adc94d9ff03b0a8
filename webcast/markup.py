"""A result as HTML: every picture inside, every word escaped, nothing asked from anywhere else.

`BALLOT_CSS` and `ballots` are what the app's page shows too, so that the two look alike.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from html import escape

from PIL import Image

from webcast.fonts import font_face
from webcast.korean import said
from webcast.types import Ballot, CastResult, Vote
from webcast.words import (
    firmness_in_words,
    headline,
    sources_in_words,
    verdict,
    votes_in_words,
    word,
)

BALLOT_CSS = """
.wc-note { margin: 0 0 12px; padding-left: 12px; border-left: 4px solid var(--wc-lemon);
  color: var(--wc-ink); }
.wc-ballot { border: 3px solid var(--wc-ink); background: var(--wc-card); padding: 16px; margin: 0 0 24px;
  box-shadow: 6px 6px 0 var(--wc-mist); color: var(--wc-ink); }
.wc-ballot h3 { margin: 0 0 12px; font-size: 1.1rem; font-weight: 800; color: var(--wc-ink);
  overflow-wrap: anywhere; }
.wc-ballot h3 small { font-weight: 400; color: var(--wc-grey); }
.wc-way, .wc-nearest { display: grid; gap: 12px; margin: 0; padding: 0; list-style: none; }
.wc-way { grid-template-columns: repeat(3, minmax(0, 1fr)); max-width: 560px; margin-bottom: 20px; }
.wc-nearest { grid-template-columns: repeat(5, minmax(0, 1fr)); }
.wc-ballot figure { margin: 0; }
.wc-ballot li { margin: 0; padding: 0; list-style: none; }
.wc-ballot img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; margin: 0;
  border: 2px solid var(--wc-ink); border-radius: 0; }
.wc-ballot figcaption { font-size: .85rem; line-height: 1.35; padding-top: 6px; color: var(--wc-ink);
  overflow-wrap: anywhere; }
.wc-ballot figcaption small { display: block; color: var(--wc-grey); font-size: .75rem; }
.wc-rank { display: inline-block; min-width: 1.6em; margin-right: .35em; text-align: center; font-weight: 800;
  background: var(--wc-ink); color: var(--wc-card); }
.wc-nearest li:first-child .wc-rank { background: var(--wc-accent); color: #17151f; }
@media (max-width: 640px) {
  .wc-ballot { padding: 12px; }
  .wc-nearest { display: flex; overflow-x: auto; scroll-snap-type: x proximity; padding-bottom: 8px; }
  .wc-nearest li { flex: 0 0 34%; scroll-snap-align: start; }
}
"""

COLOURS = """
:root { --wc-paper: #fdf8ee; --wc-card: #fffdf8; --wc-ink: #17151f; --wc-grey: #625c6a; --wc-mist: #e6dfd0;
  --wc-accent: #ff4a5f; --wc-lemon: #ffd84a; }
"""
DARK_COLOURS = (
    "--wc-paper: #15131b; --wc-card: #201d29; --wc-ink: #f6f1e6; --wc-grey: #b3acbd; --wc-mist: #3a3545; "
    "--wc-accent: #ff6b7c; --wc-lemon: #ffd84a;"
)

DOCUMENT_CSS = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--wc-paper); color: var(--wc-ink);
  font: 16px/1.5 webcast, system-ui, sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { margin: 0; font-size: clamp(1.9rem, 7vw, 3rem); line-height: 1.15; overflow-wrap: anywhere; }
h2 { margin: 40px 0 16px; font-size: 1.3rem; }
.label { display: inline-block; background: var(--wc-ink); color: var(--wc-paper); font-weight: 800;
  padding: 4px 12px; text-transform: uppercase; letter-spacing: .04em; font-size: .85rem; }
.sheet, .page { display: block; width: 100%; height: auto; border: 3px solid var(--wc-ink); }
.sheet { max-width: 540px; margin: 24px 0; }
.pages { max-height: 90vh; overflow: auto; display: grid; gap: 16px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 8px; border-bottom: 1px solid var(--wc-mist); overflow-wrap: anywhere; }
td.bar { width: 45%; }
td:last-child { white-space: nowrap; }
td.bar span { display: block; height: 18px; background: var(--wc-mist); border: 2px solid var(--wc-ink); }
tr:first-child td.bar span { background: var(--wc-accent); }
footer { margin-top: 40px; border-top: 3px solid var(--wc-ink); padding-top: 12px; color: var(--wc-grey);
  overflow-wrap: anywhere; }
"""


POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"


def data_uri(image: Image.Image, within: tuple[int, int]) -> str:
    """The picture as a JPEG inside a URI, made smaller where it is over `within` (width, height) pixels."""
    small = image.copy()
    small.thumbnail(within, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.convert("RGB").save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def document(result: CastResult, sheet: Image.Image, boxed: Sequence[Image.Image], lang: str = "en") -> str:
    """The whole result as one HTML document in one of `korean.LANGUAGES`, light or dark as the reader's
    system."""
    title = escape(headline(result, lang))
    pages = "".join(
        f'<img class="page" alt="{word("page", lang, number=number)}" src="{data_uri(page, (1000, 30000))}">'
        for number, page in enumerate(boxed, start=1)
    )
    body = f"""<main>
<p class="label">{verdict(result, lang)}</p>
<h1>{title}</h1>
<p>{escape(firmness_in_words(result, lang))}</p>
{notices(result, lang)}
<img class="sheet" alt="{word("sheet", lang)}" src="{data_uri(sheet, sheet.size)}">
<h2>{word("the_votes", lang)}</h2>
{standings(result, lang)}
<h2>{word("each_voted", lang)}</h2>
{ballots(result, lang)}
<h2>{word("the_pages", lang)}</h2>
<div class="pages" tabindex="0" role="region" aria-label="{word("pages_boxed", lang)}">{pages}</div>
<footer><strong>{word("disclaimer", lang)}.</strong> {escape(sources_in_words(result, lang))}</footer>
</main>"""
    return self_contained(f"webcast: {title}", body, BALLOT_CSS, lang)


def self_contained(title: str, body: str, css: str, lang: str) -> str:
    """A whole HTML page around a body: light or dark as the reader's system is, asking nobody for anything.

    The letters that it uses are cut out of the bundled font, so that Hangul is drawn on any machine.
    """
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {DARK_COLOURS} }} }}"
    letters = font_face(re.sub("<[^>]*>", "", body))
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}</title>
<style>{COLOURS}{dark}{DOCUMENT_CSS}{css}{letters}</style>
</head>
<body>
{body}
</body>
</html>
"""


def notices(result: CastResult, lang: str = "en") -> str:
    """What the reader should know about the result, one paragraph each."""
    return "".join(f'<p class="wc-note">{escape(said(notice, lang))}</p>' for notice in result.notices)


def standings(result: CastResult, lang: str = "en") -> str:
    """The people with their votes as bars."""
    most = result.standings[0].votes
    rows = "".join(
        f"<tr><td>{escape(standing.person.name)}</td>"
        f'<td class="bar"><span style="width:{100 * standing.votes / most:.0f}%"></span></td>'
        f"<td>{votes_in_words(standing.votes, lang)}</td></tr>"
        for standing in result.standings
    )
    return f"<table><tbody>{rows}</tbody></table>"


def ballots(result: CastResult, lang: str = "en", numbers: Sequence[int] | None = None) -> str:
    """For each face what it became, and its nearest portraits by rank; `numbers` by default from 1 on."""
    numbered = zip(numbers or range(1, len(result.ballots) + 1), result.ballots, strict=True)
    return "".join(ballot_card(number, ballot, lang) for number, ballot in numbered)


def ballot_card(number: int, ballot: Ballot, lang: str) -> str:
    face = word("face", lang, number=number)
    way = "".join(
        f"<figure>{picture(image, f'{face}, {word(key, lang)}')}"
        f"<figcaption>{word(key, lang)}</figcaption></figure>"
        for image, key in (
            (ballot.face.crop, "drawn"),
            (ballot.upscaled, "upscaled"),
            (ballot.realized, "as_photo"),
        )
    )
    nearest = "".join(vote_item(vote, lang) for vote in ballot.votes)
    page = escape(word("on_page", lang, page=ballot.face.panel.name))
    return (
        f'<article class="wc-ballot"><h3>{face} <small>{page}</small></h3>'
        f'<div class="wc-way">{way}</div>'
        f'<ol class="wc-nearest" tabindex="0" aria-label="{word("nearest_to", lang, number=number)}">'
        f"{nearest}</ol>"
        "</article>"
    )


def vote_item(vote: Vote, lang: str) -> str:
    portrait = vote.portrait
    name = escape(portrait.person.name)
    origin = escape(", ".join(part for part in (portrait.source, portrait.licence) if part))
    rank = word("rank", lang, rank=vote.rank)
    return (
        f"<li><figure>{picture(portrait.image, word('portrait_of', lang, name=portrait.person.name))}"
        f'<figcaption><span class="wc-rank" aria-label="{rank}">{vote.rank}</span>{name}'
        f"<small>{origin}</small></figcaption></figure></li>"
    )


def picture(image: Image.Image, alt: str, within: tuple[int, int] = (320, 320)) -> str:
    return f'<img alt="{escape(alt)}" src="{data_uri(image, within)}">'
