"""Publishing to a Hub of our own, and whatever can go wrong on the way there."""

import json
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http
from PIL import Image

from tests import fakes
from tests.hub_repo import Repo
from tests.hub_server import Fault, Hub, User, serve
from tests.launch import launch
from tests.launched import records
from tests.tiny_weights import CARD as CARD_OF_WEIGHTS
from tests.tiny_weights import write_realizer, write_run, write_weights
from training.bundle import write_config
from training.publish import (
    Plan,
    keep_measured,
    main,
    parse,
    plan_gallery,
    plan_space,
    plan_weights,
    push,
)
from webcast.errors import GalleryError, HubError, WebcastError, WeightsError
from webcast.weights import read_config

CARD = "---\nlicense: mit\n---\n\n# A card\n"
BIG = b"tensors" * 5000


@pytest.fixture
def hub(monkeypatch):
    """A Hub that the client of this process speaks to, logged in as `me` and with less patience."""
    tokens = {"hf_me": User("me"), "hf_reader": User("me", can_write=False), "hf_other": User("other")}
    with serve(Hub(tokens=tokens)) as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
        monkeypatch.setenv("HF_TOKEN", "hf_me")
        yield served


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_weights(tmp_path_factory.mktemp("tiny") / "weights")


@pytest.fixture
def plan(tmp_path) -> Plan:
    (tmp_path / "config.json").write_text('{"format": 1}')
    (tmp_path / "model.safetensors").write_bytes(BIG)
    files = {
        "config.json": tmp_path / "config.json",
        "embedder/model.safetensors": tmp_path / "model.safetensors",
    }
    return Plan("model", "me/weights", CARD, files, ("embedder/*", "realizer/*"))


def files_of(hub: Hub, kind: str = "model", name: str = "me/weights", revision: str = "main") -> dict:
    return {path: blob.content for path, blob in hub.repos[kind, name].at(revision).files.items()}


def count(hub: Hub, request: str) -> int:
    return sum(request in made for made in hub.requests)


def test_everything_arrives_in_one_commit(hub, plan):
    told = push(plan)
    repo = hub.repos["model", "me/weights"]
    assert told == f"me/weights@{repo.commit}"
    assert len(repo.commits) == 2, "the Hub's first and ours"
    files = files_of(hub)
    assert files.pop(".gitattributes")
    assert files == {
        "README.md": CARD.encode(),
        "config.json": b'{"format": 1}',
        "embedder/model.safetensors": BIG,
    }
    assert repo.at("main").files["embedder/model.safetensors"].is_lfs


def test_a_second_push_replaces_what_is_ours_and_leaves_the_rest(hub, plan):
    hub.repos["model", "me/weights"] = Repo(
        {"realizer/model.safetensors": b"old", "notes.txt": b"theirs", "config.json": b"{}"}
    )
    push(plan)
    assert set(files_of(hub)) == {"README.md", "config.json", "embedder/model.safetensors", "notes.txt"}


def test_the_same_again_is_no_commit(hub, plan):
    assert push(plan) == push(plan)
    assert len(hub.repos["model", "me/weights"].commits) == 2
    assert count(hub, "PUT /lfs-store") == 1


def test_a_revision_is_a_branch_beside_main(hub, plan):
    before = push(plan)
    card = CARD + "\nAnother."
    told = push(Plan(plan.kind, plan.repo_id, card, plan.files, plan.replaces), revision="v2")
    assert files_of(hub, revision="v2")["README.md"] == card.encode()
    assert files_of(hub)["README.md"] == CARD.encode()
    assert told == f"me/weights@{hub.repos['model', 'me/weights'].branches['v2']}" != before


def test_private_is_private_or_an_error(hub, plan):
    push(plan, private=True)
    assert hub.repos["model", "me/weights"].is_private
    hub.repos["model", "me/weights"] = public = Repo({"config.json": b"{}"})
    with pytest.raises(HubError, match="public already"):
        push(plan, private=True)
    assert len(public.commits) == 1
    assert count(hub, "PUT /lfs-store") == 1


@pytest.mark.parametrize("where", ["PUT /lfs-store", "POST /api/models/me/weights/commit"])
def test_a_push_that_breaks_off_leaves_the_old_revision_whole(hub, plan, where):
    hub.repos["model", "me/weights"] = old = Repo({"config.json": b"old", "embedder/old.json": b"{}"})
    hub.faults.append(Fault(where, cut_after=100, times=99))
    with pytest.raises(HubError, match=r"The connection to the Hub broke .*run the same command again\.$"):
        push(plan)
    assert files_of(hub) == {"config.json": b"old", "embedder/old.json": b"{}"}
    assert len(old.commits) == 1
    assert hub.store == {} or "commit" in where
    hub.faults.clear()
    push(plan)
    assert set(files_of(hub)) == {"README.md", "config.json", "embedder/model.safetensors"}


def test_a_connection_cut_once_is_taken_up_again(hub, plan):
    hub.faults.append(Fault("PUT /lfs-store", cut_after=100))
    push(plan)
    assert count(hub, "PUT /lfs-store") == 2
    assert files_of(hub)["embedder/model.safetensors"] == BIG


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "hf auth login"), (403, "may write"), (412, "changed it meanwhile"), (429, "few minutes"),
     (503, "nothing was changed")],
)  # fmt: skip
@pytest.mark.parametrize("where", ["api/repos/create", "/commit/"])
def test_a_refusal_is_one_sentence(hub, plan, status, advice, where):
    hub.repos["model", "me/weights"] = old = Repo({"config.json": b"old"})
    hub.faults.append(Fault(where, status=status, times=99))
    if where == "api/repos/create" and status in (401, 403):
        hub.faults.append(Fault("GET /api/models", status=status, times=99))
    with pytest.raises(HubError, match=advice) as told:
        push(plan)
    assert "\n" not in str(told.value)
    assert str(status) in str(told.value)
    assert len(old.commits) == 1


@pytest.mark.parametrize(("token", "told"), [("hf_reader", "for reading"), ("hf_other", "namespace")])
def test_a_token_that_may_not_write_there(hub, plan, monkeypatch, token, told):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(HubError, match=rf"403 .*{told}.*use a token that may write there"):
        push(plan)
    assert hub.repos == {}


def test_without_a_token_or_with_a_wrong_one(hub, plan, monkeypatch):
    for token in ("hf_nobody", ""):
        monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(HubError, match=r"401 .*hf auth login"):
            push(plan)


def test_a_card_that_the_hub_refuses_is_an_error_before_anything_is_sent(hub, plan):
    bad = Plan(plan.kind, plan.repo_id, CARD.replace("mit", "my own"), plan.files, plan.replaces)
    with pytest.raises(HubError, match=r"cannot be published: .*license"):
        push(bad)
    assert count(hub, "PUT") == 0


def test_weights_are_published_with_their_card(hub, weights, capsys):
    main(["weights", "me/weights", "--folder", str(weights)])
    assert capsys.readouterr().out.strip() == f"me/weights@{hub.repos['model', 'me/weights'].commit}"
    files = files_of(hub)
    assert set(files) == {
        ".gitattributes", "README.md", "config.json", "embedder/config.json", "embedder/model.safetensors",
        "realizer/config.json", "realizer/model.safetensors", "upscaler/config.json",
        "upscaler/model.safetensors",
    }  # fmt: skip
    assert files["README.md"].startswith(b"---\n")
    assert files["embedder/model.safetensors"] == (weights / "embedder/model.safetensors").read_bytes()


def test_a_dry_run_shows_every_file_and_the_card_and_sends_nothing(hub, weights, capsys):
    main(["weights", "me/weights", "--folder", str(weights), "--dry-run"])
    shown = capsys.readouterr().out
    for name in ("config.json", "embedder/model.safetensors", "realizer/config.json", "## Limits"):
        assert name in shown
    assert f"{(weights / 'embedder/model.safetensors').stat().st_size:,}" in shown
    assert hub.requests == []


@pytest.fixture
def newly_trained(weights, tmp_path):
    """The arguments to publish a realizer that was just trained."""
    (tmp_path / "sources.md").write_text("Portraits by us, CC0.")
    (tmp_path / "numbers.md").write_text("`python -m training.evaluate x`\n\n| KID | 0.1 ± 0.01 |")
    run = write_run(tmp_path / "run")
    return [
        "weights", "me/mine", "--folder", str(weights), "--realizer", str(run / "export/drawn-to-photo"),
        "--sources", str(tmp_path / "sources.md"), "--numbers", str(tmp_path / "numbers.md"),
    ]  # fmt: skip


def test_a_new_stage_takes_its_place_and_the_card_tells_how_it_came_about(newly_trained, weights, tmp_path):
    plan = plan_weights(parse(newly_trained), tmp_path / "scratch")
    old, new = (path.read_bytes() for path in (weights / "realizer/model.safetensors",
                                              plan.files["realizer/model.safetensors"]))  # fmt: skip
    assert old != new
    assert (
        plan.files["embedder/model.safetensors"].read_bytes()
        == (weights / "embedder/model.safetensors").read_bytes()
    )
    for told in (
        "Portraits by us, CC0.", "A `drawn`, only f", "B `user/photos@main`", "2 of 2 steps", "2 processes",
        "seed 7", '"cycle_weight": 10', "cycle 2.5", "`python -m training.evaluate x`", "KID | 0.1 ± 0.01",
        "Not for identifying anybody", "women and men", "styles of drawing",
    ):  # fmt: skip
        assert told in plan.card
    assert "/home/somebody" not in plan.card
    assert str(tmp_path) not in plan.card


def test_realizers_by_gender_and_a_drawer_are_published_beside_the_stages(hub, newly_trained, tmp_path):
    run = write_run(tmp_path / "other")
    back = write_realizer(run / "export" / "photo-to-drawn", seed=2, direction="photo-to-drawn")
    more = ["--realizer-female", str(run / "export/drawn-to-photo"), "--drawer", str(back)]
    push(plan_weights(parse([*newly_trained, *more]), tmp_path / "scratch"))
    files = files_of(hub, name="me/mine")
    for stage in ("realizer", "realizer-female", "drawer"):
        assert {f"{stage}/config.json", f"{stage}/model.safetensors"} <= set(files)
    assert "realizer-male/config.json" not in files
    card = files["README.md"].decode()
    assert "| realizer-female | ugatit |" in card
    assert "**drawer**, recipe `ugatit`" in card


@pytest.mark.parametrize("left_out", ["--sources", "--numbers"])
def test_new_stages_without_sources_or_numbers_are_refused(newly_trained, tmp_path, left_out):
    at = newly_trained.index(left_out)
    with pytest.raises(WebcastError, match="need --sources and --numbers"):
        plan_weights(parse(newly_trained[:at] + newly_trained[at + 2 :]), tmp_path)


def test_an_export_outside_of_a_run_is_refused(newly_trained, weights, tmp_path):
    newly_trained[newly_trained.index("--realizer") + 1] = str(weights / "realizer")
    with pytest.raises(WeightsError, match="not in the folder of a training run"):
        plan_weights(parse(newly_trained), tmp_path)


def test_weights_that_nobody_could_load_are_refused(weights, tmp_path, capsys):
    broken = tmp_path / "broken"
    for name in ("config.json", "README.md", "embedder/config.json", "embedder/model.safetensors"):
        (broken / name).parent.mkdir(parents=True, exist_ok=True)
        (broken / name).write_bytes((weights / name).read_bytes())
    with pytest.raises(SystemExit) as ended:
        main(["weights", "me/weights", "--folder", str(broken), "--dry-run"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("left_out", "told"),
    [("## Limits", "no section Limits"), ("python -m training.prove", "no numbers with the command")],
)
def test_a_card_that_leaves_something_out_is_refused(tmp_path, left_out, told):
    (tmp_path / "README.md").write_text(CARD_OF_WEIGHTS.replace(left_out, ""))
    with pytest.raises(WeightsError, match=told):
        plan_weights(parse(["weights", "me/weights", "--folder", str(tmp_path)]), tmp_path)


@pytest.mark.parametrize("name", ["weights", "me/weights@v2", "a/b/c"])
def test_what_is_no_repository_id_is_refused(name, weights, capsys):
    with pytest.raises(SystemExit):
        main(["weights", name, "--folder", str(weights)])
    assert "is not a Hub id" in capsys.readouterr().err


def made_gallery(folder: Path, source: str = "ours") -> Path:
    photos = fakes.photos(folder / "photos", each=1)
    rows = [f"{name},{source},CC0" for name in fakes.COLOURS]
    (photos / "people.csv").write_text("\n".join(["name,source,licence", *rows]))
    made, _ = fakes.build_gallery(photos, fakes.ColourEmbedder(), fakes.PatchDetector())
    made.save(folder / "gallery")
    return folder / "gallery"


def test_a_gallery_is_published_with_its_card(hub, tmp_path):
    folder = made_gallery(tmp_path)
    push(plan_gallery(parse(["gallery", "me/people", "--folder", str(folder)]), tmp_path))
    files = files_of(hub, "dataset", "me/people")
    assert set(files) == {".gitattributes", "README.md", "data/train-00000-of-00001.parquet"}
    card = files["README.md"].decode()
    assert "embedder_id: colours-12" in card
    assert "## How to be removed" in card
    assert "| ours | CC0 | 5 |" in card


def test_whoever_is_removed_from_a_gallery_is_gone_from_the_revision(hub, tmp_path):
    hub.repos["dataset", "me/people"] = Repo({"data/train-00001-of-00002.parquet": b"removed"})
    folder = made_gallery(tmp_path)
    push(plan_gallery(parse(["gallery", "me/people", "--folder", str(folder)]), tmp_path))
    assert set(files_of(hub, "dataset", "me/people")) == {"README.md", "data/train-00000-of-00001.parquet"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_of_two_processes_one_publishes(tmp_path):
    folder = made_gallery(tmp_path)
    with serve(Hub(tokens={"hf_me": User("me")})) as hub:
        environment = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": "hf_me", "HF_HUB_DISABLE_XET": "1"}
        call = ("publish", "gallery", "me/people", "--folder", str(folder))
        told = launch(2, tmp_path / "record", *call, **environment)
    assert records(tmp_path / "record", "processes") == [{"2"}, {"2"}]
    repo = hub.repos["dataset", "me/people"]
    assert told.strip() == f"me/people@{repo.commit}"
    assert count(hub, "/commit/") == 1


def test_a_gallery_without_sources_is_refused(tmp_path):
    folder = made_gallery(tmp_path, source="")
    with pytest.raises(GalleryError, match="5 of 5 portraits have no source or licence"):
        plan_gallery(parse(["gallery", "me/people", "--folder", str(folder)]), tmp_path)


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A small checkout: front matter, an app and a package."""
    root = tmp_path / "checkout"
    front = {"title": "webcast", "emoji": "🎬", "sdk": "gradio", "sdk_version": "6.0.0", "license": "mit"}
    front |= {"python_version": "3.12", "app_file": "app.py"}
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()]
    for name in ("app.py", "requirements.txt", "packages.txt", "LICENSE", "webcast/build.py",
                 "webcast/app/style.css", "webcast/__pycache__/build.pyc", "training/train.py",
                 ".env"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "README.md").write_text("\n".join(["---", *lines, "---", "", "# webcast"]), encoding="utf-8")
    Image.new("RGB", (8, 8)).save(root / "webcast" / "example.png")
    return root


def space(checkout: Path, *more: str) -> list[str]:
    ids = ["--weights", "me/weights@v1", "--gallery", "me/people"]
    return ["space", "me/cast", *ids, "--root", str(checkout), *more]


def test_a_space_has_the_app_and_names_its_repositories(hub, checkout):
    plan = plan_space(parse(space(checkout, "--dry-run")), checkout)
    told = push(plan)
    files = files_of(hub, "space", "me/cast")
    assert set(files) == {
        ".gitattributes", "README.md", "app.py", "requirements.txt", "packages.txt", "LICENSE",
        "webcast/app/style.css", "webcast/build.py", "webcast/example.png",
    }  # fmt: skip
    card = files["README.md"].decode()
    assert "models:\n- me/weights\n" in card
    assert "datasets:\n- me/people\n" in card
    assert "emoji: 🎬" in card
    assert hub.repos["space", "me/cast"].variables == {
        "WEBCAST_WEIGHTS": "me/weights@v1",
        "WEBCAST_GALLERY": "me/people",
    }
    assert told == f"me/cast@{hub.repos['space', 'me/cast'].commit}"


def test_a_space_without_front_matter_is_refused(checkout):
    (checkout / "README.md").write_text("---\ntitle: webcast\n---\n")
    with pytest.raises(WebcastError, match="lacks sdk, sdk_version, python_version, app_file, license"):
        plan_space(parse(space(checkout, "--dry-run")), checkout)


MEASURED = {
    "similarity": "realized",
    "firm_standout": {"direct": 1.5, "realized": 1.6},
    "characters": {"limit": 0.7, "colour_weight": 0.2},
}


@pytest.mark.parametrize(
    ("trained", "kept"),
    [
        ({"drawer"}, MEASURED),
        ({"realizer"}, MEASURED | {"firm_standout": {"direct": 1.5}, "similarity": "direct"}),
        ({"upscaler"}, {"characters": MEASURED["characters"], "firm_standout": {}}),
        ({"embedder", "drawer"}, {"characters": None, "firm_standout": {}}),
    ],
)
def test_what_was_measured_is_kept_as_far_as_it_does_not_hang_on_a_new_stage(tmp_path, trained, kept):
    """Without the way to join faces every episode would be refused, and without a limit nothing is firm."""
    write_config({"similarity": "direct", "firm_standout": {}}, tmp_path)
    keep_measured(MEASURED, tmp_path, trained)
    told = read_config(tmp_path)
    assert {key: told.get(key) for key in kept} == kept


def test_a_published_realizer_leaves_how_faces_are_joined(newly_trained, weights, tmp_path):
    plan = plan_weights(parse(newly_trained), tmp_path / "scratch")
    told = json.loads(plan.files["config.json"].read_text())
    assert told.get("characters") == read_config(weights).get("characters")
