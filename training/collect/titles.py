"""A webtoon's address by its title, from the two sites' own search.

Shapes as the sites' search pages asked for them in 2025 and 2026 (neither is documented and both may change):
`comic.naver.com/api/search/all?keyword=` answers JSON with `searchWebtoonResult`, `searchBestChallengeResult`
and `searchChallengeResult`, each with a `searchViewList` of `titleId` and `titleName`;
`www.webtoons.com/en/search/immediate?keyword=` answers JSON with `result.searchedList` of `titleNo` and
`title`.
A list page of WEBTOON is found by its number alone: the site sends on from any other genre and name.
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from training.collect.door import CollectError, Door
from webcast.errors import WebcastError

NAVER = "https://comic.naver.com/api/search/all"
WEBTOON = "https://www.webtoons.com/en/search/immediate"
LISTS = {
    "searchWebtoonResult": "https://comic.naver.com/webtoon/list?titleId=",
    "searchBestChallengeResult": "https://comic.naver.com/bestChallenge/list?titleId=",
    "searchChallengeResult": "https://comic.naver.com/challenge/list?titleId=",
}
WEBTOON_LIST = "https://www.webtoons.com/en/x/x/list?title_no="
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Webtoon:
    """A webtoon on one of the sites, and the address of its list of episodes."""

    title: str
    url: str


def find_webtoon(door: Door, title: str, naver: str = NAVER, webtoon: str = WEBTOON) -> Webtoon:
    """The one webtoon of that title on either site; the addresses can be those of a mirror.

    Raises `WebcastError` with the addresses to choose from where several or only similar titles are found,
    and `CollectError` where a site does not answer in its shape and the other does not have the title.
    """
    found, problems = [], []
    for url, shape in ((naver, _on_naver), (webtoon, _on_webtoon)):
        try:
            found += _read(door, url, title, shape)
        except CollectError as error:
            problems.append(error)
    exact = [one for one in found if _plain(one.title) == _plain(title)]
    if len(exact) == 1:
        return exact[0]
    if problems:
        raise problems[0]
    if not found:
        raise WebcastError(f"Neither site knows {title!r}; check the title, or give the list page's address.")
    choice = "".join(f"\n  {one.title}: {one.url}" for one in (exact or found)[:SHOWN])
    problem = "Several webtoons are called" if exact else "No webtoon is called"
    raise WebcastError(f"{problem} {title!r}; give the address of one, and its --title:{choice}")


def _read(door: Door, url: str, title: str, shape: Any) -> list[Webtoon]:
    answer = door.fetch(url, {"keyword": title})
    try:
        return list(shape(json.loads(answer.body)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CollectError(
            f"{url} does not answer in the shape of 2026 any more; give the list page's address instead of a "
            "title, or update webcast."
        ) from None


def _on_naver(answer: dict[str, Any]) -> Iterator[Webtoon]:
    for kind, address in LISTS.items():
        for hit in answer[kind]["searchViewList"]:
            yield Webtoon(hit["titleName"].strip(), f"{address}{int(hit['titleId'])}")


def _on_webtoon(answer: dict[str, Any]) -> Iterator[Webtoon]:
    for hit in answer["result"]["searchedList"]:
        yield Webtoon(hit["title"].strip(), f"{WEBTOON_LIST}{int(hit['titleNo'])}")


def _plain(title: str) -> str:
    """Without what differs between two ways to write one title: composed letters, case and spaces."""
    return "".join(unicodedata.normalize("NFC", title).casefold().split())
