import json
from argparse import Namespace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from PIL import Image
from torch import nn

from tests.benchmarks import ugatit_step
from training.recipes import cyclegan, pix2pix, ugatit, uvcgan2
from training.translate import ImagePool, freeze, half_constant
from webcast.errors import WebcastError
from webcast.networks import cyclegan as cyclegan_networks
from webcast.networks import pix2pix as pix2pix_networks
from webcast.networks import uvcgan2 as uvcgan2_networks
from webcast.networks.ugatit import Discriminator as UgatitDiscriminator
from webcast.realize import REALIZERS


@pytest.fixture
def accelerator():
    AcceleratorState._reset_state(reset_partial_state=True)
    yield Accelerator(cpu=True)
    AcceleratorState._reset_state(reset_partial_state=True)


SIZE_PX = 96


def pictures(size_px=SIZE_PX, count=2):
    torch.manual_seed(5)
    return {name: torch.rand(count, 3, size_px, size_px) * 2 - 1 for name in ("real_a", "real_b")}


def small(name):
    torch.manual_seed(0)
    if name == "ugatit":
        return ugatit.UGATIT(ugatit.Settings(size_px=SIZE_PX, light=True, channels=2, blocks=1), pictures())
    if name == "cyclegan":
        return cyclegan.CycleGAN(cyclegan.Settings(size_px=SIZE_PX, channels=2, blocks=1), pictures())
    if name == "uvcgan2":
        settings = uvcgan2.Settings(size_px=32, channels=3, blocks=1, disc_channels=2)
        return uvcgan2.UVCGAN2(settings, pictures(32))
    return pix2pix.Pix2Pix(pix2pix.Settings(size_px=32, channels=2), pictures(32))


def batch_for(recipe):
    return pictures(recipe.settings.size_px)


NAMES = ["ugatit", "cyclegan", "pix2pix", "uvcgan2"]


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_networks_have_the_references_parameters():
    with torch.device("meta"):
        assert count(cyclegan_networks.Generator(blocks=9)) == 11_378_179
        assert count(cyclegan_networks.Generator(blocks=6)) == 7_837_699
        assert count(cyclegan_networks.Discriminator()) == 2_764_737
        assert count(pix2pix_networks.Generator(levels=8)) == 54_413_955
        assert count(pix2pix_networks.Generator(levels=7)) == 41_828_995
        assert count(cyclegan_networks.Discriminator(inputs=6, norm=nn.BatchNorm2d)) == 2_768_705


def test_the_papers_weights_are_the_defaults():
    s = ugatit.Settings()
    weights = (s.adversarial_weight, s.cycle_weight, s.identity_weight, s.cam_weight)
    assert weights == (1, 10, 10, 1000)
    assert (s.size_px, s.light, s.learning_rate, s.weight_decay) == (256, False, 1e-4, 1e-4)
    s = cyclegan.Settings()
    assert (s.cycle_weight, s.identity_weight, s.pool_size, s.learning_rate) == (10, 5, 50, 2e-4)
    assert (pix2pix.Settings().l1_weight, pix2pix.Settings().learning_rate) == (100, 2e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_teaches_every_parameter_and_leaves_no_gradient(name, accelerator):
    recipe = small(name)
    before = {n: [p.clone() for p in net.parameters()] for n, net in recipe.networks.items()}
    losses = recipe.step(batch_for(recipe), accelerator)
    assert all(torch.isfinite(loss) and not loss.requires_grad for loss in losses.values())
    taught = {parameter for optimizer in recipe.optimizers.values() for parameter in optimizer.state}
    for name, network in recipe.networks.items():
        assert set(network.parameters()) <= taught, f"a parameter of {name} got no gradient"
        moved = [not torch.equal(p, old) for p, old in zip(network.parameters(), before[name], strict=True)]
        assert any(moved), f"{name} did not learn"
        assert all(parameter.requires_grad for parameter in network.parameters())
        assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_both_directions_are_exported_as_realizers(name, tmp_path):
    recipe = small(name)
    recipe.export({n: net.eval() for n, net in recipe.networks.items()}, tmp_path)
    drawing = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    for direction in ("drawn-to-photo", "photo-to-drawn"):
        config = json.loads((tmp_path / direction / "config.json").read_text())
        assert config["direction"] == direction
        realizer = REALIZERS[config["name"]](tmp_path / direction, torch.device("cpu"))
        [realized] = realizer.realize([drawing])
        size_px = recipe.settings.size_px
        assert realized.size == (size_px, size_px)
        assert realizer.direction == direction
        generator = recipe.networks["gen_ab" if direction == "drawn-to-photo" else "gen_ba"]
        x = torch.from_numpy(np.array(drawing.resize((size_px, size_px), Image.Resampling.BICUBIC)))
        with torch.inference_mode():
            out = generator(x.permute(2, 0, 1)[None] / 127.5 - 1)
        expected = (out[0] if isinstance(out, tuple) else out)[0].permute(1, 2, 0).numpy() * 127.5 + 127.5
        assert np.abs(np.asarray(realized) - expected).max() < 2  # weights are stored in half precision


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_shows_both_ways(name):
    recipe = small(name)
    sheet = recipe.picture(recipe.networks)
    size_px = recipe.settings.size_px
    assert sheet.shape == (6 * size_px, 2 * size_px, 3)
    real_a = ((recipe.shown["real_a"][0].permute(1, 2, 0).numpy() + 1) * 127.5).round()
    assert np.abs(sheet[:size_px, :size_px] - real_a).max() == 0


def plain_least_squares(judged, truth):
    patches, cam, _ = judged
    return ((patches - truth) ** 2).mean() + ((cam - truth) ** 2).mean()


def test_ugatit_losses_are_the_papers(accelerator):
    """Against the formulas written out, with fakes computed anew and pictures of each domain apart."""
    recipe, again = small("ugatit"), small("ugatit")
    batch = pictures()
    real_a, real_b = batch["real_a"], batch["real_b"]
    losses = recipe.step(batch, accelerator)
    nets = again.networks
    fake_b, cam_ab, _ = nets["gen_ab"](real_a)
    fake_a, cam_ba, _ = nets["gen_ba"](real_b)
    judged = {}
    for domain, real, fake in (("a", real_a, fake_a), ("b", real_b, fake_b)):
        judged[domain] = sum(
            plain_least_squares(nets[kind + domain](real), 1)
            + plain_least_squares(nets[kind + domain](fake), 0)
            for kind in ("global_", "local_")
        )
    assert losses["disc_a"].item() == pytest.approx(judged["a"].item(), rel=1e-4)
    assert losses["disc_b"].item() == pytest.approx(judged["b"].item(), rel=1e-4)
    rec_a, rec_b = nets["gen_ba"](fake_b)[0], nets["gen_ab"](fake_a)[0]
    same_a, cam_aa, _ = nets["gen_ba"](real_a)
    same_b, cam_bb, _ = nets["gen_ab"](real_b)
    cycle = (rec_a - real_a).abs().mean() + (rec_b - real_b).abs().mean()
    identity = (same_a - real_a).abs().mean() + (same_b - real_b).abs().mean()
    cam = -sum(c.sigmoid().log().mean() for c in (cam_ab, cam_ba))
    cam = cam - sum((1 - c.sigmoid()).log().mean() for c in (cam_aa, cam_bb))
    assert losses["cycle"].item() == pytest.approx(cycle.item(), rel=1e-4)
    assert losses["identity"].item() == pytest.approx(identity.item(), rel=1e-4)
    assert losses["cam"].item() == pytest.approx(cam.item(), rel=1e-4)


def test_ugatit_weighs_its_losses_and_detaches_the_discriminators_fakes(accelerator):
    """With all weights but one at zero only that loss can move a generator; rho stays within 0 and 1."""
    moved = {}
    for name in ("adversarial", "cycle", "identity", "cam"):
        zero = {f"{n}_weight": 0.0 for n in ("adversarial", "cycle", "identity", "cam") if n != name}
        torch.manual_seed(0)
        settings = ugatit.Settings(size_px=SIZE_PX, light=True, channels=2, blocks=1, weight_decay=0, **zero)
        recipe = ugatit.UGATIT(settings, pictures())
        before = recipe.networks["gen_ab"].gap_fc.weight.clone()
        recipe.step(pictures(), accelerator)
        moved[name] = not torch.equal(before, recipe.networks["gen_ab"].gap_fc.weight)
    assert moved == {"adversarial": True, "cycle": True, "identity": True, "cam": True}


def test_ugatit_clips_rho(accelerator):
    recipe = small("ugatit")
    generator = recipe.networks["gen_ab"]
    with torch.no_grad():
        generator.bottleneck[0].norm1.rho.fill_(1.5)
        generator.decoder[2].rho.fill_(-0.5)
    recipe.step(pictures(), accelerator)
    rhos = [p for name, p in generator.named_parameters() if name.endswith("rho")]
    assert len(rhos) == 4
    assert all(rho.min() >= 0 and rho.max() <= 1 for rho in rhos)
    assert generator.bottleneck[0].norm1.rho.max() == 1
    assert generator.decoder[2].rho.min() == 0


def test_ugatit_has_a_global_and_a_local_discriminator_for_each_domain():
    recipe = small("ugatit")
    judges = {name: net for name, net in recipe.networks.items() if isinstance(net, UgatitDiscriminator)}
    assert {
        name: len([m for m in net.features if isinstance(m, nn.Conv2d)]) for name, net in judges.items()
    } == {
        "global_a": 6,
        "local_a": 4,
        "global_b": 6,
        "local_b": 4,
    }


def test_cyclegan_losses_are_the_papers(accelerator):
    recipe, again = small("cyclegan"), small("cyclegan")
    batch = pictures()
    losses = recipe.step(batch, accelerator)
    nets, real_a, real_b = again.networks, batch["real_a"], batch["real_b"]
    fake_b, fake_a = nets["gen_ab"](real_a), nets["gen_ba"](real_b)
    told = {"a": nets["disc_a"](fake_a), "b": nets["disc_b"](fake_b)}
    adversarial = sum(((t - 1) ** 2).mean() for t in told.values())
    cycle = (nets["gen_ba"](fake_b) - real_a).abs().mean() + (nets["gen_ab"](fake_a) - real_b).abs().mean()
    disc_a = (((nets["disc_a"](real_a) - 1) ** 2).mean() + (told["a"] ** 2).mean()) / 2
    assert losses["gen_adversarial"].item() == pytest.approx(adversarial.item(), rel=1e-4)
    assert losses["cycle"].item() == pytest.approx(cycle.item(), rel=1e-4)
    assert losses["disc_a"].item() == pytest.approx(disc_a.item(), rel=1e-4)


def test_pix2pix_losses_are_the_papers(accelerator):
    settings = pix2pix.Settings(size_px=32, channels=2, both_directions=False)
    batch = pictures(32)
    torch.manual_seed(0)
    recipe = pix2pix.Pix2Pix(settings, batch)
    torch.manual_seed(0)
    again = pix2pix.Pix2Pix(settings, batch)
    losses = recipe.step(batch, accelerator)
    assert set(recipe.networks) == {"gen_ab", "disc_ab"}
    fake = again.networks["gen_ab"](batch["real_a"])
    assert losses["l1_ab"].item() == pytest.approx((fake - batch["real_b"]).abs().mean().item(), rel=1e-4)
    judge = again.networks["disc_ab"]
    on_fake = judge(torch.cat([batch["real_a"], fake], 1)).sigmoid()
    on_real = judge(torch.cat([batch["real_a"], batch["real_b"]], 1)).sigmoid()
    expected = -((1 - on_fake).log().mean() + on_real.log().mean()) / 2
    assert losses["disc_ab"].item() == pytest.approx(expected.item(), rel=1e-4)


def test_pix2pix_refuses_a_size_it_cannot_halve():
    with pytest.raises(WebcastError, match="not 48"):
        pix2pix.Pix2Pix(pix2pix.Settings(size_px=48), {})


def test_pix2pix_translates_a_picture_the_same_way_each_time():
    torch.manual_seed(0)
    generator = pix2pix_networks.Generator(channels=2, levels=6)
    x = pictures(64)["real_a"]
    assert not torch.equal(generator(x), generator(x)), "dropout is on in training"
    generator.eval()
    torch.testing.assert_close(generator(x)[:1], generator(x[:1]))


def test_the_learning_rate_is_constant_and_then_falls_to_nothing():
    rates = [half_constant(step, 10) for step in range(1, 11)]
    assert rates == pytest.approx([1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0])


def test_the_pool_gives_back_older_fakes_half_of_the_time(accelerator):
    pool = ImagePool(3, seed=0)
    fakes = torch.arange(200.0).view(-1, 1, 1, 1)
    given = torch.cat([pool.swap(fake[None], accelerator) for fake in fakes]).flatten()
    assert given[:3].tolist() == [0, 1, 2]
    older = given[3:] < fakes.flatten()[3:]
    assert 70 < older.sum() < 130
    held = {fake.item() for fake in pool.fakes}
    assert sorted([*given.tolist()[3:], *held]) == sorted([0, 1, 2, *range(3, 200)])


def test_a_pool_of_none_gives_back_what_it_got(accelerator):
    fakes = torch.rand(3, 3, 2, 2)
    assert torch.equal(ImagePool(0, seed=0).swap(fakes, accelerator), fakes)


def test_frozen_networks_pass_gradients_on_and_get_none():
    network, x = nn.Linear(2, 1), torch.rand(1, 2, requires_grad=True)
    with freeze([network]):
        network(x).sum().backward()
    assert network.weight.grad is None
    assert x.grad is not None
    assert network.weight.requires_grad


def test_uvcgan2_has_the_papers_parameters():
    """Counted from the reference's layers: U-Net of 48, 96, 192, 384, twelve blocks of 384, head of 512."""
    c, s = (lambda i, o, k: i * o * k * k + o), (lambda i, o: i * o + o)
    levels = 0
    for outer, inner in ((48, 48), (48, 96), (96, 192), (192, 384)):
        levels += c(outer, inner, 3) + c(inner, inner, 3) + c(inner, inner, 2) + c(inner, inner, 3)
        levels += c(2 * inner, inner, 3) + c(inner, outer, 3) + s(384, 2 * inner) + s(384, inner) + 2
    block = 4 * s(384, 384) + s(384, 1536) + s(1536, 384) + 4 * 384 + 1
    middle = s(2, 384) + s(768, 384) + 384 + 12 * block + s(384, 384)
    body = 2_764_737 - c(512, 1, 4)
    with torch.device("meta"):
        assert count(uvcgan2_networks.Generator()) == c(3, 48, 3) + levels + middle + c(48, 3, 1)
        assert count(uvcgan2_networks.Discriminator()) == body + 2 * 512 + c(512, 512, 3) + c(512, 1, 3)


def test_uvcgan2_starts_without_attention_style_or_demodulated_size():
    torch.manual_seed(0)
    middle = uvcgan2_networks.TransformerBlock(24)
    tokens = torch.randn(2, 5, 24)
    assert torch.equal(middle(tokens), tokens)
    conv, x, style = uvcgan2_networks.ModulatedConv(4, 3, 6), torch.randn(2, 4, 8, 8), torch.randn(2, 6)
    length = conv.conv.weight.square().sum((1, 2, 3)).sqrt()
    torch.testing.assert_close(conv(x, style), conv.conv(x) / length.view(1, 3, 1, 1))
    torch.testing.assert_close(conv(x, style), conv(x, 5 * style))


def test_uvcgan2_losses_are_the_papers(accelerator):
    recipe, again = small("uvcgan2"), small("uvcgan2")
    batch = batch_for(recipe)
    losses = recipe.step(batch, accelerator)
    nets, real_a, real_b = again.networks, batch["real_a"], batch["real_b"]
    fake_b, fake_a = nets["gen_ab"](real_a), nets["gen_ba"](real_b)
    cycle = (nets["gen_ba"](fake_b) - real_a).abs().mean() + (nets["gen_ab"](fake_a) - real_b).abs().mean()
    assert losses["cycle"].item() == pytest.approx(cycle.item() / 2, rel=1e-4)
    none = again.queues["fake_a"]
    told = [
        (nets[f"disc_{d}"](fake, none)[0] - 1).square().mean() for d, fake in (("a", fake_a), ("b", fake_b))
    ]
    assert losses["gen_adversarial"].item() == pytest.approx(sum(told).item(), rel=1e-3)
    assert losses["penalty_a"].item() > 0


def test_uvcgan2_discriminators_see_earlier_pictures(accelerator):
    recipe = small("uvcgan2")
    for _ in range(2):
        recipe.step(batch_for(recipe), accelerator)
    assert {name: len(queue) for name, queue in recipe.queues.items()} == dict.fromkeys(recipe.queues, 3)
    judge, picture = recipe.networks["disc_a"], batch_for(recipe)["real_a"]
    judge.body.eval()
    alone, _ = judge(picture, recipe.queues["real_a"][:0])
    beside, _ = judge(picture, recipe.queues["real_a"])
    assert alone.shape == beside.shape
    assert not torch.allclose(alone, beside)
    kept = recipe.state()
    again = small("uvcgan2")
    again.restore(kept, torch.device("cpu"))
    assert all(torch.equal(again.queues[name], queue) for name, queue in kept.items())


def test_uvcgan2_is_pretrained_by_filling_in_and_starts_from_there(tmp_path, accelerator):
    torch.manual_seed(0)
    settings = uvcgan2.PretrainSettings(size_px=64, channels=3, blocks=1, learning_rate=3e-3)
    recipe = uvcgan2.Pretraining(settings, pictures(64))
    batch = pictures(64)
    losses = [sum(recipe.step(batch, accelerator).values()).item() for _ in range(30)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    assert recipe.picture(recipe.networks).shape == (6 * 64, 2 * 64, 3)
    recipe.export(recipe.networks, tmp_path)
    settings = uvcgan2.Settings(size_px=64, channels=3, blocks=1, disc_channels=2, pretrained=str(tmp_path))
    started = uvcgan2.UVCGAN2(settings, {})
    for name in ("gen_ab", "gen_ba"):
        weights = zip(
            started.networks[name].parameters(), recipe.networks["generator"].parameters(), strict=True
        )
        assert all(torch.allclose(a, b, atol=1e-3) and a.requires_grad for a, b in weights)
    rates = [recipe.rate(step, 50) for step in range(1, 51)]
    assert [rates[start] for start in (0, 10, 20, 30, 40)] == pytest.approx([1] * 5)
    assert rates[9] < 0.03


def test_masking_blackens_four_patches_in_ten():
    torch.manual_seed(0)
    hidden = uvcgan2.masked(torch.ones(8, 3, 256, 256))
    patches = hidden.unfold(2, 32, 32).unfold(3, 32, 32)
    assert torch.equal(patches.amax((1, 4, 5)), patches.amin((1, 4, 5)))
    assert (hidden == -1).float().mean().item() == pytest.approx(0.4, abs=0.05)


def test_the_lean_step_gives_the_published_steps_losses(accelerator):
    """Four steps from the same weights, fakes twice and nothing detached there, once and detached here."""
    small = {"size_px": 96, "channels": 4, "full": False, "compile": False, "device": "cpu"}
    small |= {"mixed_precision": "no", "cpu_time": False}
    worst, _ = ugatit_step.compare(Namespace(**small, warmup=3, steps=1))
    assert worst < ugatit_step.TOLERANCE["no"]
