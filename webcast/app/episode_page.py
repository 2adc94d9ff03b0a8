"""An episode as the app's page shows it: the cast, the characters to put right, the faces left out, and why.

What can be pressed carries `data-do` and what it is about; the page sends that as an edit. Every word of a
stranger is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from webcast.episode import Character, Episode, EpisodeCast, Occlusion, Part, Sighting
from webcast.episode_words import (
    character_name,
    doubts_in_words,
    firmness_in_words,
    notices_in_words,
    player,
    word,
)
from webcast.labels import label
from webcast.markup import picture, vote_item

FACES_SHOWN = 24  # of one character
THUMB = (144, 144)


def cast_cards(cast: EpisodeCast, lang: str) -> str:
    """Who plays whom, a card each: the drawn face, the portrait, and how firm it is."""
    episode = cast.episode
    pages = len({(part.episode, part.page) for part in episode.parts})
    counts = {"parts": len(cast.parts), "faces": len(episode.sightings), "pages": pages}
    notices = "".join(f'<p class="wc-note">{escape(notice)}</p>' for notice in notices_in_words(cast, lang))
    cards = "".join(part_card(part, episode, lang) for part in cast.parts)
    return (
        f'<h2>{label("cast_title", lang)}</h2><p class="wc-told" role="status">'
        f'{label("cast_told", lang, **counts)}</p>{notices}<div class="wc-cast">{cards}</div>'
    )


def part_card(part: Part, episode: Episode, lang: str) -> str:
    who = character_name(part.character, lang)
    face = episode.sightings[part.character.faces[0]].face
    name = player(part, lang)
    firmness = "; ".join(firmness_in_words(part, lang))
    shown = (
        picture(part.portrait.image, label("portraits_of", lang, name=name))
        if part.portrait
        else '<div class="wc-none"></div>'
    )
    out = ""
    if part.person:
        told = escape(label("not_them", lang, name=part.person.name))
        out = (
            f'<button type="button" data-do="without" data-person="{escape(part.person.id)}">{told}</button>'
        )
    return (
        f'<article class="wc-part{" wc-firm" if part.firm else ""}"><div class="wc-pair">'
        f"{picture(face.crop, who)}{shown}</div><h3><small>{escape(who)}</small> {escape(name)}</h3>"
        f"<p>{escape(firmness)}</p>{doubts(part, lang)}"
        f'<p class="wc-buttons"><button type="button" data-do="why" data-id="{part.character.id}">'
        f'{label("why", lang)}<span class="sr-only"> {escape(who)}</span></button>{out}</p></article>'
    )


def doubts(part: Part, lang: str) -> str:
    """What speaks against the part, folded away but for its first sentence."""
    first, *others = doubts_in_words(part, lang) or ("",)
    more = "".join(f"<p>{escape(doubt)}</p>" for doubt in others)
    if not more:
        return f'<p class="wc-doubt">{escape(first)}</p>' if first else ""
    return f'<details class="wc-doubt"><summary>{escape(first)}</summary>{more}</details>'


def characters(episode: Episode, lang: str) -> str:
    """Every character with its faces and what can be put right; main ones first, dropped ones last."""
    mains = {character.id for character in episode.mains}
    in_order = sorted(episode.characters, key=lambda c: (c.id in episode.dropped, c.id not in mains))
    cards = "".join(character_card(character, episode, character.id in mains, lang) for character in in_order)
    return (
        f'<h2>{label("characters_title", lang)}</h2><p class="wc-told">{label("characters_hint", lang)}</p>'
        f'<p><button type="button" data-do="merge">{label("merge", lang)}</button></p>'
        f'<div class="wc-characters">{cards}</div>'
    )


def character_card(character: Character, episode: Episode, is_main: bool, lang: str) -> str:
    who = escape(character_name(character, lang))
    is_dropped = character.id in episode.dropped
    state = "is_dropped" if is_dropped else "" if is_main else "extra"
    count = len(character.faces)
    count = label("one_face" if count == 1 else "faces_count", lang, count=count)
    told = f"{count}, {label(state, lang)}" if state else count
    faces = "".join(
        face_toggle(episode.sightings[number], who, lang) for number in character.faces[:FACES_SHOWN]
    )
    return (
        f'<article class="wc-character{" wc-dropped" if is_dropped else ""}" data-id="{character.id}">'
        f'<div class="wc-who"><input type="text" data-do="rename" maxlength="60" value="{who}" '
        f'aria-label="{label("name_of", lang, character=who)}">'
        f'{gender_select(character, who, lang)}<small>{told}</small></div><div class="wc-faces">{faces}</div>'
        f'<p class="wc-buttons">{buttons(character, who, is_dropped, lang)}</p></article>'
    )


def gender_select(character: Character, who: str, lang: str) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == (character.gender or "") else ""}>'
        f"{label(key, lang)}</option>"
        for value, key in (("", "gender_none"), ("female", "gender_female"), ("male", "gender_male"))
    )
    return (
        f'<select data-do="gender" aria-label="{label("gender_of", lang, character=who)}">{options}</select>'
    )


def buttons(character: Character, who: str, is_dropped: bool, lang: str) -> str:
    if is_dropped:
        told = label("restore_of", lang, character=who)
        return (
            f'<button type="button" data-do="restore" aria-label="{told}">{label("restore", lang)}</button>'
        )
    tick = label("tick_of", lang, character=who)
    told = label("drop_of", lang, character=who)
    return (
        f'<label><input type="checkbox" data-tick aria-label="{tick}"> {label("tick", lang)}</label>'
        f'<button type="button" data-do="split">{label("split", lang)}</button>'
        f'<button type="button" data-do="leave_out">{label("leave_face", lang)}</button>'
        f'<button type="button" data-do="drop" aria-label="{told}">{label("drop", lang)}</button>'
    )


def face_toggle(sighting: Sighting, who: str, lang: str) -> str:
    """A face that can be ticked."""
    page = escape(sighting.face.panel.name)
    told = label("faces_of", lang, number=sighting.number + 1, character=who, page=page)
    return (
        f'<button type="button" data-face="{sighting.number}" aria-pressed="false" aria-label="{told}" '
        f'title="{page}">{picture(sighting.face.crop, "", THUMB)}</button>'
    )


def left_faces(episode: Episode, lang: str) -> str:
    """The faces that do not vote, each with why and a way back."""
    items = ""
    for number, reason in sorted(episode.left_out.items()):
        why = escape(word(reason, lang))
        told = label("bring_face", lang, number=number + 1, reason=why)
        crop = picture(episode.sightings[number].face.crop, "", THUMB)
        items += (
            f'<button type="button" data-do="bring_back" data-face="{number}" aria-label="{told}">{crop}'
            f"<small>{why}</small></button>"
        )
    if not items:
        return ""
    return (
        f'<h2>{label("left_faces_title", lang)}</h2><p class="wc-told">{label("left_faces_hint", lang)}</p>'
        f'<div class="wc-faces wc-left">{items}</div>'
    )


def why(part: Part, maps: Mapping[int, Occlusion], lang: str) -> str:
    """The faces that voted and for whom, the nearest portrait beside each, and where the likeness lies."""
    who = character_name(part.character, lang)
    key = "why_of" if part.person else "why_nobody"
    title = label(key, lang, character=who, person=part.person.name if part.person else "")
    cards = "".join(
        why_card(number, ballot, maps.get(number), lang)
        for number, ballot in zip(part.numbers, part.ballots, strict=True)
    )
    return (
        f'<h2 id="why-title" tabindex="-1">{escape(title)}</h2>'
        f'<p class="wc-told">{label("why_map", lang)}</p>{cards}'
    )


def why_card(number: int, ballot, occlusion: Occlusion | None, lang: str) -> str:
    made = [(ballot.face.crop, "way_drawn"), (ballot.realized, "way_realized")]
    if occlusion:
        made.append((occlusion.picture, "way_map"))
    way = "".join(
        f"<figure>{picture(image, label(key, lang))}<figcaption>{label(key, lang)}</figcaption></figure>"
        for image, key in made
    )
    nearest = "".join(vote_item(vote, lang) for vote in ballot.votes)
    page = escape(ballot.face.panel.name)
    told = label("face_number", lang, number=number + 1)
    return (
        f'<article class="wc-ballot"><h3>{told} <small>{page}</small></h3><div class="wc-way">{way}</div>'
        f'<ol class="wc-nearest" tabindex="0" aria-label="{told}">{nearest}</ol></article>'
    )
