import pytest
import torch
from torch.nn import functional as F

from webcast.networks.winograd import FEWEST, conv3x3, pays, winograd


@pytest.mark.parametrize(("batch", "height", "width"), [(1, 4, 4), (2, 8, 12)])
def test_winograds_way_is_the_plain_convolution_with_its_gradients(batch, height, width):
    torch.manual_seed(0)
    x = torch.randn(batch, 5, height + 2, width + 2, requires_grad=True)
    kernel = torch.randn(3, 5, 3, 3, requires_grad=True)
    ours, plain = winograd(x, kernel), F.conv2d(x, kernel)
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-4)
    mixture = torch.randn_like(plain)
    found = torch.autograd.grad((ours * mixture).sum(), (x, kernel))
    expected = torch.autograd.grad((plain * mixture).sum(), (x, kernel))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_the_gradients_are_right():
    torch.manual_seed(0)
    x = torch.randn(2, 2, 6, 10, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(3, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(winograd(x, kernel), F.conv2d(x, kernel))
    assert torch.autograd.gradcheck(winograd, (x, kernel))


def test_it_is_taken_where_it_pays_and_nowhere_else():
    kernel = torch.randn(FEWEST, FEWEST, 3, 3) / 34
    x = torch.randn(1, FEWEST, 10, 10)
    assert pays(x, kernel)
    assert torch.equal(conv3x3(x, kernel), winograd(x, kernel))
    for other in (x[..., 1:], x.double(), x.to("meta")):
        assert not pays(other, kernel)
    assert not pays(x, kernel[1:])
    with torch.autocast("cpu", torch.bfloat16):
        assert not pays(x, kernel)
    assert torch.equal(conv3x3(x[..., 1:], kernel), F.conv2d(x[..., 1:], kernel))
