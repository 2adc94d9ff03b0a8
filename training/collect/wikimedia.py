"""Photos of a person from Wikimedia Commons, found through Wikidata, with author and licence.

Shapes as documented on https://www.mediawiki.org/wiki/API:Main_page in 2026: Wikidata's `wbsearchentities`
and `wbgetentities`; on Commons `generator=categorymembers` with `prop=imageinfo` (`url|mime|extmetadata`),
and `continue` until it is not given any more. A person's item has P31 (is a) Q5 (human), P106 (occupation),
P18 (picture) and P373 (Commons category).
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any

from training.collect.door import CollectError, Door
from training.collect.sources import Found, Name

WIKIDATA = "https://www.wikidata.org/w/api.php"
COMMONS = "https://commons.wikimedia.org/w/api.php"
HUMAN = "Q5"
ON_STAGE = {"Q33999", "Q10800557", "Q10798782", "Q2405480", "Q177220"}
"""Actor; film, television and voice actor; singer."""
WIDTH_PX = 1024
PICTURES = ("image/jpeg", "image/png", "image/webp")
DATED = "the shape of 2026"


@dataclass(frozen=True, slots=True)
class Wikimedia:
    """The source; the addresses can be those of a mirror."""

    wikidata: str = WIKIDATA
    commons: str = COMMONS

    def __call__(self, door: Door, person: Name, count: int) -> Iterator[Found]:
        item = self._item(door, person.name)
        if item is None:
            return
        seen: set[str] = set()
        for titles in (self._pictures(item), self._category(item)):
            for found in self._files(door, titles) if titles else ():
                if found.url not in seen:
                    seen.add(found.url)
                    yield found
                if len(seen) >= count:
                    return

    def _item(self, door: Door, name: str) -> dict[str, Any] | None:
        """The first item of that name that is somebody on stage, else the first human, with its claims."""
        language = "ko" if any("가" <= sign <= "힣" for sign in name) else "en"
        search = {"action": "wbsearchentities", "search": name, "language": language}
        hits = _ask(door, self.wikidata, search | {"type": "item", "limit": "7"}, "search")
        with shape_of(self.wikidata):
            ids = [hit["id"] for hit in hits]
        if not ids:
            return None
        wanted = {"action": "wbgetentities", "ids": "|".join(ids), "props": "claims"}
        entities = _ask(door, self.wikidata, wanted, "entities")
        with shape_of(self.wikidata):
            items = [entities[id] for id in ids]
            people = [item for item in items if HUMAN in _ids(item, "P31")]
            on_stage = [item for item in people if ON_STAGE & _ids(item, "P106")]
        return next(iter([*on_stage, *people]), None)

    @staticmethod
    def _pictures(item: dict[str, Any]) -> dict[str, str]:
        titles = [f"File:{value}" for value in _values(item, "P18")]
        return {"titles": "|".join(titles)} if titles else {}

    @staticmethod
    def _category(item: dict[str, Any]) -> dict[str, str]:
        names = _values(item, "P373")
        if not names:
            return {}
        members = {"generator": "categorymembers", "gcmtype": "file", "gcmlimit": "50"}
        return members | {"gcmtitle": f"Category:{names[0]}"}

    def _files(self, door: Door, which: dict[str, str]) -> Iterator[Found]:
        info = {"action": "query", "prop": "imageinfo", "iiurlwidth": str(WIDTH_PX)}
        info["iiprop"] = "url|mime|extmetadata"
        more: dict[str, str] = {}
        while True:
            answer = _json(door, self.commons, info | which | more)
            with shape_of(self.commons):
                pages = answer.get("query", {}).get("pages", [])
                found = [photo for page in pages for photo in _found(page)]
                more = {key: str(value) for key, value in answer.get("continue", {}).items()}
            yield from found
            if not more:
                return


@contextmanager
def shape_of(url: str) -> Iterator[None]:
    """Whatever is missing from an answer or of another kind is one sentence that names the site."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"
        raise CollectError(f"{url} does not answer in {DATED} any more ({why}); update webcast.") from None


def _ask(door: Door, url: str, params: dict[str, str], key: str) -> Any:
    answer = _json(door, url, params)
    if key not in answer:
        raise CollectError(f"{url} answered without {key!r}, unlike {DATED}; update webcast.")
    return answer[key]


def _json(door: Door, url: str, params: dict[str, str]) -> dict[str, Any]:
    answer = door.fetch(url, params | {"format": "json", "formatversion": "2"})
    try:
        told = json.loads(answer.body)
    except ValueError:
        raise CollectError(f"{url} answered no JSON, unlike {DATED}; update webcast.") from None
    if not isinstance(told, dict) or "error" in told:
        why = told.get("error", {}).get("info", "") if isinstance(told, dict) else ""
        raise CollectError(f"{url} refuses the question ({why}), unlike {DATED}; update webcast.")
    return told


def _values(item: dict[str, Any], claim: str) -> list[Any]:
    snaks = [statement["mainsnak"] for statement in item["claims"].get(claim, [])]
    return [snak["datavalue"]["value"] for snak in snaks if "datavalue" in snak]


def _ids(item: dict[str, Any], claim: str) -> set[str]:
    return {value["id"] for value in _values(item, claim)}


def _found(page: dict[str, Any]) -> Iterator[Found]:
    """The file of one page, reduced by Commons to `WIDTH_PX`; nothing for sounds and missing files.

    A page comes without imageinfo too where the answer goes on elsewhere.
    """
    infos = page.get("imageinfo")
    if infos is None:
        return
    (info,) = infos
    if info["mime"] not in PICTURES:
        return
    about = {key: _plain(value["value"]) for key, value in info["extmetadata"].items()}
    yield Found(
        url=info.get("thumburl") or info["url"],
        page=info["descriptionurl"],
        author=about.get("Artist", ""),
        licence=about.get("LicenseShortName", ""),
        date=about.get("DateTimeOriginal", ""),
    )


def _plain(html: object) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", str(html))).split())
