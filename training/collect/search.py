"""A site's image search, crawled by icrawler, each of whose requests goes through our door.

icrawler (https://github.com/hellock/icrawler, MIT) is a framework: a feeder writes down the result pages, a
parser asks for them and finds the pictures' addresses, a downloader fetches those. A site's feeder and parser
run here as icrawler runs them, in threads joined by queues. Their session is a `Door`, for icrawler's own
would ask any address; in the downloader's place stands `people.py`, which knows what the ledger has already.
"""

import logging
from collections.abc import Iterator
from queue import Empty, Queue
from types import SimpleNamespace

from icrawler import Crawler, Feeder, Parser

from training.collect.door import CollectError, Door

POLL_S = 0.1


class DoorSession:
    """What icrawler takes for its session: asks the door, and nothing any more once something went wrong.

    Addresses that begin with `site` are asked of `mirror`.
    """

    def __init__(self, door: Door, site: str, mirror: str) -> None:
        self.door, self.site, self.mirror = door, site, mirror
        self.problem: CollectError | None = None

    def get(
        self, url: str, timeout: float | None = None, headers: dict[str, str] | None = None
    ) -> SimpleNamespace:
        """The answer's `content`; how long to wait and what to say of ourselves is the door's to choose."""
        if self.problem:
            raise self.problem
        try:
            answer = self.door.fetch(url.replace(self.site, self.mirror, 1))
        except CollectError as problem:
            self.problem = problem
            raise
        return SimpleNamespace(content=answer.body)


class SearchCrawler(Crawler):
    """icrawler's crawler without its downloader: `found` gives what the parser finds."""

    def __init__(
        self, door: Door, feeder: type[Feeder], parser: type[Parser], site: str, mirror: str
    ) -> None:
        self._session = DoorSession(door, site, mirror)
        super().__init__(feeder, parser)
        # icrawler's own queue takes what it had no room for at first for a repetition, and drops it.
        self.parser.out_queue = Queue(maxsize=1)

    def set_logger(self, log_level: int) -> None:
        """icrawler would set up the root logger; what goes wrong is raised by `found` instead."""
        self.logger = logging.getLogger(__name__)
        for part in ("feeder", "parser"):
            logging.getLogger(part).setLevel(logging.CRITICAL)

    def set_session(self, headers: dict[str, str] | None = None) -> None:
        self.session = self._session

    def found(self, search: dict[str, object]) -> Iterator[dict[str, str]]:
        """The parser's tasks as they come; `search` is what the feeder's `feed` takes.

        A page is asked for when the one before is used up. Raises the `CollectError` that ended the search.
        """
        self.signal.reset()
        self.feeder.start(**search)
        self.parser.start(queue_timeout=POLL_S, max_retry=1)  # the door tries again by itself
        tasks = self.parser.out_queue
        try:
            while self.parser.is_alive() or not tasks.empty():
                self.signal.set(feeder_exited=not self.feeder.is_alive())
                try:
                    yield tasks.get(timeout=POLL_S)
                except Empty:
                    continue
        finally:
            self._stop()
        if self.session.problem:
            raise self.session.problem

    def _stop(self) -> None:
        """Ends both threads, the feeder where it waits for room in the queue of pages, too."""
        self.signal.set(reach_max_num=True)
        while self.feeder.is_alive() or self.parser.is_alive():
            try:
                self.feeder.out_queue.get(timeout=POLL_S)
            except Empty:
                continue
