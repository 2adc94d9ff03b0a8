"""The linear model of faces, and the training of the network that reads it off drawings."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from tests.app_server import ROOT
from tests.small_heads import PEOPLE, write_heads
from tests.synthetic_face import synthetic_photo, synthetic_points
from training import face_model
from training.appearance import DrawnHeads, stray
from training.drawings import load
from training.face_model import TEXTURE_PX, Components, FaceModel, Mesh, fit, opposites, upright
from training.faces import FacePhoto
from webcast.networks.pix2pix import Generator
from webcast.realize import REALIZERS
from webcast.weights import write_stage


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Four photos of three people: one face, ever darker and wider."""
    folder = tmp_path_factory.mktemp("photos")
    made = []
    for number, person in enumerate(PEOPLE):
        wider = 1 + 0.05 * number
        image = cv2.resize(np.uint8(synthetic_photo() * (1 - 0.15 * number)), None, fx=wider, fy=1)
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        made.append(FacePhoto(path, person, synthetic_points() * [wider, 1]))
    return made


@pytest.fixture(scope="module")
def model(photos):
    torch.manual_seed(0)
    return fit(photos, textures=3, shapes=2)


def test_components_give_back_what_they_were_fitted_to():
    rng = np.random.default_rng(0)
    rows = np.float32(rng.normal(size=(50, 2)) @ rng.normal(size=(2, 30)) + rng.normal(size=30))
    weights = np.float32(rng.uniform(1, 5, 50))
    torch.manual_seed(0)
    found = Components.fit(rows.copy(), weights, 2)
    numbers = np.stack([found.numbers(row) for row in rows])
    np.testing.assert_allclose(found.mean + numbers @ found.basis, rows, atol=1e-3)
    np.testing.assert_allclose(np.average(numbers**2, 0, weights), 1, rtol=1e-3)
    np.testing.assert_allclose(np.average(rows, 0, weights), found.mean, atol=1e-4)


def test_a_texture_is_the_picture_where_the_face_has_the_mean_shape(photos):
    head, points = upright(photos[0])
    mesh = Mesh(points)
    own = head.reshape(-1, 3)[mesh.inside] / 255
    np.testing.assert_allclose(mesh.texture(head, points), own, atol=0.02)


def test_what_is_seen_of_a_face_fades_towards_its_edge_and_its_hair(model):
    matte = model.matte
    assert matte.shape == (TEXTURE_PX, TEXTURE_PX)
    x, y = np.int64(model.shape_mean.mean(0) * TEXTURE_PX)
    assert matte[y, x] == 1
    assert matte[0].max() == 0
    column = matte[:, x]
    assert (np.diff(column[:y]) >= 0).all()
    assert (matte > 0).sum() == len(model.texture_mean)


def test_landmarks_know_their_mirror_images():
    shape = np.array([(0.2, 0.3), (0.8, 0.31), (0.5, 0.6), (0.5, 0.9)])
    assert opposites(shape).tolist() == [1, 0, 2, 3]


def test_the_numbers_of_photos_and_their_mirror_images_give_back_their_faces(model, photos):
    faces = model.texture_mean + np.tensordot(model.texture_numbers, model.texture_basis, 1)
    mesh = Mesh(model.shape_mean)
    for number, photo in enumerate(photos):
        head, points = upright(photo)
        assert np.abs(faces[0, number] - mesh.texture(head, points)).mean() < 0.01
        shape = model.shape_mean + np.tensordot(model.shape_numbers[0, number], model.shape_basis, 1)
        np.testing.assert_allclose(shape, points, atol=0.01)
    assert np.abs(faces[0] - faces[1]).mean() < 0.02  # the synthetic face is its own mirror image
    assert np.abs(faces[0, 0] - faces[0, 3]).mean() > 0.1


def test_a_sample_shows_its_own_numbers_and_its_shape_strays_with_it(model, tmp_path):
    data = DrawnHeads(load(write_heads(tmp_path / "heads")), model, seed=0)
    sample, again = data[3], data[3]
    assert all(sample[name].equal(again[name]) for name in sample)
    assert sample["real_a"].shape == (3, 88, 88)
    assert sample["numbers"].shape == (5,)
    stay = np.array([(1.0, 0, 0), (0, 1.0, 0)])
    np.testing.assert_allclose(data.moved_numbers(0, 1, stay), model.shape_numbers[0, 1], atol=1e-3)
    assert not np.allclose(stray(np.random.default_rng(0)), stay, atol=1e-3)


def test_a_kept_model_is_read_back(model, tmp_path):
    face_model.save(model, tmp_path / "model.npz")
    kept = face_model.load(tmp_path / "model.npz")
    assert isinstance(kept, FaceModel)
    assert kept.people.tolist() == PEOPLE
    np.testing.assert_array_equal(kept.texture_basis, model.texture_basis)


def run(*flags):
    command = [sys.executable, "-m", "training.appearance", *map(str, flags)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_run_gives_a_realizer_and_other_heads_are_refused(model, tmp_path):
    face_model.save(model, tmp_path / "model.npz")
    heads = write_heads(tmp_path / "heads")
    torch.manual_seed(0)
    config = {"name": "pix2pix", "size_px": 64, "channels": 2, "levels": 5, "direction": "drawn-to-photo"}
    write_stage(tmp_path / "generator", config, Generator(2, 5))
    own = ("--heads", heads, "--face-model", tmp_path / "model.npz", "--generator", tmp_path / "generator")
    own += ("--output-dir", tmp_path / "run")
    done = run(*own, "--batch-size", 4, "--max-steps", 2, "--save-every", 1)
    assert done.returncode == 0, done.stderr
    realizer = REALIZERS["appearance"](tmp_path / "run/export", torch.device("cpu"))
    (picture,) = realizer.realize([Image.fromarray(synthetic_photo())])
    assert picture.size == (64, 64)
    assert len(list((tmp_path / "run/pictures").iterdir())) == 2
    about = json.loads((heads / "people.json").read_text())
    (heads / "people.json").write_text(json.dumps(about | {"people": ["dan"] * 4}))
    refused = run(*own)
    assert refused.returncode == 2
    assert "are of other photos; make both anew" in refused.stderr
