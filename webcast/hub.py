"""The only file that talks to the Hub: weights and galleries by folder, by id and revision, or bundled.

Nothing but JSON, Markdown, safetensors and parquet is fetched, and for parts ONNX, cascades (XML) and Caffe's
protobuf, so no pickle ever is.

Where the Hub cannot be reached (no connection, or it answers 5xx), `pull` falls back for weights and
gallery together: to what was fetched before, then to the bundle, and says so. Whatever else the Hub
answers is an error: it means that the id, the revision or the token is wrong.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import huggingface_hub
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from webcast.errors import HubError

BUNDLE = Path(__file__).parent / "bundle"
FILES = {
    "model": ["config.json", "README.md", "*/config.json", "*/model.safetensors"],
    "dataset": ["README.md", "*.parquet"],
    "parts": [
        *("README.md", "*/config.json", "*/model.safetensors"),
        *("*/*.onnx", "*/*.xml", "*/*.prototxt", "*/*.caffemodel"),
    ],
}
REPO_TYPES = {"model": "model", "dataset": "dataset", "parts": "model"}
FOLDERS = {"model": BUNDLE / "weights", "dataset": BUNDLE / "gallery"}
HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(?:@(?P<revision>\S+))?", re.ASCII)
LATER = "try again later, or give a folder"
ADVICE = {
    409: "something else is being done to it, so run the command again",
    412: "somebody else changed it meanwhile, so run the command again",
    401: "the token is not accepted, so run `hf auth login`",
    403: "the token does not allow it, so log in with one that does",
    429: "these are too many requests, so wait a few minutes",
}


class HubDown(HubError):
    """The Hub cannot be reached, or it is not well."""


class Pulled(NamedTuple):
    """A folder with weights or a gallery, where it came from, and which revision of it this is."""

    folder: Path
    name: str
    revision: str


def pull(weights: str | Path | None, gallery: str | Path | None) -> tuple[Pulled, Pulled, tuple[str, ...]]:
    """Weights and gallery, each a folder, a Hub id with optional `@revision` or None for the bundle.

    The third value says in a sentence what was used instead where the Hub could not be reached. Raises
    `HubError` for an id, a revision or a token that the Hub refuses.
    """
    try:
        return pull_models(weights), pull_gallery(gallery), ()
    except HubDown as error:
        down = str(error)
    try:
        cached = pull_models(weights, cached=True), pull_gallery(gallery, cached=True)
        return *cached, (f"{down} Meanwhile, what was fetched earlier is used.",)
    except HubDown:
        bundle = pull_models(None), pull_gallery(None)
        return *bundle, (f"{down} Meanwhile, the bundled weights and demo troupe are used.",)


def pull_models(weights: str | Path | None, cached: bool = False) -> Pulled:
    """A folder of weights; with `cached`, only what an earlier call fetched. Raises as `pull`."""
    return _pull(weights, "model", cached)


def pull_gallery(gallery: str | Path | None, cached: bool = False) -> Pulled:
    """A folder with a gallery; with `cached`, only what an earlier call fetched. Raises as `pull`."""
    return _pull(gallery, "dataset", cached)


def pull_parts(parts: str | Path) -> Pulled:
    """A folder with the weights of parts, each in a folder of its name (see `parts`). Raises as `pull`."""
    return _pull(parts, "parts", cached=False)


def pull_published(repo: str) -> Pulled:
    """The gallery of a repository as it is now on its main branch, never a folder of that name.

    Raises `HubError` for what is no id, and where the Hub refuses.
    """
    if "@" in repo or not HUB_ID.fullmatch(repo):
        raise HubError(f"{repo} is not a Hub id such as user/name.")
    folder = _fetch(repo, "main", "dataset", cached=False)
    return Pulled(folder, repo, folder.name)


def replace_gallery(published: Pulled, folder: Path, message: str) -> str:
    """Puts the gallery of a folder in the place of a published one, in one commit; returns its hash.

    Raises `HubError` where the Hub refuses, or somebody changed the gallery since it was pulled.
    """
    api, repo = huggingface_hub.HfApi(), published.name
    added = [path for pattern in FILES["dataset"] for path in folder.rglob(pattern)]
    names = {path.relative_to(folder).as_posix(): path for path in added}
    with _errors_in_words(f"dataset {repo}"):
        present = api.list_repo_files(repo, repo_type="dataset", revision=published.revision)
        stale = [name for name in present if name.endswith(".parquet") and name not in names]
        operations = [huggingface_hub.CommitOperationDelete(name) for name in stale]
        operations += [huggingface_hub.CommitOperationAdd(name, path) for name, path in names.items()]
        commit = api.create_commit(
            repo, operations, commit_message=message, repo_type="dataset", parent_commit=published.revision
        )
    return commit.oid


def squash_history(repo: str) -> list[str]:
    """Makes the main branch of a dataset one commit, for good; returns the other branches and tags it has.

    Those keep what they had.
    """
    api = huggingface_hub.HfApi()
    with _errors_in_words(f"dataset {repo}"):
        api.super_squash_history(repo, repo_type="dataset", commit_message="Squash the history")
        refs = api.list_repo_refs(repo, repo_type="dataset")
    return [ref.name for ref in (*refs.branches, *refs.tags) if ref.name != "main"]


@contextmanager
def _errors_in_words(what: str) -> Iterator[None]:
    try:
        yield
    except (HTTPError, HFValidationError, RuntimeError, ValueError, OSError) as error:
        # A file that could not be sent is told as a RuntimeError; why is in its cause.
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        raise _explain(cause, what) from None


def _pull(source: str | Path | None, kind: str, cached: bool) -> Pulled:
    if source in (None, ""):  # an environment variable that is empty is one that is not set
        folder = FOLDERS[kind]
        return Pulled(folder, "bundle", _revision(folder, FILES[kind]))
    if Path(source).is_dir():
        folder = Path(source)
        return Pulled(folder, folder.resolve().name, _revision(folder, FILES[kind]))
    hub_id = HUB_ID.fullmatch(str(source))
    if not hub_id:
        raise HubError(f"{source} is neither a folder nor a Hub id such as user/name or user/name@revision.")
    repo, revision = hub_id["id"], hub_id["revision"] or "main"
    folder = _fetch(repo, revision, kind, cached)
    return Pulled(folder, repo, folder.name)


def _revision(folder: Path, patterns: list[str]) -> str:
    """Twelve hex digits that change with every file of the folder that counts."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in folder.rglob(pattern)}):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _fetch(repo: str, revision: str, kind: str, cached: bool) -> Path:
    """The snapshot of a repository in huggingface_hub's cache, a folder named after its commit."""
    repo_type = REPO_TYPES[kind]
    what = f"{repo_type} {repo}" if revision == "main" else f"{repo_type} {repo} at {revision}"
    try:
        if not cached:
            # snapshot_download would answer a 401 or a 404 from its cache, without a word; ask first.
            huggingface_hub.HfApi().repo_info(repo, revision=revision, repo_type=repo_type)
        folder = huggingface_hub.snapshot_download(
            repo, repo_type=repo_type, revision=revision, allow_patterns=FILES[kind], local_files_only=cached
        )
    except (HTTPError, HFValidationError, OSError) as error:
        # A file that cannot be had is told as missing from the cache; why is in its cause.
        is_vague = isinstance(error, LocalEntryNotFoundError) and error.__cause__
        raise _explain(error.__cause__ if is_vague else error, what) from None
    return Path(folder)


def _explain(error: BaseException, what: str) -> HubError:
    """The error of huggingface_hub as one sentence; `HubDown` where another time may do."""
    match error:
        case GatedRepoError():
            return HubError(f"The Hub keeps the {what} behind a gate; ask for access on its page and log in.")
        case RevisionNotFoundError():
            return HubError(f"The Hub has no {what}; check the revision.")
        case RepositoryNotFoundError():
            return HubError(
                f"The Hub has no {what} that you may read, and no such folder is here; "
                "check the id, and run `hf auth login` if it is private."
            )
        case HfHubHTTPError() if error.response.status_code >= 500:
            return HubDown(f"The Hub answered {error.response.status_code} for the {what}; {LATER}.")
        case HfHubHTTPError():
            status = error.response.status_code
            return HubError(f"The Hub answered {status} for the {what}; {ADVICE.get(status, LATER)}.")
        case HTTPError() | OfflineModeIsEnabled() | LocalEntryNotFoundError():
            return HubDown(f"The Hub could not be reached for the {what}; {LATER}.")
        case _:
            return HubError(f"The {what} could not be fetched or changed ({error}).")
