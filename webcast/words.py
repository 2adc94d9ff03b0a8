"""A result in words, English or Korean: votes and ranks, never a likeness in percent."""

from __future__ import annotations

from webcast.korean import LANGUAGES
from webcast.types import CastResult

DISCLAIMER = "AI resemblance, not an identification"

WORDS: dict[str, tuple[str, str]] = {
    "disclaimer": (DISCLAIMER, "AI가 찾은 닮은꼴이며, 신원 확인이 아닙니다"),
    "firm": ("The part goes to", "배역을 맡을 사람"),
    "guess": ("No firmer than chance", "우연과 다르지 않음"),
    "perhaps": ("Perhaps {name}", "어쩌면 {name}"),
    "vote": ("1 vote", "1표"),
    "votes": ("{count} votes", "{count}표"),
    "of": ("{votes} of {total}", "{total} 가운데 {votes}표"),
    "ahead": ("{lead} ahead of the next", "다음 사람보다 {lead}표 앞섬"),
    "level": ("level with the next", "다음 사람과 같음"),
    "no_firmer": (
        "{told}: no firmer than chance, so take it as a guess.",
        "{told}: 우연과 다르지 않으니 짐작으로만 보세요.",
    ),
    "alone": ("{told}.", "{told}."),
    "agreement": (
        "{told}; the nearest portrait of {agreed} of {faces} faces.",
        "{told}. 얼굴 {faces}개 가운데 {agreed}개에 가장 가까운 사진입니다.",
    ),
    "casting_of_one": ("the casting of one drawn face", "그려진 얼굴 하나의 캐스팅"),
    "casting_of": ("the casting of {count} drawn faces", "그려진 얼굴 {count}개의 캐스팅"),
    "drawn": ("drawn", "그림"),
    "upscaled": ("upscaled", "크게 만든 그림"),
    "as_photo": ("as a photo", "사진이 된 얼굴"),
    "face": ("Face {number}", "얼굴 {number}"),
    "on_page": ("on {page}", "{page}"),
    "nearest_to": ("Portraits nearest to face {number}", "얼굴 {number}에 가장 가까운 사진"),
    "portrait_of": ("Portrait of {name}", "{name}의 사진"),
    "rank": ("rank {rank}", "{rank}위"),
    "page": ("Page {number} with its faces boxed", "{number}쪽, 얼굴에 상자를 그림"),
    "pages_boxed": ("Pages with their faces boxed", "얼굴에 상자를 그린 페이지"),
    "sheet": ("The casting sheet as a picture", "그림으로 된 캐스팅 시트"),
    "the_votes": ("The votes", "득표"),
    "each_voted": ("How each face voted", "얼굴마다 누구에게 투표했나"),
    "the_pages": ("The pages", "페이지"),
    "place": (
        "{place}  {name}  votes {votes}  similarity {similarity:.3f}",
        "{place}위  {name}  {votes}표  유사도 {similarity:.3f}",
    ),
    "note": ("note: {notice}", "알림: {notice}"),
    "written": (
        "{count} files in {folder}: open sheet.html",
        "{folder}에 파일 {count}개: sheet.html을 여세요",
    ),
    "sources": (
        "weights {weights} {weights_revision} · gallery {gallery} {gallery_revision}",
        "모델 {weights} {weights_revision} · 갤러리 {gallery} {gallery_revision}",
    ),
}


def word(key: str, lang: str = "en", **values: object) -> str:
    """The words of that key in one of `korean.LANGUAGES`, with its places filled in."""
    words = WORDS[key][LANGUAGES.index(lang)]
    return words.format(**values) if values else words


def votes_in_words(count: int, lang: str = "en") -> str:
    return word("vote", lang) if count == 1 else word("votes", lang, count=count)


def verdict(result: CastResult, lang: str = "en") -> str:
    """Whether anybody gets the part, as a headline."""
    return word("firm" if result.firmness.firm else "guess", lang)


def headline(result: CastResult, lang: str = "en") -> str:
    """The name of the one ahead, with as much confidence as the votes allow."""
    name = result.standings[0].person.name
    return name if result.firmness.firm else word("perhaps", lang, name=name)


def firmness_in_words(result: CastResult, lang: str = "en") -> str:
    """How far to trust the result, in one sentence."""
    votes = [standing.votes for standing in result.standings]
    lead = votes[0] - votes[1] if len(votes) > 1 else votes[0]
    ahead = word("ahead", lang, lead=lead) if lead else word("level", lang)
    told = f"{word('of', lang, votes=votes[0], total=votes_in_words(sum(votes), lang))}, {ahead}"
    faces = len(result.ballots)
    if not result.firmness.firm:
        return word("no_firmer", lang, told=told)
    if faces == 1:
        return word("alone", lang, told=told)
    agreed = round(result.firmness.agreement * faces)
    return word("agreement", lang, told=told, agreed=agreed, faces=faces)


def sources_in_words(result: CastResult, lang: str = "en") -> str:
    """Which weights and which gallery gave the result, with their revisions."""
    sources = result.sources
    return word(
        "sources",
        lang,
        weights=sources.weights,
        weights_revision=sources.weights_revision,
        gallery=sources.gallery,
        gallery_revision=sources.gallery_revision,
    )
