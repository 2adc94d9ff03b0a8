"""What a Hub keeps: repositories with branches and commits, and what it refuses to take into them.

After the documentation of the Hub (docs/hub: repositories, spaces-config-reference, repositories-licenses),
git's and git-lfs's object formats, and what `huggingface_hub` says in its docstrings about the answers.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import PurePosixPath

import yaml

REPO_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
HASH = re.compile(r"[0-9a-f]{7,40}")
MAX_REGULAR_BYTES = 10 * 1024 * 1024
LFS_PATTERNS = (
    "*.7z", "*.arrow", "*.bin", "*.ckpt", "*.ftz", "*.gz", "*.h5", "*.joblib", "*.lfs.*", "*.mlmodel",
    "*.model", "*.msgpack", "*.npy", "*.npz", "*.onnx", "*.ot", "*.parquet", "*.pb", "*.pickle", "*.pkl",
    "*.pt", "*.pth", "*.rar", "*.safetensors", "*.tar", "*.tflite", "*.tgz", "*.wasm", "*.xz", "*.zip",
    "*.zst",
)  # fmt: skip
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
LICENCES = (  # noqa: SIM905  (sixty strings would take sixty lines)
    "apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m afl-3.0 agpl-3.0 artistic-2.0 bsd "
    "bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 "
    "cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 "
    "cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 "
    "cdla-permissive-1.0 cdla-permissive-2.0 ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gfdl gpl "
    "gpl-2.0 gpl-3.0 isc lgpl lgpl-2.1 lgpl-3.0 lppl-1.3c mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 osl-3.0 "
    "pddl postgresql unlicense unknown wtfpl zlib other"
).split()


class Refusal(Exception):
    """An answer other than 2xx: status, the Hub's error code, message, what else its body has."""

    def __init__(self, status: int, message: str, code: str = "", **body: object) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.body = status, message, code, body


@dataclass(frozen=True)
class Blob:
    """A file's content. A large one lies in the LFS store, and git has a pointer to it."""

    content: bytes
    is_lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def pointer(self) -> bytes:
        size = len(self.content)
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {size}\n".encode()

    @property
    def git_oid(self) -> str:
        kept = self.pointer if self.is_lfs else self.content
        return hashlib.sha1(f"blob {len(kept)}\0".encode() + kept).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_lfs else self.git_oid

    def entry(self, path: str) -> dict:
        """The file in a listing of the tree."""
        told = {"type": "file", "path": path, "size": len(self.content), "oid": self.git_oid}
        if self.is_lfs:
            lfs = {"oid": self.sha256, "size": len(self.content), "pointerSize": len(self.pointer)}
            told["lfs"] = lfs
        return told


@dataclass(frozen=True)
class Commit:
    files: dict[str, Blob]
    parent: str
    summary: str

    @property
    def oid(self) -> str:
        digest = hashlib.sha1(f"{self.parent}\0{self.summary}".encode())
        for path, blob in sorted(self.files.items()):
            digest.update(f"{path}\0{blob.git_oid}".encode())
        return digest.hexdigest()


@dataclass
class Repo:
    """A repository; `files` are those of its first commit. Who reads a gated one stands in `readers`."""

    files: dict[str, bytes]
    is_gated: bool = False
    is_private: bool = False
    readers: set[str] = field(default_factory=set)
    sdk: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        blobs = {path: Blob(content, is_large(path, content)) for path, content in self.files.items()}
        first = Commit(blobs, "", "initial commit")
        self.commits = {first.oid: first}
        self.branches = {"main": first.oid}

    @property
    def commit(self) -> str:
        """The hash that `main` points to."""
        return self.branches["main"]

    def at(self, revision: str) -> Commit:
        """The commit of a branch or a hash, which may be shortened to seven digits."""
        if revision in self.branches:
            return self.commits[self.branches[revision]]
        if HASH.fullmatch(revision):
            for oid, commit in self.commits.items():
                if oid.startswith(revision):
                    return commit
        raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def add_branch(self, name: str, start: str) -> None:
        if not re.fullmatch(r"[\w.][\w./-]*", name, re.ASCII) or name.startswith("refs/") or ".." in name:
            raise Refusal(400, f"Invalid reference for a branch: {name}")
        if name in self.branches:
            raise Refusal(409, f"Reference already exists: {name}")
        self.branches[name] = self.at(start).oid

    def squash(self, branch: str, message: str) -> None:
        """The branch becomes one commit; commits that no branch leads to any more are gone."""
        if branch not in self.branches:
            raise Refusal(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        made = Commit(self.commits[self.branches[branch]].files, "", message)
        self.branches[branch] = made.oid
        reached, waiting = {made.oid: made}, [oid for oid in self.branches.values() if oid != made.oid]
        while waiting:
            oid = waiting.pop()
            reached[oid] = self.commits[oid]
            parent = reached[oid].parent
            waiting += [parent] if parent and parent not in reached else []
        self.commits = reached

    def add_commit(self, branch: str, kind: str, lines: list[dict], store: dict[str, bytes]) -> Commit:
        """All of the lines of a commit's body or, where one of them is refused, nothing."""
        if branch not in self.branches:
            raise Refusal(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        header = lines[0].get("value", {}) if lines and lines[0].get("key") == "header" else {}
        if not str(header.get("summary") or "").strip():
            raise Refusal(400, "The first line must be a header with a summary")
        before = self.commits[self.branches[branch]]
        if not before.oid.startswith(header.get("parentCommit") or before.oid):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        files = dict(before.files)
        for line in lines[1:]:
            apply(line.get("key"), line.get("value") or {}, files, store)
        if "README.md" in files:
            errors, _ = check_card(files["README.md"].content.decode(), kind)
            if errors:
                raise Refusal(400, f"Invalid metadata in README.md: {errors[0]}")
        commit = Commit(files, before.oid, header["summary"])
        self.commits[commit.oid] = commit
        self.branches[branch] = commit.oid
        return commit


def apply(key: str, value: dict, files: dict[str, Blob], store: dict[str, bytes]) -> None:
    """One line of a commit's body, done to `files`."""
    path = str(value.get("path", "")).rstrip("/")
    check_path(path)
    if key == "file":
        files[path] = regular_file(value)
    elif key == "lfsFile":
        if value.get("algo") != "sha256" or value.get("oid") not in store:
            raise Refusal(
                400, f"Your push was rejected: LFS pointer pointed to a file that does not exist: {path}"
            )
        files[path] = Blob(store[value["oid"]], True)
    elif key == "deletedFile":
        if path not in files:
            raise Refusal(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
        del files[path]
    elif key == "deletedFolder":
        inside = [name for name in files if name.startswith(f"{path}/")]
        if not inside:
            raise Refusal(404, f"A folder with this name doesn't exist: {path}", "EntryNotFound")
        for name in inside:
            del files[name]
    else:
        raise Refusal(400, f"Unknown operation: {key!r}")


def regular_file(value: dict) -> Blob:
    try:
        content = value["content"].encode()
        if value.get("encoding") == "base64":
            content = base64.b64decode(content, validate=True)
    except (KeyError, binascii.Error):
        raise Refusal(400, f"The content of {value.get('path')} is not base64") from None
    if len(content) > MAX_REGULAR_BYTES:
        raise Refusal(413, f"{value.get('path')} is larger than 10 MiB; use LFS")
    if b"\0" in content[:512]:
        raise Refusal(400, f"Your push was rejected because it contains binary files: {value.get('path')}")
    return Blob(content, False)


def check_path(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or {"..", ".git"} & set(parts) or re.search(r"[\0-\x1f\\]", path):
        raise Refusal(400, f"Invalid path: {path!r}")


def is_large(path: str, sample: bytes, size: int | None = None) -> bool:
    """Whether the Hub wants this file by LFS: by its name, its size or the look of its first bytes."""
    name = PurePosixPath(path).name
    too_large = (len(sample) if size is None else size) > MAX_REGULAR_BYTES
    return any(fnmatch(name, pattern) for pattern in LFS_PATTERNS) or too_large or b"\0" in sample[:512]


def check_card(text: str, kind: str) -> tuple[list[str], list[str]]:
    """The errors and the warnings that the Hub has for the front matter of a README."""
    found = re.match(r"^---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)", text, re.DOTALL)
    if not found:
        missing = "empty or missing yaml metadata in repo card"
        return ([missing], []) if kind == "space" else ([], [missing])
    try:
        data = yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        return [f"YAML Metadata Error: {error}"], []
    if not isinstance(data, dict):
        return ["YAML Metadata Error: it must be an object"], []
    return card_errors(data) + (space_errors(data) if kind == "space" else []), []


def card_errors(data: dict) -> list[str]:
    licences = data.get("license", "other")
    errors = [
        f'"license" must be one of those in the documentation, not {licence!r}'
        for licence in (licences if isinstance(licences, list) else [licences])
        if licence not in LICENCES
    ]
    for key in ("tags", "models", "datasets"):
        values = data.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            errors.append(f'"{key}" must be an array of strings')
        elif key != "tags" and not all(REPO_ID.fullmatch(value) for value in values):
            errors.append(f'"{key}" must hold repository ids')
    return errors


def space_errors(data: dict) -> list[str]:
    errors = []
    if data.get("sdk") not in ("gradio", "docker", "static"):
        errors.append('"sdk" must be one of [gradio, docker, static]')
    errors += [
        f'"{key}" must be one of [{", ".join(COLOURS)}]'
        for key in ("colorFrom", "colorTo")
        if data.get(key, "red") not in COLOURS
    ]
    strings = ("title", "emoji", "sdk_version", "python_version", "app_file", "short_description")
    errors += [f'"{key}" must be a string' for key in strings if not isinstance(data.get(key, ""), str)]
    if len(str(data.get("short_description", ""))) > 60:
        errors.append('"short_description" length must be less than or equal to 60 characters long')
    if re.search(r"[\x20-\x7e]", str(data.get("emoji", ""))):
        errors.append('"emoji" must be an emoji')
    return errors
