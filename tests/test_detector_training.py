"""Training the detector: targets that say what the network answers, and a run of two steps."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.test_page_parts import POINTS, head, parts  # noqa: F401
from training.detector import DetectorRecipe, LabelledParts, heat_loss, targets
from training.loop import LoopConfig, train
from training.page_parts import PlacedFace
from webcast.detect import DETECTORS
from webcast.networks.centerface import OUTPUTS, decode
from webcast.types import Panel
from webcast.weights import read_config


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


def test_a_run_can_be_resumed_and_leaves_weights_that_the_stage_reads(parts, tmp_path):  # noqa: F811
    run(tmp_path, parts, 1)
    run(tmp_path, parts, 2, resume=True)
    losses = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text().splitlines()]
    assert [line["step"] for line in losses] == [1, 2]
    assert all(np.isfinite(line[name]) for line in losses for name in ("heat", "box", "points"))
    assert read_config(tmp_path / "export") == {"name": "centerface", "channels": 8}
    assert list((tmp_path / "pictures").glob("*.png"))
    detector = DETECTORS["centerface"](tmp_path / "export", torch.device("cpu"))
    assert len(detector.detect([Panel(Image.new("RGB", (64, 64)), "plain")])) == 1


def test_a_sample_is_its_number(parts):  # noqa: F811
    dataset = LabelledParts(parts, 0)
    one, again, other = dataset[5], dataset[5], dataset[6]
    assert set(one) == {"image", "heat", "care", "values", "weight"}
    assert one["values"].shape == (OUTPUTS - 1, 32, 32)
    assert all((one[name] == again[name]).all() for name in one)
    assert (one["image"] != other["image"]).any()
