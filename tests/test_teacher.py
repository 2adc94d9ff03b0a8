"""What the teacher is shown: upright heads, and each vector lies in the place of its photo."""

import json
import sys
from hashlib import sha256
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from tests.synthetic_face import synthetic_photo, synthetic_points
from training import teacher
from training.faces import FacePhoto


def test_every_photo_gets_the_vector_of_its_upright_head(monkeypatch, tmp_path):
    shown = []

    def chip(head, points, size_px, padding):
        shown.append((head.shape, points, size_px, padding))
        return cv2.resize(head, (size_px, size_px))

    dlib = SimpleNamespace(
        rectangle=lambda *edges: edges,
        shape_predictor=lambda path: lambda head, face: (path, face),
        face_recognition_model_v1=lambda path: SimpleNamespace(
            compute_face_descriptor=lambda chips: [[float(c.mean())] * 128 for c in chips]
        ),
        get_face_chip=chip,
    )
    monkeypatch.setitem(sys.modules, "dlib", dlib)
    photos = []
    for number, light in enumerate((1.0, 0.5)):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), np.uint8(synthetic_photo() * light))
        photos.append(FacePhoto(path, "ann", synthetic_points()))
    bright, dark = teacher.taught(tmp_path, photos)
    assert bright.shape == (128,)
    assert bright.dtype == np.float32
    assert dark[0] == pytest.approx(bright[0] / 2, rel=0.05)
    face = tuple(round(256 * part) for part in teacher.FACE)
    assert shown == [((256, 256, 3), (str(tmp_path / teacher.POINTS), face), 150, 0.25)] * 2


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Runs the command on one photo of ann with `--heads` of whom it is told."""
    monkeypatch.setitem(sys.modules, "dlib", SimpleNamespace(__spec__=SimpleNamespace()))
    published = {teacher.POINTS: sha256(b"points"), teacher.NETWORK: sha256(b"network")}
    monkeypatch.setattr(teacher, "SHA256", {name: whole.hexdigest() for name, whole in published.items()})
    monkeypatch.setattr(
        teacher, "training_photos", lambda data, landmarks: [FacePhoto(tmp_path, "ann", None)]
    )

    def run(people, models=(b"points", b"network")):
        (tmp_path / "people.json").write_text(json.dumps({"people": people}))
        for name, model in zip(teacher.SHA256, models, strict=False):
            (tmp_path / name).write_bytes(model)
        flags = ("--data", "--landmarks", "--heads", "--models", "--out")
        monkeypatch.setattr(sys, "argv", ["teacher", *(v for f in flags for v in (f, str(tmp_path)))])
        teacher.main()

    return run


def test_heads_of_other_photos_are_refused(command, capsys):
    with pytest.raises(SystemExit):
        command(["bob"])
    assert "holds heads of other photos; run training.drawings on these" in capsys.readouterr().err


@pytest.mark.parametrize("models", [[b"points"], [b"points", b"another"]], ids=["missing", "another"])
def test_only_the_published_models_are_read(command, capsys, models):
    with pytest.raises(SystemExit):
        command(["ann"], models)
    assert f"{teacher.NETWORK} is not the published file" in capsys.readouterr().err
