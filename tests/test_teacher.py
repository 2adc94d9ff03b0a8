"""What the teacher is shown, that each vector lies in the place of its photo, and which files it takes."""

import json
import sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.synthetic_face import synthetic_photo, synthetic_points
from training import teacher
from training.faces import FacePhoto
from webcast.errors import WebcastError

SHOWN = []
"""What dlib was shown: size of the head, points, side of the chip, padding."""


@pytest.fixture
def models(monkeypatch, tmp_path):
    """A folder of models, and in place of dlib one that sees the mean of what it is shown."""

    def chip(head, points, size_px, padding):
        SHOWN.append((head.shape, points, size_px, padding))
        return cv2.resize(head, (size_px, size_px))

    dlib = SimpleNamespace(
        __spec__=SimpleNamespace(),
        rectangle=lambda *edges: edges,
        shape_predictor=lambda path: lambda head, face: (path, face),
        face_recognition_model_v1=lambda path: SimpleNamespace(
            compute_face_descriptor=lambda chips: [
                [float(c.mean())] * 127 + [float(c[:, :75].mean())] for c in chips
            ]
        ),
        get_face_chip=chip,
    )
    monkeypatch.setitem(sys.modules, "dlib", dlib)
    SHOWN.clear()
    for name in teacher.SHA256:
        (tmp_path / name).write_text(name)
    hashes = {name: sha256(name.encode()).hexdigest() for name in teacher.SHA256}
    monkeypatch.setattr(teacher, "SHA256", hashes)
    return tmp_path


def test_every_photo_gets_the_vector_of_its_upright_head(models):
    photos = []
    for number, light in enumerate((1.0, 0.5)):
        path = models / f"{number}.png"
        cv2.imwrite(str(path), np.uint8(synthetic_photo() * light))
        photos.append(FacePhoto(path, "ann", synthetic_points()))
    vectors = teacher.taught(models, photos)
    assert vectors.shape == (2, 128)
    assert vectors.dtype == np.float32
    assert vectors[1, 0] == pytest.approx(vectors[0, 0] / 2, rel=0.05)
    face = tuple(round(256 * part) for part in teacher.FACE)
    assert [((256, 256, 3), (str(models / teacher.POINTS), face), 150, 0.25)] * 2 == SHOWN


def test_many_photos_are_looked_at_in_parts_and_keep_their_order(models, monkeypatch):
    photos = []
    for number in range(5):
        cv2.imwrite(str(models / f"{number}.png"), np.uint8(synthetic_photo() * (1 - number / 8)))
        photos.append(FacePhoto(models / f"{number}.png", "ann", synthetic_points()))
    monkeypatch.setattr(teacher, "PART", 2)
    together = teacher.taught_in_parts(models, photos, map)
    assert together.shape == (5, 128)
    assert (np.diff(together[:, 0]) < 0).all()
    np.testing.assert_array_equal(together, teacher.taught(models, photos))


def test_it_embeds_heads_of_any_size_the_same_when_they_are_mirrored(models):
    head = Image.fromarray(synthetic_photo()).resize((90, 90))
    head.paste("white", (0, 0, 30, 90))
    vectors = teacher.Teacher(models).embed([head, ImageOps.mirror(head)])
    assert vectors.shape == (2, 128)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[1], rtol=0.01)
    assert teacher.Teacher(models).embed([]).shape == (0, 128)


def test_the_command_refuses_heads_of_other_photos(models, monkeypatch, capsys):
    monkeypatch.setattr(teacher, "training_photos", lambda data, landmarks: [FacePhoto(models, "ann", None)])
    (models / "people.json").write_text(json.dumps({"people": ["bob"]}))
    flags = ("--data", "--landmarks", "--heads", "--models", "--out")
    monkeypatch.setattr(sys, "argv", ["teacher", *(v for flag in flags for v in (flag, str(models)))])
    with pytest.raises(SystemExit):
        teacher.main()
    assert "holds heads of other photos; run training.drawings on these" in capsys.readouterr().err


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("another")])
def test_only_the_published_models_are_read(models, change):
    change(models / teacher.NETWORK)
    with pytest.raises(WebcastError, match=f"{teacher.NETWORK} is not the published file"):
        teacher.Teacher(models)


def test_it_says_so_where_dlib_is_not_installed(models, monkeypatch):
    monkeypatch.setattr(teacher.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WebcastError, match="pip install dlib-bin"):
        teacher.Teacher(models)
