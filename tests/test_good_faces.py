"""Drawn faces shown smaller and more blurred, and who is near, with stages that are known."""

from types import SimpleNamespace

import numpy as np
from PIL import Image

from training.good_faces import Drawing, found, is_near, measure_steps, shown
from training.prove import Report
from webcast.looks import sharpness
from webcast.types import Box, Face, Panel

RNG = np.random.default_rng(0)
DRAWING = Drawing(RNG.integers(0, 255, (224, 224, 3), np.uint8), np.array([112.0, 100.0]), 90.0, "ada")


def stages(moved: int = 0) -> SimpleNamespace:
    """A detector that finds what is not white, `moved` pixels off, and an embedder of the page's owner."""

    def detect(panels):
        rows, columns = np.nonzero((np.asarray(panels[0].image) < 250).any(2))
        middle, side = (columns.min() + columns.max()) / 2 + moved, 0.4 * (np.ptp(columns) + 1)
        top = rows.min() + 0.245 * (np.ptp(rows) + 1)
        box = Box(*(round(v) for v in (middle - side / 2, top, middle + side / 2, top + side)))
        return [[Face(panels[0], box, panels[0].image, "test", 1.0)]]

    vectors = {"ada": (1.0, 0.0), "ben": (0.0, 1.0)}
    return SimpleNamespace(
        detector=SimpleNamespace(detect=detect),
        embedder=SimpleNamespace(embed=lambda crops: np.array([vectors["ada"]] * len(crops))),
    )


def test_a_drawing_is_shown_at_the_size_asked_for():
    for side_px in (24, 128):
        page, box = shown(DRAWING, side_px, 0.0)
        assert abs(box.width - side_px) <= 1
        dark = np.nonzero((np.asarray(page) < 250).any(2))
        assert abs(np.ptp(dark[1]) - 224 * side_px / 90) <= 3


def test_a_blurred_drawing_is_less_sharp():
    sharp, blurred = (sharpness(shown(DRAWING, 128, blur)[0]) for blur in (0.0, 0.1))
    assert blurred < sharp / 2


def test_a_face_counts_only_where_it_is_found():
    assert found(stages(), DRAWING, 64) is not None
    assert found(stages(moved=60), DRAWING, 64) is None


def test_the_own_person_is_looked_for_among_everybody():
    page = Image.new("RGB", (40, 40))
    faces = [Face(Panel(page, name), Box(0, 0, 9, 9), page, "test", 1.0) for name in ("ada", "ben")]
    others = np.tile([0.9, 0.1], (9, 1))
    gallery, people = np.vstack([[(1.0, 0.0), (0.0, 1.0)], others]), ["ada", "ben", *"cdefghijk"]
    assert is_near(stages(), faces, gallery, people).tolist() == [True, False]


def test_each_step_has_a_row():
    report = Report()
    gallery = np.eye(2), ["ada", "ben"]
    measure_steps(report, stages(), [DRAWING], gallery, [(64, 0.0), (64, 0.1)])
    assert [line.split(" | ")[2] for line in report.lines] == ["1 of 1", "1 of 1"]
