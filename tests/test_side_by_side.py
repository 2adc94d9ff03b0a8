import csv

import numpy as np
import pytest
from PIL import Image

from tests.synthetic_face import synthetic_photo, synthetic_points
from training.side_by_side import CELL_PX, actors, draw_actors, save, side_by_side
from webcast.errors import WebcastError


def write_troupe(folder, lights):
    """Actors by name: gender and how light the picture is."""
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("name", "gender"), *[(n, g) for n, (g, _) in lights.items()]])
    for name, (_, light) in lights.items():
        (folder / name).mkdir()
        photo = np.uint8(synthetic_photo() * light)
        Image.fromarray(photo).save(folder / name / "1.jpg")
    paths = np.array([f"{name}/1.jpg" for name in lights])
    np.savez(folder / "landmarks.npz", paths=paths, points=np.stack([synthetic_points()] * len(lights)))


def test_women_and_men_are_drawn_in_turn_from_dark_to_light(tmp_path):
    women = {name: ("female", light) for name, light in (("가", 1.0), ("나", 0.5), ("다", 0.8), ("마", 0.7))}
    write_troupe(tmp_path, women | {"라": ("male", 0.9)})
    assert [photo.person for photo in actors(tmp_path, 8)] == ["나", "라", "마", "다", "가"]
    chosen = actors(tmp_path, 4)
    assert [photo.person for photo in chosen] == ["나", "라", "가"], "two of the four women: both ends"
    drawn = draw_actors(chosen)
    assert {image.size for image in drawn} == {(256, 256)}
    assert not np.array_equal(np.asarray(drawn[0]), np.asarray(drawn[2])), "another school, another drawing"


def test_the_picture_is_small_or_refused(tmp_path, monkeypatch):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    monkeypatch.setattr("training.side_by_side.MOST_BYTES", 4500)
    save(noise, tmp_path / "fits.jpg")
    assert 3000 < (tmp_path / "fits.jpg").stat().st_size <= 4500
    monkeypatch.setattr("training.side_by_side.MOST_BYTES", 500)
    with pytest.raises(WebcastError, match="over 500 bytes"):
        save(noise, tmp_path / "large.jpg")


def test_each_drawing_has_its_photo_to_the_right():
    drawn = [Image.new("RGB", (9, 9), (n, 0, 0)) for n in range(8)]
    realized = [Image.new("RGB", (5, 5), (n, 255, 0)) for n in range(8)]
    sheet = side_by_side(drawn, realized)
    assert sheet.size == (8 * CELL_PX, 2 * CELL_PX)
    middle = CELL_PX // 2
    assert [sheet.getpixel((middle + x * CELL_PX, middle)) for x in (0, 1, 6, 7)] == [
        (0, 0, 0),
        (0, 255, 0),
        (3, 0, 0),
        (3, 255, 0),
    ]
    assert sheet.getpixel((middle, middle + CELL_PX)) == (4, 0, 0)
