"""A small Hub on 127.0.0.1, spoken to by the unchanged huggingface_hub through HF_ENDPOINT.

It serves what reading needs: repo info, tree, resolve (HEAD and GET, ranges too). `status` makes it answer
everything with one code, for a Hub that is not well.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

KINDS = {"models": "model", "datasets": "dataset"}


@dataclass
class Repo:
    """A repository with one commit on `main`: file names and their bytes."""

    files: dict[str, bytes]
    is_gated: bool = False
    is_private: bool = False

    @property
    def commit(self) -> str:
        digest = hashlib.sha1()
        for name, content in sorted(self.files.items()):
            digest.update(name.encode() + b"\0" + content)
        return digest.hexdigest()


@dataclass
class Hub:
    """The repositories by (kind, id), and what went wrong with this Hub, if anything."""

    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    status: int | None = None
    requests: list[str] = field(default_factory=list)
    endpoint: str = ""


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serves the Hub until the block ends; `hub.endpoint` is its address."""

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        if self.hub.status:
            self._refuse(self.hub.status, "", "The Hub is not well")
            return
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if parts[0] == "api" and parts[1] in KINDS:
            self._api(KINDS[parts[1]], "/".join(parts[2:4]), parts[4:])
        elif parts[0] == "datasets":
            self._resolve("dataset", "/".join(parts[1:3]), parts[3:])
        else:
            self._resolve("model", "/".join(parts[:2]), parts[2:])

    do_HEAD = do_GET

    def _repo(self, kind: str, repo_id: str, revision: str) -> Repo | None:
        """The repository at a revision, or None after the refusal was sent."""
        repo = self.hub.repos.get((kind, repo_id))
        if repo is None or repo.is_private:
            # The Hub does not tell a stranger whether a private repository exists.
            self._refuse(401, "RepoNotFound", "Repository not found")
            return None
        if revision not in ("main", repo.commit):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return repo

    def _api(self, kind: str, repo_id: str, rest: list[str]) -> None:
        verb, revision = rest[:2] if len(rest) >= 2 else ("revision", "main")
        repo = self._repo(kind, repo_id, revision)
        if repo is None:
            return
        if verb == "revision":
            files = [{"rfilename": name} for name in sorted(repo.files)]
            self._json({"id": repo_id, "sha": repo.commit, "siblings": files, "gated": repo.is_gated})
        elif verb == "tree":
            self._json([_entry(name, content) for name, content in sorted(repo.files.items())])
        else:
            self._refuse(404, "", f"no such route: {self.path}")

    def _resolve(self, kind: str, repo_id: str, rest: list[str]) -> None:
        if len(rest) < 3 or rest[0] != "resolve":
            self._refuse(404, "", f"no such route: {self.path}")
            return
        repo = self._repo(kind, repo_id, rest[1])
        if repo is None:
            return
        if repo.is_gated:
            self._refuse(403, "GatedRepo", f"Access to {repo_id} is restricted")
            return
        content = repo.files.get("/".join(rest[2:]))
        if content is None:
            self._refuse(404, "EntryNotFound", "Entry not found")
            return
        self._file(repo, content)

    def _file(self, repo: Repo, content: bytes) -> None:
        start, status = 0, 200
        if wanted := self.headers.get("Range"):
            start, status = int(wanted.removeprefix("bytes=").split("-")[0]), 206
        self.send_response(status)
        self.send_header("X-Repo-Commit", repo.commit)
        self.send_header("ETag", f'"{_blob_id(content)}"')
        self.send_header("Accept-Ranges", "bytes")
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self._body(content[start:], "application/octet-stream")

    def _json(self, value: object) -> None:
        self.send_response(200)
        self._body(json.dumps(value).encode(), "application/json")

    def _refuse(self, status: int, code: str, message: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self._body(json.dumps({"error": message}).encode(), "application/json")

    def _body(self, content: bytes, kind: str) -> None:
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """The requests are in `hub.requests`."""


def _blob_id(content: bytes) -> str:
    """git's name for a file's content."""
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


def _entry(name: str, content: bytes) -> dict:
    return {"type": "file", "path": name, "size": len(content), "oid": _blob_id(content)}
