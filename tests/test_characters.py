"""Faces joined into characters, and what is judged of a face."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from webcast.characters import (
    Clustering,
    find_characters,
    join,
    nearest_character,
    odd_ones,
    without_style,
)
from webcast.detect import draw_face
from webcast.episode import PagePart, Sighting
from webcast.looks import colours, judge, turn
from webcast.types import Box, Face

HOW = Clustering(limit=0.4, colour_weight=0.2)


def sighting(number: int, direction: int, part: int | None = None, x: int = 0, **other) -> Sighting:
    """A face whose embedding points mostly one way."""
    panel = PagePart(b"", f"{part}", "page", number if part is None else part, 0, Box(0, 0, 900, 900))
    face = Face(panel, Box(x, 0, x + 100, 100), Image.new("RGB", (150, 150)), "test", 1.0)
    vector = np.random.default_rng(number).normal(0, 0.1, 8) + 3 * np.eye(8)[direction]
    vector /= np.linalg.norm(vector)
    return replace(Sighting(number, face, vector, np.zeros(9, np.float32), 0.5), **other)


def test_how_many_there_are_is_found():
    seen = [sighting(n, direction) for n, direction in enumerate([0, 1, 0, 2, 0, 1])]
    found = find_characters(seen, HOW)
    assert [sorted(character.faces) for character in found] == [[0, 2, 4], [1, 5], [3]]
    assert [character.id for character in found] == ["c1", "c2", "c3"]


def test_the_best_face_comes_first():
    seen = [sighting(0, 0, quality=0.2), sighting(1, 0, quality=0.9)]
    assert find_characters(seen, HOW)[0].faces == (1, 0)


def test_faces_with_a_reason_join_nobody():
    seen = [sighting(0, 0), sighting(1, 0, reason="tiny")]
    assert [character.faces for character in find_characters(seen, HOW)] == [(0,)]
    assert find_characters([seen[1]], HOW) == ()


def test_two_faces_side_by_side_are_rather_two_characters():
    near = np.array([1, 0.9, 0, 0, 0, 0, 0, 0])
    vectors = np.eye(8)[0], near / np.linalg.norm(near)
    limit = Clustering(limit=0.35, colour_weight=0.0)
    apart = [sighting(n, 0, part=n, embedding=v) for n, v in enumerate(vectors)]
    beside = [sighting(n, 0, part=7, x=300 * n, embedding=v) for n, v in enumerate(vectors)]
    assert len(find_characters(apart, limit)) == 1
    assert len(find_characters(beside, limit)) == 2


def test_what_a_style_adds_to_every_face_keeps_nobody_together():
    people = np.repeat(np.eye(8)[:4], 15, axis=0)
    styled = people + 2 * np.eye(8)[7]
    styled /= np.linalg.norm(styled, axis=1, keepdims=True)
    assert (styled @ styled.T).min() > 0.7
    own = without_style(styled)
    assert (own @ own.T)[0, 15] < 0.3
    np.testing.assert_allclose((own @ own.T)[0, :15], 1, atol=1e-6)


def test_one_character_alone_is_one_character():
    seen = [sighting(n, 0) for n in range(12)]
    assert len(find_characters(seen, HOW)) == 1


def test_colours_keep_faces_apart():
    black, blond = np.tile([20, 0, 0], 3), np.array([80, 5, 60, 70, 10, 20, 40, -30, -30])
    vectors = np.eye(8)[0], np.eye(8)[0]
    seen = [
        sighting(n, 0, embedding=v, colours=c.astype(np.float32))
        for n, (v, c) in enumerate(zip(vectors, (black, blond), strict=True))
    ]
    assert len(find_characters(seen, Clustering(0.1, 0.0))) == 1
    assert len(find_characters(seen, Clustering(0.1, 0.5))) == 2


def test_one_face_is_one_cluster():
    assert join(np.zeros((1, 1)), 0.5) == [1]


def test_the_nearest_character_is_that_of_the_most_similar_faces():
    seen = {n: sighting(n, direction) for n, direction in enumerate([0, 0, 1, 1])}
    found = find_characters(list(seen.values()), HOW)
    assert nearest_character(sighting(9, 1), found, seen).faces == found[1].faces
    assert nearest_character(sighting(9, 1), (), seen) is None


def drawn(crop: Image.Image, side: int = 128, likelihood: float = 0.95, points=None) -> Face:
    return Face(None, Box(0, 0, side, side), crop, "centerface", likelihood, points)


FRONT = ((40, 50), (80, 50), (60, 70), (45, 90), (75, 90))
SIDE = ((40, 50), (80, 50), (85, 70), (70, 90), (85, 90))


@pytest.mark.parametrize(
    ("face", "reason"),
    [
        (drawn(draw_face(150)), None),
        (drawn(draw_face(150), side=20), "tiny"),
        (drawn(draw_face(150).filter(ImageFilter.GaussianBlur(12))), "blurred"),
        (drawn(draw_face(150), points=SIDE), "turned"),
    ],
)
def test_what_may_not_vote_has_a_reason(face, reason):
    assert judge(face)[1] == reason


def test_a_face_that_is_like_no_other_and_unsure_is_odd():
    def seen(number: int, direction: int, likelihood: float) -> Sighting:
        one = sighting(number, direction)
        face = replace(one.face, detector="centerface", likelihood=likelihood)
        return replace(one, face=face)

    faces = [seen(0, 0, 0.56), seen(1, 0, 0.56), seen(2, 1, 0.56), seen(3, 2, 0.9)]
    odd = odd_ones(find_characters(faces, HOW), faces)
    assert [character.faces for character in odd] == [(2,)]


def test_a_frontal_sharp_large_face_is_the_best():
    best = judge(drawn(draw_face(150), points=FRONT))[0]
    assert best > judge(drawn(draw_face(150), side=40, points=FRONT))[0]
    assert best > judge(drawn(draw_face(150), points=((40, 50), (80, 50), (70, 70), (45, 90), (75, 90))))[0]


def test_a_face_without_points_is_judged_by_its_mirror_image():
    lopsided = draw_face(150)
    ImageDraw.Draw(lopsided).rectangle((75, 0, 150, 150), fill="black")
    assert turn(drawn(lopsided)) > turn(drawn(draw_face(150)))


def test_colours_are_those_of_hair_skin_and_eyes():
    head = Image.new("RGB", (200, 200), (250, 220, 200))
    draw = ImageDraw.Draw(head)
    draw.rectangle((0, 0, 200, 60), fill=(40, 30, 25))
    for x in (62, 110):
        draw.rectangle((x, 82, x + 30, 102), fill="white")
        draw.rectangle((x, 84, x + 26, 100), fill=(20, 60, 180))
    hair, skin, eyes = colours(head).reshape(3, 3)
    assert hair[0] < 25  # dark
    assert skin[0] > 80  # light
    assert eyes[2] < -40  # blue
