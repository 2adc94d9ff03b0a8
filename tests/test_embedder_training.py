"""The embedder's training: what its pairs show, what its losses want, and that a run gives an embedder."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from tests.app_server import ROOT
from tests.small_heads import write_heads
from tests.synthetic_face import synthetic_photo
from training.drawings import PHOTO, PUBLISHED, WAYS, load
from training.embedder import ArcFaceHead, PhotoAndDrawing, Pupil, contrastive, drawn_way
from webcast.embed import load_resnet18


@pytest.fixture
def heads_folder(tmp_path):
    return write_heads(tmp_path / "heads")


def test_a_sample_is_a_person_twice_by_another_photo_where_there_is_one(heads_folder):
    class Indices(PhotoAndDrawing):
        def picture(self, way, index, rng):
            return way == PHOTO, index

    data = Indices(load(heads_folder), 32, seed=0)
    shown = {(s["photo"], s["drawing"], int(s["person"])) for s in (data[n] for n in range(60))}
    ann, bob, cem = (data.labels[name] for name in ("ann", "bob", "cem"))
    pairs = {(0, 1, ann), (1, 0, ann), (2, 2, bob), (3, 3, cem)}
    assert shown == {((True, photo), (False, drawn), person) for photo, drawn, person in pairs}


def test_drawings_are_published_only_where_one_was(heads_folder):
    heads = load(heads_folder)
    sample = PhotoAndDrawing(heads, 32, seed=0)[0]
    assert sample["photo"].shape == sample["drawing"].shape == (3, 32, 32)
    assert sample["photo"].dtype == sample["drawing"].dtype == torch.float32
    rng = np.random.default_rng(0)
    assert PUBLISHED in {drawn_way(heads, 0, rng) for _ in range(60)}
    assert {drawn_way(heads, 2, rng) for _ in range(200)} == set(WAYS) - {PHOTO, PUBLISHED}


def test_the_baseline_sees_no_drawing(heads_folder):
    """Of drawings, which are made white here, it shows nothing."""
    heads = load(heads_folder)
    for way in set(WAYS) - {PHOTO}:
        heads.ways[way][:] = 255
    heads.ways[PHOTO][:] = 60
    alone = PhotoAndDrawing(heads, 32, seed=0, photos_only=True)
    both = PhotoAndDrawing(heads, 32, seed=0)
    assert max(float(alone[n]["drawing"].median()) for n in range(20)) < 0
    assert max(float(both[n]["drawing"].median()) for n in range(20)) > 0


def test_the_margin_makes_the_own_person_harder_by_its_angle():
    head = ArcFaceHead(3, scale=10)
    features, labels = torch.randn(4, 512), torch.tensor([0, 1, 2, 0])
    plain, hard = head(features, labels, 0.0), head(features, labels, 0.3)
    own = F.one_hot(labels, 3).bool()
    torch.testing.assert_close(plain[~own], hard[~own])
    angles = torch.acos(plain[own] / 10)
    torch.testing.assert_close(hard[own], 10 * torch.cos(angles + 0.3))


def test_the_contrast_is_none_where_each_drawing_is_its_photo_and_spares_the_same_person():
    photos = torch.eye(4, 8)
    alone = torch.arange(4)
    assert contrastive(photos, photos, alone, 0.05) < 1e-3
    swapped = contrastive(photos, photos[[1, 0, 2, 3]], alone, 0.05)
    assert swapped > 5
    same = torch.tensor([0, 0, 1, 2])  # two samples of one person: they may be mistaken for each other
    halves = photos.clone()
    halves[1] = photos[0]
    assert contrastive(halves, halves, same, 0.05) < 1e-3
    assert contrastive(halves, halves, alone, 0.05) == pytest.approx(math.log(2) / 2, rel=0.05)


def test_a_sample_says_which_photos_it_shows(heads_folder):
    class Indices(PhotoAndDrawing):
        def picture(self, way, index, rng):
            return index

    data = Indices(load(heads_folder), 32, seed=0)
    for sample in (data[n] for n in range(20)):
        assert sample["shown"].tolist() == [sample["photo"], sample["drawing"]]


def test_a_pupil_is_right_where_it_leads_to_what_the_teacher_saw():
    vectors = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    pupil = Pupil(vectors, torch.tensor([0, 0, 1, 2]), temperature=0.01)
    torch.nn.init.eye_(pupil.to_teacher.weight)
    torch.nn.init.zeros_(pupil.to_teacher.bias)
    seen = F.pad(pupil.vectors, (0, 506))
    assert pupil(seen, torch.arange(4)) < 1e-3
    assert pupil(seen[[2]], torch.tensor([3])) > 10


def test_a_pupil_may_take_another_photo_of_the_same_person_for_this_one():
    vectors = np.float32([[1, 0, 0], [1, 0.1, 0], [0, 1, 0], [0, 0, 1]])
    same, apart = (Pupil(vectors, torch.tensor(p), 0.01, pull=0) for p in ([0, 0, 1, 2], [0, 3, 1, 2]))
    for pupil in (same, apart):
        torch.nn.init.eye_(pupil.to_teacher.weight)
        torch.nn.init.zeros_(pupil.to_teacher.bias)
    between = F.pad(same.vectors[:1] + same.vectors[1:2], (0, 509))
    assert same(between, torch.tensor([0])).item() < 0.01
    assert apart(between, torch.tensor([0])).item() == pytest.approx(math.log(2), rel=0.1)


def test_a_run_with_a_teacher_keeps_the_embedder_alone(heads_folder, tmp_path):
    teacher, run = tmp_path / "teacher.npz", tmp_path / "run"
    vectors = np.random.default_rng(0).normal(size=(4, 128)).astype(np.float32)
    np.savez(teacher, vectors=vectors, people=load(heads_folder).people)
    flags = ("--size-px", 32, "--batch-size", 4, "--max-steps", 2, "--save-every", 1, "--teacher", teacher)
    command = ("training.embedder", "--heads", heads_folder, "--output-dir", run, *flags)
    subprocess.run([sys.executable, "-m", *map(str, command)], cwd=ROOT, check=True)
    assert load_resnet18(run / "export", torch.device("cpu")).dim == 512


def test_a_teacher_of_other_heads_is_refused(heads_folder, tmp_path):
    in_another_order = load(heads_folder).people[::-1]
    np.savez(tmp_path / "teacher.npz", vectors=np.zeros((4, 128), np.float32), people=in_another_order)
    flags = ("--teacher", tmp_path / "teacher.npz", "--output-dir", tmp_path / "run")
    command = ("training.embedder", "--heads", heads_folder, *flags)
    run = subprocess.run(
        [sys.executable, "-m", *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "is not of these 4 heads; run training.teacher on them" in run.stderr


def test_a_run_gives_an_embedder(heads_folder, tmp_path):
    run = tmp_path / "run"
    flags = ("--size-px", 32, "--batch-size", 4, "--max-steps", 2, "--save-every", 1)
    command = ("training.embedder", "--heads", heads_folder, "--output-dir", run, *flags)
    subprocess.run([sys.executable, "-m", *map(str, command)], cwd=ROOT, check=True)
    embedder = load_resnet18(run / "export", torch.device("cpu"))
    vectors = embedder.embed([Image.fromarray(synthetic_photo()), Image.new("RGB", (50, 50), "red")])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
