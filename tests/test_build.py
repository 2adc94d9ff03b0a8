"""Building from folders; the stages are the real ones, with weights that are drawn at random here."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests import fakes, tiny_weights
from training.bundle import assemble
from webcast import gallery as gallery_module
from webcast import hub, load_caster
from webcast import weights as weights_module
from webcast.build import build_stages, choose_device, load_stages, with_drawer
from webcast.embed import resnet18
from webcast.errors import GalleryError, HubError, WebcastError, WeightsError
from webcast.gallery import build_gallery
from webcast.hub import HubDown, Pulled
from webcast.weights import sha256


def write_json(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A folder of weights: Haar, no upscaler, no realizer, and an untrained ResNet18."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    state = {name: t.half() if t.is_floating_point() else t for name, t in resnet18().state_dict().items()}
    embedder = {"name": "resnet18", "size_px": 112, "dim": 512, "mean": [0.5] * 3, "std": [0.5] * 3}
    write_json(folder / "embedder" / "config.json", embedder)
    save_file(state, folder / "embedder" / "model.safetensors")
    stages = {"detector": "haar", "upscaler": "none", "realizer": "none", "embedder": "resnet18"}
    config = {
        "format": 1,
        "similarity": "realized",
        "stages": stages,
        "firm_standout": {"realized": 2.5},
        "sha256": {"embedder/model.safetensors": sha256(folder / "embedder" / "model.safetensors")},
    }
    write_json(folder / "config.json", config)
    return folder


@pytest.fixture(scope="module")
def gallery(weights, tmp_path_factory) -> Path:
    """A gallery that those weights made."""
    folder = tmp_path_factory.mktemp("gallery")
    made, _ = build_gallery(
        fakes.photos(folder / "photos", each=2), load_stages(weights, "cpu").embedder, fakes.PatchDetector()
    )
    made.save(folder / "gallery")
    return folder / "gallery"


def changed(weights: Path, folder: Path, **settings: object) -> Path:
    """A copy of the weights with other settings in its config; None takes one out."""
    shutil.copytree(weights, folder)
    config = json.loads((weights / "config.json").read_text()) | settings
    write_json(folder / "config.json", {key: value for key, value in config.items() if value is not None})
    return folder


def test_a_caster_is_built_from_two_folders(weights, gallery):
    caster = load_caster(gallery, weights, "cpu")
    assert caster.device == "cpu"
    assert caster.stages.similarity == "realized"
    assert caster.stages.firm_standout == {"realized": 2.5}
    assert caster.sources.weights == weights.name
    assert caster.sources.gallery == "gallery"
    assert len(caster.sources.weights_revision) == len(caster.sources.gallery_revision) == 12
    assert caster.notices == ()
    face = caster.gallery.portraits[0].image
    probe = caster.stages.embedder.embed([face])
    ((votes, _),) = caster.gallery.search(probe)
    assert votes[0].similarity == pytest.approx(1.0, abs=1e-3)


def test_a_gallery_of_other_weights_says_how_to_rebuild(weights, gallery, tmp_path):
    other = changed(weights, tmp_path / "other", sha256={})
    file = other / "embedder" / "model.safetensors"
    save_file(resnet18().state_dict(), file)
    write_json(
        other / "config.json",
        json.loads((other / "config.json").read_text())
        | {"sha256": {"embedder/model.safetensors": sha256(file)}},
    )
    with pytest.raises(GalleryError, match="rebuild it with these weights: python -m webcast gallery build"):
        load_caster(gallery, other, "cpu")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"format": 2}, "this webcast reads 1"),
        ({"format": None}, "this webcast reads 1"),
        ({"similarity": "both"}, "it is direct or realized"),
        ({"stages": {"detector": "haar"}}, "upscaler"),
        (
            {"stages": {"detector": "x", "upscaler": "none", "realizer": "none", "embedder": "resnet18"}},
            "joined",
        ),
        ({"firm_standout": {"direct": "high"}}, "direct"),
        ({"firm_standout": 3}, "firm_standout"),
        ({"sha256": None}, "sha256"),
        ({"sha256": {}}, "has no SHA-256 for embedder/model.safetensors"),
        ({"sha256": {"embedder/model.safetensors": "0" * 64}}, "fetch the weights again"),
        ({"sha256": {"../secret": "0" * 64}}, "missing"),
    ],
)
def test_a_wrong_config_is_an_error(weights, tmp_path, settings, told):
    with pytest.raises(WeightsError, match=told):
        load_stages(changed(weights, tmp_path / "copy", **settings), "cpu")


def test_realizers_by_gender_and_a_drawer_are_loaded_where_the_weights_have_them(tmp_path):
    plain = load_stages(tiny_weights.write_weights(tmp_path / "plain"), "cpu")
    assert plain.realizers == {}
    assert plain.drawer is None
    assert plain.realizer_for("female") is plain.realizer

    parts = {stage: tmp_path / "plain" / stage for stage in ("upscaler", "realizer", "embedder")}
    for gender, seed in (("female", 1), ("male", 2)):
        parts[f"realizer-{gender}"] = tiny_weights.write_realizer(tmp_path / gender, seed)
    parts["drawer"] = tiny_weights.write_realizer(tmp_path / "drawer", 3, "photo-to-drawn")
    assemble(parts, tmp_path / "more")
    stages = load_stages(tmp_path / "more", "cpu")
    photo = Image.new("RGB", (64, 64), "#c08060")
    translators = [stages.realizer_for(gender) for gender in (None, "female", "male")] + [stages.drawer]
    assert len({translator.realize([photo])[0].tobytes() for translator in translators}) == 4

    parts["drawer"] = parts["realizer"]
    assemble(parts, tmp_path / "wrong")
    with pytest.raises(WeightsError, match="goes drawn-to-photo; one that goes photo-to-drawn is wanted"):
        load_stages(tmp_path / "wrong", "cpu")


@pytest.mark.parametrize("inside", ["", "photo-to-drawn", "drawer"])
def test_a_drawer_is_found_where_training_and_publishing_leave_it(weights, tmp_path, inside):
    tiny_weights.write_realizer(tmp_path / "found" / inside, direction="photo-to-drawn")
    stages = with_drawer(load_stages(weights, "cpu"), tmp_path / "found")
    assert stages.drawer.direction == "photo-to-drawn"


def test_a_folder_without_weights_is_an_error(tmp_path):
    with pytest.raises(WeightsError, match="give a folder of webcast weights"):
        load_stages(tmp_path, "cpu")


def test_hashes_are_checked_through_the_links_of_the_hubs_cache(weights, tmp_path):
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    shutil.copytree(weights, blobs)
    for path in [path for path in blobs.rglob("*") if path.is_file()]:
        link = snapshot / path.relative_to(blobs)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    assert build_stages(Pulled(snapshot, "u/w", "abc"), torch.device("cpu")).revision == "abc"


def test_the_device_is_chosen_once():
    assert choose_device("cpu") == torch.device("cpu")
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert choose_device(None).type == expected


@pytest.mark.parametrize("name", ["tpu", "", "CUDA", "gpu:0"])
def test_a_wrong_device_is_an_error(name):
    with pytest.raises(WebcastError, match="choose cuda, mps or cpu"):
        choose_device(name)


def test_a_device_that_is_not_here_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(WebcastError, match="no cuda device"):
        choose_device("cuda")


def test_a_hub_that_is_down_is_told_in_every_result(weights, gallery, monkeypatch):
    def down(*_: object, **__: object) -> Path:
        raise HubDown("The Hub could not be reached for the model u/w; try again later.")

    monkeypatch.setattr(hub, "_fetch", down)
    monkeypatch.setattr(hub, "FOLDERS", {"model": weights, "dataset": gallery})
    caster = load_caster("u/gallery", "u/w", "cpu")
    assert caster.sources.weights == caster.sources.gallery == "bundle"
    assert "could not be reached" in caster.notices[0]
    with pytest.raises(HubError, match="could not be reached"):
        load_stages("u/w", "cpu")


def test_importing_webcast_leaves_torch_alone():
    code = "import sys, webcast; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


# --- the bundle --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundled():
    return load_caster(device="cpu")


def test_the_bundle_casts_its_own_portraits(bundled):
    """A portrait of the troupe on a page is found, and its own person is the nearest."""
    portrait = bundled.gallery.portraits[0]
    page = Image.new("RGB", (1000, 1000), "white")
    page.paste(portrait.image.resize((400, 400)), (300, 300))
    ballot = bundled.cast(page, faces=[0], similarity="direct").ballots[0]
    assert ballot.votes[0].portrait.person == portrait.person


def test_a_second_cast_loads_nothing_again(bundled, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("loaded again")

    monkeypatch.setattr(weights_module, "load_file", refuse)
    monkeypatch.setattr(gallery_module, "read_table", refuse)
    page = Image.new("RGB", (600, 600), "white")
    page.paste(bundled.gallery.portraits[0].image.resize((300, 300)), (150, 150))
    first, second = bundled.cast(page), bundled.cast(page)
    assert first.standings == second.standings


def test_the_bundled_embedder_made_the_bundled_gallery(bundled):
    portraits = bundled.gallery.portraits[:8]
    again = bundled.stages.embedder.embed([portrait.image for portrait in portraits])
    assert np.sum(again * bundled.gallery.embeddings[:8], axis=1) == pytest.approx(1.0, abs=0.01)


def test_the_bundled_troupe_is_as_large_as_promised(bundled):
    genders = [person.gender for person in bundled.gallery.people]
    assert min(genders.count(gender) for gender in set(genders)) >= 24
    assert len(set(genders)) == 2
    assert min(bundled.gallery.portraits_each.values()) >= 2
    assert all(portrait.source and portrait.licence for portrait in bundled.gallery.portraits)


def test_the_bundle_stays_under_64_mib():
    folders = hub.FOLDERS.values()
    assert sum(p.stat().st_size for folder in folders for p in folder.rglob("*") if p.is_file()) < 64 * 2**20
