"""The realizer that draws a photographed face over a generator's head."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.small_appearance import CONFIG, SQUARE, red_face
from webcast.appearance import BATCH, MOST_LIGHT, AppearanceRealizer, Warp, in_its_light
from webcast.errors import WeightsError
from webcast.networks.appearance import READER_PX, Appearance
from webcast.networks.pix2pix import Generator
from webcast.realize import REALIZERS
from webcast.weights import write_stage

CPU = torch.device("cpu")


def realized(network: Appearance) -> np.ndarray:
    (picture,) = AppearanceRealizer(network, CPU, 32, "drawn-to-photo").realize([Image.new("RGB", (50, 50))])
    return np.asarray(picture)


def test_the_face_lies_over_the_generators_head():
    picture = realized(red_face())
    assert (picture[10:22, 10:22] == (182, 0, 0)).all(), "as dark as the head about it lets it be"
    outside = np.ones((32, 32), bool)
    outside[6:26, 6:26] = False
    assert (picture[outside] == 128).all()


def test_the_numbers_colour_the_face_and_move_it():
    network = red_face()
    network.reader.fc.bias.data = torch.tensor([1.0, 0, 1])
    picture = realized(network)
    assert (picture[10:22, 14:26] == (182, 128, 0)).all()
    assert (picture[:, :10] == 128).all()


def test_a_matte_lets_the_head_through():
    network = red_face()
    network.matte[network.matte > 0] = 0.5
    assert (realized(network)[12:20, 12:20] == (191, 64, 64)).all()


def test_where_the_generator_makes_nearly_the_same_its_own_is_shown():
    network = red_face()
    network.texture_mean.fill_(0.53)
    assert (realized(network) == 128).all()
    network.texture_mean.fill_(0.8)
    assert 140 < realized(network)[16, 16, 0] < 170


def test_a_face_goes_half_way_to_the_light_about_it():
    face, head = np.full((4, 4, 3), 0.2, np.float32), np.full((4, 4, 3), 0.3, np.float32)
    where = np.ones((4, 4), bool)
    np.testing.assert_allclose(in_its_light(face, head, where), 0.2 * 1.5**0.5, rtol=1e-5)
    np.testing.assert_allclose(in_its_light(face, head * 3, where), 0.2 * MOST_LIGHT, rtol=1e-5)
    assert in_its_light(face, head, ~where) is face


def grid(size: int) -> np.ndarray:
    middle = (np.arange(size) + 0.5) / size
    return np.stack(np.meshgrid(middle, middle), -1)


def test_a_face_of_the_mean_shape_stays_where_it_is_and_a_moved_one_is_brought_back():
    warp, move = Warp(SQUARE, 32), np.float32([0.1, 0.05])
    inner = slice(2, -2)
    np.testing.assert_allclose(warp(SQUARE)[inner, inner], grid(32)[inner, inner], atol=1e-5)
    np.testing.assert_allclose(warp(SQUARE + move)[inner, inner], grid(32)[inner, inner] - move, atol=1e-5)


def test_points_of_a_shape_come_from_those_of_the_mean_shape():
    shape = SQUARE + np.float32([0.03, -0.02]) * np.sin(7 * SQUARE[:, ::-1])
    where = Warp(SQUARE, 256)(shape)
    found = cv2.remap(where, np.float32(shape[None] * 256 - 0.5), None, cv2.INTER_LINEAR)[0]
    np.testing.assert_allclose(found, SQUARE, atol=0.004)


def test_lips_that_cross_do_not_fold_the_face():
    rows, columns = (0.2, 0.48, 0.52, 0.8), (0.2, 0.5, 0.8)
    lips = np.float32([(x, y) for y in rows for x in columns])
    crossed = lips + np.float32([(0, {0.48: 0.03, 0.52: -0.03}.get(y, 0)) for y in rows for _ in columns])
    warp = Warp(lips, 256)
    along = 1 + np.diff(warp.moves(crossed)[..., 1], axis=0) * warp.count
    assert along.min() > 0
    where = warp(crossed)[..., 1]
    assert (np.diff(where, axis=0) > 0).all()
    assert np.diff(where, axis=0).max() < 0.035, "nothing is torn"


def test_a_stretched_face_is_brought_back_too():
    where = Warp(SQUARE, 256)((SQUARE - 0.5) * 2.2 + 0.5)
    inner = slice(8, -8)
    np.testing.assert_allclose(where[inner, inner], ((grid(256) - 0.5) / 2.2 + 0.5)[inner, inner], atol=0.01)


def test_the_reader_sees_the_whole_head_and_where_things_are():
    torch.manual_seed(0)
    network = red_face()
    nn.init.normal_(network.reader.fc.weight)
    network.eval()
    head = torch.zeros(1, 3, READER_PX, READER_PX)
    left, right = head.clone(), head.clone()
    left[..., :44], right[..., 44:] = 1, 1
    with torch.inference_mode():
        numbers = network.reader(torch.cat([left, right]))
    assert numbers.shape == (2, 3)
    assert (numbers[0] - numbers[1]).abs().max() > 1e-3


def test_weights_are_read_back_and_each_picture_is_realized_alone(tmp_path):
    torch.manual_seed(0)
    network = red_face(Generator(2, 5))
    nn.init.normal_(network.reader.fc.weight, 0, 0.05)
    write_stage(tmp_path, CONFIG, network)
    realizer = REALIZERS["appearance"](tmp_path, CPU)
    assert (realizer.size_px, realizer.direction) == (32, "drawn-to-photo")
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (20 + n, 20, 3), dtype=np.uint8)) for n in range(BATCH + 1)]
    together = realizer.realize(noise)
    assert {(picture.size, picture.mode) for picture in together} == {((32, 32), "RGB")}
    for picture, among_others in zip(noise, together, strict=True):
        (alone,) = realizer.realize([picture])
        assert np.abs(np.asarray(alone, int) - np.asarray(among_others, int)).max() <= 1
    assert realizer.realize([]) == []


@pytest.mark.parametrize("missing", sorted(CONFIG.keys() - {"name"}))
def test_a_config_without_a_setting_is_refused(tmp_path, missing):
    write_stage(tmp_path, {k: v for k, v in CONFIG.items() if k != missing}, red_face(Generator(2, 5)))
    with pytest.raises(WeightsError, match=missing):
        REALIZERS["appearance"](tmp_path, CPU)


def test_an_unknown_generator_is_refused(tmp_path):
    write_stage(tmp_path, CONFIG | {"generator": {"name": "appearance"}}, red_face(Generator(2, 5)))
    with pytest.raises(WeightsError, match="choose one of cyclegan"):
        REALIZERS["appearance"](tmp_path, CPU)


def test_a_mean_shape_that_is_not_finite_is_refused(tmp_path):
    network = red_face(Generator(2, 5))
    network.shape_mean[0, 0] = torch.nan
    write_stage(tmp_path, CONFIG, network)
    with pytest.raises(WeightsError, match="mean shape is not finite"):
        REALIZERS["appearance"](tmp_path, CPU)


def test_a_matte_of_other_pixels_than_the_textures_is_refused(tmp_path):
    network = red_face(Generator(2, 5))
    network.matte[0, 0] = 1
    write_stage(tmp_path, CONFIG, network)
    with pytest.raises(WeightsError, match="65 pixels and their texture 64"):
        REALIZERS["appearance"](tmp_path, CPU)
