"""The Hub of the tests keeps to the Hub's API, for a plain HTTP client and for the unchanged ones."""

import hashlib
import json

import httpx
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download
from huggingface_hub.errors import (
    BadRequestError,
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import _http

from tests.hub_repo import Repo, check_card
from tests.hub_server import Fault, Hub, User, serve

WEB = httpx.Client(verify=False)  # one for all: making a client takes a while
BIG = bytes(range(256)) * 2000
SPACE = "---\ntitle: x\nemoji: 🎬\nsdk: gradio\ncolorFrom: red\n---\n"


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
    repos = {
        ("model", "me/weights"): Repo({"config.json": b"{}", "a/model.safetensors": BIG}),
        ("model", "me/gated"): Repo({"config.json": b"{}"}, is_gated=True),
        ("model", "me/private"): Repo({"config.json": b"{}"}, is_private=True),
    }
    with serve(Hub(repos, tokens={"hf_me": User("me"), "hf_other": User("other")})) as served:
        yield served


@pytest.fixture
def me(hub) -> HfApi:
    return HfApi(hub.endpoint, token="hf_me")


@pytest.fixture
def other(hub) -> HfApi:
    return HfApi(hub.endpoint, token="hf_other")


def commit_lines(hub: Hub, *lines: dict, header: dict | None = None) -> httpx.Response:
    """A commit to me/weights, written by hand."""
    first = {"key": "header", "value": {"summary": "by hand"} if header is None else header}
    return WEB.post(
        f"{hub.endpoint}/api/models/me/weights/commit/main",
        content="\n".join(json.dumps(line) for line in (first, *lines)),
        headers={"Authorization": "Bearer hf_me", "Content-Type": "application/x-ndjson"},
    )


@pytest.mark.parametrize(
    ("wanted", "status", "start", "stop"),
    [("bytes=10-19", 206, 10, 20), ("bytes=500000-", 206, 500000, 512000), ("bytes=-5", 206, 511995, 512000),
     ("bytes=600000-", 416, 0, 0), (None, 200, 0, 512000)],
)  # fmt: skip
def test_parts_of_large_files_lie_behind_a_redirect(hub, wanted, status, start, stop):
    headers = {"Range": wanted} if wanted else {}
    url = f"{hub.endpoint}/me/weights/resolve/main/a/model.safetensors"
    first = WEB.get(url, headers=headers)
    assert first.status_code == 302
    assert first.headers["X-Linked-Etag"].strip('"') == hashlib.sha256(BIG).hexdigest()
    assert first.headers["X-Repo-Commit"] == hub.repos["model", "me/weights"].commit
    told = WEB.get(first.headers["Location"], headers=headers)
    assert (told.status_code, told.content) == (status, BIG[start:stop])


def test_a_download_that_is_cut_goes_on_where_it_ended(hub, tmp_path):
    hub.faults.append(Fault("GET /lfs-store", cut_after=100_000))
    path = hf_hub_download(
        "me/weights", "a/model.safetensors", endpoint=hub.endpoint, cache_dir=tmp_path, token=False
    )
    with open(path, "rb") as file:
        assert file.read() == BIG
    assert sum("GET /lfs-store" in request for request in hub.requests) == 2


def test_a_stranger_is_not_told_what_is_private(hub, me, other):
    assert me.repo_info("me/private").private
    for name in ("me/private", "me/nothing"):
        with pytest.raises(RepositoryNotFoundError) as told:
            other.repo_info(name)
        assert told.value.response.status_code == 404
        assert WEB.get(f"{hub.endpoint}/api/models/{name}").status_code == 401


def test_a_gate_opens_for_whoever_was_let_in(hub, other):
    assert other.repo_info("me/gated").gated
    with pytest.raises(GatedRepoError):
        other.hf_hub_download("me/gated", "config.json")
    assert WEB.get(f"{hub.endpoint}/me/gated/resolve/main/config.json").status_code == 401
    hub.repos["model", "me/gated"].readers.add("other")
    other.hf_hub_download("me/gated", "config.json")


def test_a_commit_on_an_older_parent_is_refused(hub, me):
    parent = hub.repos["model", "me/weights"].commit
    me.create_commit("me/weights", [CommitOperationAdd("a.txt", b"1")], commit_message="one")
    with pytest.raises(HfHubHTTPError, match="412"):
        me.create_commit(
            "me/weights", [CommitOperationAdd("b.txt", b"2")], commit_message="two", parent_commit=parent
        )
    assert "b.txt" not in me.list_repo_files("me/weights")
    assert "a.txt" not in me.list_repo_files("me/weights", revision=parent)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ({"key": "lfsFile", "value": {"path": "x.bin", "algo": "sha256", "oid": "0" * 64}}, 400),
        ({"key": "file", "value": {"path": "../x", "content": "", "encoding": "base64"}}, 400),
        ({"key": "file", "value": {"path": ".git/config", "content": "", "encoding": "base64"}}, 400),
        ({"key": "file", "value": {"path": "x", "content": "not base64!", "encoding": "base64"}}, 400),
        ({"key": "file", "value": {"path": "x", "content": "AAE=", "encoding": "base64"}}, 400),
        ({"key": "deletedFile", "value": {"path": "nothing"}}, 404),
        ({"key": "renamedFile", "value": {"path": "config.json"}}, 400),
    ],
)
def test_one_bad_line_refuses_the_whole_commit(hub, line, status):
    good = {"key": "file", "value": {"path": "good.txt", "content": "aGk=", "encoding": "base64"}}
    before = hub.repos["model", "me/weights"].commit
    assert commit_lines(hub, good, line).status_code == status
    assert hub.repos["model", "me/weights"].commit == before
    assert commit_lines(hub, good, header={}).status_code == 400
    assert commit_lines(hub, good).status_code == 200


def test_an_upload_must_be_what_was_announced(hub):
    headers = {"Authorization": "Bearer hf_me", "Content-Type": "application/vnd.git-lfs+json"}
    wanted = {"oid": hashlib.sha256(b"true").hexdigest(), "size": 4}
    batch = {"operation": "upload", "transfers": ["basic"], "objects": [wanted], "hash_algo": "sha256"}
    url = f"{hub.endpoint}/me/weights.git/info/lfs/objects/batch"
    assert WEB.post(url, json=batch, headers=headers | {"Content-Type": "text/plain"}).status_code == 415
    told = WEB.post(url, content=json.dumps(batch), headers=headers).json()
    actions = told["objects"][0]["actions"]
    assert WEB.put(actions["upload"]["href"], content=b"fals").status_code == 400
    assert WEB.put(f"{hub.store_address}/guessed", content=b"true").status_code == 403
    verify = {"json": wanted, "headers": {"Authorization": "Bearer hf_me"}}
    assert WEB.post(actions["verify"]["href"], **verify).status_code == 404
    assert WEB.put(actions["upload"]["href"], content=b"true").status_code == 200
    assert WEB.post(actions["verify"]["href"], **verify).status_code == 200


def test_branches_are_made_once_and_commits_go_to_branches(hub, me):
    me.create_branch("me/weights", branch="v2")
    with pytest.raises(HfHubHTTPError, match="409"):
        me.create_branch("me/weights", branch="v2")
    with pytest.raises(BadRequestError):
        me.create_branch("me/weights", branch="refs/pr/5")
    me.create_commit(
        "me/weights", [CommitOperationDelete("config.json")], commit_message="gone", revision="v2"
    )
    assert "config.json" in me.list_repo_files("me/weights")
    assert "config.json" not in me.list_repo_files("me/weights", revision="v2")
    assert {branch.name for branch in me.list_repo_refs("me/weights").branches} == {"main", "v2"}
    for revision in ("v3", "0" * 40):
        with pytest.raises(RevisionNotFoundError):
            me.create_commit(
                "me/weights", [CommitOperationAdd("a", b"1")], commit_message="no", revision=revision
            )
    with pytest.raises(RemoteEntryNotFoundError):
        me.create_commit("me/weights", [CommitOperationDelete("b.txt")], commit_message="no")


def test_repositories_are_made_once_by_whom_they_belong_to(hub, me, other):
    assert me.create_repo("me/new", private=True).repo_id == "me/new"
    assert hub.repos["model", "me/new"].is_private
    with pytest.raises(HfHubHTTPError, match="409"):
        me.create_repo("me/new")
    with pytest.raises(HfHubHTTPError, match="403"):
        other.create_repo("me/newer")
    assert me.create_repo("me/app", repo_type="space", space_sdk="gradio").repo_type == "space"
    assert WEB.post(f"{hub.endpoint}/api/repos/create", json={"name": "x"}).status_code == 401


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("model", "---\nlicense: mine\n---\n", "license"),
        ("model", "---\ntags: one\n---\n", "tags"),
        ("model", "---\na: [\n---\n", "YAML"),
        ("model", "---\nlicense: mit\nanything: goes\n---\n", None),
        ("model", "# no front matter", None),
        ("space", "# no front matter", "missing yaml"),
        ("space", SPACE, None),
        ("space", SPACE.replace("gradio", "flask"), "sdk"),
        ("space", SPACE.replace("red", "crimson"), "colorFrom"),
        ("space", SPACE.replace("---\n", "---\nshort_description: " + "x" * 61 + "\n", 1), "short_desc"),
        ("space", SPACE.replace("---\n", "---\npython_version: 3.12\n", 1), "python_version"),
        ("space", SPACE.replace("---\n", "---\nmodels: [no id]\n", 1), "repository ids"),
    ],
)
def test_a_card_is_judged_as_the_documentation_says(kind, text, told):
    errors, _ = check_card(text, kind)
    assert bool(errors) == bool(told)
    assert told is None or told in errors[0]
