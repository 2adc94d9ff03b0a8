import csv

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.synthetic_face import synthetic_photo, synthetic_points
from training.faces import (
    Jitter,
    aligned_head,
    cut_head,
    development_photos,
    face_square,
    five_points,
    portrait_photos,
    test_photos,
    training_photos,
)
from training.split import HELD_OUT_STYLE, is_development_person, is_test_person
from webcast.align import POINTS_ON_HEAD, align_head
from webcast.images import HEAD_LIFT, HEAD_SCALE, crop_head
from webcast.types import Box

test_photos.__test__ = False
NAMES = [f"Given{a} Family{b}" for a in "abcdefgh" for b in "qrstuvwxyz"]


@pytest.fixture
def data(tmp_path):
    """Portraits of 80 made-up people, news photos of the same, and drawings in two styles."""
    image, points = synthetic_photo(), synthetic_points()
    folders = ["portraits/first", "lfw", f"drawn/cartoongan/{HELD_OUT_STYLE}", "drawn/cartoongan/other"]
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    rows, portraits, news = [], {}, {}
    for number, name in enumerate(NAMES):
        rows.append(
            {
                "id": number,
                "name": name,
                "gender": "",
                "born": "",
                "first": f"first/{number}.jpg",
                "second": "",
            }
        )
        portraits[f"first/{number}.jpg"] = points
        news[f"{name.replace(' ', '_')}/1.jpg"] = points
        (tmp_path / "lfw" / name.replace(" ", "_")).mkdir()
        for path in (f"portraits/first/{number}.jpg", f"lfw/{name.replace(' ', '_')}/1.jpg"):
            cv2.imwrite(str(tmp_path / path), image)
        for style in (HELD_OUT_STYLE, "other"):
            cv2.imwrite(
                str(tmp_path / "drawn/cartoongan" / style / f"{number}.jpg"), cv2.resize(image, (80, 80))
            )
    with (tmp_path / "portraits/people.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for name, found in (("portraits", portraits), ("lfw", news)):
        np.savez(tmp_path / f"{name}.npz", paths=np.array(list(found)), points=np.stack(list(found.values())))
    return tmp_path


def test_everybody_is_for_training_for_setting_limits_or_for_the_test_whatever_the_source(data):
    train, test, limits = (split(data, data) for split in (training_photos, test_photos, development_photos))
    tested = {name.lower() for name in NAMES if is_test_person(name)}
    kept = {name.lower() for name in NAMES if is_development_person(name)} - tested
    assert tested
    assert kept
    assert {p.person for p in test} == tested
    assert {p.person for p in limits} == kept
    assert {p.person for p in train} == {name.lower() for name in NAMES} - tested - kept
    assert len(train) + len(limits) == 2 * (len(NAMES) - len(tested))


def test_the_held_out_style_is_nobodys_drawing(data):
    drawings = [d for p in portrait_photos(data, data) for d in p.drawings]
    assert len(drawings) == len(NAMES)
    assert {d.parent.name for d in drawings} == {"other"}


def test_training_cuts_the_head_that_the_pipeline_cuts():
    image, points = synthetic_photo(), synthetic_points()
    centre, side = face_square(points)
    box = Box(*np.concatenate([centre - side / 2, centre + side / 2]).round().astype(int).tolist())

    theirs = np.asarray(
        crop_head(Image.fromarray(image), box).resize((96, 96), Image.Resampling.BILINEAR), float
    )
    ours, moved = cut_head(image, points, 96, np.random.default_rng(0))
    assert np.abs(ours.astype(float) - theirs).mean() < 6
    middle = (moved.min(0) + moved.max(0)) / 2
    assert middle[1] == pytest.approx(96 * (0.5 + HEAD_LIFT), abs=1.5)
    assert np.ptp(moved[:, 1]) == pytest.approx(96 / HEAD_SCALE, abs=1.5)


def test_a_mirrored_crop_mirrors_its_landmarks():
    image, points = synthetic_photo(), synthetic_points()
    plain, at = cut_head(image, points, 96, np.random.default_rng(0))
    flipped, flipped_at = cut_head(image, points, 96, np.random.default_rng(0), Jitter(mirror=True))
    assert (flipped == plain[:, ::-1]).all()
    assert np.allclose(flipped_at[:, 0], 95 - at[:, 0])


def test_training_aligns_as_the_pipeline_aligns():
    image, points = synthetic_photo(), synthetic_points()
    ours, moved = aligned_head(image, points, 96, np.random.default_rng(0))
    theirs = align_head(Image.fromarray(image), five_points(points), 96)
    assert (ours == np.asarray(theirs)).all()
    assert five_points(moved) == pytest.approx(96 * POINTS_ON_HEAD, abs=6)


def test_jitter_moves_an_aligned_head_a_little():
    image, points = synthetic_photo(), synthetic_points()
    still = aligned_head(image, points, 96, np.random.default_rng(0))[1]
    rng = np.random.default_rng(0)
    moves = [(aligned_head(image, points, 96, rng, 0.02)[1] - still).mean(0) for _ in range(200)]
    assert 0.02 * 96 < np.std(moves) < 0.025 * 96


def test_a_mirrored_aligned_head_mirrors_its_landmarks():
    image, points = synthetic_photo(), synthetic_points()
    rng = np.random.default_rng(0)
    plain, at = aligned_head(image, points, 96, rng)
    flipped, flipped_at = aligned_head(image, points, 96, rng, mirror=True)
    assert (flipped == plain[:, ::-1]).all()
    assert np.allclose(flipped_at[:, 0], 95 - at[:, 0])
