"""Photos from Naver's image search by keyword, for private use.

Shape as the search page's own requests had it in 2024 and 2025: `s.search.naver.com/p/c/image/search.naver`
with `where=image`, `query`, `start` (1, 51, 101, ...), `display=50`, `json_type=6` and `face=1` for pictures
that show a face; the answer is JSON whose `items` have `originalUrl` (the picture) and `link` (the page). It
is not documented and may change without notice. Naver's terms allow looking, not publishing what is found.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from training.collect.door import CollectError, Door
from training.collect.sources import Found, Name

SEARCH = "https://s.search.naver.com/p/c/image/search.naver"
PAGE = 50


@dataclass(frozen=True, slots=True)
class Naver:
    """The source; `faces_only` asks for pictures that show a face."""

    search: str = SEARCH
    faces_only: bool = True

    def __call__(self, door: Door, person: Name, count: int) -> Iterator[Found]:
        given = 0
        for start in range(1, 1001, PAGE):
            items = self._items(door, person.query, start)
            for item in items:
                yield Found(url=item["originalUrl"], page=item.get("link", ""))
                given += 1
                if given >= count:
                    return
            if len(items) < PAGE:
                return

    def _items(self, door: Door, query: str, start: int) -> list[dict[str, str]]:
        params = {
            "where": "image",
            "query": query,
            "start": str(start),
            "display": str(PAGE),
            "json_type": "6",
        }
        if self.faces_only:
            params["face"] = "1"
        answer = door.fetch(self.search, params)
        try:
            items = json.loads(answer.body)["items"]
            if not all(item["originalUrl"].startswith(("http://", "https://")) for item in items):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CollectError(
                f"Naver's image search ({self.search}) does not answer in the shape of 2025 any more; "
                "update webcast, or use --source wikimedia."
            ) from None
        return items
