"""A Hub on 127.0.0.1 for the unchanged huggingface_hub and datasets clients, through HF_ENDPOINT.

It has the routes of the Hub's HTTP API that the clients use to create, write (preupload, LFS batch, upload,
verify, commit), list and read (resolve with redirects and ranges), with its users, tokens and refusals;
`hub_repo` keeps the repositories. Xet is not spoken: set HF_HUB_DISABLE_XET=1, which gives the LFS route.

What goes wrong on the way can be placed: `status` makes it answer everything with one code, and a `Fault`
answers certain requests with a code or cuts their connection in the middle.
"""

import base64
import json
import re
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub_repo import REPO_ID, Blob, Refusal, Repo, check_card, is_large

KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}
GITATTRIBUTES = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
LFS_JSON = "application/vnd.git-lfs+json"


@dataclass(frozen=True)
class User:
    """Who a token belongs to; a token may be for reading alone."""

    name: str
    can_write: bool = True


@dataclass
class Fault:
    """What goes wrong with requests whose `METHOD /path` the expression is found in, `times` times.

    Either they are answered with `status`, or their connection is cut after `cut_after` bytes of the body:
    the one received of a PUT or POST, the one sent of a GET.
    """

    request: str
    status: int | None = None
    cut_after: int | None = None
    times: int = 1


@dataclass
class Hub:
    """Repositories by (kind, id), users by token, the LFS store, and what goes wrong, if anything."""

    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    status: int | None = None
    requests: list[str] = field(default_factory=list)
    endpoint: str = ""
    store_address: str = ""
    tokens: dict[str, User] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    store: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, tuple[str, int]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, request: str) -> Fault | None:
        """The fault placed for this request, used up by one time."""
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.request, request):
                    fault.times -= 1
                    return fault
        return None


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serves the Hub until the block ends; `hub.endpoint` is its address."""

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    # Large files lie at another host, as the real Hub's do: clients drop their token on the way there.
    hub.store_address = f"http://localhost:{server.server_port}/lfs-store"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Cut(Exception):
    """The connection ends here."""


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (_Cut, ConnectionError):
            self.close_connection = True

    def answer(self) -> None:
        """Finds the route and sends what it gives: nothing, bytes already sent, or JSON."""
        url = urlsplit(self.path)
        request = f"{self.command} {self.path}"
        self.hub.requests.append(request)
        self.query, self.fault = parse_qs(url.query), self.hub.fault(request)
        try:
            self.body = self._read_body()
            status = self.hub.status or (self.fault.status if self.fault else None)
            if status:
                raise Refusal(status, "The Hub is not well" if status >= 500 else f"Refused with {status}")
            route, groups = self._route(url.path)
            self._json(200, getattr(self, route)(**groups))
        except Refusal as refusal:
            self._refuse(refusal)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def _route(self, path: str) -> tuple[str, dict[str, str]]:
        method = "GET" if self.command == "HEAD" else self.command
        for wanted, expression, route in ROUTES:
            found = expression.fullmatch(path) if wanted == method else None
            if found:
                return route, {name: unquote(text or "") for name, text in found.groupdict().items()}
        raise Refusal(404, f"no such route: {method} {path}")

    def _read_body(self) -> bytes:
        cut = self.fault.cut_after if self.fault and self.command in ("PUT", "POST") else None
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            content = b"".join(self._chunks(cut))
        else:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length if cut is None else min(cut, length))
        if cut is not None:
            self._cut()
        return content

    def _chunks(self, cut: int | None) -> Iterator[bytes]:
        received = 0
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
            received += size
            if cut is not None and received >= cut:
                return
        self.rfile.readline()

    def _cut(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        raise _Cut

    # Who asks, and for what

    def _user(self) -> User | None:
        """Who the token belongs to; None without one."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme != "Bearer" or token not in self.hub.tokens:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return self.hub.tokens[token]

    def _repo(self, kind: str, repo_id: str) -> Repo:
        """The repository, if whoever asks may know that it exists."""
        user = self._user()
        repo = self.hub.repos.get((KINDS.get(kind or "models", kind), repo_id))
        if repo is None or (repo.is_private and not _owns(user, repo_id)):
            # A stranger is told to log in, whether or not there is such a repository.
            if user is None:
                raise Refusal(401, "Invalid username or password.", "RepoNotFound")
            raise Refusal(404, "Repository not found", "RepoNotFound")
        return repo

    def _own_repo(self, kind: str, repo_id: str) -> Repo:
        """The repository, if whoever asks may write into it."""
        repo = self._repo(kind, repo_id)
        self._check_writer(repo_id)
        return repo

    def _check_writer(self, repo_id: str) -> None:
        user = self._user()
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        if not user.can_write:
            raise Refusal(403, "This token is for reading: you need a token with the write role")
        if not _owns(user, repo_id):
            raise Refusal(
                403, f"You don't have the rights to write under the namespace {repo_id.split('/')[0]}"
            )

    # Making repositories

    def whoami(self) -> dict:
        user = self._user()
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        role = "write" if user.can_write else "read"
        return {"type": "user", "name": user.name, "orgs": [], "auth": {"accessToken": {"role": role}}}

    def create(self) -> dict:
        wanted, user = self._json_body(), self._user()
        owner = wanted.get("organization") or (user.name if user else "")
        repo_id, kind = f"{owner}/{wanted.get('name')}", wanted.get("type") or "model"
        self._check_writer(repo_id)
        if not REPO_ID.fullmatch(repo_id) or ".." in repo_id or "--" in repo_id or len(repo_id) > 96:
            raise Refusal(400, f"Invalid repository name: {repo_id}")
        if kind not in KINDS.values():
            raise Refusal(400, f"Invalid type: {kind}")
        if kind == "space" and wanted.get("sdk") not in ("gradio", "docker", "static"):
            raise Refusal(400, "A Space needs an sdk: gradio, docker or static")
        url = f"{self.hub.endpoint}/{_prefix(kind)}{repo_id}"
        if (kind, repo_id) in self.hub.repos:
            raise Refusal(409, f"You already created this {kind} repo: {repo_id}", url=url)
        private = wanted.get("visibility") == "private"
        variables = {entry["key"]: entry["value"] for entry in wanted.get("variables", [])}
        first = {".gitattributes": GITATTRIBUTES}
        repo = Repo(first, is_private=private, sdk=wanted.get("sdk", ""), variables=variables)
        self.hub.repos[kind, repo_id] = repo
        return {"url": url, "name": repo_id, "id": secrets.token_hex(12)}

    def add_branch(self, kind: str, repo_id: str, branch: str) -> dict:
        start = (self._json_body() if self.body else {}).get("startingPoint", "main")
        self._own_repo(kind, repo_id).add_branch(branch, start)
        return {}

    def squash(self, kind: str, repo_id: str, branch: str) -> dict:
        repo, message = self._own_repo(kind, repo_id), self._json_body().get("message")
        if not message:
            raise Refusal(400, "A message is needed")
        with self.hub.lock:
            repo.squash(branch, message)
        return {}

    def variables(self, repo_id: str) -> dict:
        repo = self._own_repo("spaces", repo_id)
        if self.command == "POST":
            wanted = self._json_body()
            if not re.fullmatch(r"[A-Za-z_]\w*", str(wanted.get("key")), re.ASCII):
                raise Refusal(400, f"Invalid name of a variable: {wanted.get('key')}")
            repo.variables[wanted["key"]] = wanted["value"]
        return {key: {"key": key, "value": value} for key, value in repo.variables.items()}

    # Writing

    def validate_yaml(self) -> dict:
        wanted = self._json_body()
        errors, warnings = check_card(wanted["content"], wanted.get("repoType", "model"))
        told = {"errors": [{"message": e} for e in errors], "warnings": [{"message": w} for w in warnings]}
        if errors:
            raise Refusal(400, "Invalid YAML in README.md", **told)
        return told

    def preupload(self, kind: str, repo_id: str, revision: str) -> dict:
        present = self._own_repo(kind, repo_id).at(revision).files
        files = []
        for file in self._json_body()["files"]:
            path, sample = file["path"], base64.b64decode(file["sample"])
            mode = "lfs" if is_large(path, sample, file["size"]) else "regular"
            known = {"oid": present[path].etag} if path in present else {}
            files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, **known})
        return {"files": files}

    def lfs_batch(self, kind: str, repo_id: str) -> dict:
        self._own_repo(kind, repo_id)
        if self.headers.get("Content-Type") != LFS_JSON:
            raise Refusal(415, f"Content-Type must be {LFS_JSON}")
        wanted = self._json_body()
        if wanted.get("operation") != "upload" or wanted.get("hash_algo", "sha256") != "sha256":
            raise Refusal(422, "Only uploads with sha256 are known")
        return {
            "transfer": "basic",
            "objects": [self._lfs_object(o, kind, repo_id) for o in wanted["objects"]],
        }

    def _lfs_object(self, wanted: dict, kind: str, repo_id: str) -> dict:
        oid, size = wanted["oid"], wanted["size"]
        told = {"oid": oid, "size": size}
        if not re.fullmatch("[0-9a-f]{64}", oid):
            return {**told, "error": {"code": 422, "message": "Invalid oid"}}
        if oid in self.hub.store:
            return told
        # The address itself is the permission, as with the signed addresses of the real store.
        permission = secrets.token_hex(16)
        self.hub.uploads[permission] = (oid, size)
        verify = f"{self.hub.endpoint}/{_prefix(KINDS[kind or 'models'])}{repo_id}.git/info/lfs/verify"
        upload = {"href": f"{self.hub.store_address}/{permission}"}
        return {**told, "authenticated": True, "actions": {"upload": upload, "verify": {"href": verify}}}

    def lfs_upload(self, permission: str) -> None:
        if permission not in self.hub.uploads:
            raise Refusal(403, "SignatureDoesNotMatch")
        oid, size = self.hub.uploads[permission]
        blob = Blob(self.body, True)
        if (blob.sha256, len(self.body)) != (oid, size):
            raise Refusal(400, "BadDigest: what came is not what was announced")
        self.hub.store[oid] = self.body

    def lfs_verify(self, kind: str, repo_id: str) -> dict:
        self._own_repo(kind, repo_id)
        wanted = self._json_body()
        if len(self.hub.store.get(wanted["oid"], b"")) != wanted["size"]:
            raise Refusal(404, "Object not found")
        return {}

    def commit(self, kind: str, repo_id: str, revision: str) -> dict:
        repo = self._own_repo(kind, repo_id)
        if self.headers.get("Content-Type") != "application/x-ndjson":
            raise Refusal(415, "Content-Type must be application/x-ndjson")
        try:
            lines = [json.loads(line) for line in self.body.splitlines() if line]
        except ValueError:
            raise Refusal(400, "A line of the body is not JSON") from None
        with self.hub.lock:
            made = repo.add_commit(revision, KINDS[kind], lines, self.hub.store)
        url = f"{self.hub.endpoint}/{_prefix(KINDS[kind])}{repo_id}/commit/{made.oid}"
        return {"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""}

    # Reading

    def info(self, kind: str, repo_id: str, revision: str = "main") -> dict:
        repo = self._repo(kind, repo_id)
        commit = repo.at(revision or "main")
        with_blobs = "blobs" in self.query
        siblings = [
            {"rfilename": path, **({"size": len(blob.content), "blobId": blob.git_oid} if with_blobs else {})}
            for path, blob in sorted(commit.files.items())
        ]
        told = {"_id": "0" * 24, "id": repo_id, "sha": commit.oid, "siblings": siblings}
        told |= {"private": repo.is_private, "gated": "auto" if repo.is_gated else False, "disabled": False}
        return told | {"tags": [], "downloads": 0, "likes": 0, **({"sdk": repo.sdk} if repo.sdk else {})}

    def refs(self, kind: str, repo_id: str) -> dict:
        branches = [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": oid}
            for name, oid in self._repo(kind, repo_id).branches.items()
        ]
        return {"branches": branches, "tags": [], "converts": []}

    def tree(self, kind: str, repo_id: str, revision: str, path: str = "") -> list[dict]:
        files = self._readable(kind, repo_id).at(revision).files
        listed = _tree(files, path)
        if path and not listed:
            raise Refusal(404, f"{path} does not exist on {revision}", "EntryNotFound")
        if self.query.get("recursive", ["false"])[0].lower() in ("true", "1"):
            return listed
        depth = len(PurePosixPath(path).parts) + 1
        return [entry for entry in listed if len(PurePosixPath(entry["path"]).parts) == depth]

    def paths_info(self, kind: str, repo_id: str, revision: str) -> list[dict]:
        files = self._readable(kind, repo_id).at(revision).files
        if self.headers.get("Content-Type", "").startswith("application/json"):
            paths = self._json_body()["paths"]
        else:
            paths = parse_qs(self.body.decode())["paths"]
        return [entry for entry in _tree(files, "") if entry["path"] in paths]

    def resolve(self, prefix: str, repo_id: str, revision: str, path: str) -> None:
        repo = self._readable(prefix.strip("/"), repo_id)
        commit = repo.at(revision)
        blob = commit.files.get(path)
        if blob is None:
            raise Refusal(404, "Entry not found", "EntryNotFound")
        told = {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes", "ETag": f'"{blob.etag}"'}
        if not blob.is_lfs:
            self._file(blob.content, told)
            return
        self.hub.store.setdefault(blob.sha256, blob.content)
        told |= {"X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.content))}
        self._send(302, b"", {**told, "Location": f"{self.hub.store_address}/{blob.sha256}"})

    def lfs_download(self, oid: str) -> None:
        if oid not in self.hub.store:
            raise Refusal(404, "NoSuchKey")
        self._file(self.hub.store[oid], {"Accept-Ranges": "bytes", "ETag": f'"{oid}"'})

    def _readable(self, kind: str, repo_id: str) -> Repo:
        """The repository, if whoever asks may see into its files."""
        repo, user = self._repo(kind, repo_id), self._user()
        if repo.is_gated and not _owns(user, repo_id) and (user is None or user.name not in repo.readers):
            status = 401 if user is None else 403
            raise Refusal(status, f"Access to {kind.rstrip('s')} {repo_id} is restricted", "GatedRepo")
        return repo

    def _file(self, content: bytes, headers: dict[str, str]) -> None:
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not wanted or wanted.groups() == ("", ""):
            self._send(200, content, headers)
            return
        first, last, end = wanted[1], wanted[2], len(content)
        start = int(first) if first else max(0, end - int(last))
        stop = min(int(last) + 1, end) if first and last else end
        if start >= stop:
            self._send(416, b"", {**headers, "Content-Range": f"bytes */{end}"})
            return
        headers = {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{end}"}
        self._send(206, content[start:stop], headers)

    # Answering

    def _json_body(self) -> dict:
        try:
            return json.loads(self.body)
        except ValueError:
            raise Refusal(400, "The body is not JSON") from None

    def _json(self, status: int, value: object) -> None:
        """Sends the value; None where the route has answered itself or has nothing to say."""
        if value is None and self.command != "PUT":
            return
        content = b"" if value is None else json.dumps(value).encode()
        self._send(status, content, {"Content-Type": "application/json"})

    def _refuse(self, refusal: Refusal) -> None:
        headers = {"Content-Type": "application/json", "X-Error-Message": refusal.message}
        if refusal.code:
            headers["X-Error-Code"] = refusal.code
        content = json.dumps({"error": refusal.message, **refusal.body}).encode()
        self._send(refusal.status, content, headers)

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/octet-stream", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.fault and self.fault.cut_after is not None:
            self.wfile.write(content[: self.fault.cut_after])
            self._cut()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """The requests are in `hub.requests`."""


def _owns(user: User | None, repo_id: str) -> bool:
    return user is not None and user.name == repo_id.split("/")[0]


def _prefix(kind: str) -> str:
    return "" if kind == "model" else f"{kind}s/"


def _tree(files: dict[str, Blob], path: str) -> list[dict]:
    """Every file and folder below a path, folders first as the Hub's tree has them."""
    inside = {name: blob for name, blob in files.items() if not path or name.startswith(f"{path}/")}
    folders = {str(parent) for name in inside for parent in PurePosixPath(name).parents if str(parent) != "."}
    below = sorted(folder for folder in folders if not path or folder.startswith(f"{path}/"))
    listed = [{"type": "directory", "path": folder, "size": 0, "oid": "0" * 40} for folder in below]
    return listed + [blob.entry(name) for name, blob in sorted(inside.items())]


API = "/api/(?P<kind>models|datasets|spaces)/(?P<repo_id>[^/]+/[^/]+)"
PAGE = "/(?P<prefix>datasets/|spaces/)?(?P<repo_id>[^/]+/[^/]+)"
GIT = r"/(?:(?P<kind>models|datasets|spaces)/)?(?P<repo_id>[^/]+/[^/]+)\.git/info/lfs"
REVISION = "(?P<revision>[^/]+)"
ROUTES = [
    (method, re.compile(expression), route)
    for method, expression, route in (
        ("GET", "/api/whoami-v2", "whoami"),
        ("POST", "/api/repos/create", "create"),
        ("POST", "/api/validate-yaml", "validate_yaml"),
        ("GET", "/api/spaces/(?P<repo_id>[^/]+/[^/]+)/variables", "variables"),
        ("POST", "/api/spaces/(?P<repo_id>[^/]+/[^/]+)/variables", "variables"),
        ("POST", f"{API}/branch/(?P<branch>[^/]+)", "add_branch"),
        ("POST", f"{API}/super-squash/(?P<branch>[^/]+)", "squash"),
        ("POST", f"{API}/preupload/{REVISION}", "preupload"),
        ("POST", f"{GIT}/objects/batch", "lfs_batch"),
        ("POST", f"{GIT}/verify", "lfs_verify"),
        ("PUT", "/lfs-store/(?P<permission>[^/]+)", "lfs_upload"),
        ("GET", "/lfs-store/(?P<oid>[^/]+)", "lfs_download"),
        ("POST", f"{API}/commit/{REVISION}", "commit"),
        ("GET", API, "info"),
        ("GET", f"{API}/revision/{REVISION}", "info"),
        ("GET", f"{API}/refs", "refs"),
        ("GET", f"{API}/tree/{REVISION}(?:/(?P<path>.+))?", "tree"),
        ("POST", f"{API}/paths-info/{REVISION}", "paths_info"),
        (
            "GET",
            f"/(?P<prefix>datasets/|spaces/)?(?P<repo_id>[^/]+/[^/]+)/resolve/{REVISION}/(?P<path>.+)",
            "resolve",
        ),
    )
]
