"""An episode's cast in words, English or Korean: votes and ranks, never a likeness in percent."""

from __future__ import annotations

from webcast.episode import Character, EpisodeCast, Part
from webcast.errors import WebcastError
from webcast.korean import LANGUAGES, said

WORDS: dict[str, tuple[str, str]] = {
    "disclaimer": ("AI resemblance, not an identification", "AI가 찾은 닮은꼴이며, 신원 확인이 아닙니다"),
    "title": ("The cast", "캐스팅"),
    "character": ("Character {number}", "인물 {number}"),
    "parts": ("Who plays whom", "누가 누구를 맡을까"),
    "nobody": ("Nobody", "맡을 사람 없음"),
    "perhaps": ("Perhaps {name}", "어쩌면 {name}"),
    "firm": ("The part goes to", "배역을 맡을 사람"),
    "guess": ("No firmer than chance", "우연과 다르지 않음"),
    "open": ("The part stays open", "배역이 비어 있음"),
    "seen": ("seen {count} times", "{count}번 등장"),
    "seen_once": ("seen once", "한 번 등장"),
    "first_choice": ("own first choice: {name}", "얼굴들의 첫 선택: {name}"),
    "votes": ("{votes} of {total} votes", "{total}표 가운데 {votes}표"),
    "ahead": ("{lead} ahead of the next", "다음 사람보다 {lead}표 앞섬"),
    "level": ("level with the next", "다음 사람과 같음"),
    "agreement": (
        "the nearest portrait of {agreed} of {faces} faces",
        "얼굴 {faces}개 가운데 {agreed}개에 가장 가까운 사진",
    ),
    "percentile": (
        "nearer to these faces than {share} in 100 people of the gallery",
        "갤러리의 100명 가운데 {share}명보다 이 얼굴들에 가까움",
    ),
    "strangers": (
        "{share} in 100 of the other faces drawn here resemble this person less",
        "이 화에 그려진 다른 얼굴 100개 가운데 {share}개는 이 사람을 덜 닮음",
    ),
    "drawn": ("drawn", "그림"),
    "as_photo": ("as a photo", "사진이 된 얼굴"),
    "actor": ("actor", "배우"),
    "nearest": ("Nearest portraits", "가장 가까운 사진"),
    "why": ("Why", "이유"),
    "face_votes": ("Face {number} on {page}, and whom it voted for", "{page}의 얼굴 {number}번과 그 표"),
    "carried": ("what carried the match", "닮음을 이끈 곳"),
    "standings": ("The votes", "득표"),
    "extras": ("Extras, seen too rarely for a part", "배역을 받기에는 드물게 나온 인물"),
    "left_out": ("Left out of the vote", "투표에서 빠진 얼굴"),
    "tiny": ("too small", "너무 작음"),
    "blurred": ("blurred", "흐림"),
    "turned": ("turned away", "옆을 봄"),
    "odd": ("perhaps not a face", "얼굴이 아닐 수 있음"),
    "by you": ("left out by you", "직접 뺀 얼굴"),
    "dropped": ("Dropped", "뺀 인물"),
    "sources": (
        "weights {weights} {weights_revision} · gallery {gallery} {gallery_revision}",
        "모델 {weights} {weights_revision} · 갤러리 {gallery} {gallery_revision}",
    ),
}


def word(key: str, lang: str) -> str:
    """A word or a sentence with `{places}`, in one of `LANGUAGES`; `WebcastError` for another language."""
    if lang not in LANGUAGES:
        raise WebcastError(f"There is no language {lang!r}; choose en or ko.")
    return WORDS[key][LANGUAGES.index(lang)]


def character_name(character: Character, lang: str) -> str:
    """What the user calls the character, or its number."""
    return character.name or word("character", lang).format(number=character.id[1:])


def presence_in_words(character: Character, lang: str) -> str:
    count = len(character.faces)
    return word("seen_once" if count == 1 else "seen", lang).format(count=count)


def part_verdict(part: Part, lang: str) -> str:
    """Whether anybody gets the part, as a headline."""
    return word("open" if part.person is None else "firm" if part.firm else "guess", lang)


def player(part: Part, lang: str) -> str:
    """Who plays the part, with as much confidence as the votes allow."""
    if part.person is None:
        return word("nobody", lang)
    return part.person.name if part.firm else word("perhaps", lang).format(name=part.person.name)


def firmness_in_words(part: Part, lang: str) -> tuple[str, ...]:
    """How firm a part is, a phrase for each measure that there is."""
    own = next((s.votes for s in part.standings if s.person == part.person), 0)
    rivals = [s.votes for s in part.standings if s.person != part.person]
    told = [word("votes", lang).format(votes=own, total=own + sum(rivals))] if part.standings else []
    lead = own - max(rivals, default=0)
    if part.person and lead >= 0:
        told.append(word("ahead" if lead else "level", lang).format(lead=lead))
    if part.person and part.ballots:
        agreed = sum(ballot.votes[0].portrait.person == part.person for ballot in part.ballots)
        told.append(word("agreement", lang).format(agreed=agreed, faces=len(part.ballots)))
    for key, share in (("percentile", part.percentile), ("strangers", part.strangers)):
        if share is not None:
            in_hundred = share if key == "percentile" else 100 * share
            told.append(word(key, lang).format(share=int(in_hundred)))
    return tuple(told)


def doubts_in_words(part: Part, lang: str) -> tuple[str, ...]:
    """A sentence for each doubt about the part."""
    return tuple(said(doubt, lang) for doubt in part.doubts)


def notices_in_words(cast: EpisodeCast, lang: str) -> tuple[str, ...]:
    """What the reader should know about the cast, a sentence each."""
    return tuple(said(notice, lang) for notice in cast.notices)


def sources_in_words(cast: EpisodeCast, lang: str) -> str:
    """Which weights and which gallery gave the cast, with their revisions."""
    sources = cast.sources
    return word("sources", lang).format(
        weights=sources.weights,
        weights_revision=sources.weights_revision,
        gallery=sources.gallery,
        gallery_revision=sources.gallery_revision,
    )
