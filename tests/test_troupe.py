"""The fictional actors: the morph, the make-up and the choice, on donors drawn by this test."""

import csv

import cv2
import numpy as np
import pytest

from training import landmark_indices as at
from training import morph
from training.donors import BRIDGE, LANDMARKS, UNDER_EYES, Donor, choose_donors, layouts, load_donors, yaw_of
from training.likeness import LikenessCheck, same_person_limit
from training.makeup import CHEEKS, FOREHEAD
from training.split import is_test_person
from training.troupe import (
    OUT_PX,
    STAGE_NAMES,
    Candidate,
    Picture,
    Studio,
    audition,
    choose,
    read_numbers,
    stage_names,
    write_troupe,
)

KEPT = STAGE_NAMES.with_name("troupe_kept.csv")
SIZE = morph.SIZE_PX
UNIT = SIZE / 384
"""The faces below are laid out on 384 px."""
MIDDLE = (190 * UNIT, 208 * UNIT)
HEAD = tuple(round(v * UNIT) for v in (98, 132))


def sketch_points(rng: np.random.Generator) -> np.ndarray:
    """478 landmarks of a face of plain ovals in the middle of the frame, a little different every time."""
    angle, radius = rng.uniform(0, 2 * np.pi, LANDMARKS), np.sqrt(rng.uniform(0, 0.9, LANDMARKS))
    points = np.stack([190 + 70 * radius * np.cos(angle), 208 + 96 * radius * np.sin(angle)], 1)

    def place(
        indices: list[int], centre: tuple[float, float], half: tuple[float, float], span: tuple
    ) -> None:
        turn = np.linspace(*span, len(indices))
        points[indices] = np.stack(
            [centre[0] + half[0] * np.cos(turn), centre[1] + half[1] * np.sin(turn)], 1
        )

    turn = -np.pi / 2 + np.linspace(0, 2 * np.pi, len(at.FACE_OVAL), endpoint=False)
    points[at.FACE_OVAL] = np.stack([190 + 75 * np.cos(turn), 208 + 98 * np.sin(turn)], 1)
    for x, upper, lower, brow in (
        (160, at.LEFT_UPPER_LID, at.LEFT_LOWER_LID, at.LEFT_BROW_UPPER),
        (220, at.RIGHT_UPPER_LID, at.RIGHT_LOWER_LID, at.RIGHT_BROW_UPPER),
    ):
        outer = (np.pi, 2 * np.pi) if x < 190 else (2 * np.pi, np.pi)
        place(upper, (x, 190), (14, 6), outer)
        place(lower, (x, 190), (14, 6), (np.pi, 0) if x < 190 else (0, np.pi))
        place(brow, (x, 175), (16, 5), outer)
    place(at.LIPS_OUTER_UPPER, (190, 260), (26, 8), (np.pi, 2 * np.pi))
    place(at.LIPS_OUTER_LOWER, (190, 260), (26, 8), (np.pi, 0))
    place(at.LIPS_INNER_UPPER, (190, 260), (20, 3), (np.pi, 2 * np.pi))
    place(at.LIPS_INNER_LOWER, (190, 260), (20, 3), (np.pi, 0))
    for indices, centre, half in (
        (BRIDGE, (190, 190), (7, 9)),
        (UNDER_EYES[0], (160, 206), (14, 5)),
        (UNDER_EYES[1], (220, 206), (14, 5)),
        (CHEEKS[0], (152, 232), (12, 10)),
        (CHEEKS[1], (228, 232), (12, 10)),
        (FOREHEAD, (190, 148), (40, 12)),
    ):
        place(indices, centre, half, (0, 2 * np.pi))
    points[at.NOSE_TIP] = (190 + rng.normal(0, 1.5), 225)
    return (points * UNIT + rng.normal(0, 0.7, points.shape)).astype(np.float32)


def sketch_photo(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A head of flat colours with those landmarks, float32 RGB in the frame."""
    photo = np.full((SIZE, SIZE, 3), rng.uniform(0.5, 0.9), np.float32)
    centre = tuple(int(v) for v in points[at.FACE_OVAL].mean(0))
    cv2.ellipse(photo, centre, HEAD, 0, 0, 360, (0.2, 0.12, 0.08), -1)
    cv2.fillPoly(photo, [points[at.FACE_OVAL].astype(np.int32)], (0.8, 0.6, 0.5))
    for part in (at.LEFT_UPPER_LID + at.LEFT_LOWER_LID[::-1], at.RIGHT_UPPER_LID + at.RIGHT_LOWER_LID[::-1]):
        cv2.fillPoly(photo, [points[part].astype(np.int32)], (0.1, 0.1, 0.1))
    cv2.fillPoly(
        photo, [points[at.LIPS_OUTER_UPPER + at.LIPS_OUTER_LOWER[::-1]].astype(np.int32)], (0.6, 0.2, 0.2)
    )
    photo *= np.linspace(0.5, 1.2, SIZE, dtype=np.float32)[:, None]  # light from one side
    return np.clip(photo + rng.normal(0, 0.004, photo.shape), 0, 1).astype(np.float32)


def sketch_donor(number: int) -> Donor:
    # One seed for the landmarks of all, so that their numbers mean the same place in every face.
    points = sketch_points(np.random.default_rng(0))
    rng = np.random.default_rng(number + 1)
    points += np.outer(points[:, 0] - MIDDLE[0], (1, 0)) * rng.uniform(-0.06, 0.06) + rng.normal(
        0, 0.5, points.shape
    )
    points[at.NOSE_TIP, 0] += rng.normal(0, 3)
    matte = np.zeros((SIZE, SIZE), np.float32)
    cv2.ellipse(matte, tuple(map(round, MIDDLE)), HEAD, 0, 0, 360, 1.0, -1)
    points = np.concatenate([points, morph.silhouette(matte)]).astype(np.float32)
    image = sketch_photo(points, rng)
    return Donor(str(number), number % 2 == 0, float(rng.uniform(30, 70)), image, matte, points)


@pytest.fixture(scope="module")
def studio() -> Studio:
    donors, model = choose_donors([sketch_donor(n) for n in range(10)])
    return Studio(donors, layouts(donors, model), model, seed=0)


def test_the_frame_has_the_face_upright_and_of_one_size():
    points = sketch_points(np.random.default_rng(1))
    turn = cv2.getRotationMatrix2D((10, 20), 25, 1.7)
    seen = morph.transform(points, turn)
    framed = morph.transform(seen, morph.frame_of(seen))
    left, right = framed[at.LEFT_UPPER_LID[0]], framed[at.RIGHT_UPPER_LID[0]]
    assert abs(left[1] - right[1]) < 4
    assert framed[at.CHIN, 1] - framed[at.HAIRLINE, 1] == pytest.approx(morph.FACE_PX, rel=1e-3)
    assert (framed[at.CHIN] + framed[at.HAIRLINE]) / 2 == pytest.approx(morph.FACE_CENTRE, abs=0.01)


def test_a_warp_moves_a_landmark_to_its_target():
    source = sketch_points(np.random.default_rng(2))
    target = source.copy()
    target[:, 0] = MIDDLE[0] + (source[:, 0] - MIDDLE[0]) * 1.1
    picture = np.zeros((SIZE, SIZE), np.float32)
    x, y = source[at.FACE_OVAL[8]].round().astype(int)
    cv2.circle(picture, (int(x), int(y)), 4, 1.0, -1)
    moved = morph.sample(picture, morph.warp_map(source, target))
    ys, xs = np.nonzero(moved > 0.5)
    assert (xs.mean(), ys.mean()) == pytest.approx(target[at.FACE_OVAL[8]], abs=1.5)


def test_flow_brings_shifted_pictures_together():
    photo = cv2.GaussianBlur(np.random.default_rng(3).random((SIZE, SIZE, 3)).astype(np.float32), (0, 0), 6)
    photo = np.clip((photo - 0.5) * 6 + 0.5, 0, 1)
    images = [np.roll(photo, shift, axis=1) for shift in (-4, 0, 4)]
    weights = np.full(3, 1 / 3, np.float32)
    maps = morph.align_group(images, weights)
    aligned = [morph.sample(i, m) for i, m in zip(images, maps, strict=True)]
    inside = np.s_[:, 40:-40, 40:-40]
    assert np.stack(aligned)[inside].std(0).mean() < 0.35 * np.stack(images)[inside].std(0).mean()


def test_a_blend_of_one_picture_with_itself_is_that_picture():
    photo = sketch_donor(0).image
    assert np.abs(morph.blend([photo] * 3, np.full(3, 1 / 3, np.float32)) - photo).max() < 0.02


def test_a_blend_is_crisper_than_the_mean():
    rng = np.random.default_rng(4)
    weights = np.full(5, 0.2, np.float32)
    images = [(0.5 + rng.normal(0, 0.05, (SIZE, SIZE, 3))).astype(np.float32) for _ in weights]
    fine = [image.std() for image in (morph.blend(images, weights), np.mean(images, axis=0))]
    assert fine[0] > 1.5 * fine[1]


def test_what_one_donor_alone_has_does_not_shine_through():
    plain = np.full((SIZE, SIZE, 3), 0.6, np.float32)
    necklace = plain.copy()
    cv2.line(necklace, (100, 200), (280, 200), (0.0, 0.0, 0.0), 4)
    images, weights = [necklace, plain, plain, plain, plain], np.full(5, 0.2, np.float32)
    line = np.s_[199:202, 120:260]
    left = 0.6 - morph.blend(images, weights)[line].mean()
    assert left < 0.4 * (0.6 - np.mean(images, axis=0)[line].mean())


def test_no_donor_has_more_than_half_of_a_detail():
    rng = np.random.default_rng(5)
    bands = [morph.pyramid(rng.random((SIZE, SIZE, 3)).astype(np.float32)) for _ in range(5)]
    shares = morph.consensus(bands, np.full(5, 0.2, np.float32))
    assert shares.sum(0) == pytest.approx(1, abs=1e-4)
    assert shares.max() < 0.6


def test_the_same_seed_gives_the_same_person_and_another_number_another(studio):
    first, again, other = studio.candidate(True, 0), studio.candidate(True, 0), studio.candidate(True, 1)
    assert all((a.image == b.image).all() for a, b in zip(first.pictures, again.pictures, strict=True))
    assert np.linalg.norm(first.layout - other.layout) > 0.1


def test_pictures_hold_the_whole_head_crop_and_turn_the_face(studio):
    person = studio.candidate(False, 0)
    assert len(person.pictures) == 3
    for picture in person.pictures:
        points = picture.points
        assert picture.image.shape == (OUT_PX, OUT_PX, 3)
        assert picture.image.dtype == np.uint8
        low, high = points[at.FACE_OVAL].min(0), points[at.FACE_OVAL].max(0)
        side = 1.5 * (high - low).max()
        centre = (low + high) / 2 - (0, 0.08 * side)
        assert (centre - side / 2 > -4).all()
        assert (centre + side / 2 < OUT_PX + 4).all()
        assert picture.head().width == picture.head().height > OUT_PX / 2
    yaws = [yaw_of(picture.points) for picture in person.pictures]
    assert np.ptp(yaws) > 0.1


def test_donors_come_with_their_mirror_image_and_look_ahead(studio):
    assert len({donor.person for donor in studio.donors}) * 2 == len(studio.donors)
    yaws = np.array([yaw_of(donor.points) for donor in studio.donors])
    assert np.abs(yaws).max() < 0.2
    assert yaws.sum() == pytest.approx(0, abs=1e-3)


def test_people_of_the_test_split_are_never_donors(tmp_path):
    names = [f"Person {chr(97 + i)}{chr(97 + k)}xon" for i in range(4) for k in range(4)]
    kept = [n for n in names if not is_test_person(n)]
    assert 0 < len(kept) < len(names)
    rows = [(str(i), n, "female", "1970-01-01", f"{i}.jpg", "") for i, n in enumerate(names)]
    with (tmp_path / "people.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "name", "gender", "born", "first", "second"), *rows])
    rng = np.random.default_rng(6)
    points = sketch_points(rng)
    for row in rows:
        cv2.imwrite(str(tmp_path / row[4]), sketch_photo(points, rng) * 255)
    masks = np.zeros((len(rows), 256, 256), np.uint8)
    masks[:, 40:, 60:200] = 255
    arrays = {
        "paths": np.array([r[4] for r in rows]),
        "points": np.stack([points] * len(rows)),
        "masks": masks,
    }
    np.savez(tmp_path / "landmarks.npz", **arrays)
    donors = load_donors(tmp_path, tmp_path / "landmarks.npz")
    assert [rows[int(donor.person)][1] for donor in donors] == kept


def test_the_choice_leaves_out_ghosts_and_twins():
    def candidate(place: float, ghosts: float) -> Candidate:
        return Candidate([], np.array([place, 0.0]), ghosts)

    people = [candidate(0, 0.1), candidate(0.01, 0.11), candidate(5, 0.12), candidate(9, 0.13)]
    people += [candidate(100, 0.9), candidate(200, 0.9)]
    assert sorted(c.layout[0] for c in choose(people, 3)) == [0, 5, 9]


class OneColour:
    """An embedder that is told a real person by the colour of a picture, and sees one channel alone."""

    revision = "1"

    def __init__(self, channel: int) -> None:
        self.channel, self.id = channel, f"channel-{channel}"

    def embed(self, images) -> np.ndarray:
        return np.float32([[np.asarray(image)[..., self.channel].mean() / 255] for image in images])


class Lineup:
    """A studio whose candidate `n` is red, green or neither in the last of two pictures."""

    def candidate(self, female: bool, number: int) -> Candidate:
        colours = [(0, 0, 0), ((255, 0, 0), (0, 255, 0), (0, 0, 0), (0, 0, 0))[number]]
        points = sketch_points(np.random.default_rng(0))
        return Candidate(
            [Picture(np.full((OUT_PX, OUT_PX, 3), c, np.uint8), points, None) for c in colours],
            np.array([number, 0.0]),
            number / 10,
        )


def test_nobody_is_taken_whom_one_of_two_embedders_sees_as_somebody():
    checks = [
        LikenessCheck(OneColour(c), np.ones((1, 1), np.float32), np.array(["ann"]), 0.5) for c in (0, 1)
    ]
    taken = audition(Lineup(), True, range(4), 2, checks, threads=1)
    assert sorted(c.layout[0] for c in taken) == [2, 3]
    with pytest.raises(SystemExit, match="Only 2 women are left of 3"):
        audition(Lineup(), True, range(4), 3, checks, threads=1)


def test_the_limit_is_what_most_real_people_keep_to():
    rng = np.random.default_rng(7)
    people = np.repeat(np.arange(100), 2)
    embeddings = rng.normal(size=(100, 32)).repeat(2, axis=0) + 0.1 * rng.normal(size=(200, 32))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    limit = same_person_limit(embeddings.astype(np.float32), people)
    similarity = np.where(people[:, None] == people, -1, embeddings @ embeddings.T).max(1)
    assert (similarity < limit).mean() == pytest.approx(0.95, abs=0.02)
    assert (embeddings[0] @ embeddings[1]) > limit


def test_stage_names_are_enough_unlike_and_safe_as_folders():
    names = stage_names()
    everybody = names["female"] + names["male"]
    assert min(len(names["female"]), len(names["male"])) >= 24
    assert len(set(everybody)) == len(everybody)
    assert not any(set('/\\:*?"<>|.') & set(name) for name in everybody)


def test_a_written_troupe_is_a_gallery_folder_with_landmarks(studio, tmp_path):
    person = studio.candidate(True, 2)
    write_troupe(tmp_path, [("하나 Hana", "female", person)])
    with (tmp_path / "people.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["name"], row["gender"]) == ("하나 Hana", "female")
    assert "fictional" in row["source"]
    with np.load(tmp_path / "landmarks.npz") as file:
        assert all((tmp_path / path).is_file() for path in file["paths"])
        assert file["points"].shape == (3, LANDMARKS, 2)


def test_only_the_candidates_that_somebody_kept_are_seen():
    numbers = read_numbers(KEPT)
    assert set(numbers) == set(stage_names())
    for gender, kept in numbers.items():
        assert len(kept) == len(set(kept)) >= len(stage_names()[gender])
