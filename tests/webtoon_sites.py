"""Naver Webtoon and WEBTOON in small on this machine, for the real gallery-dl and for the search by title.

gallery-dl asks `https://comic.naver.com`, whatever it is told; so this server plays that host and the others,
with a certificate of a test's own authority. `meet` leads our gate to it, through which gallery-dl asks.

The pages have the shape that the real ones had in 2025 and 2026, as gallery-dl 1.32.18 reads them (its
extractors `naverwebtoon` of 2025 and `webtoons` of 2026) and as public readers of these pages describe them:
Naver's list is JSON (`api/article/list`, with `articleList`, `webtoonLevelCode`, `pageInfo.nextPage`), its
episode viewer is HTML whose `<div id="comic_view_area">` holds one `<img>` a slice; WEBTOON's list is HTML
(`<li class="_episodeItem">`, last episode first), its viewer's pictures stand in `data-url`.
"""

import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from training.collect import gate

HOSTS = ("comic.naver.com", "image-comic.pstatic.net", "www.webtoons.com", "swebtoon-phinf.pstatic.net")
NAVER_A_PAGE, WEBTOON_A_PAGE = 3, 3
TITLE, NUMBER = "하나 이야기", 1


class Webtoons(ThreadingHTTPServer):
    """`pages` are the pictures of each episode by its number; `asked` counts requests by host and path.

    `spoiled` are answers in place of pictures, by path: status, body and kind.
    """

    daemon_threads = True

    def __init__(self, folder: Path, pages: Mapping[int, list[bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "authority.pem")
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*HOSTS).configure_cert(self.tls)
        self.authority = folder / "authority.pem"
        self.pages = pages
        self.titles = {TITLE: NUMBER}
        self.asked: Counter[str] = Counter()
        self.changed = False
        self.pictures_at = "image-comic.pstatic.net"
        self.spoiled: dict[str, tuple[int, bytes, str]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def finish_request(self, request: socket.socket, client_address: tuple) -> None:
        """Both plain requests, as our own search asks them, and TLS, as gallery-dl does."""
        if request.recv(1, socket.MSG_PEEK) == b"\x16":
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: socket.socket, client_address: tuple) -> None:
        """A client that leaves is no matter."""

    def meet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on whoever asks for one of the hosts through a gate meets this server."""
        real = gate.open_connection

        def lead(host: str, *rest: object) -> socket.socket:
            return socket.create_connection(self.server_address) if host in HOSTS else real(host, *rest)

        monkeypatch.setattr(gate, "open_connection", lead)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(self.authority))


class Handler(BaseHTTPRequestHandler):
    server: Webtoons

    @property
    def host(self) -> str:
        return self.headers["Host"].partition(":")[0]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        episode = query.get("no") or query.get("episode_no") or ""
        self.server.asked[f"{self.host}{parts.path}{':' + episode if episode else ''}"] += 1
        words = parts.path.strip("/").split("/")
        if words[:2] == ["api", "search"]:
            return self.json(self.naver_search(query["keyword"]))
        if words[-2:] == ["search", "immediate"]:
            return self.json(self.webtoon_search(query["keyword"]))
        if parts.path == "/api/article/list":
            return self.json(self.naver_list(int(query["page"])))
        if parts.path == "/webtoon/detail":
            return self.html(self.naver_viewer(int(episode)))
        if words[-1] == "list":
            return self.webtoon_list(words, int(query.get("page", 1)))
        if words[-1] == "viewer":
            return self.html(self.webtoon_viewer(int(episode)))
        return self.picture(words)

    def naver_search(self, keyword: str) -> dict:
        hits = [
            {"titleId": number, "titleName": title, "webtoonLevelCode": "WEBTOON", "articleTotalCount": 4}
            for title, number in self.server.titles.items()
            if keyword.split()[0] in title.split()
        ]
        if self.server.changed:
            return {"searchList": hits}
        empty = {"totalCount": 0, "searchViewList": []}
        found = {"totalCount": len(hits), "searchViewList": hits}
        return {
            "searchWebtoonResult": found,
            "searchBestChallengeResult": empty,
            "searchChallengeResult": empty,
        }

    def webtoon_search(self, keyword: str) -> dict:
        hit = {"titleNo": 7, "title": "Hana's Story", "representGenre": "ROMANCE", "titleType": "WEBTOON"}
        hits = [hit] if keyword.casefold() in hit["title"].casefold() else []
        return {"result": {"query": keyword, "total": len(hits), "searchedList": hits}, "success": True}

    def naver_list(self, page: int) -> dict:
        numbers = sorted(self.server.pages)
        shown = numbers[(page - 1) * NAVER_A_PAGE : page * NAVER_A_PAGE]
        more = page * NAVER_A_PAGE < len(numbers)
        articles = [
            {"no": n, "subtitle": f"{n}화", "thumbnailUrl": "", "charge": False, "thumbnailLock": False}
            for n in shown
        ]
        info = {"totalRows": len(numbers), "pageSize": NAVER_A_PAGE, "page": page}
        return {
            "titleId": NUMBER,
            "webtoonLevelCode": "WEBTOON",
            "totalCount": len(numbers),
            "articleList": articles,
            "pageInfo": info | {"nextPage": page + 1 if more else 0},
            "sort": "ASC",
        }

    def naver_viewer(self, number: int) -> str:
        slices = "".join(
            f'<img src="https://{self.server.pictures_at}/webtoon/{NUMBER}/{number}/{i}.jpg" title="" '
            f'alt="comic content" id="content_image_{i}" class="toon_image">\n'
            for i in range(len(self.server.pages[number]))
        )
        area = "viewer_v9" if self.server.changed else "comic_view_area"
        return (
            f'<html><head><script>var data = {{ titleName: "{TITLE}", tagList: [{{"tagName":"로맨스"}}], '
            f'"subtitle":"{number}화", "writers":[{{"id":1,"name":"글"}}], '
            f'"painters":[{{"id":2,"name":"그림"}}] }};</script></head>'
            f'<body><div class="wt_viewer" id="{area}">{slices}'
            '<img src="https://ssl.pstatic.net/static/comic/ad.png"></div></body></html>'
        )

    def webtoon_list(self, words: list[str], page: int) -> None:
        place = "/en/romance/hanas-story/list?title_no=7"
        if words[1:3] != ["romance", "hanas-story"]:  # any genre and name lead to the right ones
            return self.send(b"", "text/html", 301, {"Location": f"https://www.webtoons.com{place}"})
        numbers = sorted(self.server.pages, reverse=True)
        items = "".join(
            f'<li class="_episodeItem" id="episode_{n}" data-episode-no="{n}">\n<a href="https://'
            f"www.webtoons.com/en/romance/hanas-story/episode-{n}/viewer?title_no=7&episode_no={n}"
            f'" class="detail_list_link"><span class="subj"><span>Episode {n}</span></span>'
            f'<span class="date">May {n}, 2026</span></a></li>'
            for n in numbers[(page - 1) * WEBTOON_A_PAGE : page * WEBTOON_A_PAGE]
        )
        pages = range(1, -(-len(numbers) // WEBTOON_A_PAGE) + 1)
        links = "".join(f'<a href="{place}&page={n}"><span>{n}</span></a>' for n in pages)
        return self.html(f'<ul id="_listUl">{items}</ul><div class="paginate">{links}</div>')

    def webtoon_viewer(self, number: int) -> str:
        pictures = "".join(
            '<img src="https://webtoons-static.pstatic.net/image/bg_transparency.png" width="800" '
            'height="1280" alt="image" class="_images" data-url="https://webtoon-phinf.pstatic.net/'
            f'{number}/{i}.jpg?type=q90" rel="nofollow">'
            for i in range(len(self.server.pages[number]))
        )
        return (
            f'<html><head><meta property="og:title" content="Episode {number}"></head><body>'
            f'<div class="viewer_img _img_viewer_area" id="_imageList">{pictures}</div></body></html>'
        )

    def picture(self, words: list[str]) -> None:
        number, page = int(words[-2]), int(words[-1].partition(".")[0])
        if spoiled := self.server.spoiled.get("/" + "/".join(words)):
            status, body, kind = spoiled
            return self.send(body, kind, status)
        return self.send(self.server.pages[number][page], "image/jpeg")

    def json(self, answer: dict) -> None:
        self.send(json.dumps(answer).encode(), "application/json")

    def html(self, page: str) -> None:
        self.send(page.encode(), "text/html; charset=utf-8")

    def send(self, body: bytes, kind: str, status: int = 200, headers: Mapping[str, str] = {}) -> None:
        self.send_response(status)
        for key, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def served_webtoons(folder: Path, pages: Mapping[int, list[bytes]]) -> Iterator[Webtoons]:
    site = Webtoons(folder, pages)
    threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()
