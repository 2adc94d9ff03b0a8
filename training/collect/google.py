"""Photos from Google's image search by keyword, for private use: icrawler's crawler for that site.

icrawler knows the request (`tbm=isch`, `ijn`, `tbs=itp:face`) and finds the pictures' addresses in the
answer's scripts; its 0.6.10 has the shape of 2024. Google's terms allow looking, not publishing what is
found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from types import SimpleNamespace
from urllib.parse import urlsplit

from icrawler.builtin.google import GoogleFeeder, GoogleParser
from icrawler.utils import Signal

from training.collect.door import CollectError, Door
from training.collect.search import DoorSession, SearchCrawler
from training.collect.sources import Found, Name

SEARCH = "https://www.google.com/search"
PAGE, MOST = 100, 1000
OWN_HOSTS = ("google.", "gstatic.", "googleusercontent.", "googleapis.")


class OthersPictures(GoogleParser):
    """icrawler's parser without Google's own pictures; a page with few new ones is the last."""

    def __init__(self, thread_num: int, signal: Signal, session: DoorSession) -> None:
        super().__init__(thread_num, signal, session)
        self.given: set[str] = set()

    def parse(self, response: SimpleNamespace) -> Iterator[dict[str, str]]:
        try:
            tasks = super().parse(response) or []
        except ValueError:  # an escape in the scripts that icrawler cannot read
            tasks = []
        urls = dict.fromkeys(task["file_url"] for task in tasks)
        fresh = [url for url in urls if url not in self.given and not is_googles(url)]
        if not fresh and not self.given:
            self.session.problem = CollectError(
                f"Google's image search ({self.session.mirror}) does not answer in the shape of 2024 any "
                "more, or found nothing; update webcast and icrawler, or use --source wikimedia."
            )
        self.given.update(fresh)
        yield from ({"file_url": url} for url in fresh)
        if len(fresh) < PAGE // 4:
            self.signal.set(reach_max_num=True)


def is_googles(url: str) -> bool:
    return any(own in (urlsplit(url).hostname or "") for own in OWN_HOSTS)


@dataclass(frozen=True, slots=True)
class Google:
    """The source; `faces_only` asks for pictures that show a face."""

    search: str = SEARCH
    faces_only: bool = True

    def __call__(self, door: Door, person: Name, count: int) -> Iterator[Found]:
        crawler = SearchCrawler(door, GoogleFeeder, OthersPictures, SEARCH, self.search)
        search = {"keyword": person.query, "offset": 0, "max_num": MOST}
        if self.faces_only:
            search["filters"] = {"type": "face"}
        for task in islice(crawler.found(search), count):
            yield Found(url=task["file_url"])
