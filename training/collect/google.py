"""Photos from Google's image search by keyword, for private use: icrawler's request and parser for that site.

icrawler (https://github.com/hellock/icrawler) knows the request (`tbm=isch`, `ijn`, `tbs=itp:face`) and finds
the pictures' addresses in the scripts of the answer; its 0.6.10 has the shape of 2024. Its own downloader is
not used, for it would pass by `door.py`. Google's terms allow looking, not publishing what is found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from urllib.parse import urlsplit

from training.collect.door import CollectError, Door
from training.collect.sources import Found, Name
from webcast.errors import WebcastError

SEARCH = "https://www.google.com/search"
PAGE = 100
OWN_HOSTS = ("google.", "gstatic.", "googleusercontent.", "googleapis.")


@dataclass(frozen=True, slots=True)
class Google:
    """The source; `faces_only` asks for pictures that show a face."""

    search: str = SEARCH
    faces_only: bool = True

    def __call__(self, door: Door, person: Name, count: int) -> Iterator[Found]:
        given: set[str] = set()
        for start in range(0, 1000, PAGE):
            fresh = [url for url in self._page(door, person.query, start) if url not in given]
            for url in fresh:
                given.add(url)
                yield Found(url=url)
                if len(given) >= count:
                    return
            if len(fresh) < PAGE // 4:
                return

    def _page(self, door: Door, query: str, start: int) -> list[str]:
        parser = icrawler_parser()
        params = {"q": query, "tbm": "isch", "ijn": str(start // PAGE), "start": str(start)}
        if self.faces_only:
            params["tbs"] = "itp:face"
        answer = door.fetch(self.search, params)
        tasks = parser.parse(None, SimpleNamespace(content=answer.body)) or []
        urls = [task["file_url"] for task in tasks]
        urls = [url for url in urls if not any(own in (urlsplit(url).hostname or "") for own in OWN_HOSTS)]
        if not urls and start == 0:
            raise CollectError(
                f"Google's image search ({self.search}) does not answer in the shape of 2024 any more, "
                f"or found nothing for {query!r}; update webcast and icrawler, or use --source wikimedia."
            )
        return list(dict.fromkeys(urls))


def icrawler_parser() -> type:
    try:
        from icrawler.builtin.google import GoogleParser
    except ImportError:
        raise WebcastError('Google\'s search needs icrawler; pip install "webcast[collect]".') from None
    return GoogleParser
