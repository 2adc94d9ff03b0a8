import pytest
import torch
from torch import nn

from tests import published_ugatit
from webcast.networks import ugatit


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (lambda: ugatit.Generator(light=True), 10_589_888),
        (lambda: ugatit.Generator(size_px=128), 77_633_216),
        (lambda: ugatit.Generator(size_px=256), 278_959_808),
        (lambda: ugatit.Discriminator(layers=7), 53_130_176),
        (lambda: ugatit.Discriminator(layers=5), 3_290_560),
    ],
)
def test_ugatit_has_the_papers_parameters(build, parameters):
    with torch.device("meta"):
        assert count(build()) == parameters


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_layer_instance_norm_equals_its_formula(batch, layout):
    torch.manual_seed(0)
    x = (torch.randn(batch, 6, 9, 7, dtype=torch.float32) * 3 + 5).contiguous(memory_format=layout)
    rho, gamma, beta = torch.rand(1, 6, 1, 1), torch.randn(batch, 6, 1, 1), torch.randn(batch, 6, 1, 1)
    inputs = [t.requires_grad_() for t in (x, rho, gamma, beta)]
    ours = ugatit.layer_instance_norm(*inputs, eps=1e-5)
    plain = published_ugatit.plain_norm(*inputs, eps=1e-5)
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-5)

    direction = torch.randn_like(plain)
    grads = torch.autograd.grad((ours * direction).sum(), inputs)
    expected = torch.autograd.grad((plain * direction).sum(), inputs)
    torch.testing.assert_close(grads, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 2])
def test_the_gradient_of_layer_instance_norm_is_right(batch):
    torch.manual_seed(0)
    shapes = ((batch, 3, 4, 5), (1, 3, 1, 1), (batch, 3, 1, 1), (1, 3, 1, 1))
    inputs = [torch.rand(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    # In the precision that gradcheck needs; layer_instance_norm itself is float32.
    assert torch.autograd.gradcheck(ugatit._LayerInstanceNorm.apply, (*inputs, 1e-5))


def same_gradients(ours: nn.Module, published: nn.Module, outs, expected) -> None:
    """The gradients of a random mixture of the outputs, for every layer of both networks."""
    for out, wanted in zip(outs, expected, strict=True):
        torch.testing.assert_close(out, wanted, rtol=1e-4, atol=1e-5)
    for given in (outs, expected):
        generator = torch.Generator().manual_seed(7)
        sum((out * torch.randn(out.shape, generator=generator)).sum() for out in given).backward()
    for mine, theirs in published_ugatit.pairs(ours, published):
        found, wanted = published_ugatit.tensors_of(mine), published_ugatit.tensors_of(theirs)
        for name in ("weight", "bias", "rho", "gamma", "beta"):
            if name in found:
                scale = wanted[name].grad.abs().max().item()
                difference = (found[name].grad - wanted[name].grad).abs().max().item()
                assert difference <= 1e-3 * scale, (name, type(mine), difference, scale)


@pytest.mark.parametrize("light", [True, False])
def test_the_generator_and_its_gradients_are_the_published_ones(light):
    torch.manual_seed(0)
    ours = ugatit.Generator(size_px=32, light=light, channels=8, blocks=2)
    published = published_ugatit.take(published_ugatit.Generator(32, light, 8, blocks=2), ours)
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    same_gradients(ours, published, ours(x), published(x))


@pytest.mark.parametrize("layers", [5, 7])
def test_two_passes_at_once_are_the_published_discriminators_one_after_the_other(layers):
    """The global one has large kernels for few pixels too, and its norm's estimate moves with every pass."""
    torch.manual_seed(0)
    ours = ugatit.Discriminator(layers, channels=8)
    published = published_ugatit.take(published_ugatit.Discriminator(layers, 8), ours)
    real, fake = (torch.rand(2, 3, 96, 96) * 2 - 1 for _ in range(2))
    told = [torch.cat(outs) for outs in zip(published(real), published(fake), strict=True)]
    same_gradients(ours, published, ours(torch.cat([real, fake]), passes=2), told)
    for mine, theirs in published_ugatit.pairs(ours, published):
        for name, tensor in published_ugatit.tensors_of(theirs).items():
            torch.testing.assert_close(published_ugatit.tensors_of(mine)[name], tensor, rtol=1e-4, atol=1e-5)


def test_iln_starts_as_layer_norm_and_adalin_nearly_as_instance_norm():
    iln, adalin = ugatit.ILN(4), ugatit.AdaLIN(4)
    assert torch.all(iln.rho == 0)
    assert torch.all(adalin.rho == 0.9)


@pytest.mark.parametrize("light", [True, False])
def test_generator_treats_each_picture_of_a_batch_alone(light):
    torch.manual_seed(0)
    generator = ugatit.Generator(size_px=32, light=light, channels=8, blocks=2).eval()
    x = torch.rand(3, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        fake, cam_logits, heatmap = generator(x)
        alone = [generator(one[None]) for one in x]
    assert fake.shape == x.shape
    assert cam_logits.shape == (3, 2)
    assert heatmap.shape == (3, 1, 8, 8)
    assert fake.abs().max() <= 1
    torch.testing.assert_close(fake, torch.cat([one[0] for one in alone]), rtol=1e-4, atol=1e-5)


def test_light_generator_takes_other_sizes():
    generator = ugatit.Generator(size_px=32, light=True, channels=8, blocks=1)
    assert generator(torch.zeros(1, 3, 48, 40))[0].shape == (1, 3, 48, 40)


def test_generator_trains_in_bfloat16_with_its_statistics_in_float32():
    torch.manual_seed(0)
    generator = ugatit.Generator(size_px=32, light=True, channels=8, blocks=1)
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    exact, _, _ = generator(x)
    with torch.autocast("cpu", torch.bfloat16):
        fake, cam_logits, _ = generator(x)
        normalised = generator.decoder[2](torch.rand(1, 16, 8, 8, dtype=torch.bfloat16))
    assert normalised.dtype == torch.float32
    assert (fake - exact).abs().max() < 0.1
    (fake.float().square().mean() + cam_logits.float().mean()).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in generator.parameters())


def test_class_activation_map_pools_weighs_and_classifies():
    torch.manual_seed(0)
    gap_fc, gmp_fc = nn.Linear(5, 1, bias=False), nn.Linear(5, 1, bias=False)
    x = torch.randn(2, 5, 4, 4)
    attended, logits = ugatit.attend(x, gap_fc, gmp_fc, gap_fc.weight, gmp_fc.weight)
    by_gap = (x.mean((2, 3)) * gap_fc.weight).sum(1)
    by_gmp = (x.flatten(2).max(2).values * gmp_fc.weight).sum(1)
    torch.testing.assert_close(logits, torch.stack([by_gap, by_gmp], 1))
    torch.testing.assert_close(attended[:, :5], x * gap_fc.weight.reshape(1, 5, 1, 1))
    torch.testing.assert_close(attended[:, 5:], x * gmp_fc.weight.reshape(1, 5, 1, 1))


@pytest.mark.parametrize(("layers", "patches"), [(7, 2), (5, 14)])
def test_discriminator_judges_patches(layers, patches):
    discriminator = ugatit.Discriminator(layers, channels=4)
    logits, cam_logits, heatmap = discriminator(torch.zeros(2, 3, 128, 128))
    assert logits.shape == (2, 1, patches, patches)
    assert cam_logits.shape == (2, 2)
    assert heatmap.shape == (2, 1, patches + 1, patches + 1)


def test_discriminator_layers_have_spectral_norm_one():
    torch.manual_seed(0)
    discriminator = ugatit.Discriminator(5, channels=4)
    for _ in range(30):
        discriminator(torch.rand(1, 3, 64, 64))
    discriminator.eval()
    for layer in [*discriminator.features, discriminator.patches]:
        estimate = (layer.left @ layer.weight.flatten(1) @ layer.right).item()
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(
            estimate, rel=0.05
        )
    for layer in (discriminator.gap_fc, discriminator.gmp_fc):
        assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=0.05)
