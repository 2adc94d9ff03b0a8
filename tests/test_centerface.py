"""The network with random weights, for shapes and arithmetic alone, and what training asks of it."""

import pytest
import torch

from webcast.networks.centerface import OUTPUTS, STRIDE, CenterFace, decode, decode_middle, fuse
from webcast.networks.pointsnet import CROP_PX, PointsNet


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = CenterFace(8)
    with torch.no_grad():
        network(torch.rand(4, 3, 64, 64))  # norms that are not their initial ones
    return network.eval()


def test_any_size_of_whole_strides_is_read_at_stride_four(network):
    for height, width in ((32, 64), (96, 32)):
        assert network(torch.rand(2, 3, height, width)).shape == (2, OUTPUTS, height // 4, width // 4)


def test_the_real_one_has_less_than_a_million_parameters():
    with torch.device("meta"):
        network = CenterFace()
    assert sum(p.numel() for p in network.parameters()) < 1_000_000


def test_fused_it_answers_the_same(network):
    pixels = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        before = network(pixels)
        assert torch.allclose(fuse(network)(pixels), before, atol=1e-4)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules())


def test_a_peak_becomes_a_face_in_pixels():
    output = torch.full((2, OUTPUTS, 8, 10), -6.0)
    row, column, side = 3, 7, 40.0
    output[1, 0, row, column] = 2.0
    output[1, 0, row, column + 1] = 1.5  # beside a peak is no other one
    output[1, 1:, row, column] = torch.tensor([0.1, -0.2, 0.0, *[0.25, -0.25] * 5])
    output[1, 3, row, column] = torch.tensor(side).log()
    none, faces = decode(output, 0.5)
    assert len(none) == 0
    ((likelihood, x, y, found, *points),) = faces.tolist()
    middle_x, middle_y = (column + 0.5) * STRIDE, (row + 0.5) * STRIDE
    assert likelihood == pytest.approx(0.8808, abs=1e-3)
    assert (x, y, found) == pytest.approx((middle_x + 4, middle_y - 8, side), abs=1e-3)
    assert points == pytest.approx([middle_x + 10, middle_y - 10] * 5, abs=1e-3)
    assert decode(output, 0.9)[1].shape == (0, OUTPUTS)


def test_the_middle_of_a_picture_is_read_whatever_lies_at_its_edge():
    output = torch.full((1, OUTPUTS, 8, 8), -6.0)
    output[0, 1:] = 0.0
    output[0, 3] = torch.tensor(20.0).log()
    output[0, 0, 0, 0], output[0, 0, 4, 3] = 5.0, -1.0
    ((likelihood, x, y, side, *points),) = decode_middle(output).tolist()
    assert (x, y, side) == pytest.approx((3.5 * STRIDE, 4.5 * STRIDE, 20), abs=1e-3)
    assert likelihood == pytest.approx(0.2689, abs=1e-3)
    assert points == pytest.approx([x, y] * 5)


def test_the_second_network_gives_five_points_a_crop():
    network = PointsNet(8).eval()
    crops = torch.rand(3, 3, CROP_PX, CROP_PX)
    with torch.inference_mode():
        before = network(crops)
        assert before.shape == (3, 5, 2)
        assert torch.allclose(fuse(network)(crops), before, atol=1e-4)
