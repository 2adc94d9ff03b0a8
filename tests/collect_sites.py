"""The sites that the collectors ask, in small and on this machine: written from their documentation.

One server plays Wikidata and Commons (the API of 2026), Naver's image search (2025), Google's (2024), and
hosts pictures that behave badly: 403, 429 with Retry-After, a redirect into a private network, a broken
picture, HTML in place of one, 100 MB, and a connection that hangs.
"""

import io
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from training.collect.door import Door
from training.collect.sources import Found, Name


def picture(number: int, size: tuple[int, int] = (96, 96)) -> bytes:
    """A JPEG of noise that differs from every other number's."""
    pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG")
    return buffer.getvalue()


class Site(ThreadingHTTPServer):
    """`files` are bodies by path, `people` names to their files' paths; `asked` counts requests by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.people: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self.queries: list[dict[str, str]] = []
        self.changed: set[str] = set()
        self.answers: dict[str, object] = {}
        self.agents: set[str] = set()
        self.hang_s = 3.0
        self.meeting: threading.Barrier | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.server.asked[parts.path] += 1
        self.server.agents.add(self.headers["User-Agent"])
        self.server.queries.append({"path": parts.path, **query})
        name = parts.path.strip("/").split("/")[0].replace("-", "_")
        answer = getattr(self, f"do_{name}", None)
        if answer:
            answer(parts.path, query)
        elif parts.path in self.server.files:
            self.send(self.server.files[parts.path], "image/jpeg")
        else:
            self.send(b"nothing here", "text/plain", 404)

    def do_meeting(self, path: str, query: dict[str, str]) -> None:
        """Answers once two clients wait for it at the same time."""
        self.server.meeting.wait(100)
        self.send(b"", "text/plain")

    def do_wikidata(self, path: str, query: dict[str, str]) -> None:
        if "wikidata" in self.server.changed:
            return self.json(self.server.answers.get(query["action"], {"hits": []}))
        names = list(self.server.people)
        if query["action"] == "wbsearchentities":
            found = [i for i, name in enumerate(names) if name == query["search"]]
            first = [{"id": "Q900"}, {"id": "Q901"}]  # a band and a politician of the same name come first
            return self.json({"search": first + [{"id": f"Q{i + 1}", "label": names[i]} for i in found]})
        return self.json({"entities": {id: {"claims": self.claims(id)} for id in query["ids"].split("|")}})

    def claims(self, id: str) -> dict:
        if id == "Q900":
            return {"P31": [claim({"id": "Q215380"})]}
        if id == "Q901":
            return {"P31": [claim({"id": "Q5"})], "P106": [claim({"id": "Q82955"})]}
        name = list(self.server.people)[int(id[1:]) - 1]
        picture = claim(self.server.people[name][0].rsplit("/", 1)[-1])
        actor = {"P31": [claim({"id": "Q5"})], "P106": [claim({"id": "Q33999"})]}
        return actor | {"P18": [picture], "P373": [claim(name)]}

    def do_commons(self, path: str, query: dict[str, str]) -> None:
        if "commons" in self.server.changed:
            return self.json(self.server.answers["query"])
        if "titles" in query:
            titles = [title.removeprefix("File:") for title in query["titles"].split("|")]
            files = [
                f for paths in self.server.people.values() for f in paths if f.rsplit("/", 1)[-1] in titles
            ]
            return self.json({"query": {"pages": [self.page(f) for f in files]}})
        files = self.server.people[query["gcmtitle"].removeprefix("Category:")]
        start = int(query.get("gcmcontinue", 0))
        pages = [self.page(f) for f in files[start : start + 2]]
        pages.append(
            {"title": "File:Voice.ogg", "imageinfo": [info("/voice.ogg", self.server.url, "audio/ogg")]}
        )
        answer = {"query": {"pages": pages}}
        if start + 2 < len(files):
            answer["continue"] = {"gcmcontinue": str(start + 2), "continue": "gcmcontinue||"}
        return self.json(answer)

    def page(self, file: str) -> dict:
        return {
            "title": f"File:{file.rsplit('/', 1)[-1]}",
            "imageinfo": [info(file, self.server.url, "image/jpeg")],
        }

    def do_naver(self, path: str, query: dict[str, str]) -> None:
        if "naver" in self.server.changed:
            return self.json({"result": "moved"})
        files, start = self.server.people.get(query["query"], []), int(query["start"]) - 1
        items = [{"originalUrl": self.server.url + f, "link": f"{self.server.url}/blog{f}"} for f in files]
        return self.json({"items": items[start : start + int(query["display"])]})

    def do_google(self, path: str, query: dict[str, str]) -> None:
        start = int(query["start"])
        urls = [self.server.url + f for f in self.server.people.get(query["q"], [])][start : start + 100]
        rows = "".join(f'["{url}",96,96],["https://encrypted-tbn0.gstatic.com/i.jpg",9,9],' for url in urls)
        body = (
            self.server.answers.get("google", "<p>nothing</p>")
            if "google" in self.server.changed
            else f"<script>AF({{data:[{rows}]}});</script>"
        )
        self.send(body.encode(), "text/html")

    def do_forbidden(self, path: str, query: dict[str, str]) -> None:
        self.send(b"no", "text/plain", 403)

    def do_busy(self, path: str, query: dict[str, str]) -> None:
        """429 the first time, and then the picture."""
        if self.server.asked[path] == 1:
            return self.send(b"", "text/plain", 429, {"Retry-After": "1"})
        return self.send(picture(77), "image/jpeg")

    def do_always_busy(self, path: str, query: dict[str, str]) -> None:
        self.send(b"", "text/plain", 429, {"Retry-After": "86400"})

    def do_inside(self, path: str, query: dict[str, str]) -> None:
        self.send(b"", "text/plain", 302, {"Location": "http://169.254.169.254/latest/meta-data"})

    def do_moved(self, path: str, query: dict[str, str]) -> None:
        self.send(b"", "text/plain", 302, {"Location": path.removeprefix("/moved")})

    def do_loop(self, path: str, query: dict[str, str]) -> None:
        self.send(b"", "text/plain", 302, {"Location": "/loop"})

    def do_page(self, path: str, query: dict[str, str]) -> None:
        self.send(b"<html>please log in</html>", "image/jpeg")

    def do_huge(self, path: str, query: dict[str, str]) -> None:
        """A picture that says 100 MB and goes on sending for as long as it is read."""
        self.send_response(200)
        self.send_header("Content-Length", str(100_000_000))
        self.end_headers()
        try:
            for _ in range(1600):
                self.wfile.write(b"\xff" * 65536)
        except OSError:
            pass

    def do_hangs(self, path: str, query: dict[str, str]) -> None:
        time.sleep(self.server.hang_s)

    def do_drips(self, path: str, query: dict[str, str]) -> None:
        """A body that never ends, a byte now and then; without a length, so that any end looks like one."""
        self.send_response(200)
        self.end_headers()
        self.drip(b"x" * 200)

    def do_drips_headers(self, path: str, query: dict[str, str]) -> None:
        self.drip(b"HTTP/1.0 200 OK\r\nX-Long: " + b"x" * 200)

    def drip(self, body: bytes) -> None:
        try:
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            pass

    def json(self, answer: dict) -> None:
        self.send(json.dumps(answer).encode(), "application/json")

    def send(self, body: bytes, kind: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (
            {"Content-Type": kind, "Content-Length": str(len(body))} | (headers or {})
        ).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@dataclass(frozen=True)
class Signed:
    """A source whose photos' author is the process and its folder of turns; it waits until two look."""

    site: str

    def __call__(self, door: Door, person: Name, count: int) -> Iterator[Found]:
        door.fetch(f"{self.site}/meeting", {"name": person.name})
        query = {"query": person.query, "start": "1", "display": "50"}
        for item in json.loads(door.fetch(f"{self.site}/naver", query).body)["items"]:
            yield Found(item["originalUrl"], author=f"{os.getpid()} {door.turns.folder}")


def claim(value: object) -> dict:
    return {"mainsnak": {"datavalue": {"value": value}}}


def info(file: str, url: str, mime: str) -> dict:
    about = {
        "Artist": "<a href='x'>A. Grapher</a>",
        "LicenseShortName": "CC BY-SA 4.0",
        "DateTimeOriginal": "2019-05-01",
    }
    extmetadata = {key: {"value": value} for key, value in about.items()}
    urls = {"url": f"{url}{file}", "thumburl": f"{url}{file}", "descriptionurl": f"{url}/wiki{file}"}
    return {"mime": mime, "extmetadata": extmetadata, **urls}


@contextmanager
def served():
    site = Site()
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()
