"""An episode's cast sheet as one HTML file: every picture and letter inside, every word escaped.

What is a stranger's (names of files, of people and of characters) is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from PIL import Image

from webcast.episode import Character, EpisodeCast, Occlusion, Part
from webcast.episode_words import (
    character_name,
    doubts_in_words,
    firmness_in_words,
    notices_in_words,
    part_verdict,
    player,
    presence_in_words,
    sources_in_words,
    word,
)
from webcast.markup import data_uri, self_contained
from webcast.share_card import leading_ballot
from webcast.types import Ballot, Vote

FACES_SHOWN = 12  # of a character, the best ones
NO_REASONS: Mapping[str, Occlusion] = {}

EPISODE_CSS = """
.part { border: 3px solid var(--wc-ink); background: var(--wc-card); padding: 16px; margin: 0 0 28px;
  box-shadow: 6px 6px 0 var(--wc-mist); }
.part.firm { box-shadow: 6px 6px 0 var(--wc-lemon); }
.part h2 { margin: 0 0 4px; overflow-wrap: anywhere; }
.part h3 { margin: 20px 0 8px; font-size: 1rem; }
.part ul { margin: 8px 0; padding-left: 20px; }
.doubt { border-left: 4px solid var(--wc-accent); padding-left: 12px; margin: 8px 0; }
.way { display: grid; grid-template-columns: repeat(auto-fit, minmax(120px, 1fr)); gap: 12px; }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(88px, 1fr)); gap: 8px; }
td:last-child { white-space: normal; }
figure { margin: 0; }
figcaption { font-size: .8rem; line-height: 1.35; padding-top: 4px; overflow-wrap: anywhere; }
figure img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; border: 2px solid
var(--wc-ink); } details { margin-top: 16px; } summary { cursor: pointer; font-weight: 700; }
.ballot { display: grid; grid-template-columns: repeat(7, minmax(0, 1fr)); gap: 8px; margin: 12px 0; }
small { color: var(--wc-grey); }
@media (max-width: 640px) { .ballot { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
"""


def episode_html(cast: EpisodeCast, lang: str, why: Mapping[str, Occlusion] = NO_REASONS) -> str:
    """The whole cast as one HTML document in one of `korean.LANGUAGES`, light or dark as the reader's system.

    `why` says, by character id, what carried the match of the part's leading face.
    """
    parts = "".join(part_card(cast, part, lang, why.get(part.character.id)) for part in cast.parts)
    notices = "".join(f'<p class="doubt">{escape(notice)}</p>' for notice in notices_in_words(cast, lang))
    body = (
        f'<main><p class="label">webcast</p><h1>{word("title", lang)}</h1>'
        f"<p><strong>{word('disclaimer', lang)}.</strong></p>{notices}{_table(cast, lang)}{parts}"
        f"{''.join(_others(cast, lang))}<footer><strong>{word('disclaimer', lang)}.</strong> "
        f"{escape(sources_in_words(cast, lang))}</footer></main>"
    )
    return self_contained(f"webcast: {word('title', lang)}", body, EPISODE_CSS, lang)


def part_card(cast: EpisodeCast, part: Part, lang: str, why: Occlusion | None = None) -> str:
    """One character's part: who plays it, how firmly, the way from drawing to actor, each face's votes."""
    name = character_name(part.character, lang)
    told = "".join(f"<li>{escape(phrase)}</li>" for phrase in firmness_in_words(part, lang))
    doubts = "".join(f'<p class="doubt">{escape(doubt)}</p>' for doubt in doubts_in_words(part, lang))
    faces = [cast.episode.sightings[n].face.crop for n in part.character.faces[:FACES_SHOWN]]
    seen = "".join(f"<figure>{_picture(face, name)}</figure>" for face in faces)
    return (
        f'<article class="part{" firm" if part.firm else ""}" id="{part.character.id}"><h2>{escape(name)}'
        f" <small>{presence_in_words(part.character, lang)}</small></h2>"
        f"<p>{part_verdict(part, lang)}: <strong>{escape(player(part, lang))}</strong></p>"
        f"<ul>{told}</ul>{doubts}{_way(part, lang, why)}"
        f'<h3>{presence_in_words(part.character, lang)}</h3><div class="faces">{seen}</div>'
        f"<details><summary>{word('why', lang)}</summary>{_ballots(part, lang)}</details></article>"
    )


def _table(cast: EpisodeCast, lang: str) -> str:
    rows = "".join(
        f'<tr><td><a href="#{part.character.id}">{escape(character_name(part.character, lang))}</a></td>'
        f"<td>{escape(player(part, lang))}</td>"
        f"<td><small>{escape(_first_choice(part, lang))}</small></td></tr>"
        for part in cast.parts
    )
    return f"<h2>{word('parts', lang)}</h2><table><tbody>{rows}</tbody></table><br>"


def _first_choice(part: Part, lang: str) -> str:
    """Whom the faces alone would have chosen, where that is somebody else."""
    first = part.first_choice
    if first is None or first == part.person:
        return ""
    return word("first_choice", lang).format(name=first.name)


def _way(part: Part, lang: str, why: Occlusion | None) -> str:
    """From the drawing to the actor in pictures, and what carried the match."""
    if part.portrait is None or not part.ballots:
        return ""
    ballot = leading_ballot(part)
    shown = [
        (ballot.face.crop, word("drawn", lang)),
        (ballot.realized, word("as_photo", lang)),
        (part.portrait.image, part.portrait.person.name),
    ]
    if why is not None:
        shown.append((why.picture, word("carried", lang)))
    figures = "".join(
        f"<figure>{_picture(image, caption)}<figcaption>{escape(caption)}</figcaption></figure>"
        for image, caption in shown
    )
    return f'<div class="way">{figures}</div>'


def _ballots(part: Part, lang: str) -> str:
    """For each face that voted its nearest portraits, and the votes of the part together."""
    rows = "".join(
        f"<tr><td>{escape(s.person.name)}</td><td>{s.votes}</td></tr>" for s in part.standings[:10]
    )
    table = f"<h3>{word('standings', lang)}</h3><table><tbody>{rows}</tbody></table>" if rows else ""
    pairs = zip(part.numbers, part.ballots, strict=True)
    return table + "".join(_ballot(number, ballot, lang) for number, ballot in pairs)


def _ballot(number: int, ballot: Ballot, lang: str) -> str:
    told = word("face_votes", lang).format(number=number + 1, page=ballot.face.panel.name)
    made = (ballot.face.crop, "drawn"), (ballot.realized, "as_photo")
    way = "".join(
        f"<figure>{_picture(image, f'{told}: {word(key, lang)}')}<figcaption>{word(key, lang)}</figcaption>"
        "</figure>"
        for image, key in made
    )
    return f'<h3>{escape(told)}</h3><div class="ballot">{way}{"".join(map(_vote, ballot.votes))}</div>'


def _vote(vote: Vote) -> str:
    portrait = vote.portrait
    origin = ", ".join(part for part in (portrait.source, portrait.licence) if part)
    return (
        f"<figure>{_picture(portrait.image, portrait.person.name)}<figcaption>{vote.rank}. "
        f"{escape(portrait.person.name)}<br><small>{escape(origin)}</small></figcaption></figure>"
    )


def _others(cast: EpisodeCast, lang: str) -> Iterator[str]:
    """Extras, dropped characters and faces that were left out, each with why."""
    episode = cast.episode
    dropped = [character for character in episode.characters if character.id in episode.dropped]
    for key, characters in (("extras", episode.extras), ("dropped", dropped)):
        if characters:
            yield f"<h2>{word(key, lang)}</h2>" + _gallery(cast, characters, lang)
    if episode.left_out:
        figures = "".join(
            f"<figure>{_picture(episode.sightings[n].face.crop, word(reason, lang))}"
            f"<figcaption>{word(reason, lang)}</figcaption></figure>"
            for n, reason in episode.left_out.items()
        )
        yield f'<h2>{word("left_out", lang)}</h2><div class="faces">{figures}</div>'


def _gallery(cast: EpisodeCast, characters: list[Character] | tuple[Character, ...], lang: str) -> str:
    figures = "".join(
        f"<figure>{_picture(cast.episode.sightings[c.faces[0]].face.crop, character_name(c, lang))}"
        f"<figcaption>{escape(character_name(c, lang))}</figcaption></figure>"
        for c in characters
    )
    return f'<div class="faces">{figures}</div>'


def _picture(image: Image.Image, alt: str) -> str:
    return f'<img alt="{escape(alt)}" loading="lazy" src="{data_uri(image, (240, 240))}">'
