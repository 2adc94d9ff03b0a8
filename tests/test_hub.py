import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.hub_server import Hub, Repo, serve
from webcast import hub as module
from webcast.errors import HubError
from webcast.hub import pull, pull_gallery, pull_models

WEIGHTS = {
    "config.json": b"{}",
    "README.md": b"# weights",
    "embedder/config.json": b"{}",
    "embedder/model.safetensors": b"tensors",
    "embedder/pytorch_model.bin": b"a pickle",
    "optimizer.pt": b"another pickle",
}
PARTS = {
    "yunet/face_detection_yunet_2023mar.onnx": b"graph",
    "srcnn/config.json": b"{}",
    "srcnn/model.safetensors": b"tensors",
    "srcnn/published.pth": b"a pickle",
    "res10/deploy.prototxt": b"layers",
    "run.py": b"code",
}
GALLERY = {"README.md": b"# gallery", "data/train-00000-of-00001.parquet": b"rows", "script.py": b"code"}

WORKER = """
import json, sys
from huggingface_hub import constants
from webcast.errors import HubError
from webcast.hub import pull, pull_parts

for line in sys.stdin:
    constants.HF_HUB_CACHE, weights, gallery = json.loads(line)
    try:
        if gallery == "as parts":
            print(json.dumps({"parts": [*map(str, pull_parts(weights))]}), flush=True)
            continue
        weights, gallery, notices = pull(weights, gallery)
    except HubError as error:
        told = {"error": str(error)}
    else:
        told = {"weights": [*map(str, weights)], "gallery": [*map(str, gallery)], "notices": notices}
    print(json.dumps(told), flush=True)
"""


@contextmanager
def worker(endpoint: str) -> Iterator[Callable[..., dict]]:
    """`hub.pull` in a process of its own, for huggingface_hub reads HF_ENDPOINT at import."""
    env = os.environ | {
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    call = [sys.executable, "-c", WORKER]
    with subprocess.Popen(call, env=env, stdin=PIPE, stdout=PIPE, text=True) as process:

        def ask(cache: Path, weights: str | None = "u/weights", gallery: str | None = "u/gallery") -> dict:
            process.stdin.write(json.dumps([str(cache), weights, gallery]) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.fixture(scope="module")
def served():
    with serve(Hub()) as hub, worker(hub.endpoint) as ask:
        yield hub, ask


@pytest.fixture(scope="module")
def unplugged():
    """`pull` where nothing answers."""
    with worker("http://127.0.0.1:9") as ask:
        yield ask


@pytest.fixture
def hub(served) -> Hub:
    hub, _ = served
    hub.repos = {
        ("model", "u/weights"): Repo(dict(WEIGHTS)),
        ("model", "u/parts"): Repo(dict(PARTS)),
        ("dataset", "u/gallery"): Repo(dict(GALLERY)),
    }
    hub.status, hub.requests = None, []
    return hub


@pytest.fixture
def client(hub, served, tmp_path) -> Callable[..., dict]:
    """`pull` with a cache of its own."""
    return partial(served[1], tmp_path / "cache")


def files_in(folder: str) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}


def bundled(told: dict) -> bool:
    return told["weights"][1] == told["gallery"][1] == "bundle"


def test_weights_and_gallery_are_fetched_without_pickles_or_code(hub, client):
    told = client()
    folder, name, revision = told["weights"]
    assert files_in(folder) == {
        "config.json",
        "README.md",
        "embedder/config.json",
        "embedder/model.safetensors",
    }
    assert (name, revision) == ("u/weights", hub.repos["model", "u/weights"].commit)
    assert files_in(told["gallery"][0]) == {"README.md", "data/train-00000-of-00001.parquet"}
    assert told["notices"] == []
    assert not any(".bin" in request or ".pt" in request for request in hub.requests)


def test_parts_are_fetched_without_pickles_or_code(hub, client):
    folder, name, revision = client("u/parts", "as parts")["parts"]
    assert files_in(folder) == set(PARTS) - {"srcnn/published.pth", "run.py"}
    assert (name, revision) == ("u/parts", hub.repos["model", "u/parts"].commit)
    assert "no model u/nothing that you may read" in client("u/nothing", "as parts")["error"]


def test_a_pinned_revision_is_the_one_fetched(hub, client):
    commit = hub.repos["model", "u/weights"].commit
    assert client(f"u/weights@{commit}")["weights"][2] == commit
    error = client("u/weights@" + "0" * 40)["error"]
    assert "no model u/weights at 0000" in error
    assert "check the revision" in error


def test_a_missing_or_private_repository_is_an_error_even_with_a_cache(hub, client):
    assert "no model u/nothing that you may read" in client("u/nothing")["error"]
    client()
    hub.repos["dataset", "u/gallery"].is_private = True
    assert "no dataset u/gallery that you may read" in client()["error"]


def test_a_gated_repository_is_an_error(hub, client):
    hub.repos["model", "u/weights"].is_gated = True
    assert "keeps the model u/weights behind a gate" in client()["error"]


@pytest.mark.parametrize(
    ("status", "told"), [(401, "hf auth login"), (403, "does not allow"), (404, "404"), (429, "wait")]
)
def test_a_refusal_is_an_error_even_with_a_cache(hub, client, status, told):
    client()
    hub.status = status
    error = client()["error"]
    assert told in error
    assert "\n" not in error


def test_a_hub_that_is_down_falls_back_to_the_cache(hub, client):
    fetched = client()
    hub.status = 503
    told = client()
    assert told["weights"] == fetched["weights"]
    assert told["gallery"] == fetched["gallery"]
    assert "The Hub answered 503 for the model u/weights" in told["notices"][0]
    assert "fetched earlier" in told["notices"][0]


def test_a_hub_that_is_down_falls_back_to_the_bundle(hub, client):
    hub.status = 503
    told = client()
    assert bundled(told)
    assert "bundled weights and demo troupe" in told["notices"][0]


def test_both_fall_back_together(hub, client):
    client(gallery=None)
    hub.status = 500
    told = client()
    assert bundled(told), "the gallery was never fetched, so its weights are not used either"


def test_no_connection_falls_back_to_cache_then_bundle(client, unplugged, tmp_path):
    fetched = client()
    told = unplugged(tmp_path / "cache")
    assert told["weights"] == fetched["weights"]
    assert "could not be reached for the model u/weights" in told["notices"][0]
    assert bundled(unplugged(tmp_path / "fresh"))


def test_a_folder_and_the_bundle_need_no_hub(unplugged, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")
    told = unplugged(tmp_path / "cache", str(tmp_path / "mine"), None)
    assert told["weights"][:2] == [str(tmp_path / "mine"), "mine"]
    assert told["gallery"][1] == "bundle"
    assert told["notices"] == []


def test_a_folder_has_a_revision_that_follows_its_files(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    first = pull_models(tmp_path).revision
    assert pull_models(tmp_path).revision == first
    (tmp_path / "notes.txt").write_text("does not count")
    assert pull_models(tmp_path).revision == first
    (tmp_path / "config.json").write_text("{ }")
    assert pull_models(tmp_path).revision != first


@pytest.mark.parametrize("source", ["no such folder", "a/b/c", "/nowhere", "user/na me", "u/x@", "../x/y"])
def test_what_is_neither_folder_nor_id_is_an_error(source):
    with pytest.raises(HubError, match="neither a folder nor a Hub id"):
        pull_gallery(source)


def test_an_id_that_the_hub_cannot_have_is_an_error():
    with pytest.raises(HubError, match="could not be fetched"):
        pull_models("u/a--b..c")


def test_pull_answers_the_bundle_by_default():
    weights, gallery, notices = pull(None, None)
    assert weights.folder == module.BUNDLE / "weights"
    assert gallery.folder == module.BUNDLE / "gallery"
    assert notices == ()
