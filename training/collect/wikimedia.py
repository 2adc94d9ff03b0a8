"""Photos of a person from Wikimedia Commons, found through Wikidata, with author and licence.

Shapes as documented on https://www.mediawiki.org/wiki/API:Main_page in 2026: Wikidata's `wbsearchentities`
and `wbgetentities`; on Commons `generator=categorymembers` with `prop=imageinfo` (`url|mime|extmetadata`),
and `continue` until it is not given any more. A person's item has P31 (is a) Q5 (human), P18 (picture) and
P373 (Commons category).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

from training.collect.door import CollectError, Door
from training.collect.sources import Found, Name

WIKIDATA = "https://www.wikidata.org/w/api.php"
COMMONS = "https://commons.wikimedia.org/w/api.php"
HUMAN = "Q5"
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
        """The first item of that name that is a human, with its claims."""
        language = "ko" if any("가" <= sign <= "힣" for sign in name) else "en"
        hits = _ask(
            door,
            self.wikidata,
            {
                "action": "wbsearchentities",
                "search": name,
                "language": language,
                "type": "item",
                "limit": "7",
            },
            "search",
        )
        for hit in hits:
            entities = _ask(
                door,
                self.wikidata,
                {"action": "wbgetentities", "ids": hit["id"], "props": "claims"},
                "entities",
            )
            item = entities[hit["id"]]
            if any(value.get("id") == HUMAN for value in _values(item, "P31")):
                return item
        return None

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
            for page in answer.get("query", {}).get("pages", []):
                yield from _found(page, self.commons)
            if "continue" not in answer:
                return
            more = {key: str(value) for key, value in answer["continue"].items()}


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
    snaks = [statement.get("mainsnak", {}) for statement in item.get("claims", {}).get(claim, [])]
    return [snak["datavalue"]["value"] for snak in snaks if "datavalue" in snak]


def _found(page: dict[str, Any], site: str) -> Iterator[Found]:
    """The file of one page, reduced by Commons to `WIDTH_PX`; nothing for sounds and missing files."""
    if "imageinfo" not in page:
        return
    info = page["imageinfo"][0]
    if "url" not in info or "extmetadata" not in info:
        raise CollectError(f"{site} gave a file without url or extmetadata, unlike {DATED}; update webcast.")
    if info.get("mime") not in PICTURES:
        return
    about = {key: _plain(value.get("value", "")) for key, value in info["extmetadata"].items()}
    yield Found(
        url=info.get("thumburl") or info["url"],
        page=info.get("descriptionurl", ""),
        author=about.get("Artist", ""),
        licence=about.get("LicenseShortName", ""),
        date=about.get("DateTimeOriginal", ""),
    )


def _plain(html: object) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", str(html))).split())
