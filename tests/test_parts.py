"""Parts by name: what is listed, what is refused and how, what is built and what is shared."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests import fakes
from tests.tiny_weights import EMBEDDER, write_realizer, write_weights
from webcast import Parts, load_caster
from webcast import parts as parts_module
from webcast.build import REGISTRIES, choose_device, load_stages, parts_here, with_parts
from webcast.detect import DETECTORS, JoinedDetector
from webcast.embed import resnet18
from webcast.errors import GalleryError, WebcastError, WeightsError
from webcast.gallery import build_gallery
from webcast.networks.waifu2x import UpConv7
from webcast.parts import CATALOGUE, FILES, NETWORKS
from webcast.weights import write_stage


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A folder of parts: a waifu2x, a realizer and an embedder of the user's own, and a folder of something
    else.
    """
    folder = tmp_path_factory.mktemp("parts")
    torch.manual_seed(3)
    write_stage(
        folder / "waifu2x-upconv_7-noise1", {"name": "waifu2x", "network": "upconv_7", "scale": 2}, UpConv7()
    )
    write_realizer(folder / "my-realizer", seed=5)
    write_stage(folder / "my-embedder", EMBEDDER, resnet18())
    (folder / "notes").mkdir()
    (folder / "notes" / "config.json").write_text("[]")
    return folder


@pytest.fixture(scope="module")
def stages(weights):
    return load_stages(weights, "cpu")


def test_nothing_chosen_is_what_the_weights_name(stages, weights):
    again = load_stages(weights, "cpu", Parts())
    assert again.names == stages.names
    assert again.names["upscaler"] == "realesrgan"
    assert again.photo_detector is again.detector
    assert again.photo_upscaler is again.upscaler
    assert again.parts.told() == ""


@pytest.mark.parametrize("stage", CATALOGUE)
def test_a_wrong_name_lists_the_right_ones(stages, stage):
    with pytest.raises(WebcastError) as told:
        with_parts(stages, Parts(**{stage: "nonsense"}))
    sentence = str(told.value)
    assert sentence.startswith(f"There is no {stage.replace('_', ' ')} called 'nonsense'; choose one of ")
    assert all(part.name in sentence for part in CATALOGUE[stage] if parts_module.is_offered(part, stage))


def test_every_part_without_weights_says_what_to_fetch_from_where(stages, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(parts_module.importlib.util, "find_spec", lambda name: object())
    here = {"joined", "animeface", "haar", "none", "cosine", "euclidean", "realesrgan", "ugatit", "resnet18"}
    for stage, listed in CATALOGUE.items():
        for part in listed:
            if part.name in here:
                continue
            with pytest.raises(WeightsError) as told:
                with_parts(stages, Parts(**{stage: part.name}))
            sentence = str(told.value)
            assert f"The weights of {part.name} are not in" in sentence
            assert "--parts" in sentence
            assert "\n" not in sentence
            assert part.fetch in sentence


def test_what_a_fetched_file_is_named_is_in_the_catalogue():
    for part in CATALOGUE["embedder"]:
        assert part.name not in FILES or FILES[part.name] in part.fetch


def test_a_missing_package_is_named(weights, monkeypatch):
    monkeypatch.setattr(parts_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"pip install insightface"):
        load_stages(weights, "cpu", Parts(detector="scrfd"))


def test_networks_that_a_folder_may_name_are_those_of_the_registries():
    for stage, networks in NETWORKS.items():
        assert set(networks) <= set(REGISTRIES.get(stage, ()))


def test_the_catalogue_and_the_registries_agree():
    for part in CATALOGUE["detector"]:
        assert part.name in REGISTRIES["detector"]
    for stage, registry in REGISTRIES.items():
        names = {part.name for part in CATALOGUE[stage]} | set(NETWORKS[stage])
        assert set(registry) <= names, "every builder can be named"


def test_a_part_from_the_folder_takes_the_place_of_the_weights_own(stages, weights, parts):
    chosen = Parts(upscaler="waifu2x-upconv_7-noise1", realizer="my-realizer", folder=str(parts))
    other = with_parts(stages, chosen)
    assert other.upscaler.scale == 2
    assert other.detector is stages.detector
    assert other.realizer is not stages.realizer
    assert other.photo_upscaler is stages.upscaler
    assert with_parts(other, Parts()).upscaler.scale == 4
    assert other.parts.told() == "upscaler waifu2x-upconv_7-noise1, realizer my-realizer"


def test_what_has_not_changed_is_not_loaded_again(stages, monkeypatch):
    from webcast import weights as weights_module

    def refuse(*_):
        raise AssertionError("loaded again")

    monkeypatch.setattr(weights_module, "load_file", refuse)
    other = with_parts(stages, Parts(detector="haar", upscaler="none", distance="euclidean"))
    assert other.realizer is stages.realizer
    assert other.embedder.id == stages.embedder.id + "-euclidean"
    assert other.detector is not stages.detector
    assert other.photo_detector is stages.detector


def test_detectors_can_be_joined(stages):
    joined = with_parts(stages, Parts(detector="animeface+haar")).detector
    assert isinstance(joined, JoinedDetector)
    page = fakes.page("#c03030")
    assert joined.detect([fakes.Panel(page, "page")]) == [[]]
    with pytest.raises(WebcastError, match="no detector called 'hair'"):
        with_parts(stages, Parts(detector="animeface+hair"))


def test_a_detector_is_joined_once_with_itself_and_nothing_else_is_joined(stages):
    many = with_parts(stages, Parts(detector="+".join(["animeface", *["haar"] * 500]))).detector
    assert len(many._detectors) == 2
    with pytest.raises(WebcastError, match=r"no upscaler called 'none\+realesrgan'"):
        with_parts(stages, Parts(upscaler="none+realesrgan"))


@pytest.mark.parametrize("name", ["cpu:banana", "cuda:99", "tpu"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(WebcastError, match="device"):
        choose_device(name)


def test_a_joined_detector_keeps_the_surest_of_each_face():
    class Sees:
        def __init__(self, *faces):
            self.faces = list(faces)

        def detect(self, panels):
            return [self.faces for _ in panels]

    panel = fakes.Panel(fakes.page("#c03030"), "page")
    ((large,),) = fakes.PatchDetector().detect([panel])
    unsure, beside = (
        replace(large, likelihood=0.5),
        replace(large, box=large.box.shifted(100, 0), likelihood=0.3),
    )
    assert JoinedDetector([Sees(unsure), Sees(large, beside)]).detect([panel]) == [[large, beside]]


def test_limits_hold_for_the_parts_they_were_measured_with(weights, parts, tmp_path):
    copy = tmp_path / "weights"
    shutil.copytree(weights, copy)
    config = json.loads((copy / "config.json").read_text())
    config["firm_standout"] = {"direct": 0.3, "realized": 0.4}
    (copy / "config.json").write_text(json.dumps(config))

    def limits(**chosen):
        return load_stages(copy, "cpu", Parts(folder=str(parts), **chosen)).firm_standout

    assert limits() == {"direct": 0.3, "realized": 0.4}
    assert limits(upscaler="none", detector="haar") == {"direct": 0.3, "realized": 0.4}
    assert limits(realizer="none") == {"direct": 0.3}
    assert limits(embedder="my-embedder") == limits(distance="euclidean") == {}


def test_the_list_says_what_is_here_and_begins_with_the_weights_own(stages, parts, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    listed = parts_here(stages, "upscaler", str(parts))
    assert listed[0].name == "realesrgan"
    here = {part.name for part in listed if part.is_here}
    assert here == {"realesrgan", "none", "waifu2x-upconv_7-noise1"}
    assert "models-cunet" in next(part.missing for part in listed if part.name == "waifu2x-cunet")
    assert {part.name for part in parts_here(stages, "realizer", str(parts)) if part.is_here} == {
        "ugatit",
        "none",
        "my-realizer",
    }
    assert [part.name for part in parts_here(stages, "photo_detector") if part.is_here] == ["joined", "haar"]
    assert [part.name for part in parts_here(stages, "distance")] == ["cosine", "euclidean"]


def test_a_gallery_of_another_embedder_or_distance_says_how_to_rebuild(stages, weights, parts, tmp_path):
    made, _ = build_gallery(fakes.photos(tmp_path / "photos", each=2), stages.embedder, fakes.PatchDetector())
    made.save(tmp_path / "gallery")
    for chosen in (Parts(distance="euclidean"), Parts(embedder="my-embedder", folder=str(parts))):
        with pytest.raises(GalleryError, match=r"gallery build FOLDER --out DIR .*--embedder and --distance"):
            load_caster(tmp_path / "gallery", weights, "cpu", chosen)
    caster = load_caster(tmp_path / "gallery", weights, "cpu", Parts(upscaler="none"))
    assert caster.stages.names["upscaler"] == "none"


def test_by_euclidean_distance_the_nearest_is_the_nearest(stages, tmp_path):
    embedder = stages.embedder.by("euclidean")
    made, _ = build_gallery(fakes.photos(tmp_path / "photos", each=2), embedder, fakes.PatchDetector())
    assert made.distance == "euclidean"
    assert np.abs(np.linalg.norm(made.embeddings, axis=1) - 1).max() > 0.1
    probe = made.embeddings[3] + 0.001
    ((votes, standout),) = made.search(probe[None])
    distances = np.linalg.norm(made.embeddings - probe, axis=1)
    nearest = [made.portraits.index(vote.portrait) for vote in votes]
    assert nearest == np.argsort(distances, kind="stable")[:5].tolist()
    assert votes[0].similarity == pytest.approx(1 / (1 + distances.min()))
    assert standout > 0
    made.save(tmp_path / "gallery")
    again = made.embedded_by(stages.embedder)
    assert again.distance == "cosine"
    assert again.portraits == made.portraits


def test_a_result_says_which_parts_were_chosen(stages, tmp_path):
    caster = fakes.caster(tmp_path)
    page = fakes.page("#c03030")
    plain = caster.cast([page])
    chosen = replace(caster, stages=replace(caster.stages, parts=Parts(upscaler="none"))).cast([page])
    assert "Parts other than the weights' own: upscaler none." in chosen.notices
    assert not any("Parts other" in notice for notice in plain.notices)


def test_haar_can_be_asked_for_photos_alone(stages):
    other = with_parts(stages, Parts(photo_detector="haar"))
    assert other.detector is stages.detector
    assert type(other.photo_detector) is type(DETECTORS["haar"](None, None))
    assert other.photo_detector is not other.detector
