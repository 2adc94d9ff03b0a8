"""What the user puts right about an episode's characters. Each edit makes a new `Episode` of the old one.

Nothing is detected, embedded or realized here: faces change hands, and the rest is shared. A character keeps
its id through every edit. Raises `EpisodeError` for an id or a face that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from webcast.characters import best_first, nearest_character, presence
from webcast.episode import Character, Episode, Sighting
from webcast.errors import EpisodeError

GENDERS = ("female", "male")
NAME_LENGTH = 60


def merge(episode: Episode, ids: Sequence[str]) -> Episode:
    """These characters are one: the first of them, with its name and gender or else those of the next."""
    chosen = [_character(episode, id) for id in dict.fromkeys(ids)]
    if len(chosen) < 2:
        raise EpisodeError("Choose at least two characters to merge.")
    faces = [number for character in chosen for number in character.faces]
    name = next((character.name for character in chosen if character.name), None)
    gender = next((character.gender for character in chosen if character.gender), None)
    one = Character(chosen[0].id, tuple(faces), name, gender)
    gone = {character.id for character in chosen}
    others = [character for character in episode.characters if character.id not in gone]
    return _ranked(replace(episode, dropped=episode.dropped - gone), [*others, one])


def split(episode: Episode, id: str, faces: Sequence[int]) -> Episode:
    """These faces of a character are somebody else, who gets the next free id."""
    character = _character(episode, id)
    out = set(faces)
    if not out or not out < set(character.faces):
        raise EpisodeError("Choose some of the character's faces, but not all of them, to split off.")
    kept = replace(character, faces=tuple(number for number in character.faces if number not in out))
    return _ranked(episode, [*_others(episode, id), kept, Character(_free_id(episode), tuple(out))])


def drop(episode: Episode, id: str) -> Episode:
    """The character gets no part."""
    return replace(episode, dropped=episode.dropped | {_character(episode, id).id})


def restore(episode: Episode, id: str) -> Episode:
    """A dropped character may get a part again."""
    return replace(episode, dropped=episode.dropped - {_character(episode, id).id})


def rename(episode: Episode, id: str, name: str | None) -> Episode:
    """What the user calls the character; nothing takes the name away."""
    tidy = " ".join("".join(sign if sign.isprintable() else " " for sign in name or "").split())
    return _changed(episode, replace(_character(episode, id), name=tidy[:NAME_LENGTH] or None))


def mark_gender(episode: Episode, id: str, gender: str | None) -> Episode:
    """Only people of this gender may play the character; None lets everybody."""
    if gender is not None and gender not in GENDERS:
        raise EpisodeError(f"There is no gender {gender!r} to mark; choose female, male or none.")
    return _changed(episode, replace(_character(episode, id), gender=gender))


def leave_out(episode: Episode, face: int) -> Episode:
    """The face does not vote, and is shown among those left out."""
    owner = next((c for c in episode.characters if face in c.faces), None)
    if owner is None:
        raise EpisodeError(f"Face {face} does not vote as it is.")
    rest = tuple(number for number in owner.faces if number != face)
    others = _others(episode, owner.id) + ([replace(owner, faces=rest)] if rest else [])
    gone = frozenset() if rest else {owner.id}  # else the next one to get this id would be dropped from birth
    left_out = {**episode.left_out, face: "by you"}
    return _ranked(replace(episode, left_out=left_out, dropped=episode.dropped - gone), others)


def bring_back(episode: Episode, face: int, id: str | None = None) -> Episode:
    """A face that was left out votes again, for a character or, by default, the one it is most similar to."""
    if face not in episode.left_out:
        raise EpisodeError(f"Face {face} is not among those left out.")
    sighting = episode.sightings[face]
    owner = (
        _character(episode, id)
        if id is not None
        else nearest_character(sighting, episode.characters, dict(enumerate(episode.sightings)))
    ) or Character(_free_id(episode), ())
    left_out = {number: reason for number, reason in episode.left_out.items() if number != face}
    grown = replace(owner, faces=(*owner.faces, face))
    return _ranked(replace(episode, left_out=left_out), [*_others(episode, owner.id), grown])


def _character(episode: Episode, id: str) -> Character:
    found = next((character for character in episode.characters if character.id == id), None)
    if found is None:
        known = ", ".join(character.id for character in episode.characters)
        raise EpisodeError(f"There is no character {id!r}; there are {known or 'none'}.")
    return found


def _others(episode: Episode, id: str) -> list[Character]:
    return [character for character in episode.characters if character.id != id]


def _free_id(episode: Episode) -> str:
    """One past the highest number that any character has."""
    return f"c{1 + max((int(character.id[1:]) for character in episode.characters), default=0)}"


def _changed(episode: Episode, character: Character) -> Episode:
    """The character in the place of the one of its id."""
    characters = tuple(character if c.id == character.id else c for c in episode.characters)
    return replace(episode, characters=characters)


def _ranked(episode: Episode, characters: Sequence[Character]) -> Episode:
    """The characters most present first, each one's best faces first."""

    def faces(character: Character) -> list[Sighting]:
        return [episode.sightings[number] for number in character.faces]

    ranked = sorted(characters, key=lambda character: presence(faces(character)))
    in_order = tuple(replace(character, faces=best_first(faces(character))) for character in ranked)
    return replace(episode, characters=in_order)


def _mark(episode: Episode, id: str, gender: str) -> Episode:
    return mark_gender(episode, id, gender or None)


def _leave_out_all(episode: Episode, faces: Sequence[int]) -> Episode:
    return reduce(leave_out, faces, episode)


EDITS = {
    "merge": (merge, {"ids": list}),
    "split": (split, {"id": str, "faces": list}),
    "drop": (drop, {"id": str}),
    "restore": (restore, {"id": str}),
    "rename": (rename, {"id": str, "name": str}),
    "gender": (_mark, {"id": str, "gender": str}),
    "leave_out": (_leave_out_all, {"faces": list}),
    "bring_back": (bring_back, {"face": int}),
}
"""What an edit that is written down may be: its function, and what it is about."""


def apply(episode: Episode, edit: object) -> Episode:
    """An edit that is written down, as `{"do": "merge", "ids": ["c1", "c2"]}`; see `EDITS`.

    It may come from anywhere: raises `EpisodeError` for whatever is no such edit.
    """
    asked = edit if isinstance(edit, dict) else {}
    change, wanted = EDITS.get(str(asked.get("do")), (None, {}))
    values = [asked.get(name) for name in wanted]
    fits = all(type(value) is kind for value, kind in zip(values, wanted.values(), strict=True))
    flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
    if change is None or not fits or not all(type(each) in (str, int) for each in flat):
        raise EpisodeError(f"There is no such edit; one is written as {_written()}.")
    return change(episode, *values)


def _written() -> str:
    return " or ".join(f"{{do: {name}, {', '.join(wanted)}}}" for name, (_, wanted) in EDITS.items())
