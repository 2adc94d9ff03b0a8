import csv

import cv2
import numpy as np
from PIL import Image

from tests.synthetic_face import synthetic_photo, synthetic_points
from training.side_by_side import CELL_PX, actors, draw_actors, side_by_side


def test_women_and_men_are_drawn_in_turn(tmp_path):
    rows = [("가", "female"), ("나", "female"), ("다", "female"), ("라", "male")]
    with (tmp_path / "people.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("name", "gender"), *rows])
    for name, _ in rows:
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "1.jpg"), cv2.cvtColor(synthetic_photo(), cv2.COLOR_RGB2BGR))
    paths = np.array([f"{name}/1.jpg" for name, _ in rows])
    np.savez(tmp_path / "landmarks.npz", paths=paths, points=np.stack([synthetic_points()] * len(rows)))
    assert actors(tmp_path) == ["가", "라", "나", "다"]
    drawn = draw_actors(tmp_path, 4)
    assert {image.size for image in drawn} == {(256, 256)}
    assert not np.array_equal(np.asarray(drawn[0]), np.asarray(drawn[2])), "another school, another drawing"


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
