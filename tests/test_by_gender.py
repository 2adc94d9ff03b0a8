"""Realizers for women and men apart, against the common one."""

import numpy as np
from PIL import Image

from tests.tiny_weights import write_weights
from training.by_gender import likeness, measure
from training.prove import Report
from training.realizer import FrozenEmbedder
from webcast.realize import NoRealizer


class Black:
    def realize(self, images):
        return [Image.new("RGB", image.size) for image in images]


def test_a_realizer_that_gives_the_photo_measures_better_than_one_that_gives_black(tmp_path):
    write_weights(tmp_path)
    embedder, rng = FrozenEmbedder(tmp_path / "embedder"), np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(6)]
    report = Report()
    measure(report, embedder, {"same": NoRealizer(), "black": Black()}, [("drawn", p, p) for p in pictures])
    same, black = ([cell.strip() for cell in line.strip("| ").split("|")] for line in report.lines)
    assert same[:3] == ["drawn", "same", "0.0"]
    assert float(same[4]) == 1.0
    assert float(black[2]) > 100
    assert float(black[4]) < 1.0
    assert likeness(embedder, *[[Image.fromarray(p) for p in pictures]] * 2) > 0.999
