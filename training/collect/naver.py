"""Photos from Naver's image search by keyword, for private use: a crawler for that site on icrawler.

Shape as the search page's own requests had it in 2024 and 2025: `s.search.naver.com/p/c/image/search.naver`
with `where=image`, `section=image`, `query`, `start` (1, 51, 101, ...), `display=50`, `json_type=6`, and
`face=1` for pictures that show a face (the "face search mode" of https://github.com/YoongiKim/AutoCrawler);
the answer is JSON whose `items` have `originalUrl` (the picture) and `link` (the page). Naver does not
document it and may change it without notice. Its terms allow looking, not publishing what is found.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from types import SimpleNamespace
from urllib.parse import urlencode

from icrawler import Feeder, Parser

from training.collect.door import CollectError, Door
from training.collect.search import SearchCrawler
from training.collect.sources import Found, Name

SEARCH = "https://s.search.naver.com/p/c/image/search.naver"
PAGE, MOST = 50, 1000


class NaverFeeder(Feeder):
    """Writes down the pages of results, of `PAGE` pictures each."""

    def feed(self, keyword: str, max_num: int, faces_only: bool) -> None:
        shape = {"where": "image", "section": "image", "query": keyword, "json_type": "6"}
        if faces_only:
            shape["face"] = "1"
        for start in range(1, min(max_num, MOST) + 1, PAGE):
            self.output(f"{SEARCH}?{urlencode(shape | {'start': start, 'display': PAGE})}")


class NaverParser(Parser):
    """Finds the pictures on a page of results; a page that is not full is the last one."""

    def parse(self, response: SimpleNamespace) -> Iterator[dict[str, str]]:
        try:
            items = json.loads(response.content)["items"]
            tasks = [{"file_url": item["originalUrl"], "page": item.get("link", "")} for item in items]
            tasks = [task for task in tasks if task["file_url"].startswith(("http://", "https://"))]
            if items and not tasks:
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            self.session.problem = CollectError(
                f"Naver's image search ({self.session.mirror}) does not answer in the shape of 2025 any "
                "more; update webcast, or use --source wikimedia."
            )
            return
        yield from tasks
        if len(items) < PAGE:
            self.signal.set(reach_max_num=True)


@dataclass(frozen=True, slots=True)
class Naver:
    """The source; `faces_only` asks for pictures that show a face."""

    search: str = SEARCH
    faces_only: bool = True

    def __call__(self, door: Door, person: Name, count: int) -> Iterator[Found]:
        crawler = SearchCrawler(door, NaverFeeder, NaverParser, SEARCH, self.search)
        search = {"keyword": person.query, "max_num": count, "faces_only": self.faces_only}
        for task in islice(crawler.found(search), count):
            yield Found(url=task["file_url"], page=task["page"])
