"""Training the detector: targets that say what the network answers, and a run of two steps."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.test_page_parts import COLOURS, POINTS, head, parts  # noqa: F401
from training.detector import DetectorRecipe, LabelledParts, heat_loss, targets
from training.loop import LoopConfig, train
from training.page_parts import PlacedFace
from training.points import PointsRecipe, RoughCrops
from webcast.detect import DETECTORS
from webcast.networks.centerface import OUTPUTS, decode
from webcast.networks.pointsnet import CROP_PX
from webcast.types import Panel
from webcast.weights import read_config, read_tensors


def test_a_network_that_answers_the_targets_finds_the_faces():
    faces = [
        PlacedFace(POINTS, np.array([112.3, 110.0]), 110.0),
        PlacedFace(POINTS / 4, np.array([29.0, 27.0]), 24.0),
    ]
    maps = targets(faces, 64)
    heat = torch.from_numpy(maps["heat"]).clamp(1e-4, 1 - 1e-4)
    output = torch.cat([torch.logit(heat)[None], torch.from_numpy(maps["values"])])[None]
    (found,) = decode(output, 0.9)
    for row, face in zip(sorted(found.tolist(), key=lambda row: -row[3]), faces, strict=True):
        assert row[1:4] == pytest.approx([*face.centre, face.side], abs=1e-3)
        assert row[4:] == pytest.approx(face.points.ravel().tolist(), abs=1e-3)
    assert maps["weight"].sum() == pytest.approx(2, abs=1e-5)


def test_around_a_doubtful_face_nothing_is_learnt():
    face = PlacedFace(POINTS, np.array([112.0, 112.0]), 110.0, is_doubtful=True)
    maps = targets([face], 64)
    assert maps["heat"].max() == maps["weight"].max() == 0
    assert maps["care"][28, 28] == 0
    assert maps["care"][5, 5] == 1
    sure_of_a_face = torch.full((1, 64, 64), -20.0)
    sure_of_a_face[0, 26:30, 26:30] = 5.0
    loss = heat_loss(
        sure_of_a_face, torch.from_numpy(maps["heat"])[None], torch.from_numpy(maps["care"])[None]
    )
    assert loss < 1e-3


def test_a_right_map_costs_less_than_a_wrong_one():
    heat = torch.from_numpy(targets([PlacedFace(POINTS, np.array([112.0, 112.0]), 110.0)], 64)["heat"])[None]
    care = torch.ones_like(heat)
    right = torch.logit(heat.clamp(1e-3, 1 - 1e-3))
    assert heat_loss(right, heat, care) * 5 < heat_loss(right.roll(20, 2), heat, care)


def run(folder, parts, steps: int, resume: bool = False) -> None:  # noqa: F811
    torch.manual_seed(0)
    recipe = DetectorRecipe(1e-3, 8, LabelledParts(parts, 1))
    config = LoopConfig(
        str(folder), steps, 2, {"name": "detector"}, workers=0, save_every=1, log_every=1, trackers=()
    )
    train(recipe, LabelledParts(parts, 0), config, resume)


def test_a_run_can_be_resumed(parts, tmp_path):  # noqa: F811
    run(tmp_path, parts, 1)
    run(tmp_path, parts, 2, resume=True)
    losses = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text().splitlines()]
    assert [line["step"] for line in losses] == [1, 2]
    assert all(np.isfinite(line[name]) for line in losses for name in ("heat", "box", "points"))
    assert read_config(tmp_path / "export") == {"name": "centerface", "channels": 8}
    assert list((tmp_path / "pictures").glob("*.png"))


def test_the_second_look_is_trained_and_both_become_one_detector(head, parts, tmp_path):  # noqa: F811
    run(tmp_path / "first", parts, 1)
    crops = RoughCrops([head], 0)
    recipe = PointsRecipe(1e-3, 8, tmp_path / "first" / "export", crops)
    config = LoopConfig(
        str(tmp_path / "points"), 2, 2, {"name": "points"}, workers=0, save_every=2, log_every=1, trackers=()
    )
    train(recipe, crops, config)
    folder = tmp_path / "points" / "export"
    assert read_config(folder) == {"name": "centerface", "channels": 8, "points_channels": 8}
    detector = DETECTORS["centerface"](folder, torch.device("cpu"))
    assert len(detector.detect([Panel(Image.new("RGB", (64, 64)), "plain")])) == 1
    first = read_tensors(tmp_path / "first" / "export")
    both = read_tensors(folder)
    assert all((both[f"first.{name}"] == tensor).all() for name, tensor in first.items())


def test_points_of_a_rough_crop_lie_on_what_they_name(head, monkeypatch):  # noqa: F811
    for name in ("tinted", "printed", "seen_as", "covered"):
        monkeypatch.setattr(f"training.points.{name}", lambda picture, rng: picture)
    crops = RoughCrops([head], 0)
    for number in range(30):
        sample = crops[number]
        picture = sample["crop"].permute(1, 2, 0).numpy().astype(int)
        places = (sample["points"].numpy() * CROP_PX).astype(int)
        inside = ((places >= 0) & (places < CROP_PX)).all(1)
        colours = np.array([picture[y, x] for x, y in places[inside]])
        wanted = [COLOURS[inside], COLOURS[[1, 0, 2, 4, 3]][inside]]  # the second where it is mirrored
        assert inside.sum() >= 4
        assert min(np.abs(colours - w).max() for w in wanted) < 90


def test_a_sample_is_its_number(parts):  # noqa: F811
    dataset = LabelledParts(parts, 0)
    one, again, other = dataset[5], dataset[5], dataset[6]
    assert set(one) == {"image", "heat", "care", "values", "weight"}
    assert one["values"].shape == (OUTPUTS - 1, 32, 32)
    assert all((one[name] == again[name]).all() for name in one)
    assert (one["image"] != other["image"]).any()
